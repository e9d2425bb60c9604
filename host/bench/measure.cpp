#include "host/bench/measure.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <stdexcept>

#include "tailmargin/whatif.hpp"

namespace tailmargin::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Largest relative difference of an ES from the reference's; the bound of docs/accuracy.md with room to spare, so that
/// a wrong answer is one that is plainly wrong.
constexpr double largest_difference = 1e-3;

void add_times(const RunResult& result, std::vector<StageTimes>& stages) {
  for (const StageTime& stage : result.stages) {
    const auto found =
        std::find_if(stages.begin(), stages.end(), [&](const StageTimes& s) { return s.stage == stage.stage; });
    (found == stages.end() ? stages.emplace_back(StageTimes{stage.stage, {}}) : *found)
        .times.seconds.push_back(stage.seconds);
  }
}

}  // namespace

void check_answer(const Book& book, const Model& model, RunConfig config, const Engine& engine) {
  config.progress = nullptr;
  const RunResult result = engine(book, model, config);
  config.backend = BackendChoice::reference;
  const RunResult reference = engine(book, model, config);
  if (result.margins.size() != reference.margins.size()) {
    throw std::runtime_error("the bench stops: the reference backend has another number of accounts");
  }
  for (std::size_t a = 0; a < result.margins.size(); ++a) {
    const AccountMargin& margin = result.margins[a];
    const AccountMargin& right = reference.margins[a];
    const double scale = std::max(std::fabs(right.es_usd), 1e-9 * right.gross_notional_usd);
    if (margin.account != right.account || !(std::fabs(margin.es_usd - right.es_usd) <= largest_difference * scale)) {
      throw std::runtime_error("the bench stops: account " + margin.account + " has an ES of " +
                               std::to_string(margin.es_usd) + " USD, by the reference backend " +
                               std::to_string(right.es_usd));
    }
  }
}

void check_whatif(const Book& book, const Model& model, RunConfig config) {
  config.progress = nullptr;
  const Position& given_up = book.positions.front();
  const WhatIfMargins found = WhatIf(book, model, config).evaluate(0, {{given_up.instrument, -given_up.quantity}});
  Book after = book;
  after.positions.erase(after.positions.begin());
  const auto same = [](const AccountMargin& a, const AccountMargin& b) {
    return a.es_usd == b.es_usd && a.es_se_usd == b.es_se_usd && a.var_usd == b.var_usd;
  };
  if (!same(found.before, run_margin(book, model, config).margins.front()) ||
      !same(found.after, run_margin(after, model, config).margins.front())) {
    throw std::runtime_error("the bench stops: the what-if of account " + found.before.account +
                             " is not what full runs give");
  }
}

double Times::median() const {
  std::vector<double> sorted = seconds;
  std::sort(sorted.begin(), sorted.end());
  const std::size_t n = sorted.size();
  return n % 2 == 1 ? sorted[n / 2] : 0.5 * (sorted[n / 2 - 1] + sorted[n / 2]);
}
double Times::low() const { return *std::min_element(seconds.begin(), seconds.end()); }
double Times::high() const { return *std::max_element(seconds.begin(), seconds.end()); }

Repeats repeat_run(const Book& book, const Model& model, const RunConfig& config, int count, const Engine& engine) {
  Repeats repeats;
  for (int i = 0; i <= count; ++i) {
    repeats.last = {};  // before the next one: two results of a large case are a lot of memory
    const auto start = Clock::now();
    repeats.last = engine(book, model, config);
    const double seconds = seconds_since(start);
    if (i == 0) {
      repeats.warm_up_seconds = seconds;
    } else {
      repeats.run.seconds.push_back(seconds);
      add_times(repeats.last, repeats.stages);
    }
  }
  return repeats;
}

Repeats repeat_call(const std::function<void()>& call, int count) {
  Repeats repeats;
  for (int i = 0; i <= count; ++i) {
    const auto start = Clock::now();
    call();
    (i == 0 ? repeats.warm_up_seconds : repeats.run.seconds.emplace_back()) = seconds_since(start);
  }
  return repeats;
}

}  // namespace tailmargin::bench
