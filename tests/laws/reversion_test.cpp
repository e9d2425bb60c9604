// Reversion: moments of the discrete Ornstein-Uhlenbeck law, alone and with regimes, tails and jumps.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/laws/law_sample.hpp"
#include "tests/laws/law_values.hpp"

namespace tailmargin::test {
namespace {

/// x' = keep x + drift + sd Z from 0, after n steps.
struct Autoregression {
  double keep, drift, sd;
  double mean(int n) const { return drift * (1.0 - std::pow(keep, n)) / (1.0 - keep); }
  double variance(int n) const { return sd * sd * (1.0 - std::pow(keep, 2 * n)) / (1.0 - keep * keep); }
};

void expect_moments(const std::string& name, const LawSample& sample, const std::vector<int>& steps, std::size_t first,
                    const Autoregression& law) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const double mean = law.mean(steps[i]);
    const std::string after = name + " after " + std::to_string(steps[i]) + " steps";
    expect_law(after + ": mean", mean_over(sample, [&](std::uint64_t p) { return sample.value(first + i, p); }), mean);
    for (std::size_t j = 0; j <= i; ++j) {  // what is left of the earlier deviation
      const double expected = std::pow(law.keep, steps[i] - steps[j]) * law.variance(steps[j]);
      expect_law(after + ": covariance with " + std::to_string(steps[j]),
                 mean_over(sample,
                           [&](std::uint64_t p) {
                             return (sample.value(first + i, p) - mean) *
                                    (sample.value(first + j, p) - law.mean(steps[j]));
                           }),
                 expected);
    }
  }
}

const std::vector<int> some_steps = {1, 4, 16};  // of six hours

std::vector<FactorAt> at_some_steps(const std::vector<FactorKind>& kinds) {
  std::vector<FactorAt> readings;
  for (const FactorKind kind : kinds) {
    for (const int n : some_steps) { readings.push_back({0, kind, 6.0 * n}); }
  }
  return readings;
}

// The vol level has the drift of a lognormal, -sd^2 / 2 a step, beside the pull to its level.
TEST(ReversionLaw, MomentsOfVolAndCarry) {
  Model model = one_regime(96.0, 6.0, {0.0, 0.9, 0.4});
  model.reversions = {{"BTC", FactorKind::vol, 24.0, 0.2}, {"*", FactorKind::carry, 36.0, -0.05}};
  const LawSample sample(book_of({"BTC"}), model, at_some_steps({FactorKind::vol, FactorKind::carry}), 501,
                         law_paths / 4);

  const double dt = 6.0 / 8760.0;
  const double keep_vol = std::pow(0.5, 6.0 / 24.0), keep_carry = std::pow(0.5, 6.0 / 36.0);
  expect_moments("vol", sample, some_steps, 0,
                 {keep_vol, (1.0 - keep_vol) * 0.2 - 0.5 * 0.81 * dt, 0.9 * std::sqrt(dt)});
  expect_moments("carry", sample, some_steps, 3, {keep_carry, (1.0 - keep_carry) * -0.05, 0.4 * std::sqrt(dt)});
}

// Tails leave variances and what is kept of them as they are.
TEST(ReversionLaw, MomentsWithFatTails) {
  Model model = one_regime(96.0, 6.0, {0.0, 0.0, 0.4});
  model.regimes[0].vols[0].tail_index = 12.0;
  model.mixing_persistence = 0.5;
  model.reversions = {{"*", FactorKind::carry, 36.0, 0.1}};
  const LawSample sample(book_of({"BTC"}), model, at_some_steps({FactorKind::carry}), 502, law_paths / 4);

  const double keep = std::pow(0.5, 6.0 / 36.0);
  expect_moments("carry", sample, some_steps, 0, {keep, (1.0 - keep) * 0.1, 0.4 * std::sqrt(6.0 / 8760.0)});
}

TEST(ReversionLaw, MomentsWithRegimes) {
  Model model = one_regime(48.0, 6.0, {});
  model.regimes = {
      {"calm", {{"*", {0.0, 0.8, 0.3}}}}, {"busy", {{"*", {0.0, 1.5, 1.0}}}}, {"wild", {{"*", {0.0, 3.0, 2.5}}}}};
  model.transition_hours = 24.0;
  model.transition = {{0.97, 0.02, 0.01}, {0.10, 0.85, 0.05}, {0.05, 0.15, 0.80}};
  model.start = StartKind::probabilities;
  model.start_probabilities = {0.2, 0.5, 0.3};
  model.reversions = {{"*", FactorKind::carry, 24.0, 0.05}, {"*", FactorKind::vol, 24.0, 0.2}};
  std::vector<FactorAt> readings;
  for (const ReversionRow& row : regime_reversion) {
    readings.push_back({0, FactorKind::carry, row.hours});
    readings.push_back({0, FactorKind::vol, row.hours});
  }
  const LawSample sample(book_of({"BTC"}), model, readings, 503, law_paths / 4);

  for (std::size_t i = 0; i < readings.size(); ++i) {
    const ReversionRow& row = regime_reversion[i / 2];
    const bool carry = i % 2 == 0;
    const double mean = carry ? row.carry_mean : row.vol_mean;
    const std::string name = std::string(carry ? "carry" : "vol") + " after " + std::to_string(int(row.hours)) + " h";
    expect_law(name + ": mean", mean_over(sample, [&](std::uint64_t p) { return sample.value(i, p); }), mean);
    expect_law(
        name + ": variance",
        mean_over(sample, [&](std::uint64_t p) { return (sample.value(i, p) - mean) * (sample.value(i, p) - mean); }),
        carry ? row.carry_variance : row.vol_variance);
  }
}

// A peg that breaks by jumps and comes back: a jump is kept like everything else, from its step on.
TEST(ReversionLaw, JumpsDecay) {
  Model model = one_regime(96.0, 6.0, {0.02});
  model.drift = Drift::zero;
  model.reversions = {{"*", FactorKind::price, 12.0, 0.0}};
  JumpRule rule;
  rule.name = "break";
  rule.per_year = {300.0};
  rule.law = JumpLaw::exponential;
  rule.location = 0.04;
  rule.effects = {{"*", {-1.0}}};
  model.jumps = {rule};
  const LawSample sample(book_of({"USDC"}), model, at_some_steps({FactorKind::price}), 504, law_paths / 4);

  // Variance of a step: diffusion and rate E[Y^2].
  const double dt = 6.0 / 8760.0, rate = 300.0 * dt;
  expect_moments("peg", sample, some_steps, 0,
                 {std::pow(0.5, 0.5), -0.04 * rate, std::sqrt(0.0004 * dt + rate * 2.0 * 0.0016)});
}

// What nothing else moves is still pulled to its level, by halves of its distance.
TEST(ReversionLaw, LevelMovesAFactorThatNothingElseMoves) {
  Model model = one_regime(96.0, 6.0, {0.5});
  model.reversions = {{"*", FactorKind::carry, 48.0, 0.3}};
  const LawSample sample(book_of({"BTC"}), model, {{0, FactorKind::carry, 48.0}, {0, FactorKind::carry, 96.0}}, 505,
                         64);

  for (std::uint64_t p = 0; p < 64; ++p) {
    ASSERT_NEAR(sample.value(0, p), 0.15, 1e-6);
    ASSERT_NEAR(sample.value(1, p), 0.225, 1e-6);
  }
}

TEST(ReversionLaw, FirstRuleThatMatchesUnderlyingAndKindCounts) {
  Model model = one_regime(24.0, 6.0, {0.5, 0.5, 0.5});
  model.groups = {{"majors", {"ETH"}}};
  model.reversions = {
      {"BTC", FactorKind::vol, 6.0, 0.0}, {"@majors", FactorKind::vol, 12.0, 0.0}, {"*", FactorKind::vol, 24.0, 0.0}};

  const ScenarioPlan plan = plan_of(book_of({"BTC", "ETH", "SOL"}), model);

  EXPECT_NEAR(plan.keep[factor_of(plan, 0, FactorKind::vol)], 0.5, 1e-15);
  EXPECT_NEAR(plan.keep[factor_of(plan, 1, FactorKind::vol)], std::sqrt(0.5), 1e-15);
  EXPECT_NEAR(plan.keep[factor_of(plan, 2, FactorKind::vol)], std::pow(0.5, 0.25), 1e-15);
  EXPECT_EQ(plan.keep[factor_of(plan, 2, FactorKind::carry)], 1.0);
}

}  // namespace
}  // namespace tailmargin::test
