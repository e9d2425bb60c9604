#include "host/cli/import_command.hpp"

#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/cli/run_options.hpp"
#include "host/cli/whole_number.hpp"
#include "host/domain/validate/text.hpp"
#include "host/importers/import_market.hpp"
#include "host/io/book_files.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {
namespace {

struct ImportOptions {
  std::vector<std::filesystem::path> files;
  std::filesystem::path book;
  std::string format;   ///< empty: that of the folder, else CSV
  std::size_t top = 0;  ///< 0: all
};

using Importer = std::function<Book(const std::vector<std::filesystem::path>&, Diagnostics&)>;

FileFormat format_of(const ImportOptions& options) {
  const bool has_parquet = std::filesystem::exists(options.book / "instruments.parquet");
  const bool parquet = options.format.empty() ? has_parquet : options.format == "parquet";
  return parquet ? FileFormat::parquet : FileFormat::csv;
}

void stop_at_errors(const Diagnostics& diagnostics) {
  if (diagnostics.has_errors()) { throw InputError(diagnostics); }
}

/// Everything is read and checked before the first file is written.
void import_market(const ImportOptions& options, const Importer& importer) {
  const FileFormat format = format_of(options);
  Diagnostics diagnostics;
  Book market = importer(options.files, diagnostics);
  stop_at_errors(diagnostics);
  const std::size_t imported = market.instruments.size();
  if (std::filesystem::exists(options.book / "book.toml")) {
    const Book existing = read_book(options.book, BookParts::market_only, diagnostics);
    stop_at_errors(diagnostics);
    market = merge_markets(existing, market, diagnostics);
    stop_at_errors(diagnostics);
  }
  write_book(market, options.book, format, BookParts::market_only);
  if (!diagnostics.items().empty()) { print_diagnostics(diagnostics); }
  std::printf("%zu instruments imported; the market in %s has %zu, on %zu underlyings, as of %s\n", imported,
              options.book.string().c_str(), market.instruments.size(), market.underlyings.size(),
              format_utc_time(market.as_of).c_str());
}

CLI::App* add_venue(CLI::App& import, const char* name, const char* description,
                    std::shared_ptr<ImportOptions> options) {
  CLI::App* venue = import.add_subcommand(name, description);
  venue->add_option("files", options->files, "JSON documents of the venue's public API, or tables; several add up")
      ->required();
  venue->add_option("-o,--out,--output", options->book, "Folder of the market; one that has a market is added to")
      ->required();
  venue->add_option("--format", options->format, "csv or parquet (default: that of the folder, else csv)")
      ->check(CLI::IsMember({"csv", "parquet"}));
  return venue;
}

}  // namespace

void add_import_command(CLI::App& app) {
  CLI::App* import = app.add_subcommand("import", "Make a market folder from a venue's public data, or add to one");
  import->require_subcommand(1);
  const auto deribit = std::make_shared<ImportOptions>(), binance = std::make_shared<ImportOptions>();
  add_venue(*import, "deribit", "get_instruments, get_book_summary_by_currency, ticker; option-chain tables", deribit)
      ->callback([deribit] { import_market(*deribit, import_deribit); });
  CLI::App* command = add_venue(*import, "binance",
                                "USDT-margined futures: exchangeInfo, ticker/24hr, premiumIndex, "
                                "openInterest, fundingInfo; daily tables",
                                binance);
  command
      ->add_option("--top", binance->top,
                   "Keep this many contracts, those with the largest open interest in USDT "
                   "(default: all)")
      ->check(whole_number(1, any_number));
  command->callback([binance] {
    const BinanceOptions options{binance->top == 0 ? std::nullopt : std::optional(binance->top)};
    import_market(*binance, [&](const auto& files, Diagnostics& d) { return import_binance(files, options, d); });
  });
}

}  // namespace tailmargin
