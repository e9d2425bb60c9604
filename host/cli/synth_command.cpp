#include "host/cli/synth_command.hpp"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "host/cli/run_options.hpp"
#include "host/cli/whole_number.hpp"
#include "host/io/book_files.hpp"
#include "host/synth/synth.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {
namespace {

struct SynthOptions {
  std::filesystem::path book, market;
  SynthConfig config;
  std::string format = "csv";
  bool force = false;
};

void synthesize(const SynthOptions& options) {
  if (!options.force && std::filesystem::exists(options.book / "book.toml")) {
    throw UsageError(options.book.string() +
                     " already holds a book (it would be overwritten). Choose another folder, or say --force.");
  }
  const std::atomic<bool>& stop = install_stop_signal();
  Diagnostics diagnostics;
  const Book market = options.market.empty() ? make_market(options.config.seed)
                                             : read_book(options.market, BookParts::market_only, diagnostics);
  if (diagnostics.has_errors()) { throw InputError(diagnostics); }
  if (!diagnostics.items().empty()) { print_diagnostics(diagnostics); }
  for (const std::string& note : synth::plan_archetypes(market).notes) {
    std::fprintf(stderr, "note: %s\n", note.c_str());
  }
  const Book book = make_exchange(market, options.config);
  if (stop.load()) { throw Interrupted("stopped"); }
  write_book(book, options.book, options.format == "csv" ? FileFormat::csv : FileFormat::parquet, BookParts::all);
  std::printf("%zu accounts with %zu positions in %zu instruments written to %s\n", book.accounts.size(),
              book.positions.size(), book.instruments.size(), options.book.string().c_str());
}

}  // namespace

void add_synth_command(CLI::App& app) {
  const auto options = std::make_shared<SynthOptions>();
  CLI::App* command =
      app.add_subcommand("synth", "Make up a realistic exchange: accounts, and a market if none is named");
  command->add_option("-o,--out,--output", options->book, "Folder of the book to write")->required();
  command->add_option("--accounts", options->config.num_accounts, "Number of accounts")
      ->required()
      ->check(whole_number(1, 100'000'000));
  command->add_option("--market", options->market, "Book whose market is traded (default: a made-up one)");
  command->add_option("--seed", options->config.seed, "Same seed, same files")
      ->capture_default_str()
      ->check(whole_number(0, any_number));
  command->add_option("--format", options->format, "csv or parquet")
      ->check(CLI::IsMember({"csv", "parquet"}))
      ->capture_default_str();
  command->add_flag("--force", options->force, "Overwrite a book that is there");
  command->callback([options] { synthesize(*options); });
}

}  // namespace tailmargin
