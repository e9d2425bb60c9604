// Regimes: the law of the log return over a chain of regimes, and the chain itself.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/laws/law_sample.hpp"
#include "tests/laws/law_values.hpp"

namespace tailmargin::test {
namespace {

/// Vols 0.4, 0.9 and 2.0, twelve steps of four hours.
Model three_regimes() {
  Model model = one_regime(48.0, 4.0, {});
  model.regimes = {
      {"calm", {price_only("*", 0.4)}}, {"busy", {price_only("*", 0.9)}}, {"wild", {price_only("*", 2.0)}}};
  model.transition = {{0.92, 0.06, 0.02}, {0.10, 0.85, 0.05}, {0.08, 0.12, 0.80}};
  model.start = StartKind::probabilities;
  model.start_probabilities = {0.6, 0.3, 0.1};
  return model;
}

/// A matrix for a day, from regimes 0.2, 0.5, 0.3.
Model daily_chain(double horizon_hours, double step_hours) {
  Model model = three_regimes();
  model.horizon_hours = horizon_hours;
  model.step_hours = step_hours;
  model.transition_hours = 24.0;
  model.transition = {{0.97, 0.02, 0.01}, {0.10, 0.85, 0.05}, {0.05, 0.15, 0.80}};
  model.start_probabilities = {0.2, 0.5, 0.3};
  return model;
}

const LawSample& two_days() {
  static const LawSample sample(book_of({"BTC"}), three_regimes(),
                                {{0, FactorKind::price, 24.0}, {0, FactorKind::price, 48.0}}, 101);
  return sample;
}

TEST(RegimeLaw, CharacteristicFunctionIsTheProductOfStepMatrices) {
  const LawSample& sample = two_days();

  for (const PhiRow& row : regime_phi) {
    const auto angle = [&](std::uint64_t p) {
      const double day = sample.value(0, p);
      return row.u_first_day * day + row.u_second_day * (sample.value(1, p) - day);
    };
    const std::string check =
        "phi(" + std::to_string(int(row.u_first_day)) + ", " + std::to_string(int(row.u_second_day)) + ")";
    expect_law(check + " real", mean_over(sample, [&](std::uint64_t p) { return std::cos(angle(p)); }), row.real);
    expect_law(check + " imaginary", mean_over(sample, [&](std::uint64_t p) { return std::sin(angle(p)); }),
               row.imaginary);
  }
  // phi(-i): within a regime the price keeps its mean, so it does over any chain.
  for (const std::size_t day : {0u, 1u}) {
    expect_law(day == 0 ? "E[exp(x)], a day" : "E[exp(x)], two days",
               mean_over(sample, [&](std::uint64_t p) { return std::exp(sample.value(day, p)); }), 1.0);
  }
}

TEST(RegimeLaw, TwoDayTailIsThatOfTheMixture) {
  expect_tail("long", two_days(), 1, 1.0, 0.99, regime_var99_long, regime_es99_long);
  expect_tail("short", two_days(), 1, -1.0, 0.99, regime_var99_short, regime_es99_short);
}

TEST(RegimeLaw, ChainOfADailyMatrixInHourlySteps) {
  std::vector<double> hours;
  for (const OccupancyRow& row : occupancies) { hours.push_back(row.hours); }
  const LawSample sample(book_of({"BTC"}), daily_chain(49.0, 1.0), {}, 102, law_paths / 10, hours);

  for (std::size_t t = 0; t < hours.size(); ++t) {
    const double expected[] = {occupancies[t].first, occupancies[t].second, occupancies[t].third};
    for (std::uint32_t k = 0; k < 3; ++k) {
      expect_law("P(regime " + std::to_string(k) + " after " + std::to_string(int(hours[t])) + " h)",
                 share_of(sample, [&](std::uint64_t p) { return sample.regime(t, p) == k; }), expected[k]);
    }
  }
}

// From a regime to another in a day: the given matrix, on the first day and on the second, whatever came before.
TEST(RegimeLaw, DailyTransitionsAreTheGivenOnes) {
  const Model model = daily_chain(54.0, 6.0);
  const LawSample sample(book_of({"BTC"}), model, {}, 103, law_paths / 4, {0.0, 24.0, 48.0});

  for (std::uint32_t from = 0; from < 3; ++from) {
    for (std::uint32_t to = 0; to < 3; ++to) {
      for (std::size_t day = 0; day < 2; ++day) {
        const Estimate here = share_of(sample, [&](std::uint64_t p) { return sample.regime(day, p) == from; });
        // The share of moves among paths that are `from`; residuals give its standard error.
        const double goal = model.transition[from][to];
        Estimate moves = mean_over(sample, [&](std::uint64_t p) {
          return sample.regime(day, p) != from ? 0.0 : (sample.regime(day + 1, p) == to ? 1.0 : 0.0) - goal;
        });
        moves = {goal + moves.value / here.value, moves.se / here.value};
        expect_law("P(" + std::to_string(from) + " to " + std::to_string(to) + ", day " + std::to_string(day + 1) + ")",
                   moves, goal);
      }
    }
  }
}

TEST(RegimeLaw, PinnedStartStaysWhereItWasPut) {
  Model model = daily_chain(30.0, 6.0);
  model.start_probabilities = {0.0, 0.0, 1.0};
  const LawSample sample(book_of({"BTC"}), model, {}, 104, law_paths / 4, {0.0, 24.0});

  expect_law("P(wild at first)", share_of(sample, [&](std::uint64_t p) { return sample.regime(0, p) == 2; }), 1.0);
  for (std::uint32_t k = 0; k < 3; ++k) {
    expect_law("P(regime " + std::to_string(k) + " after a day)",
               share_of(sample, [&](std::uint64_t p) { return sample.regime(1, p) == k; }), model.transition[2][k]);
  }
}

TEST(RegimeLaw, StationaryStartStaysStationary) {
  Model model = daily_chain(54.0, 6.0);
  model.start = StartKind::stationary;
  const LawSample sample(book_of({"BTC"}), model, {}, 105, law_paths / 4, {0.0, 6.0, 24.0, 48.0});

  const double expected[] = {stationary_law[0].first, stationary_law[0].second, stationary_law[0].third};
  for (std::size_t t = 0; t < 4; ++t) {
    for (std::uint32_t k = 0; k < 3; ++k) {
      expect_law("P(regime " + std::to_string(k) + ", time " + std::to_string(t) + ")",
                 share_of(sample, [&](std::uint64_t p) { return sample.regime(t, p) == k; }), expected[k]);
    }
  }
}

// Drift zero keeps the mean of the log price; martingale, path by path, takes half the variance of its regimes off it.
TEST(RegimeLaw, DriftOfTheLogPrice) {
  Model model = three_regimes();
  model.start_probabilities = {0.0, 1.0, 0.0};
  model.transition = {{1.0, 0.0, 0.0}, {0.0, 1.0, 0.0}, {0.0, 0.0, 1.0}};
  const std::vector<FactorAt> end = {{0, FactorKind::price, 48.0}};
  const double variance = 0.81 * 2.0 / year_days;
  const LawSample kept(book_of({"BTC"}), model, end, 106, law_paths / 4);
  model.drift = Drift::zero;
  const LawSample zero(book_of({"BTC"}), model, end, 106, law_paths / 4);

  expect_law("zero: E[x]", mean_over(zero, [&](std::uint64_t p) { return zero.value(0, p); }), 0.0);
  expect_law("zero: E[exp(x)]", mean_over(zero, [&](std::uint64_t p) { return std::exp(zero.value(0, p)); }),
             std::exp(0.5 * variance));
  expect_law("martingale: E[x]", mean_over(kept, [&](std::uint64_t p) { return kept.value(0, p); }), -0.5 * variance);
  for (std::uint64_t p = 0; p < 100; ++p) {
    ASSERT_NEAR(kept.value(0, p), zero.value(0, p) - 0.5 * variance, 1e-6) << "path " << p;
  }
}

}  // namespace
}  // namespace tailmargin::test
