// Rare jumps sampled more often than they happen: weights undo it, and the tail has more paths.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/laws/law_sample.hpp"
#include "tests/laws/law_values.hpp"

namespace tailmargin::test {
namespace {

/// One day in a thousand has a fall by 0.4 exp(0.3 Z), which adds its size to the premium as well.
Model rare_falls(double sample_multiple) {
  Model model = one_regime(24.0, 6.0, {0.6});
  model.drift = Drift::zero;
  JumpRule rule;
  rule.name = "fall";
  rule.per_year = {0.365};
  rule.law = JumpLaw::lognormal;
  rule.location = 0.4;
  rule.scale = 0.3;
  rule.sample_multiple = sample_multiple;
  JumpEffect effect{"*", {-1.0}};
  effect.change[std::size_t(FactorKind::premium)] = 1.0;
  rule.effects = {effect};
  model.jumps = {rule};
  return model;
}

const std::vector<FactorAt> day = {{0, FactorKind::price, 24.0}, {0, FactorKind::premium, 24.0}};

LawSample sampled(double multiple, std::uint64_t num_paths = law_paths) {
  return LawSample(book_of({"BTC"}), rare_falls(multiple), day, multiple == 1.0 ? 601 : 602, num_paths);
}

class RareJumps : public testing::TestWithParam<double> {};

TEST_P(RareJumps, WeightedExpectationsAreThoseOfTheLaw) {
  const LawSample sample = sampled(GetParam());

  expect_law("mean weight", mean_over(sample, [](std::uint64_t) { return 1.0; }), 1.0);
  expect_law("P(a jump)", share_of(sample, [&](std::uint64_t p) { return sample.value(1, p) > 0.0; }), rare_frequency);
  expect_law("E[x]", mean_over(sample, [&](std::uint64_t p) { return sample.value(0, p); }), rare_mean);
  expect_law("P(x < -0.2)", share_of(sample, [&](std::uint64_t p) { return sample.value(0, p) < -0.2; }),
             rare_below_02);
  expect_law("P(x < -0.3)", share_of(sample, [&](std::uint64_t p) { return sample.value(0, p) < -0.3; }),
             rare_below_03);
  expect_tail("99.9 %", sample, 0, 1.0, 0.999, rare_var999, rare_es999);
}

INSTANTIATE_TEST_SUITE_P(Multiples, RareJumps, testing::Values(1.0, 50.0),
                         [](const auto& test) { return "sampled_" + std::to_string(int(test.param)); });

TEST(RareJumps, SamplingMoreReducesTheVarianceOfTheTail) {
  const auto error = [](double multiple) {
    const LawSample sample = sampled(multiple);
    return share_of(sample, [&](std::uint64_t p) { return sample.value(0, p) < -0.3; }).se;
  };

  const double factor = std::pow(error(1.0) / error(50.0), 2.0);

  EXPECT_GT(factor, 5.0);  // 50 exp(-0.049) = 47.6 but for the spread of weights among the paths that fall
  testing::Test::RecordProperty("variance of P(x < -0.3), sampled 1 over 50 times", std::to_string(factor));
}

TEST(RareJumps, AsManyPathsJumpAsAreAskedFor) {
  const LawSample sample = sampled(50.0, 100'000);
  std::uint64_t jumped = 0;
  for (std::uint64_t p = 0; p < 100'000; ++p) { jumped += sample.value(1, p) > 0.0 ? 1 : 0; }

  const double expected = 1.0 - std::exp(-0.05);

  EXPECT_NEAR(double(jumped) / 1e5, expected, 4.0 * std::sqrt(expected * (1.0 - expected) / 1e5)) << "of 4877";
}

// A path's weight from the paths themselves: exp(0.049) without a jump, and a fiftieth of that for each jump.
TEST(RareJumps, WeightIsTheLikelihoodRatio) {
  const LawSample sample = sampled(50.0, 20'000);

  std::uint64_t singles = 0;
  for (std::uint64_t p = 0; p < 20'000; ++p) {
    const double weight = sample.weight(p) * std::exp(-0.049);
    if (sample.value(1, p) == 0.0) {
      ASSERT_NEAR(weight, 1.0, 2e-6) << "path " << p;
    } else {
      ASSERT_NEAR(weight * 50.0, weight * 50.0 > 0.5 ? 1.0 : 0.02, 1e-4) << "path " << p;
      singles += weight * 50.0 > 0.5 ? 1 : 0;
    }
  }
  EXPECT_GT(singles, 800u);
}

TEST(RareJumps, NothingSampledMoreOftenNeedsNoWeights) {
  const LawSample sample = sampled(1.0, 1000);

  for (std::uint64_t p = 0; p < 1000; ++p) { ASSERT_EQ(sample.weight(p), 1.0); }
}

// Two regimes and three processes: rates by regime, two multiples and a process that is sampled as it happens.
TEST(RareJumps, WeightsWithRegimesAndSeveralProcesses) {
  Model model = one_regime(24.0, 6.0, {0.0});
  model.regimes = {{"calm", {price_only("*", 0.0)}}, {"wild", {price_only("*", 0.0)}}};
  model.transition = {{0.9, 0.1}, {0.3, 0.7}};
  model.start = StartKind::probabilities;
  model.start_probabilities = {0.8, 0.2};
  const auto process = [](const std::string& coin, double calm, double wild, double multiple) {
    JumpRule rule;
    rule.name = coin;
    rule.per_year = {calm * year_days, wild * year_days};
    rule.location = 1.0;
    rule.sample_multiple = multiple;
    rule.effects = {{coin, {}}};
    rule.effects[0].change[std::size_t(FactorKind::premium)] = 1.0;
    return rule;
  };
  model.jumps = {process("A", 0.002, 0.02, 20.0), process("B", 0.01, 0.0, 5.0), process("C", 0.1, 0.3, 1.0)};
  const FactorKind premium = FactorKind::premium;
  const LawSample sample(book_of({"A", "B", "C"}), model, {{0, premium, 24.0}, {1, premium, 24.0}, {2, premium, 24.0}},
                         603, law_paths / 4, {0.0, 6.0, 12.0, 18.0});

  double in_wild[4] = {0.2, 0.0, 0.0, 0.0}, mean_wild = 0.05;
  for (std::size_t t = 1; t < 4; ++t) {
    in_wild[t] = 0.1 * (1.0 - in_wild[t - 1]) + 0.7 * in_wild[t - 1];
    mean_wild += in_wild[t] / 4.0;
  }
  expect_law("mean weight", mean_over(sample, [](std::uint64_t) { return 1.0; }), 1.0);
  for (std::size_t t = 0; t < 4; ++t) {
    expect_law("P(wild, step " + std::to_string(t) + ")",
               share_of(sample, [&](std::uint64_t p) { return sample.regime(t, p) == 1; }), in_wild[t]);
  }
  const double calm[] = {0.002, 0.01, 0.1}, wild[] = {0.02, 0.0, 0.3};
  for (std::size_t c = 0; c < 3; ++c) {
    expect_law("jumps of " + std::string(1, char('A' + c)),
               mean_over(sample, [&](std::uint64_t p) { return sample.value(c, p); }),
               calm[c] + (wild[c] - calm[c]) * mean_wild);
  }
}

}  // namespace
}  // namespace tailmargin::test
