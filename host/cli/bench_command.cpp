// Throughput of the margin run by stage and of the whole command, on books of named cases. The answer is checked
// against the reference first.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "host/bench/cases.hpp"
#include "host/cli/bench_report.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/run_options.hpp"
#include "host/cli/whole_number.hpp"
#include "host/io/book_files.hpp"
#include "host/io/model_file.hpp"
#include "host/io/run_files.hpp"
#include "host/prepare/prepare_run.hpp"
#include "tailmargin/whatif.hpp"

namespace tailmargin {
namespace {

using Clock = std::chrono::steady_clock;

struct BenchOptions {
  std::vector<std::string> cases;
  std::string model, book, format = "csv";
  std::uint64_t accounts = 0, positions = 0, instruments = 0, factors = 0, paths = 0;  // 0: the case's
  int repeats = 0;                                                                     // 0: 3, of what-ifs 20
  int whole_runs = 0;                                                                  // 0: as repeats
  bool terms = false, json = false;
  RunOptions run;
};

int num_repeats(const BenchOptions& options) { return options.repeats != 0 ? options.repeats : 3; }

double lap(Clock::time_point& last) {
  const auto now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - last).count();
  last = now;
  return seconds;
}

/// The case with what the command line overrides.
bench::Case choose_case(const std::string& name, const BenchOptions& options) {
  bench::Case chosen = bench::find_case(name);
  bench::BookShape& shape = chosen.shape;
  if (chosen.kind == bench::BookKind::exchange &&
      (options.positions != 0 || options.instruments != 0 || options.factors != 0)) {
    throw UsageError("the case 'exchange' is what tailmargin synth makes: only --accounts can change its size.");
  }
  if (options.accounts != 0) { shape.accounts = options.accounts; }
  if (options.positions != 0) { shape.positions = static_cast<std::uint32_t>(options.positions); }
  if (options.instruments != 0) { shape.instruments = static_cast<std::uint32_t>(options.instruments); }
  if (options.paths != 0) { chosen.paths = options.paths; }
  if (options.factors != 0) {
    bench::BookShape without = shape;
    without.perpetual_coins = 0;
    const std::uint64_t least = num_factors(without), step = bench::factors_of_perpetual_coin;
    if (options.factors < least || (options.factors - least) % step != 0) {
      throw UsageError("the case '" + name + "' can have " + std::to_string(least) + ", " +
                       std::to_string(least + step) + ", " + std::to_string(least + 2 * step) +
                       " and so on factors (a coin without options adds " + std::to_string(step) + ").");
    }
    shape.perpetual_coins = static_cast<std::uint32_t>((options.factors - least) / step);
  }
  return chosen;
}

/// A book of the same kind small enough for the reference: the same market and its first accounts.
bench::Case small_cut(bench::Case chosen) {
  const std::uint64_t few = chosen.kind == bench::BookKind::exchange
                                ? 40
                                : std::clamp<std::uint64_t>(2'000 / std::max(chosen.shape.positions, 1u), 3, 40);
  chosen.shape.accounts = std::min(chosen.shape.accounts, few);
  chosen.paths = std::min<std::uint64_t>(chosen.paths, 1'000);
  return chosen;
}

Model read_bench_model(const BenchOptions& options) {
  Diagnostics diagnostics;
  Model model = options.model.empty() ? parse_model(default_model_text(), "built-in model", diagnostics)
                                      : read_model(options.model, diagnostics);
  if (diagnostics.has_errors()) { throw InputError(diagnostics); }
  if (!options.terms) { model.terms.reset(); }
  model.crowding.reset();
  return model;
}

/// `tailmargin margin` on the written book, as a user would type it.
std::vector<std::string> margin_command(const BenchOptions& options, const bench::Case& chosen,
                                        const std::filesystem::path& book, const std::filesystem::path& run) {
  const RunOptions& o = options.run;
  std::vector<std::string> command = {bench::this_program().string(),
                                      "margin",
                                      book.string(),
                                      "-o",
                                      run.string(),
                                      "--paths",
                                      std::to_string(chosen.paths),
                                      "--seed",
                                      std::to_string(o.seed),
                                      "--backend",
                                      o.backend,
                                      "--threads",
                                      std::to_string(o.threads),
                                      "--isa",
                                      o.isa,
                                      "--tile",
                                      std::to_string(o.paths_per_tile),
                                      "--batch",
                                      std::to_string(o.accounts_per_batch),
                                      "--progress",
                                      "never"};
  if (!options.model.empty()) { command.insert(command.end(), {"--model", options.model}); }
  if (!options.terms) { command.push_back("--no-terms"); }
  command.push_back("--no-crowding");
  return command;
}

/// Whole processes; the book was just written, so it is in the file cache. Their margins must be those of the runs in
/// this process.
void run_whole(const BenchOptions& options, const bench::Case& chosen, const std::filesystem::path& work,
               CaseReport& report) {
  const int count = options.whole_runs != 0 ? options.whole_runs : num_repeats(options);
  const std::vector<std::string> command = margin_command(options, chosen, work / "book", work / "run");
  for (int i = 0; i < count; ++i) {
    const bench::ProcessRun run = bench::run_process(command);
    if (install_stop_signal().load()) { throw Interrupted("stopped"); }
    if (run.exit_code != 0) {
      throw std::runtime_error("tailmargin margin ended with exit code " + std::to_string(run.exit_code));
    }
    report.total.seconds.push_back(run.seconds);
    report.peak_rss_bytes = std::max(report.peak_rss_bytes, run.peak_rss_bytes);
    if (sha256_file(work / "run" / "margins.csv") != report.margins_sha256) {
      throw std::runtime_error("the bench stops: tailmargin margin wrote other margins than the runs in the bench");
    }
  }
}

void describe_book(const Book& book, const PreparedRun& run, CaseReport& report) {
  report.made = {book.accounts.size(),         book.positions.size(),   book.instruments.size(),
                 run.scenarios.factors.size(), run.scenarios.num_steps, run.accounts.columns.size(),
                 run.columns.num_columns};
}

/// Makes the book, writes it, runs it in this process.
void run_here(const bench::Case& chosen, const BenchOptions& options, const Model& model, const RunConfig& config,
              const std::filesystem::path& work, CaseReport& report) {
  auto last = Clock::now();
  const Book book = make_book(chosen);
  report.make_seconds = lap(last);
  write_book(book, work / "book", options.format == "csv" ? FileFormat::csv : FileFormat::parquet, BookParts::all);
  report.write_book_seconds = lap(last);
  report.repeats = bench::repeat_run(book, model, config, num_repeats(options), run_margin);
  report.ceilings = bench::measure_ceilings(report.repeats.last.backend, config);
  const PreparedRun run = prepare_run(book, model, chosen.paths, config.seed);
  describe_book(book, run, report);
  report.work = bench::stage_work(run, report.ceilings);
}

/// Answers for the first account on a prepared run; the first one must be what full runs give.
void run_whatif(const bench::Case& chosen, const Model& model, const RunConfig& config, int repeats,
                CaseReport& report) {
  auto last = Clock::now();
  const Book book = make_book(chosen);
  report.make_seconds = lap(last);
  const std::vector<Trade> trades = {{book.positions.front().instrument, -book.positions.front().quantity}};
  const WhatIf prepared(book, model, config);
  WhatIfMargins margins;
  report.repeats = bench::repeat_call([&] { margins = prepared.evaluate(0, trades); }, repeats);
  for (const StageTime& stage : prepared.stages()) {
    report.repeats.stages.push_back({stage.stage, {{stage.seconds}}});
  }
  report.repeats.last.backend = prepared.backend();
  report.repeats.last.device = prepared.device();
  report.repeats.last.margins = {margins.before, margins.after};
  report.total = report.repeats.run;
  report.peak_rss_bytes = peak_rss_bytes();
  describe_book(book, prepare_run(book, model, chosen.paths, config.seed), report);
}

CaseReport measure_case(const bench::Case& chosen, const BenchOptions& options, const Model& model) {
  const bench::TemporaryFolder work;
  ProgressBar bar(parse_progress(options.run.progress));
  RunConfig config = make_run_config(options.run, bar);
  CaseReport report;
  report.name = chosen.name;
  report.measured = chosen.measured;
  report.model = model.name;
  report.seed = config.seed;
  report.paths = chosen.paths;

  const bench::Case cut = small_cut(chosen);
  config.num_paths = cut.paths;
  bench::check_answer(make_book(cut), model, config, run_margin);
  const bool whatif = chosen.measured == bench::Measured::whatif;
  if (whatif) { bench::check_whatif(make_book(cut), model, config); }

  config.num_paths = chosen.paths;
  if (whatif) {
    run_whatif(chosen, model, config, options.repeats != 0 ? options.repeats : 20, report);
    report.margins_sha256 = sha256_file(write_margins(report.repeats.last.margins, work.path(), FileFormat::csv));
    return report;
  }
  run_here(chosen, options, model, config, work.path(), report);
  report.margins_sha256 = sha256_file(write_margins(report.repeats.last.margins, work.path(), FileFormat::csv));
  run_whole(options, chosen, work.path(), report);
  return report;
}

void write_case_book(const BenchOptions& options) {
  if (options.cases.size() != 1) { throw UsageError("--write-book writes the book of one case: name it."); }
  if (std::filesystem::exists(std::filesystem::path(options.book) / "book.toml")) {
    throw UsageError(options.book + " already holds a book (it would be overwritten). Choose another folder.");
  }
  const Book book = make_book(choose_case(options.cases.front(), options));
  write_book(book, options.book, options.format == "csv" ? FileFormat::csv : FileFormat::parquet, BookParts::all);
  std::printf("%zu accounts with %zu positions in %zu instruments written to %s\n", book.accounts.size(),
              book.positions.size(), book.instruments.size(), options.book.c_str());
}

void run_bench(BenchOptions options) {
  if (options.cases.empty()) { options.cases = {"exchange"}; }
  if (!options.book.empty()) { return write_case_book(options); }
  const Model model = read_bench_model(options);
  std::vector<bench::Case> chosen;
  for (const std::string& name : options.cases) { chosen.push_back(choose_case(name, options)); }
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const bench::Case& c : chosen) {
    const CaseReport report = measure_case(c, options, model);
    if (options.json) {
      json.push_back(case_json(report));
    } else {
      std::fputs(case_text(report).c_str(), stdout);
      std::fflush(stdout);  // cases may take minutes
    }
  }
  if (options.json) { std::printf("%s\n", (json.size() == 1 ? json.front() : json).dump(2).c_str()); }
}

std::string case_names() {
  std::string names;
  for (const bench::Case& c : bench::cases()) { names += (names.empty() ? "" : ", ") + c.name; }
  return names;
}

}  // namespace

void add_bench_command(CLI::App& app) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App* command = app.add_subcommand("bench", "throughput by stage and of the whole command, on made books");
  command->add_option("CASE", options->cases, "one or more of " + case_names() + "; default: exchange");
  command->add_option("--accounts", options->accounts, "accounts; default: the case's")
      ->check(whole_number(1, 100'000'000));
  command->add_option("--positions", options->positions, "positions of every account; default: the case's")
      ->check(whole_number(1, 1'000'000));
  command->add_option("--instruments", options->instruments, "instruments; default: the case's")
      ->check(whole_number(1, 1'000'000));
  command->add_option("--factors", options->factors, "factors under the built-in model; default: the case's")
      ->check(whole_number(1, 10'000));
  command->add_option("--model", options->model, "model file; default: the built-in one");
  command->add_flag("--terms", options->terms, "with the model's margin terms, which the cases leave out");
  command
      ->add_option("--repeats", options->repeats,
                   "counted runs in this process after the warm-up; default: 3, of whatif 20")
      ->check(whole_number(1, 1000));
  command->add_option("--whole-runs", options->whole_runs, "runs of the whole command; default: as many")
      ->check(whole_number(1, 1000));
  command->add_option("--format", options->format, "of the book the whole command reads: csv or parquet")
      ->capture_default_str()
      ->check(CLI::IsMember({"csv", "parquet"}).description(""));
  command->add_option("--write-book", options->book, "write the book of one case into this folder, and nothing else");
  command->add_flag("--json", options->json, "as JSON: an object, of several cases an array of them");
  add_run_options(*command, options->run);
  CLI::Option* paths = command->get_option("--paths");
  paths->default_str("the case's");
  command->callback([options, paths] {
    options->paths = paths->count() != 0 ? options->run.num_paths : 0;
    run_bench(*options);
  });
}

}  // namespace tailmargin
