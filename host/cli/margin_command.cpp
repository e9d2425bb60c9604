#include <chrono>
#include <cstdio>
#include <optional>

#include "host/cli/commands.hpp"
#include "host/cli/liquidation_parts.hpp"
#include "host/cli/margin_summary.hpp"
#include "host/cli/run_options.hpp"
#include "host/io/book_files.hpp"
#include "host/io/collateral_files.hpp"
#include "host/io/crowding_files.hpp"
#include "host/io/exchange_files.hpp"
#include "host/io/run_files.hpp"
#include "host/io/staged_folder.hpp"
#include "host/io/venue_files.hpp"

namespace tailmargin {
namespace {

struct MarginOptions {
  std::string command_line, book, out, model, format = "csv";
  bool keep_tails = false, fit_tails = false, control_variate = false, contributions = false, no_terms = false,
       keep_shortfalls = false, no_crowding = false, keep_liquidations = false, json = false;
  std::vector<std::string> liquidations;
  std::optional<double> insurance_fund_usd;
  RunOptions run;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void write_run(const MarginOptions& options, const Book& book, const ChosenModel& chosen, const RunConfig& config,
               RunResult& result, Diagnostics& diagnostics, std::chrono::steady_clock::time_point start,
               StagedFolder& staged) {
  const std::filesystem::path& out = staged.path();
  const auto write_start = std::chrono::steady_clock::now();
  RunManifest manifest;
  manifest.margins_file =
      write_margins(result.margins, out, options.format == "csv" ? FileFormat::csv : FileFormat::parquet);
  if (options.keep_tails) { write_tail_paths(result.margins, out); }
  if (options.fit_tails) { write_tail_fits(result.margins, out); }
  if (chosen.model.terms) {
    write_terms(result.margins, out);
    write_regime_es(result.margins, chosen.model, out);
  }
  if (options.control_variate) { write_controlled_es(result.margins, out); }
  if (options.contributions) { write_contributions(result.contributions, book, out); }
  write_wrong_way(result.wrong_way, out);
  write_venues(result.venues, out);
  manifest.exchange_file = write_exchange(result.exchange, out, result.crowding ? &*result.crowding : nullptr);
  if (result.crowding) { write_crowding(result.margins, out); }
  if (options.keep_liquidations) { write_liquidations(result.liquidations, out); }
  if (options.keep_shortfalls) { write_shortfalls(result.shortfalls, out); }
  write_prepared_tables(result.prepared_tables, out);
  result.stages.push_back({"write", seconds_since(write_start)});
  for (const Diagnostic& w : result.warnings) { diagnostics.warning(w.file, w.row, w.field, w.value, w.reason); }
  manifest.command_line = options.command_line;
  manifest.book_folder = options.book;
  manifest.model_file = chosen.file;
  manifest.total_seconds = seconds_since(start);
  manifest.peak_rss_bytes = peak_rss_bytes();
  write_run_manifest(manifest, config, chosen.model, result, diagnostics, out);
  // Outdated: of an earlier run into this folder.
  staged.commit({"errors.csv", "tail_paths.parquet", "tail_fits.csv", "controlled_es.csv", "contributions.csv",
                 "terms.csv", "regime_es.csv", "wrong_way.csv", "venues.csv", "venue_accounts.csv", "shortfalls.bin",
                 "crowding.csv", "liquidations.bin"});
}

void check_crowding_options(const MarginOptions& options, const Model& model) {
  if (model.crowding || (!options.keep_liquidations && options.liquidations.empty())) { return; }
  if (options.no_crowding) {
    throw UsageError(
        "--no-crowding leaves out what --keep-liquidations and --liquidations are about. Leave one or the other out.");
  }
  throw UsageError(
      "--keep-liquidations and --liquidations need a model with [crowding] (nothing is liquidated without it). Add the "
      "table to the model, or leave them out.");
}

void margin(const MarginOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  StagedFolder staged(options.out);
  Diagnostics diagnostics;
  ChosenModel chosen = choose_model(options.model, options.book, diagnostics);
  if (options.no_terms) { chosen.model.terms.reset(); }
  if (options.no_crowding) { chosen.model.crowding.reset(); }
  Book book = read_book(options.book, BookParts::all, diagnostics);
  if (diagnostics.has_errors()) { reject_input(diagnostics, staged); }
  check_crowding_options(options, chosen.model);
  const std::optional<PathLiquidations> liquidations =
      read_liquidation_parts(options.liquidations, chosen.model, book, diagnostics);
  if (diagnostics.has_errors()) { reject_input(diagnostics, staged); }
  if (options.insurance_fund_usd) { book.insurance_fund_usd = options.insurance_fund_usd; }
  const double read_seconds = seconds_since(start);

  RunResult result;
  RunConfig config;
  try {
    ProgressBar bar(parse_progress(options.run.progress));
    config = make_run_config(options.run, bar);
    config.keep_tail_paths = options.keep_tails;
    config.fit_tails = options.fit_tails;
    config.control_variate = options.control_variate;
    config.contributions = options.contributions;
    config.keep_shortfalls = options.keep_shortfalls;
    config.keep_liquidations = options.keep_liquidations;
    config.liquidations = liquidations ? &*liquidations : nullptr;
    result = run_margin(book, chosen.model, config);
    result.liquidations.model = margins_number(chosen.model, book);
    config.progress = nullptr;  // the bar ends here
  } catch (const InputError& error) { reject_input(error.diagnostics(), staged); }
  result.stages.insert(result.stages.begin(), {"read", read_seconds});
  write_run(options, book, chosen, config, result, diagnostics, start, staged);
  if (!diagnostics.items().empty()) { print_diagnostics(diagnostics); }
  const std::string model_name = chosen.model.name + (chosen.file.empty() ? " (built in)" : "");
  if (options.json) {
    std::fputs(margin_summary_json(book, result, model_name, config, seconds_since(start)).c_str(), stdout);
  } else {
    std::fputs(
        margin_summary(book, result, chosen.model, model_name, config, options.out, seconds_since(start)).c_str(),
        stdout);
  }
}

}  // namespace

void add_margin_command(CLI::App& app, const std::string& command_line) {
  auto options = std::make_shared<MarginOptions>();
  options->command_line = command_line;
  CLI::App* command = app.add_subcommand("margin", "margin every account of a book");
  command->add_option("BOOK", options->book, "folder with book.toml and its tables")->required();
  command->add_option("-o,--out,--output", options->out, "folder for margins, run.json")->required();
  command->add_option("--model", options->model, "model file; default: BOOK/model.toml, else the built-in one");
  command->add_option("--format", options->format, "of the margins file: csv or parquet")
      ->capture_default_str()
      ->check(CLI::IsMember({"csv", "parquet"}).description(""));
  command->add_flag("--keep-tails", options->keep_tails, "also write tail_paths.parquet: the paths behind every ES");
  command->add_flag("--fit-tails", options->fit_tails,
                    "also write tail_fits.csv: ES by a generalised Pareto law fitted to every tail");
  command->add_flag("--control-variate", options->control_variate,
                    "also write controlled_es.csv: ES with less noise, by a control variate per account");
  command->add_flag("--contributions", options->contributions,
                    "also write contributions.csv: what every holding adds to its account's expected shortfall");
  command->add_flag("--no-terms", options->no_terms,
                    "margin = expected shortfall: leave out the model's terms (crisis start, add-ons, floors)");
  command
      ->add_option("--insurance-fund", options->insurance_fund_usd,
                   "what covers shortfalls of accounts, USD; default: insurance_fund_usd of the book")
      ->check([](const std::string& text) {  // CLI::Range lets NaN through
        double value = 0.0;
        const bool fits = CLI::detail::lexical_cast(text, value) && value >= 0.0 && value <= 1e15;
        return fits ? std::string{} : "Value " + text + " not in range 0 to 1e15";
      });
  command->add_flag(
      "--keep-shortfalls", options->keep_shortfalls,
      "also write shortfalls.bin: the summed shortfall of every path, to be added to other parts of a book");
  command->add_flag("--no-crowding", options->no_crowding,
                    "leave out the model's [crowding]: margins on prices that liquidations moved");
  command->add_flag(
      "--keep-liquidations", options->keep_liquidations,
      "also write liquidations.bin: what is liquidated on every path, to be added to other parts of a book");
  command->add_option("--liquidations", options->liquidations,
                      "liquidations.bin of all parts of the book, whose sum moves prices; default: the own accounts'");
  command->add_flag("--json", options->json, "summary as JSON on stdout");
  add_run_options(*command, options->run);
  command->callback([options] { margin(*options); });
}

}  // namespace tailmargin
