// Statistics of a price at the horizon, on samples small enough for paper, or drawn from the quantiles of a known law.
#include "host/cli/horizon_statistics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace tailmargin::test {
namespace {

TEST(HorizonStatistics, HasMomentsOfAFewPaths) {
  const HorizonStatistics s = horizon_statistics({"BTC", {0.0, 0.0, 0.0, 1.0}, {}}, 0.75);

  EXPECT_DOUBLE_EQ(s.mean, 0.25);
  EXPECT_DOUBLE_EQ(s.sd, std::sqrt(3.0) / 4.0);
  EXPECT_NEAR(s.skew, 2.0 / std::sqrt(3.0), 1e-14);
  EXPECT_NEAR(s.excess_kurtosis, 7.0 / 3.0 - 3.0, 1e-14);
}

TEST(HorizonStatistics, TakesTheEdgeOfTheTailInPart) {
  const std::vector<double> changes = {std::log(0.5), std::log(0.8), 0.0, std::log(1.5), std::log(2.0)};

  const HorizonStatistics s = horizon_statistics({"BTC", changes, {}}, 0.7);  // the tail is a path and a half

  EXPECT_NEAR(s.long_var, 0.2, 1e-15);
  EXPECT_NEAR(s.long_es, (0.5 + 0.5 * 0.2) / 1.5, 1e-15);
  EXPECT_NEAR(s.short_var, 0.5, 1e-15);
  EXPECT_NEAR(s.short_es, (1.0 + 0.5 * 0.5) / 1.5, 1e-15);
}

TEST(HorizonStatistics, TakesWeightsAsRepeats) {
  const HorizonSample repeated = {"BTC", {-0.3, -0.3, -0.1, 0.0, 0.1, 0.1, 0.1, 0.4}, {}};
  const HorizonSample weighted = {"BTC", {-0.3, -0.1, 0.0, 0.1, 0.4}, {4.0, 2.0, 2.0, 6.0, 2.0}};

  const HorizonStatistics a = horizon_statistics(repeated, 0.6), b = horizon_statistics(weighted, 0.6);

  EXPECT_NEAR(a.mean, b.mean, 1e-15);
  EXPECT_NEAR(a.sd, b.sd, 1e-15);
  EXPECT_NEAR(a.skew, b.skew, 1e-14);
  EXPECT_NEAR(a.excess_kurtosis, b.excess_kurtosis, 1e-14);
  EXPECT_NEAR(a.long_es, b.long_es, 1e-15);
  EXPECT_NEAR(a.short_es, b.short_es, 1e-15);
  EXPECT_EQ(a.long_var, b.long_var);
}

TEST(HorizonStatistics, KnowsTheExponentialLaw) {
  // Log changes are -t, t exponential with mean 1/9, at 200000 quantiles: the price U = e^-t has P(U <= u) = u^9.
  HorizonSample sample{"BTC", {}, {}};
  constexpr int n = 200000;
  for (int i = 0; i < n; ++i) sample.log_change.push_back(std::log((i + 0.5) / n) / 9.0);

  const HorizonStatistics s = horizon_statistics(sample, 0.99);

  const double u = std::pow(0.01, 1.0 / 9.0);
  EXPECT_NEAR(s.sd, 1.0 / 9.0, 1e-5);
  EXPECT_NEAR(s.skew, -2.0, 2e-3);
  EXPECT_NEAR(s.excess_kurtosis, 6.0, 3e-2);
  EXPECT_NEAR(s.long_var, 1.0 - u, 1e-4);
  EXPECT_NEAR(s.long_es, 1.0 - 0.9 * u, 1e-4);  // mean of U below u
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

  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
  EXPECT_NE(text.find("2.89 %"), std::string::npos) << text;
  EXPECT_NE(text.find("█"), std::string::npos) << text;
  EXPECT_NE(text.find("does not move"), std::string::npos) << text;
}

TEST(HorizonText, IsCompleteAsJson) {
  const auto json = horizon_json({{"BTC", {-0.1, 0.1}, {}}}, 0.99);

  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0]["underlying"], "BTC");
  EXPECT_DOUBLE_EQ(json[0]["sd"].get<double>(), 0.1);
}

}  // namespace
}  // namespace tailmargin::test
