// Statistics of a price at the horizon, on samples small enough for paper, or drawn from the quantiles of a known law.
#include "host/cli/horizon_statistics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace tailmargin::test {
namespace {

/// By bisection on the C library's erfc.
double normal_quantile(double p) {
  double low = -10.0, high = 10.0;
  for (int i = 0; i < 80; ++i) {
    const double middle = 0.5 * (low + high);
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < p ? low : high) = middle;
  }
  return low;
}

TEST(HorizonStatistics, HasMomentsOfAFewPaths) {
  const HorizonStatistics s = horizon_statistics({"BTC", {0.0, 0.0, 0.0, 1.0}, {}}, 0.75);

  EXPECT_DOUBLE_EQ(s.moments.mean.value, 0.25);
  EXPECT_DOUBLE_EQ(s.moments.sd.value, std::sqrt(3.0) / 4.0);
  EXPECT_NEAR(s.moments.skew.value, 2.0 / std::sqrt(3.0), 1e-14);
  EXPECT_NEAR(s.moments.excess_kurtosis.value, 7.0 / 3.0 - 3.0, 1e-14);
}

TEST(HorizonStatistics, TakesTheEdgeOfTheTailInPart) {
  const std::vector<double> changes = {std::log(0.5), std::log(0.8), 0.0, std::log(1.5), std::log(2.0)};

  const HorizonStatistics s = horizon_statistics({"BTC", changes, {}}, 0.7);  // the tail is a path and a half

  EXPECT_NEAR(s.long_var.value, 0.2, 1e-15);
  EXPECT_NEAR(s.long_es.value, (0.5 + 0.5 * 0.2) / 1.5, 1e-15);
  EXPECT_NEAR(s.short_var.value, 0.5, 1e-15);
  EXPECT_NEAR(s.short_es.value, (1.0 + 0.5 * 0.5) / 1.5, 1e-15);
}

TEST(HorizonStatistics, TakesWeightsAsRepeats) {
  const HorizonSample repeated = {"BTC", {-0.3, -0.3, -0.1, 0.0, 0.1, 0.1, 0.1, 0.4}, {}};
  const HorizonSample weighted = {"BTC", {-0.3, -0.1, 0.0, 0.1, 0.4}, {4.0, 2.0, 2.0, 6.0, 2.0}};

  const HorizonStatistics a = horizon_statistics(repeated, 0.6), b = horizon_statistics(weighted, 0.6);

  EXPECT_NEAR(a.moments.mean.value, b.moments.mean.value, 1e-15);
  EXPECT_NEAR(a.moments.sd.value, b.moments.sd.value, 1e-15);
  EXPECT_NEAR(a.moments.skew.value, b.moments.skew.value, 1e-14);
  EXPECT_NEAR(a.moments.excess_kurtosis.value, b.moments.excess_kurtosis.value, 1e-14);
  EXPECT_NEAR(a.long_es.value, b.long_es.value, 1e-15);
  EXPECT_NEAR(a.short_es.value, b.short_es.value, 1e-15);
  EXPECT_EQ(a.long_var.value, b.long_var.value);
}

TEST(HorizonStatistics, KnowsTheExponentialLaw) {
  // Log changes are -t, t exponential with mean 1/9, at 200000 quantiles: the price U = e^-t has P(U <= u) = u^9.
  HorizonSample sample{"BTC", {}, {}};
  constexpr int n = 200000;
  for (int i = 0; i < n; ++i) sample.log_change.push_back(std::log((i + 0.5) / n) / 9.0);

  const HorizonStatistics s = horizon_statistics(sample, 0.99);

  const double u = std::pow(0.01, 1.0 / 9.0);
  EXPECT_NEAR(s.moments.sd.value, 1.0 / 9.0, 1e-5);
  EXPECT_NEAR(s.moments.skew.value, -2.0, 2e-3);
  EXPECT_NEAR(s.moments.excess_kurtosis.value, 6.0, 3e-2);
  EXPECT_NEAR(s.long_var.value, 1.0 - u, 1e-4);
  EXPECT_NEAR(s.long_es.value, 1.0 - 0.9 * u, 1e-4);  // mean of U below u
}

// Of a normal sample: mean sd / sqrt(n), sd sd / sqrt(2 n), skew sqrt(6 / n), kurtosis sqrt(24 / n) (Kendall and
// Stuart). Log changes at quantiles stand for draws: influence values do not ask how a sample came about.
TEST(HorizonStatistics, HasTheStandardErrorsOfANormalSample) {
  HorizonSample sample{"BTC", {}, {}};
  constexpr int n = 100000;
  for (int i = 0; i < n; ++i) sample.log_change.push_back(0.02 * normal_quantile((i + 0.5) / n));

  const Moments moments = moments_of(sample);

  EXPECT_NEAR(moments.mean.standard_error, 0.02 / std::sqrt(n), 1e-3 * 0.02 / std::sqrt(n));
  EXPECT_NEAR(moments.sd.standard_error, 0.02 / std::sqrt(2.0 * n), 5e-3 * 0.02 / std::sqrt(2.0 * n));
  EXPECT_NEAR(moments.skew.standard_error, std::sqrt(6.0 / n), 1e-2 * std::sqrt(6.0 / n));
  EXPECT_NEAR(moments.excess_kurtosis.standard_error, std::sqrt(24.0 / n), 2e-2 * std::sqrt(24.0 / n));
}

// 400 samples of 2000 weighted draws from a skewed law with light tails: what they scatter by is what each says.
TEST(HorizonStatistics, StandardErrorsAreTheScatterOfRepeats) {
  std::mt19937_64 generator(5);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  std::vector<std::vector<Estimate>> figures(8);
  for (int repeat = 0; repeat < 400; ++repeat) {
    HorizonSample sample{"BTC", {}, {}};
    for (int i = 0; i < 2000; ++i) {
      sample.log_change.push_back(0.3 * std::pow(uniform(generator), 2.0) - 0.1);
      sample.weight.push_back(uniform(generator) < 0.5 ? 1.0 : 3.0);
    }
    const HorizonStatistics s = horizon_statistics(sample, 0.9);
    const Moments& m = s.moments;
    const std::vector<Estimate> all = {m.mean,     m.sd,      m.skew,      m.excess_kurtosis,
                                       s.long_var, s.long_es, s.short_var, s.short_es};
    for (std::size_t k = 0; k < all.size(); ++k) figures[k].push_back(all[k]);
  }

  for (std::size_t k = 0; k < figures.size(); ++k) {
    double mean = 0.0, square = 0.0, said = 0.0;
    for (const Estimate& e : figures[k]) mean += e.value / 400.0;
    for (const Estimate& e : figures[k]) {
      square += (e.value - mean) * (e.value - mean) / 399.0;
      said += e.standard_error / 400.0;
    }
    // The scatter of 400 has a standard error of 3.5 %; the edge of a tail is read from two order statistics only.
    const double tolerance = k == 4 || k == 6 ? 0.2 : 0.11;
    EXPECT_NEAR(said / std::sqrt(square), 1.0, tolerance) << "figure " << k;
  }
}

TEST(HorizonStatistics, CountsWhatIsOutsideTheHistogramAtItsEnds) {
  const std::vector<double> shares =
      histogram({"BTC", {-9.0, -0.9, -0.1, 0.1, 0.9, 9.0}, {1, 1, 2, 2, 1, 1}}, -1, 1, 4);

  EXPECT_EQ(shares, (std::vector<double>{0.25, 0.25, 0.25, 0.25}));
}

TEST(HorizonText, HasALineForEachUnderlying) {
  std::vector<double> changes;
  for (int i = 0; i <= 1000; ++i) changes.push_back(0.0001 * (i - 500));

  const std::string text = horizon_text({{"BTC", changes, {}}, {"USDT", std::vector<double>(10, 0.0), {}}}, 0.99);

  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3 + 2 * 2);  // heads, and two lines each
  EXPECT_NE(text.find("2.89"), std::string::npos) << text;
  EXPECT_NE(text.find("█"), std::string::npos) << text;
  EXPECT_NE(text.find("does not move"), std::string::npos) << text;
}

TEST(HorizonText, IsCompleteAsJson) {
  const auto json = horizon_json({{"BTC", {-0.1, 0.1}, {}}}, 0.99);

  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0]["underlying"], "BTC");
  EXPECT_DOUBLE_EQ(json[0]["sd"].get<double>(), 0.1);
  for (const char* figure : {"mean", "sd", "skew", "excess_kurtosis", "long_var", "long_es", "short_var", "short_es"}) {
    EXPECT_TRUE(json[0].contains(std::string(figure) + "_se")) << figure;
  }
}

TEST(FactorsText, HasDeviationsAndTheirErrors) {
  const Moments moments = {{0.0, 0.1}, {0.0525, 0.0012}, {0.0, 0.1}, {0.0, 0.1}};

  const std::string text =
      factors_text({{"BTC", "vol", moments}, {"BTC", "carry_slope", moments}, {"ETH", "vol", moments}});

  EXPECT_NE(text.find("carry_slope"), std::string::npos) << text;
  EXPECT_NE(text.find("  ETH           5.250"), std::string::npos) << text;
  EXPECT_NE(text.find("±0.120"), std::string::npos) << text;
  EXPECT_EQ(factors_text({}), "");
  EXPECT_EQ(factors_json({{"BTC", "vol", moments}})[0]["sd_se"], 0.0012);
}

}  // namespace
}  // namespace tailmargin::test
