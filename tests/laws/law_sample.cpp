#include "tests/laws/law_sample.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <stdexcept>

#include "host/prepare/prepare_run.hpp"
#include "host/prepare/scenario_laws.hpp"
#include "tests/support/small_model.hpp"

namespace tailmargin::test {

Book book_of(const std::vector<std::string>& coins) {
  BookMaker maker;
  for (const std::string& coin : coins) { maker.underlying(coin, 100.0); }
  for (UnderlyingId u = 0; u < coins.size(); ++u) {
    maker.option(coins[u] + "-C", u, 60.0, 100.0, OptionType::call, 0.6);
    maker.future(coins[u] + "-F", u, 60.0, 100.0);
    maker.perpetual(coins[u] + "-PERP", u, Payoff::linear);
  }
  return maker.book();
}

Model one_regime(double horizon_hours, double step_hours, const std::array<double, num_factor_kinds>& vol) {
  Model model;
  model.name = "laws";
  model.horizon_hours = horizon_hours;
  model.step_hours = step_hours;
  model.regimes.push_back({"only", {{"*", vol}}});
  model.transition = {{1.0}};
  model.transition_hours = step_hours;
  return model;
}

ScenarioPlan plan_of(const Book& book, const Model& model) {
  Diagnostics diagnostics;
  ScenarioPlan plan = prepare_scenarios(book, model, diagnostics);
  for (const Diagnostic& d : diagnostics.items()) {
    if (d.severity == Severity::error) { throw std::runtime_error(d.field + ' ' + d.value + ": " + d.reason); }
  }
  return plan;
}

std::vector<Diagnostic> problems_of(const Book& book, const Model& model) {
  Diagnostics diagnostics;
  prepare_scenarios(book, model, diagnostics);
  return diagnostics.items();
}

std::uint32_t factor_of(const ScenarioPlan& plan, UnderlyingId underlying, FactorKind kind) {
  for (std::uint32_t f = 0; f < plan.factors.size(); ++f) {
    if (plan.factors[f].underlying == underlying && plan.factors[f].kind == kind) { return f; }
  }
  throw std::runtime_error("underlying " + std::to_string(underlying) + " has no " + to_string(kind));
}

LawSample::LawSample(const Book& book, const Model& model, const std::vector<FactorAt>& readings, std::uint64_t seed,
                     std::uint64_t num_paths, const std::vector<double>& regime_hours)
    : num_paths_(num_paths) {
  run_.seed = seed;
  run_.num_paths = num_paths;
  run_.scenarios = plan_of(book, model);
  std::vector<std::size_t> order(readings.size());  // observations rise in step
  for (std::size_t r = 0; r < order.size(); ++r) { order[r] = r; }
  const auto step_of = [&](double hours) { return static_cast<std::uint32_t>(std::llround(hours / model.step_hours)); };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return readings[a].hours < readings[b].hours; });
  for (const std::size_t r : order) {
    run_.scenarios.observations.push_back(
        {step_of(readings[r].hours), factor_of(run_.scenarios, readings[r].underlying, readings[r].kind)});
  }
  values_.assign(readings.size(), std::vector<float>(num_paths));
  regimes_.assign(regime_hours.size(), std::vector<std::uint8_t>(num_paths));

  const SimulateTables tables(run_);
  const SimulatePayload in = tables.payload();
  constexpr std::uint64_t chunk = 64 * 256;
  for (std::uint64_t first = 0; first < num_paths; first += chunk) {
    const std::uint64_t n = std::min(chunk, num_paths - first);
    const Scenarios paths = simulate<64>(in, n, first);
    for (std::size_t row = 0; row < order.size(); ++row) {
      std::copy_n(&paths.values[row * paths.stride], n,
                  values_[order[row]].begin() + static_cast<std::ptrdiff_t>(first));
    }
    for (std::size_t t = 0; t < regime_hours.size(); ++t) {
      std::copy_n(&paths.regimes[step_of(regime_hours[t]) * paths.stride], n,
                  regimes_[t].begin() + static_cast<std::ptrdiff_t>(first));
    }
  }
  for (const std::uint32_t weight : sample_weights(run_.scenarios, run_.points, seed, num_paths)) {
    weights_.push_back(weight / weight_unit);
  }
}

void expect_law(const std::string& check, const Estimate& ours, double outside, double sigmas) {
  EXPECT_NEAR(ours.value, outside, sigmas * ours.se) << check << ": s.e. " << ours.se;
  char text[120];
  std::snprintf(text, sizeof text, "%.7g | %.7g | %.2g | %.1f", ours.value, outside, ours.se, sigmas);
  testing::Test::RecordProperty(check, text);
}

void expect_tail(const std::string& check, const LawSample& sample, std::size_t reading, double side, double confidence,
                 double var, double es, double sigmas) {
  const auto n = static_cast<double>(sample.num_paths());
  const double alpha = 1.0 - confidence;
  const auto loss = [&](std::uint64_t p) { return -side * sample.value(reading, p); };
  std::vector<std::uint32_t> worst(sample.num_paths());  // more than the tail, largest losses first
  for (std::uint32_t p = 0; p < worst.size(); ++p) { worst[p] = p; }
  const auto more = [&](std::uint32_t a, std::uint32_t b) { return loss(a) > loss(b); };
  const auto kept = static_cast<std::ptrdiff_t>(n * std::min(1.0, 60.0 * alpha));
  std::nth_element(worst.begin(), worst.begin() + kept - 1, worst.end(), more);
  std::sort(worst.begin(), worst.begin() + kept, more);
  const auto beyond = [&](double weight) {  // the loss with this much weight beyond it
    double sum = 0.0;
    for (std::ptrdiff_t i = 0; i < kept; ++i) {
      sum += sample.weight(worst[static_cast<std::size_t>(i)]);
      if (sum > weight) { return loss(worst[static_cast<std::size_t>(i)]); }
    }
    ADD_FAILURE() << check << ": too few paths kept";
    return 0.0;
  };
  // At the exact quantile P(L > q) has a binomial standard error; as many ranks either side of the sample's quantile
  // give that of VaR.
  const Estimate exceeds = share_of(sample, [&](std::uint64_t p) { return loss(p) > var; });
  const double ours = beyond(alpha * n);
  const double rank_se = 0.5 * (beyond((alpha - exceeds.se) * n) - beyond((alpha + exceeds.se) * n));
  expect_law(check + ": exceedance of VaR", exceeds, alpha, sigmas);
  expect_law(check + ": VaR", {ours, rank_se}, var, sigmas);
  // ES = q + E[(L - q)^+] / alpha holds at the exact q, and its error at a wrong one is of second order.
  Estimate shortfall = mean_over(sample, [&](std::uint64_t p) { return std::max(0.0, loss(p) - var) / alpha; });
  shortfall.value += var;
  expect_law(check + ": ES", shortfall, es, sigmas);
}

}  // namespace tailmargin::test
