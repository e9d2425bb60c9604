#include <chrono>
#include <cstdio>
#include <stdexcept>

#include "host/cli/commands.hpp"
#include "host/cli/explain_report.hpp"
#include "host/cli/find_name.hpp"
#include "host/cli/run_options.hpp"
#include "host/cli/whole_number.hpp"
#include "host/io/book_files.hpp"
#include "host/io/crowding_files.hpp"
#include "host/io/run_files.hpp"
#include "host/io/run_record.hpp"
#include "host/io/venue_files.hpp"
#include "tailmargin/explain.hpp"

namespace tailmargin {
namespace {

using Clock = std::chrono::steady_clock;

struct ExplainCommand {
  std::string run, account, book, paths_by = "loss", progress = "auto";
  std::uint32_t paths_shown = 5;
  std::uint64_t holdings_shown = 30;
  int threads = 0;
  bool json = false;
};

/// A run read back, ready to be computed again.
struct KnownRun {
  RunRecord record;
  std::filesystem::path book_folder, margins_file;
  std::filesystem::path crowding_file, venues_file;  ///< empty: the run wrote none
  Model model;
  Book book;
  AccountId account = 0;
};

KnownRun read_run(const ExplainCommand& options, Diagnostics& diagnostics) {
  const auto stop_at_errors = [&] {
    if (diagnostics.has_errors()) { throw InputError(diagnostics); }
  };
  KnownRun run;
  run.record = read_run_record(options.run, diagnostics);
  stop_at_errors();
  run.book_folder = options.book.empty() ? run.record.book : std::filesystem::path(options.book);
  if (!std::filesystem::exists(run.book_folder)) {
    diagnostics.error(run.book_folder.string(), 0, "", "",
                      "the run's book is not there. Say where it is now with --book.");
    stop_at_errors();
  }
  check_book_files(run.record, run.book_folder, diagnostics);
  run.margins_file = margins_of_run(run.record, diagnostics);
  run.crowding_file = output_of_run(run.record, "crowding.csv", diagnostics);
  run.venues_file = output_of_run(run.record, "venue_accounts.csv", diagnostics);
  run.model = model_of_run(run.record, default_model_text(), diagnostics);
  stop_at_errors();
  run.book = read_book(run.book_folder, BookParts::all, diagnostics);
  stop_at_errors();
  run.account = find_name(
      run.book.accounts, options.account, [](const std::string& name) { return name; }, "--account", "account",
      diagnostics);
  stop_at_errors();
  return run;
}

RunConfig make_config(const ExplainCommand& options, const RunRecord& record, ProgressBar& bar) {
  RunConfig config = record.config;
  config.backend = record.backend == "reference" ? BackendChoice::reference : BackendChoice::cpu;
  config.threads = options.threads;
  config.stop = &install_stop_signal();
  if (bar.enabled()) {
    config.progress = [&bar](const std::string& stage, double fraction) { bar.show(stage, fraction); };
  }
  return config;
}

/// The scenarios and prices must be those of the run, and so must every figure of the account.
void check_same(const KnownRun& run, const Explanation& found) {
  const RunRecord& record = run.record;
  const std::string& tables = found.prepared_tables;
  if (sha256_bytes(tables.data(), tables.size()) != record.prepared_sha256) {
    Diagnostics diagnostics;
    diagnostics.error(record.manifest.string(), 0, "outputs/prepared.bin", record.prepared_sha256,
                      "scenarios and prices are not those of the run (" +
                          (record.version == TAILMARGIN_VERSION ? "another build of tailmargin " + record.version
                                                                : "tailmargin " + record.version) +
                          " computed it, this is " + TAILMARGIN_VERSION +
                          "; or the file was edited). Explain it with that one, or run `tailmargin margin` again.");
    throw InputError(diagnostics);
  }
  for (const AccountMargin& row : read_margins(run.margins_file)) {
    if (row.account != found.margin.account) { continue; }
    const std::vector<std::string> other = different_columns(row, found.margin);
    if (other.empty()) { return; }
    throw std::runtime_error("account " + row.account + " computed again differs from " + run.margins_file.string() +
                             " in " + other.front() + " and " + std::to_string(other.size() - 1) +
                             " more columns (the same inputs must give the same bits)");
  }
  throw std::runtime_error("account " + found.margin.account + " is not in " + run.margins_file.string());
}

void add_notes(const RunRecord& record, Explanation& out) {
  if (record.backend == "cuda") {
    out.notes.push_back("the run was on the cuda backend; the processor gives the same bits");
  }
  if (record.config.control_variate) {
    out.notes.push_back("the margin takes the plain ES, and so does this; controlled_es.csv is a check beside it");
  }
}

void explain(const ExplainCommand& options) {
  const auto start = Clock::now();
  Diagnostics diagnostics;
  const KnownRun run = read_run(options, diagnostics);
  const double read_seconds = std::chrono::duration<double>(Clock::now() - start).count();
  ProgressBar bar(parse_progress(options.progress));
  const RunConfig config = make_config(options, run.record, bar);
  ExplainReport report;
  const PathOrder order = options.paths_by == "part" ? PathOrder::part : PathOrder::loss;
  report.explanation = explain_account(run.book, run.model, config, run.account, {options.paths_shown, order});
  report.explanation.stages.insert(report.explanation.stages.begin(), {"read", read_seconds});
  check_same(run, report.explanation);
  add_notes(run.record, report.explanation);
  if (!run.crowding_file.empty()) { report.crowding = read_crowding(run.crowding_file, options.account); }
  if (!run.venues_file.empty()) { report.venues = read_venue_account(run.venues_file, options.account); }
  report.run = options.run;
  report.book = run.book_folder.string();
  report.margins_file = run.margins_file.filename().string();
  report.model = run.model.name + (run.record.model_sha256.empty() ? " (built in)" : "");
  report.sampler = config.sampler;
  report.num_paths = config.num_paths;
  report.seed = config.seed;
  report.holdings_shown = options.holdings_shown;
  report.total_seconds = std::chrono::duration<double>(Clock::now() - start).count();
  print_diagnostics(diagnostics);
  std::fputs(
      (options.json ? explain_json(run.book, run.model, report) : explain_text(run.book, run.model, report)).c_str(),
      stdout);
}

}  // namespace

void add_explain_command(CLI::App& app) {
  auto options = std::make_shared<ExplainCommand>();
  CLI::App* command = app.add_subcommand("explain", "why the margin of one account of a run is what it is");
  command->add_option("RUN", options->run, "folder that `tailmargin margin -o` wrote")->required();
  command->add_option("--account", options->account, "whose margin")->required();
  command->add_option("--book", options->book, "where the run's book is now; default: where the run read it");
  command->add_option("--paths-shown", options->paths_shown, "worst paths to show")
      ->capture_default_str()
      ->check(whole_number(0, 100'000));
  command->add_option("--paths-by", options->paths_by, "which first: by loss, or by part of the ES")
      ->capture_default_str()
      ->check(CLI::IsMember({"loss", "part"}).description(""));
  command->add_option("--holdings-shown", options->holdings_shown, "holdings to list, the largest shares first; 0: all")
      ->capture_default_str()
      ->check(whole_number(0, any_number));
  command->add_option("--threads", options->threads, "cpu threads; 0: all")
      ->capture_default_str()
      ->check(whole_number(0, 1024));
  command->add_option("--progress", options->progress, "progress bar on stderr: auto (on a terminal), always, never")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "always", "never"}).description(""));
  command->add_flag("--json", options->json, "as JSON on stdout");
  command->callback([options] { explain(*options); });
}

}  // namespace tailmargin
