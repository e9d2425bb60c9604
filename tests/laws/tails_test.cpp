// Fat tails: Student's t at the horizon, blocks of hours, and how coins fall together.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/laws/law_sample.hpp"
#include "tests/laws/law_values.hpp"
#include "tests/support/normal_oracle.hpp"

namespace tailmargin::test {
namespace {

constexpr double vol = 0.6;
const double day_sd = vol / std::sqrt(year_days);

/// The unit in which a return of this standard deviation is Student t.
double t_scale(double nu, double sd) { return sd * std::sqrt((nu - 2.0) / nu); }

/// Student's distribution for nu = 3, 4, 6 (Abramowitz and Stegun 26.7.3, 26.7.4).
double t_cdf(int nu, double x) {
  const double angle = std::atan(x / std::sqrt(double(nu))), s = std::sin(angle), c = std::cos(angle);
  if (nu == 3) { return 0.5 + (angle + s * c) / std::acos(-1.0); }
  if (nu == 4) { return 0.5 + 0.5 * s * (1.0 + 0.5 * c * c); }
  return 0.5 + 0.5 * s * (1.0 + 0.5 * c * c + 0.375 * c * c * c * c);
}

/// One regime without drift; coins A, B, ... have these tail indices (0: normal).
Model fat_tails(double horizon_hours, double step_hours, const std::vector<double>& tail_indices) {
  Model model = one_regime(horizon_hours, step_hours, {});
  model.drift = Drift::zero;
  model.mixing_max_scale = 100.0;
  model.regimes[0].vols.clear();
  for (std::size_t c = 0; c < tail_indices.size(); ++c) {
    VolRule rule = price_only(std::string(1, static_cast<char>('A' + c)), vol);
    if (tail_indices[c] > 0.0) { rule.tail_index = tail_indices[c]; }
    model.regimes[0].vols.push_back(rule);
  }
  return model;
}

FactorAt price_of(UnderlyingId coin, double hours) { return {coin, FactorKind::price, hours}; }

TEST(TailLaw, DayOfFourStepsIsStudentT) {
  const LawSample sample(book_of({"A"}), fat_tails(24.0, 6.0, {4.0}), {price_of(0, 24.0)}, 301);

  const double unit = t_scale(4.0, day_sd);
  expect_tail("t4 long", sample, 0, 1.0, 0.99, t4_var99 * unit, t4_es99 * unit);
  expect_tail("t4 short", sample, 0, -1.0, 0.99, t4_var99 * unit, t4_es99 * unit);
}

// Coins with tails of their own in one model; two share one.
TEST(TailLaw, EachCoinHasItsOwnTailIndex) {
  const LawSample sample(book_of({"A", "B", "C", "D"}), fat_tails(24.0, 12.0, {3.0, 6.0, 0.0, 6.0}),
                         {price_of(0, 24.0), price_of(1, 24.0), price_of(2, 24.0), price_of(3, 24.0)}, 302);

  for (const std::size_t coin : {0u, 1u}) {
    const int nu = coin == 0 ? 3 : 6;
    const double unit = t_scale(nu, day_sd);
    const std::string name = "t" + std::to_string(nu);
    for (const TQuantileRow& row : t_quantiles) {
      const double quantile = (nu == 3 ? row.t3 : row.t6) * unit;
      const std::string level = std::to_string(row.probability).substr(0, 6);
      expect_law(name + ": above the quantile of " + level,
                 share_of(sample, [&](std::uint64_t p) { return sample.value(coin, p) > quantile; }), row.probability);
      expect_law(name + ": below the quantile of " + level,
                 share_of(sample, [&](std::uint64_t p) { return sample.value(coin, p) < -quantile; }), row.probability);
    }
    expect_tail(name, sample, coin, 1.0, 0.99, (nu == 3 ? t3_var99 : t6_var99) * unit,
                (nu == 3 ? t3_es99 : t6_es99) * unit);
    // Kolmogorov and Smirnov: sqrt(n) sup |F_n - F| is above 1.95 once in a thousand samples.
    std::vector<float> sorted(sample.reading(coin).begin(), sample.reading(coin).end());
    std::sort(sorted.begin(), sorted.end());
    double distance = 0.0;
    const auto n = static_cast<double>(sorted.size());
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      const double f = t_cdf(nu, static_cast<double>(sorted[i]) / unit), rank = static_cast<double>(i);
      distance = std::max({distance, std::fabs(f - rank / n), std::fabs(f - (rank + 1.0) / n)});
    }
    EXPECT_LT(std::sqrt(n) * distance, 1.95) << name;
    testing::Test::RecordProperty(name + ": Kolmogorov-Smirnov statistic", std::to_string(std::sqrt(n) * distance));
  }
  const double z = normal_quantile(0.99);
  expect_tail("normal", sample, 2, 1.0, 0.99, z * day_sd, normal_pdf(z) / 0.01 * day_sd);
  expect_tail("the other t6", sample, 3, 1.0, 0.99, t6_var99 * t_scale(6.0, day_sd), t6_es99 * t_scale(6.0, day_sd));
}

// A regime's rows say which tail: t3, normal, t6 with vols of their own.
TEST(TailLaw, EachRegimeHasItsOwnTailIndex) {
  Model model = one_regime(24.0, 12.0, {});
  model.drift = Drift::zero;
  model.mixing_max_scale = 50.0;
  model.regimes.clear();
  const double vols[] = {0.3, 0.6, 0.9}, indices[] = {3.0, 0.0, 6.0};
  for (std::size_t k = 0; k < 3; ++k) {
    VolRule rule = price_only("*", vols[k]);
    if (indices[k] > 0.0) { rule.tail_index = indices[k]; }
    model.regimes.push_back({std::to_string(k), {rule}});
  }
  model.transition = {{1.0, 0.0, 0.0}, {0.0, 1.0, 0.0}, {0.0, 0.0, 1.0}};
  model.start = StartKind::probabilities;
  model.start_probabilities = {0.3, 0.3, 0.4};
  const LawSample sample(book_of({"A"}), model, {price_of(0, 24.0)}, 303, law_paths / 4, {0.0});

  for (std::uint32_t k = 0; k < 3; ++k) {
    const double sd = vols[k] / std::sqrt(year_days), z = normal_quantile(0.99);
    const double quantile = k == 0 ? t3_var99 * t_scale(3.0, sd) : k == 1 ? z * sd : t6_var99 * t_scale(6.0, sd);
    expect_law(
        "beyond the quantile, regime " + std::to_string(k),
        share_of(sample, [&](std::uint64_t p) { return sample.regime(0, p) == k && sample.value(0, p) > quantile; }),
        0.01 * model.start_probabilities[k]);
  }
}

TEST(TailLaw, LargestScaleIsACut) {
  // All scales above 1.5 are 1.5: P(|x| > q) = E[2 Phi(-q / min(G, 1.5))], by the t law of nu = 4 cut at its score.
  Model model = fat_tails(24.0, 24.0, {4.0});
  model.mixing_max_scale = 1.5;
  const LawSample sample(book_of({"A"}), model, {price_of(0, 24.0)}, 304);

  // G^2 = 2 / chi2(4), whose distribution is 1 - e^{-c / 2} (1 + c / 2): integrate over c = 2 / G^2.
  for (const double q : {1.0, 2.0, 4.0}) {
    const double cut = 2.0 / (1.5 * 1.5);
    double expected = (1.0 - std::exp(-0.5 * cut) * (1.0 + 0.5 * cut)) * 2.0 * normal_cdf(-q / 1.5);
    constexpr int points = 20'000;  // midpoint rule to c = 60
    for (int i = 0; i < points; ++i) {
      const double c = cut + (60.0 - cut) * (i + 0.5) / points;
      expected += 0.25 * c * std::exp(-0.5 * c) * 2.0 * normal_cdf(-q * std::sqrt(0.5 * c)) * (60.0 - cut) / points;
    }
    expect_law("beyond " + std::to_string(int(q)) + " deviations",
               share_of(sample, [&](std::uint64_t p) { return std::fabs(sample.value(0, p)) > q * day_sd; }), expected);
  }
}

// Two blocks of a day. Independent scores: the sum of two independent t. Scores that hardly change: t again.
TEST(TailLaw, TwoBlocks) {
  for (const double persistence : {0.0, 0.999999}) {
    Model model = fat_tails(48.0, 12.0, {4.0});
    model.mixing_persistence = persistence;
    model.mixing_max_scale = 80.0;
    const LawSample sample(book_of({"A"}), model, {price_of(0, 48.0)}, 305);

    const double unit = t_scale(4.0, day_sd);
    if (persistence == 0.0) {
      expect_tail("independent", sample, 0, 1.0, 0.99, t4_sum_var99 * unit, t4_sum_es99 * unit);
    } else {
      const double two_days = std::sqrt(2.0) * unit;
      expect_tail("persistent", sample, 0, 1.0, 0.99, t4_var99 * two_days, t4_es99 * two_days);
    }
  }
}

// Wild days come together: scores of neighbours have correlation 0.6, of every other block 0.36.
TEST(TailLaw, PersistenceIsTheCorrelationOfScores) {
  Model model = fat_tails(36.0, 12.0, {4.0});
  model.mixing_hours = 12.0;
  model.mixing_persistence = 0.6;
  const LawSample sample(book_of({"A"}), model, {price_of(0, 12.0), price_of(0, 24.0), price_of(0, 36.0)}, 306);

  const double sd = vol * std::sqrt(0.5 / year_days);
  const auto wild = [&](std::size_t block, std::uint64_t p) {
    const double before = block == 0 ? 0.0 : sample.value(block - 1, p);
    return std::fabs(sample.value(block, p) - before) > block_exceedances[0].quantile * sd;
  };
  for (const std::size_t block : {0u, 1u, 2u}) {
    expect_law("block " + std::to_string(block) + " wild",
               share_of(sample, [&](std::uint64_t p) { return wild(block, p); }), 0.04);
  }
  for (const auto& [a, b, correlation] : {std::tuple{0u, 1u, 0.6}, std::tuple{1u, 2u, 0.6}, std::tuple{0u, 2u, 0.36}}) {
    for (const BlockRow& row : block_exceedances) {
      if (row.correlation != correlation) { continue; }
      expect_law("blocks " + std::to_string(a) + " and " + std::to_string(b) + " wild",
                 share_of(sample, [&, a = a, b = b](std::uint64_t p) { return wild(a, p) && wild(b, p); }),
                 row.probability);
    }
  }
  expect_law("variance", mean_over(sample, [&](std::uint64_t p) { return sample.value(2, p) * sample.value(2, p); }),
             3.0 * sd * sd);
}

struct DependenceCase {
  const char* name;
  double first, second;  ///< tail index; 0: normal
  double correlation;
  double DependenceRow::*expected;
};

class TailDependence : public testing::TestWithParam<DependenceCase> {};

double upper_quantile(double nu, double u) {
  if (nu == 0.0) { return -normal_quantile(u); }
  // -quantile of t by bisection of its closed form.
  return bisect([&](double x) { return t_cdf(int(nu), x) - (1.0 - u); }, 0.0, 100.0);
}

TEST_P(TailDependence, MeetsTheBivariateLaw) {
  const DependenceCase& c = GetParam();
  Model model = fat_tails(24.0, 12.0, {c.first, c.second});
  model.regimes[0].underlyings = {{"A", "B", c.correlation}};
  const LawSample sample(book_of({"A", "B"}), model, {price_of(0, 24.0), price_of(1, 24.0)}, 307);

  for (const DependenceRow& row : tail_dependences) {
    const auto level = [&](double nu) {
      return upper_quantile(nu, row.u) * (nu == 0.0 ? day_sd : t_scale(nu, day_sd));
    };
    const double a = level(c.first), b = level(c.second);
    for (const double side : {1.0, -1.0}) {
      Estimate both = share_of(
          sample, [&](std::uint64_t p) { return side * sample.value(0, p) > a && side * sample.value(1, p) > b; });
      both = {both.value / row.u, both.se / row.u};
      expect_law(std::string(side > 0.0 ? "both up, " : "both down, ") + std::to_string(row.u).substr(0, 5), both,
                 row.*c.expected);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(TailLaw, TailDependence,
                         testing::Values(DependenceCase{"normal", 0.0, 0.0, 0.5, &DependenceRow::normal},
                                         DependenceCase{"t4", 4.0, 4.0, 0.5, &DependenceRow::t4},
                                         DependenceCase{"t4_uncorrelated", 4.0, 4.0, 0.0,
                                                        &DependenceRow::t4_uncorrelated},
                                         DependenceCase{"t3_with_t6", 3.0, 6.0, 0.5, &DependenceRow::t3_with_t6}),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace tailmargin::test
