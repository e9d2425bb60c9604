// Jumps: compound Poisson laws, Merton's prices, the drift that keeps the mean price, scopes and regimes.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/laws/law_sample.hpp"
#include "tests/laws/law_values.hpp"

namespace tailmargin::test {
namespace {

constexpr double day_years = 1.0 / year_days;

JumpEffect effect(const std::string& match, FactorKind kind, double change) {
  JumpEffect out{match, {}};
  out.change[static_cast<std::size_t>(kind)] = change;
  return out;
}

JumpRule jumps(const std::string& name, double per_year, JumpLaw law, double location, double scale,
               std::vector<JumpEffect> effects) {
  JumpRule rule;
  rule.name = name;
  rule.per_year = {per_year};
  rule.law = law;
  rule.location = location;
  rule.scale = scale;
  rule.effects = std::move(effects);
  return rule;
}

/// Jumps of size one of the premium, which nothing else moves: its value is the number of jumps.
JumpRule counted(const std::string& name, double per_year, const std::string& match) {
  return jumps(name, per_year, JumpLaw::fixed, 1.0, 0.0, {effect(match, FactorKind::premium, 1.0)});
}

TEST(JumpsLaw, MertonTails) {
  Model model = one_regime(24.0, 6.0, {0.6});
  model.drift = Drift::zero;
  model.jumps = {jumps("j", 200.0, JumpLaw::normal, -0.03, 0.04, {effect("*", FactorKind::price, 1.0)})};
  const LawSample sample(book_of({"BTC"}), model, {{0, FactorKind::price, 24.0}}, 201);

  expect_tail("long 99 %", sample, 0, 1.0, 0.99, merton_var99_long, merton_es99_long);
  expect_tail("long 99.9 %", sample, 0, 1.0, 0.999, merton_var999_long, merton_es999_long);
  expect_tail("short 99 %", sample, 0, -1.0, 0.99, merton_var99_short, merton_es99_short);
  expect_tail("short 99.9 %", sample, 0, -1.0, 0.999, merton_var999_short, merton_es999_short);
  const double rate = 200.0 * day_years;
  expect_law("E[x]", mean_over(sample, [&](std::uint64_t p) { return sample.value(0, p); }), -0.03 * rate);
}

/// Discounted calls on 100 at three maturities: exp(-rT) (100 exp(rT + x) - K)^+.
class MertonCalls : public testing::TestWithParam<std::pair<double, double>> {};

TEST_P(MertonCalls, MeetHaugsTable) {
  const auto [per_year, gamma] = GetParam();
  const double vol = 0.25, delta = vol * std::sqrt(gamma / per_year);
  Model model = one_regime(4380.0, 438.0, {vol * std::sqrt(1.0 - gamma)});
  model.jumps = {
      jumps("j", per_year, JumpLaw::normal, -0.5 * delta * delta, delta, {effect("*", FactorKind::price, 1.0)})};
  const LawSample sample(
      book_of({"BTC"}), model,
      {{0, FactorKind::price, 876.0}, {0, FactorKind::price, 2190.0}, {0, FactorKind::price, 4380.0}}, 202,
      law_paths / 4);

  int rows = 0;
  for (const MertonRow& row : merton_calls) {
    if (row.per_year != per_year || row.gamma != gamma) { continue; }
    const std::size_t reading = row.years == 0.1 ? 0 : row.years == 0.25 ? 1 : 2;
    const double strike = row.strike * std::exp(-0.08 * row.years);
    const std::string check = "K " + std::to_string(int(row.strike)) + ", T " + std::to_string(row.years).substr(0, 4);
    expect_law(
        check,
        mean_over(sample,
                  [&](std::uint64_t p) { return std::max(0.0, 100.0 * std::exp(sample.value(reading, p)) - strike); }),
        row.series);
    EXPECT_NEAR(row.series, row.printed, 0.012) << check << ", as printed";
    ++rows;
  }
  EXPECT_EQ(rows, 15);
}

INSTANTIATE_TEST_SUITE_P(Haug, MertonCalls,
                         testing::Values(std::pair{1.0, 0.25}, std::pair{10.0, 0.25}, std::pair{5.0, 0.5},
                                         std::pair{1.0, 0.75}));

struct SizeCase {
  const char* name;
  JumpLaw law;
  double location, scale, max;
};

class SizeLaws : public testing::TestWithParam<SizeCase> {};

// A coin falls by the size and another rises by half of it, 0.8 times a day: both keep their mean price.
TEST_P(SizeLaws, PricesKeepTheirMeans) {
  const SizeCase& c = GetParam();
  Model model = one_regime(24.0, 6.0, {0.5});
  model.jumps = {jumps("j", 300.0, c.law, c.location, c.scale,
                       {effect("BTC", FactorKind::price, -1.0), effect("ETH", FactorKind::price, 0.5)})};
  model.jumps[0].max = c.max;
  const LawSample sample(book_of({"BTC", "ETH"}), model, {{0, FactorKind::price, 24.0}, {1, FactorKind::price, 24.0}},
                         203, law_paths / 4);

  for (const std::size_t coin : {0u, 1u}) {
    const Estimate mean = mean_over(sample, [&](std::uint64_t p) { return std::exp(sample.value(coin, p)); });
    expect_law(coin == 0 ? "BTC: E[exp(x)]" : "ETH: E[exp(x)]", mean, 1.0);
    EXPECT_LT(mean.se * std::sqrt(static_cast<double>(sample.num_paths())), 0.15) << "too wide to find an error";
  }
}

INSTANTIATE_TEST_SUITE_P(JumpsLaw, SizeLaws,
                         testing::Values(SizeCase{"fixed", JumpLaw::fixed, 0.08, 0.0, 3.0},
                                         SizeCase{"fixed_cut", JumpLaw::fixed, 0.4, 0.0, 0.1},
                                         SizeCase{"normal", JumpLaw::normal, 0.02, 0.1, 3.0},
                                         SizeCase{"normal_cut", JumpLaw::normal, 0.02, 0.3, 0.12},
                                         SizeCase{"lognormal", JumpLaw::lognormal, 0.05, 0.8, 3.0},
                                         SizeCase{"lognormal_cut", JumpLaw::lognormal, 0.1, 0.8, 0.12},
                                         SizeCase{"exponential", JumpLaw::exponential, 0.06, 0.0, 3.0},
                                         SizeCase{"exponential_cut", JumpLaw::exponential, 0.1, 0.0, 0.1}),
                         [](const auto& test) { return std::string(test.param.name); });

// The rule over normal sizes meets kinks at the cuts: up to 1e-6 x change is left of a jump's mean growth.
TEST(JumpsLaw, CompensationIsTheMeanGrowth) {
  for (const GrowthRow& row : mean_growths) {
    Model model = one_regime(24.0, 6.0, {0.0});
    model.jumps = {jumps("j", 0.3, static_cast<JumpLaw>(int(row.law)), row.location, row.scale,
                         {effect("*", FactorKind::price, row.change)})};
    model.jumps[0].max = row.max;

    const ScenarioPlan plan = plan_of(book_of({"BTC"}), model);

    const double rate = 0.3 * 6.0 / 8760.0;
    EXPECT_NEAR(plan.drift[factor_of(plan, 0, FactorKind::price)], -rate * row.growth,
                rate * (1e-6 * std::fabs(row.change) + 1e-14))
        << "law " << row.law << " location " << row.location << " scale " << row.scale << " max " << row.max
        << " change " << row.change;
  }
}

TEST(JumpsLaw, ExponentialGrowthAtItsPoleIsTheLimit) {
  // change x mean = 1: E[exp(min(Y, max) / mean)] = 1 + max / mean.
  Model model = one_regime(24.0, 6.0, {0.0});
  model.jumps = {jumps("j", 0.365, JumpLaw::exponential, 0.5, 0.0, {effect("*", FactorKind::price, 2.0)})};

  const ScenarioPlan plan = plan_of(book_of({"BTC"}), model);

  EXPECT_NEAR(plan.drift[0], -0.00025 * 3.0 / 0.5, 1e-15);
}

TEST(JumpsLaw, DriftZeroLeavesTheJumpsMean) {
  Model model = one_regime(24.0, 6.0, {0.0});
  model.drift = Drift::zero;
  model.jumps = {jumps("j", 300.0, JumpLaw::exponential, 0.06, 0.0, {effect("*", FactorKind::price, -1.0)})};
  const LawSample sample(book_of({"BTC"}), model, {{0, FactorKind::price, 24.0}}, 204, law_paths / 4);

  const double rate = 300.0 * day_years;
  expect_law("E[x]", mean_over(sample, [&](std::uint64_t p) { return sample.value(0, p); }), -0.06 * rate);
  expect_law("E[exp(x)]", mean_over(sample, [&](std::uint64_t p) { return std::exp(sample.value(0, p)); }),
             std::exp(rate * (1.0 / 1.06 - 1.0)));
}

// Moments of the sizes: of a compound Poisson sum the mean is rate E[Y], the variance rate E[Y^2], the third central
// moment rate E[Y^3].
TEST(JumpsLaw, SizesHaveTheMomentsOfTheirLaw) {
  struct Case {
    const char* name;
    JumpLaw law;
    double location, scale, first, second, third;
  };
  const double m = 0.05, s = 0.5;
  for (const Case& c : {Case{"fixed", JumpLaw::fixed, -0.2, 0.0, -0.2, 0.04, -0.008},
                        Case{"normal", JumpLaw::normal, 0.1, 0.2, 0.1, 0.05, 0.001 + 3.0 * 0.1 * 0.04},
                        Case{"lognormal", JumpLaw::lognormal, m, s, m * std::exp(0.5 * s * s),
                             m * m * std::exp(2.0 * s * s), m * m * m * std::exp(4.5 * s * s)},
                        Case{"exponential", JumpLaw::exponential, 0.1, 0.0, 0.1, 0.02, 0.006}}) {
    Model model = one_regime(24.0, 6.0, {0.0});
    model.jumps = {jumps("j", 700.0, c.law, c.location, c.scale, {effect("*", FactorKind::carry, 1.0)})};
    const LawSample sample(book_of({"BTC"}), model, {{0, FactorKind::carry, 24.0}}, 205, law_paths / 5);

    const double rate = 700.0 * day_years, mean = rate * c.first;
    const auto moment = [&](int power) {
      return mean_over(sample, [&](std::uint64_t p) { return std::pow(sample.value(0, p) - mean, power); });
    };
    Estimate first = moment(1);
    first.value += mean;
    expect_law(std::string(c.name) + " mean", first, mean);
    expect_law(std::string(c.name) + " variance", moment(2), rate * c.second);
    expect_law(std::string(c.name) + " third moment", moment(3), rate * c.third);
  }
}

double poisson(double mean, int n) { return std::exp(-mean + n * std::log(mean) - std::lgamma(n + 1.0)); }

// Nearly one jump a step, the most there may be, and four steps.
TEST(JumpsLaw, CountsArePoisson) {
  Model model = one_regime(24.0, 6.0, {0.0});
  const double step = 0.95, per_year = step * 4.0 * year_days;
  // By halves: 22 jumps a day are possible, and a premium may move by 20.
  model.jumps = {jumps("j", per_year, JumpLaw::fixed, 1.0, 0.0, {effect("*", FactorKind::premium, 0.5)})};
  const LawSample sample(book_of({"BTC"}), model, {{0, FactorKind::premium, 6.0}, {0, FactorKind::premium, 24.0}}, 206,
                         law_paths / 4);

  for (const std::size_t reading : {0u, 1u}) {
    const double mean = reading == 0 ? step : 4.0 * step;
    const auto count = [&](std::uint64_t p) { return 2.0 * sample.value(reading, p); };
    const std::string when = reading == 0 ? "a step" : "a day";
    expect_law("mean of " + when, mean_over(sample, count), mean);
    expect_law("variance of " + when,
               mean_over(sample, [&](std::uint64_t p) { return (count(p) - mean) * (count(p) - mean); }), mean);
    for (int n = 0; n <= 5; ++n) {
      expect_law("P(" + std::to_string(n) + " in " + when + ")",
                 share_of(sample, [&](std::uint64_t p) { return count(p) == n; }), poisson(mean, n));
    }
  }
}

// Three processes at once: each has its own rate, their counts are independent.
TEST(JumpsLaw, ProcessesKeepTheirOwnRates) {
  Model model = one_regime(24.0, 6.0, {0.0});
  const double rates[] = {0.2, 0.5, 1.1};  // a day
  model.jumps = {counted("a", rates[0] * year_days, "A"), counted("b", rates[1] * year_days, "B"),
                 counted("c", rates[2] * year_days, "C")};
  const FactorKind premium = FactorKind::premium;
  const LawSample sample(book_of({"A", "B", "C"}), model, {{0, premium, 24.0}, {1, premium, 24.0}, {2, premium, 24.0}},
                         207, law_paths / 4);

  for (std::size_t a = 0; a < 3; ++a) {
    const std::string name = "process " + std::to_string(a);
    expect_law(name + " mean", mean_over(sample, [&](std::uint64_t p) { return sample.value(a, p); }), rates[a]);
    for (std::size_t b = 0; b <= a; ++b) {
      expect_law(
          name + " with " + std::to_string(b),
          mean_over(sample,
                    [&](std::uint64_t p) { return (sample.value(a, p) - rates[a]) * (sample.value(b, p) - rates[b]); }),
          a == b ? rates[a] : 0.0);
    }
  }
}

TEST(JumpsLaw, MarketJumpsAreCommonAndEachJumpsAreNot) {
  for (const JumpScope scope : {JumpScope::market, JumpScope::each}) {
    Model model = one_regime(24.0, 6.0, {0.0});
    const double rate = 0.7;
    model.jumps = {jumps("j", rate * year_days, JumpLaw::normal, 0.1, 0.2, {effect("*", FactorKind::carry, 1.0)})};
    model.jumps[0].scope = scope;
    const LawSample sample(book_of({"A", "B"}), model, {{0, FactorKind::carry, 24.0}, {1, FactorKind::carry, 24.0}},
                           208, law_paths / 4);

    const std::string name = scope == JumpScope::market ? "market" : "each";
    for (const std::size_t coin : {0u, 1u}) {
      expect_law(name + ": mean", mean_over(sample, [&](std::uint64_t p) { return sample.value(coin, p); }),
                 0.1 * rate);
      expect_law(name + ": without a jump",
                 share_of(sample, [&](std::uint64_t p) { return sample.value(coin, p) == 0.0; }), std::exp(-rate));
    }
    const Estimate product = mean_over(
        sample, [&](std::uint64_t p) { return (sample.value(0, p) - 0.1 * rate) * (sample.value(1, p) - 0.1 * rate); });
    expect_law(name + ": covariance", product, scope == JumpScope::market ? rate * 0.05 : 0.0);
    if (scope == JumpScope::market) {
      for (std::uint64_t p = 0; p < sample.num_paths(); ++p) { ASSERT_EQ(sample.value(0, p), sample.value(1, p)); }
    } else {
      expect_law(
          "each: neither",
          share_of(sample, [&](std::uint64_t p) { return sample.value(0, p) == 0.0 && sample.value(1, p) == 0.0; }),
          std::exp(-2.0 * rate));
    }
  }
}

// One jump moves several factors by its one size, each by its change; the first row that matches counts.
TEST(JumpsLaw, OneSizeMovesEveryFactorOfItsEffects) {
  Model model = one_regime(24.0, 24.0, {0.0});
  JumpEffect btc{"BTC", {}}, rest{"*", {}};
  btc.change[std::size_t(FactorKind::price)] = -1.0;
  btc.change[std::size_t(FactorKind::vol)] = 2.0;
  rest.change[std::size_t(FactorKind::carry)] = -0.25;
  model.drift = Drift::zero;
  model.jumps = {jumps("j", 300.0, JumpLaw::lognormal, 0.1, 0.5, {btc, rest})};
  const LawSample sample(book_of({"BTC", "ETH"}), model,
                         {{0, FactorKind::price, 24.0},
                          {0, FactorKind::vol, 24.0},
                          {1, FactorKind::carry, 24.0},
                          {1, FactorKind::price, 24.0}},
                         209, 10'000);

  for (std::uint64_t p = 0; p < sample.num_paths(); ++p) {
    const double fall = sample.value(0, p);
    ASSERT_NEAR(sample.value(1, p), -2.0 * fall, 1e-6);
    ASSERT_NEAR(sample.value(2, p), 0.25 * fall, 1e-6);
    ASSERT_EQ(sample.value(3, p), 0.0);
  }
}

TEST(JumpsLaw, RatesAreThoseOfTheRegime) {
  Model model = one_regime(24.0, 6.0, {0.0});
  model.regimes = {{"calm", {price_only("*", 0.0)}}, {"wild", {price_only("*", 0.0)}}};
  model.transition = {{1.0, 0.0}, {0.0, 1.0}};
  model.start = StartKind::probabilities;
  model.start_probabilities = {0.75, 0.25};
  model.jumps = {counted("j", 0.0, "*")};
  model.jumps[0].per_year = {0.0, 1.5 * year_days};
  const LawSample sample(book_of({"BTC"}), model, {{0, FactorKind::premium, 24.0}}, 210, law_paths / 4, {0.0});

  for (std::uint64_t p = 0; p < sample.num_paths(); ++p) {
    if (sample.regime(0, p) == 0) { ASSERT_EQ(sample.value(0, p), 0.0) << "path " << p; }
  }
  for (int n = 1; n <= 4; ++n) {
    expect_law("P(" + std::to_string(n) + ")",
               share_of(sample, [&](std::uint64_t p) { return sample.value(0, p) == n; }), 0.25 * poisson(1.5, n));
  }

  // With the chain on the move: each step at the rate of the regime it is in, the new one.
  model.transition = {{0.9, 0.1}, {0.3, 0.7}};
  const LawSample moving(book_of({"BTC"}), model, {{0, FactorKind::premium, 6.0}, {0, FactorKind::premium, 12.0}}, 211,
                         law_paths / 4);
  const double step = 1.5 / 4.0, second = 0.75 * 0.1 + 0.25 * 0.7;
  expect_law("first step", mean_over(moving, [&](std::uint64_t p) { return moving.value(0, p); }), 0.25 * step);
  expect_law("second step", mean_over(moving, [&](std::uint64_t p) { return moving.value(1, p) - moving.value(0, p); }),
             second * step);
}

}  // namespace
}  // namespace tailmargin::test
