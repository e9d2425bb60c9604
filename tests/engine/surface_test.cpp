// Fitted surfaces: what is recovered, what arbitrary quotes cannot break, expiries with few strikes.
#include "host/prepare/surface.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/support/static_arbitrage.hpp"

namespace tailmargin::test {
namespace {

Slice slice_of(const math::SsviSmile<double>& smile) { return {smile.level, smile.phi, smile.rho}; }

ExpiryQuotes quotes_of(const Slice& slice, double years, double width, int strikes) {
  ExpiryQuotes out{years, {}};
  for (int i = 0; i < strikes; ++i) {
    const double k = strikes == 1 ? 0.0 : width * (2.0 * i / (strikes - 1) - 1.0);
    out.points.push_back({k, static_cast<double>(std::sqrt(slice.variance(k)))});
  }
  return out;
}

void expect_no_arbitrage(const std::vector<FittedSmile>& fits) {
  Slice before{0.0L, 0.0L, 0.0L};
  for (std::size_t n = 0; n < fits.size(); ++n) {
    const Slice slice = slice_of(fits[n].smile);
    EXPECT_GE(worst_butterfly(slice), 0.0) << n;
    EXPECT_GE(worst_calendar(before, slice), -1e-12) << n;
    before = slice;
  }
}

TEST(Surface, RecoversWhatItCanRepresent) {
  const Slice truth[] = {{0.06L, 9.0L, -0.3L}, {0.1L, 6.0L, -0.25L}, {0.2L, 3.2L, -0.1L}};
  std::vector<ExpiryQuotes> quotes;
  for (int n = 0; n < 3; ++n) { quotes.push_back(quotes_of(truth[n], 0.02 * (n + 1), 0.5, 25)); }

  const std::vector<FittedSmile> fits = fit_surface(quotes);

  for (std::size_t n = 0; n < 3; ++n) {
    EXPECT_NEAR(fits[n].smile.phi, static_cast<double>(truth[n].phi), 0.02) << n;
    EXPECT_NEAR(fits[n].smile.rho, static_cast<double>(truth[n].rho), 0.005) << n;
    EXPECT_LT(fits[n].error.rms_vol, 1e-3) << n;
    EXPECT_EQ(fits[n].error.num_quotes, 25u);
    EXPECT_FALSE(fits[n].error.butterfly_marks || fits[n].error.calendar_marks);
  }
}

TEST(Surface, FitErrorIsTheGapInVol) {
  ExpiryQuotes quotes = quotes_of({0.1L, 5.0L, -0.2L}, 0.25, 0.4, 21);
  quotes.points[20].total_vol += 0.05;  // far out: it hardly moves the fit

  const FitError error = fit_surface({quotes}).front().error;

  EXPECT_NEAR(error.worst_vol, 0.05 / std::sqrt(0.25), 0.015);
  EXPECT_NEAR(error.rms_vol, 0.1 / std::sqrt(21.0), 0.005);
  EXPECT_LT(error.near_rms_vol, 0.01);
  EXPECT_TRUE(error.butterfly_marks);
}

// The call at the money lifted by 0.004 of the forward: calls still fall in strike, but no longer ever more slowly.
TEST(Surface, MarksThatAreNotConvexAreNoticed) {
  ExpiryQuotes quotes = quotes_of({0.14L, 2.0L, -0.1L}, 0.25, 0.4, 21);
  EXPECT_FALSE(fit_surface({quotes}).front().error.butterfly_marks);

  quotes.points[10].total_vol += 0.01;

  EXPECT_TRUE(fit_surface({quotes}).front().error.butterfly_marks);
}

TEST(Surface, NoQuotesMakeArbitrage) {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> uniform(-1.0, 1.0);
  for (int surface = 0; surface < 60; ++surface) {
    std::vector<ExpiryQuotes> quotes;
    for (int n = 0; n < 4; ++n) {
      quotes.push_back({0.01 * (n + 1), {}});
      for (int i = -8; i <= 8; ++i) {
        quotes.back().points.push_back({0.05 * i, 0.1 * std::exp(uniform(random))});  // noise: no market at all
      }
    }

    expect_no_arbitrage(fit_surface(quotes));
  }
}

TEST(Surface, SteepWingsStayWithinLeesBound) {
  ExpiryQuotes quotes{0.5, {}};
  for (int i = -10; i <= 10; ++i) { quotes.points.push_back({0.1 * i, std::sqrt(0.05 + 6.0 * std::fabs(0.1 * i))}); }

  expect_no_arbitrage(fit_surface({quotes}));
}

TEST(Surface, FewStrikesAloneAreFlat) {
  const std::vector<FittedSmile> fits =
      fit_surface({{0.01, {{0.0, 0.05}}}, {0.02, {{-0.05, 0.08}, {0.0, 0.08}, {0.05, 0.08}}}});

  for (const double deviations : {-3.0, -1.0, 1.0, 3.0}) {
    EXPECT_NEAR(math::ssvi_total_vol(fits[0].smile, 0.05 * deviations), 0.05, 1e-3 * 0.05);
    EXPECT_NEAR(math::ssvi_total_vol(fits[1].smile, 0.08 * deviations), 0.08, 1e-3 * 0.08);
  }
  EXPECT_NEAR(math::ssvi_total_vol(fits[0].smile, 0.0), 0.05, 1e-15);
  expect_no_arbitrage(fits);
}

TEST(Surface, FewStrikesTakeTheShapeOfTheNearestExpiry) {
  const Slice month{0.1L, 5.0L, -0.3L};
  const std::vector<ExpiryQuotes> quotes = {
      {0.02, {{0.0, 0.05}}}, quotes_of(month, 0.08, 0.4, 21), {0.16, {{0.0, 0.2}}}};

  const std::vector<FittedSmile> fits = fit_surface(quotes);

  const double standard = 5.0 * 0.1 * std::sqrt(2.0);
  for (const std::size_t thin : {std::size_t{0}, std::size_t{2}}) {
    const math::SsviSmile<double>& smile = fits[thin].smile;
    EXPECT_NEAR(smile.phi * smile.level * std::sqrt(2.0), standard, 0.01 * standard) << thin;
    EXPECT_NEAR(smile.rho, -0.3, 0.01) << thin;
    EXPECT_NEAR(math::ssvi_total_vol(smile, 0.0), quotes[thin].points[0].total_vol, 1e-9) << thin;
  }
  expect_no_arbitrage(fits);
}

TEST(Surface, MarksThatFallInTermAreNoticed) {
  const std::vector<FittedSmile> fits =
      fit_surface({quotes_of({0.1L, 5.0L, -0.2L}, 0.1, 0.3, 15), quotes_of({0.09L, 5.0L, -0.2L}, 0.2, 0.3, 15)});

  EXPECT_FALSE(fits[0].error.calendar_marks);
  EXPECT_TRUE(fits[1].error.calendar_marks);
  expect_no_arbitrage(fits);
}

}  // namespace
}  // namespace tailmargin::test
