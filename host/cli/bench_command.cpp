// Throughput of the margin run by stage, on a made-up exchange. The answer is checked against the reference first.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "host/cli/commands.hpp"
#include "host/cli/run_options.hpp"
#include "host/cli/whole_number.hpp"
#include "host/io/model_file.hpp"
#include "host/synth/synth.hpp"

namespace tailmargin {
namespace {

struct BenchOptions {
  std::string model;
  std::uint64_t accounts = 10'000;
  int repeats = 3;
  bool json = false;
  RunOptions run;
};

struct Spread {
  double median = 0.0, low = 0.0, high = 0.0;
};

Spread spread(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values.front(), values.back()};
}

/// Margins of a small exchange against the reference backend; a wrong answer ends the bench.
void check_answer(const Model& model, RunConfig config) {
  const Book book = make_exchange(make_market(1), {40, 1});
  config.num_paths = 1000;
  config.progress = nullptr;
  const RunResult result = run_margin(book, model, config);
  config.backend = BackendChoice::reference;
  const RunResult reference = run_margin(book, model, config);
  for (std::size_t a = 0; a < result.margins.size(); ++a) {
    const double scale =
        std::max(std::fabs(reference.margins[a].es_usd), 1e-9 * reference.margins[a].gross_notional_usd);
    if (!(std::fabs(result.margins[a].es_usd - reference.margins[a].es_usd) <= 1e-3 * scale)) {
      throw std::runtime_error("the bench stops: account " + result.margins[a].account +
                               " differs from the reference backend");
    }
  }
}

using StageTimes = std::vector<std::pair<std::string, std::vector<double>>>;

void add_times(const RunResult& result, double total, StageTimes& times) {
  const auto add = [&times](const std::string& stage, double seconds) {
    const auto found =
        std::find_if(times.begin(), times.end(), [&](const auto& entry) { return entry.first == stage; });
    (found == times.end() ? times.emplace_back(stage, std::vector<double>{}) : *found).second.push_back(seconds);
  };
  for (const StageTime& stage : result.stages) { add(stage.stage, stage.seconds); }
  add("total", total);
}

/// Work of a stage and its unit, for a rate; zero work: no rate.
std::pair<double, std::string> stage_work(const RunResult& result, const RunOptions& run, const std::string& stage) {
  const double paths = static_cast<double>(run.num_paths);
  if (stage == "simulate") {
    return {paths * static_cast<double>(result.num_factors * result.num_steps), "factor-steps/s"};
  }
  if (stage == "revalue") { return {paths * static_cast<double>(result.num_columns), "values/s"}; }
  if (stage == "pnl") { return {static_cast<double>(result.position_paths), "position-paths/s"}; }
  if (stage == "tail") { return {static_cast<double>(result.margins.size()), "accounts/s"}; }
  return {0.0, ""};
}

void report(const BenchOptions& options, const RunResult& result, const StageTimes& times) {
  nlohmann::ordered_json json;
  json["backend"] = result.backend;
  json["device"] = result.device;
  json["accounts"] = options.accounts;
  json["paths"] = options.run.num_paths;
  json["repeats"] = options.repeats;
  json["peak_rss_bytes"] = peak_rss_bytes();
  if (!options.json) {
    std::printf("%s (%s): %s accounts, %llu columns, %s paths, %d runs after a warm-up\n", result.backend.c_str(),
                result.device.c_str(), with_thousands(static_cast<double>(options.accounts)).c_str(),
                static_cast<unsigned long long>(result.num_columns),
                with_thousands(static_cast<double>(options.run.num_paths)).c_str(), options.repeats);
  }
  for (const auto& [stage, seconds] : times) {
    const Spread s = spread(seconds);
    const auto [work, unit] = stage_work(result, options.run, stage);
    json["stages"][stage] = {{"seconds", s.median}, {"low", s.low}, {"high", s.high}};
    if (work > 0.0) {
      json["stages"][stage]["rate"] = work / s.median;
      json["stages"][stage]["unit"] = unit;
    }
    if (!options.json) {
      const std::string rate = work > 0.0 ? format_rate(work / s.median) + unit : "";
      std::printf("  %-18s %10s  (%s to %s)  %s\n", stage.c_str(), format_seconds(s.median).c_str(),
                  format_seconds(s.low).c_str(), format_seconds(s.high).c_str(), rate.c_str());
    }
  }
  if (options.json) { std::printf("%s\n", json.dump(2).c_str()); }
}

void bench(const BenchOptions& options) {
  Diagnostics diagnostics;
  const Model model = options.model.empty() ? parse_model(default_model_text(), "built-in model", diagnostics)
                                            : read_model(options.model, diagnostics);
  if (diagnostics.has_errors()) { throw InputError(diagnostics); }
  ProgressBar bar(parse_progress(options.run.progress));
  const RunConfig config = make_run_config(options.run, bar);
  check_answer(model, config);
  const Book book = make_exchange(make_market(1), {options.accounts, 1});
  StageTimes times;
  RunResult result;
  for (int repeat = 0; repeat <= options.repeats; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    result = run_margin(book, model, config);
    const double total = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (repeat > 0) { add_times(result, total, times); }  // the first run warms up
  }
  report(options, result, times);
}

}  // namespace

void add_bench_command(CLI::App& app) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App* command = app.add_subcommand("bench", "throughput by stage on a made-up exchange");
  command->add_option("--accounts", options->accounts, "accounts of the exchange")
      ->capture_default_str()
      ->check(whole_number(1, 100'000'000));
  command->add_option("--model", options->model, "model file; default: the built-in one");
  command->add_option("--repeats", options->repeats, "counted runs after the warm-up")
      ->capture_default_str()
      ->check(whole_number(1, 1000));
  command->add_flag("--json", options->json, "as JSON");
  add_run_options(*command, options->run);
  command->callback([options] { bench(*options); });
}

}  // namespace tailmargin
