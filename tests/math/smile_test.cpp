// SSVI slices and what holds them together: the definition in long double, raw SVI, static arbitrage by formulas of its
// own, and what the limits may and may not change.
#include "kernels/math/smile.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "tailmargin/accuracy.hpp"
#include "tests/support/static_arbitrage.hpp"
#include "tests/support/sweep.hpp"

namespace tailmargin::test {
namespace {

constexpr math::SsviSmile<double> smiles[] = {
    {0.14, 2.0, -0.3}, {0.02, 40.0, -0.95}, {0.5, 0.7, 0.95}, {0.01, 0.05, 0.0}, {0.2, 1e-3, 0.5}};

template <class Real>
WorstError worst_ssvi() {
  WorstError worst;
  for (const auto& v : smiles) {
    const math::SsviSmile<Real> narrow{static_cast<Real>(v.level), static_cast<Real>(v.phi), static_cast<Real>(v.rho)};
    const Slice same{narrow.level, narrow.phi, narrow.rho};
    sweep(Real(-3), Real(3), 100'000, [&](Real k) {
      const long double expected = std::sqrt(same.variance(k));
      worst.add(static_cast<double>(std::fabs(math::ssvi_total_vol(narrow, k) - expected) / expected),
                static_cast<double>(k));
    });
  }
  return worst;
}

TEST(Ssvi, FloatMeetsTheDefinition) { expect_within(worst_ssvi<float>(), accuracy::ssvi_total_vol_float); }

TEST(Ssvi, DoubleMeetsTheDefinition) { expect_within(worst_ssvi<double>(), accuracy::ssvi_total_vol_double); }

// Gatheral and Jacquier (2014), lemma 3.1 the other way: the slice as raw SVI a + b (r (k - m) + sqrt((k - m)^2 +
// s^2)).
TEST(Ssvi, IsRawSvi) {
  const double theta = 0.04, phi = 3.0, rho = -0.6;
  const math::SsviSmile<double> smile{std::sqrt(theta / 2.0), phi, rho};
  const double a = theta / 2.0 * (1.0 - rho * rho), b = theta * phi / 2.0, m = -rho / phi,
               s = std::sqrt(1.0 - rho * rho) / phi;

  for (const double k : {-1.0, -0.2, 0.0, 0.1, 0.7}) {
    const double expected = a + b * (rho * (k - m) + std::sqrt((k - m) * (k - m) + s * s));
    EXPECT_NEAR(math::ssvi_total_vol(smile, k), std::sqrt(expected), 1e-15) << k;
  }
}

// At the money w = theta, w' = theta rho phi, w'' = theta phi^2 (1 - rho^2) / 2: level, skew and curvature by hand.
TEST(Ssvi, IsByHandAtTheMoney) {
  const math::SsviSmile<double> smile{0.3, 2.0, -0.5};  // theta 0.18
  const auto w = [&](double k) { return math::ssvi_total_vol(smile, k) * math::ssvi_total_vol(smile, k); };
  const double h = 1e-4;

  EXPECT_NEAR(w(0.0), 0.18, 1e-15);
  EXPECT_NEAR((w(h) - w(-h)) / (2.0 * h), 0.18 * -0.5 * 2.0, 1e-8);
  EXPECT_NEAR((w(h) - 2.0 * w(0.0) + w(-h)) / (h * h), 0.18 * 4.0 * 0.75 / 2.0, 1e-6);
}

TEST(Ssvi, RhoOfAVolRatioGivesThatRatio) {
  for (const double y : {0.05, 0.3, 0.67, 1.4}) {
    for (const double rho : {-0.9, -0.4, 0.0, 0.2, 0.8}) {
      const double log_ratio = std::log(math::ssvi_shape(y, rho) / math::ssvi_shape(-y, rho));

      EXPECT_NEAR(math::rho_of_vol_ratio(std::tanh(log_ratio), y), rho, 1e-12) << y;
    }
  }
}

TEST(LimitSmile, LeavesAloneWhatKeepsEveryLimit) {
  const math::SsviSmile<double> before{0.1, 6.0, -0.2};  // theta 0.02, slopes 0.096 right, 0.144 left
  const double theta = 0.05, phi = 4.0, rho = -0.3;      // slopes 0.14, 0.26

  for (const auto& earlier : {before, math::no_smile_before<double>()}) {
    const math::SsviSmile<double> found = math::limit_smile<double>({theta, theta * phi, rho}, earlier);

    EXPECT_NEAR(found.level, std::sqrt(theta / 2.0), 1e-16);
    EXPECT_NEAR(found.phi, phi, 1e-14);
    EXPECT_NEAR(found.rho, rho, 1e-15);
  }
}

TEST(LimitSmile, LiftsVarianceAndWingsToThoseBefore) {
  const math::SsviSmile<double> before{0.1, 5.0, -0.2};  // theta 0.02, slopes 0.08 right, 0.12 left
  const math::SsviSmile<double> low = math::limit_smile<double>({0.015, 0.06, -0.2}, before);
  const math::SsviSmile<double> steep_left = math::limit_smile<double>({0.03, 0.1, -0.4}, before);  // 0.06 right, 0.14

  EXPECT_NEAR(low.level, before.level, 1e-15);
  EXPECT_NEAR(low.phi, before.phi, 1e-13);
  EXPECT_NEAR(low.rho, before.rho, 1e-14);
  const double slope = 2.0 * steep_left.level * steep_left.level * steep_left.phi;
  EXPECT_NEAR(slope * (1.0 + steep_left.rho), 0.08, 1e-14);
  EXPECT_NEAR(slope * (1.0 - steep_left.rho), 0.14, 1e-14);
}

// Lee's slope, and Gatheral and Jacquier's second condition, each by a smile that only it stops.
TEST(LimitSmile, StopsAtTheButterflyConditions) {
  const auto none = math::no_smile_before<double>();
  const math::SsviSmile<double> wide = math::limit_smile<double>({9.0, 9.0 * 0.5, 0.5}, none);
  const math::SsviSmile<double> sharp = math::limit_smile<double>({0.01, 0.01 * 30.0, -0.5}, none);

  EXPECT_NEAR(2.0 * wide.level * wide.level * wide.phi * 1.5, math::max_wing, 1e-12);
  EXPECT_NEAR(wide.rho, 0.5, 1e-14);
  EXPECT_NEAR(2.0 * sharp.level * sharp.level * sharp.phi * sharp.phi * 1.5, math::max_curvature, 1e-12);
  EXPECT_NEAR(sharp.rho, -0.5, 1e-14);
}

/// Chains of four random targets, tame and wild, each held above the one before.
template <class Visit>
void visit_chains(int count, Visit visit) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  for (int chain = 0; chain < count; ++chain) {
    double theta = std::exp(-8.0 + 8.0 * uniform(random)), curvature = std::exp(-3.0 + 4.0 * uniform(random));
    double rho = 2.0 * uniform(random) - 1.0;
    math::SsviSmile<double> before = math::no_smile_before<double>();
    for (int expiry = 0; expiry < 4; ++expiry) {
      const math::SmileTarget<double> target{theta, curvature * std::sqrt(theta), rho};
      const math::SsviSmile<double> smile = math::limit_smile(target, before);
      visit(target, before, smile);
      before = smile;
      theta *= std::exp(0.4 * normal(random) + 0.2);
      curvature *= std::exp(0.3 * normal(random));
      rho = std::fmax(-1.0, std::fmin(1.0, rho + 0.3 * normal(random)));
    }
  }
}

TEST(LimitSmile, RulesOutStaticArbitrage) {
  visit_chains(4000, [](const auto& target, const auto& before, const auto& smile) {
    const Slice slice{smile.level, smile.phi, smile.rho}, earlier{before.level, before.phi, before.rho};
    ASSERT_GE(worst_butterfly(slice), 0.0) << target.theta << ' ' << target.slope << ' ' << target.rho;
    ASSERT_GE(worst_calendar(earlier, slice), -1e-13) << target.theta << ' ' << target.slope << ' ' << target.rho;
    ASSERT_LE(std::fabs(smile.rho), math::max_rho + 1e-12);
  });
}

TEST(LimitSmile, FloatStaysNearDouble) {
  visit_chains(4000, [](const auto& target, const auto& before, const auto& smile) {
    const math::SsviSmile<float> narrow =
        math::limit_smile<float>({float(target.theta), float(target.slope), float(target.rho)},
                                 {float(before.level), float(before.phi), float(before.rho)});
    for (const double k : {-0.5, -0.1, 0.0, 0.1, 0.5}) {
      const double exact = math::ssvi_total_vol(smile, k);
      ASSERT_NEAR(math::ssvi_total_vol(narrow, float(k)), exact, 1e-4 * exact)
          << target.theta << ' ' << target.slope << ' ' << target.rho << " at " << k;
    }
  });
}

TEST(LimitSmile, IsContinuous) {
  visit_chains(2000, [](const auto& target, const auto& before, const auto& smile) {
    const math::SsviSmile<double> near = math::limit_smile<double>(
        {target.theta * (1.0 + 1e-9), target.slope * (1.0 + 1e-9), target.rho + 1e-9}, before);
    for (const double k : {-0.5, 0.0, 0.5}) {
      const double here = math::ssvi_total_vol(smile, k);
      ASSERT_NEAR(math::ssvi_total_vol(near, k), here, 1e-6 * here) << target.theta << ' ' << target.rho;
    }
  });
}

// The alarm works: slices that break one condition each are found out.
TEST(StaticArbitrage, IsNoticed) {
  const Slice slice{0.1, 5.0, -0.2};

  EXPECT_LT(worst_butterfly({0.1, 40.0, -0.2}), 0.0);                    // curvature
  EXPECT_LT(worst_butterfly({std::sqrt(5.0), 0.8, 0.5}), 0.0);           // slope
  EXPECT_LT(worst_calendar(slice, {0.099, 5.0, -0.2}), 0.0);             // variance
  EXPECT_LT(worst_calendar(slice, {0.11, 3.0, -0.2}), 0.0);              // wings
  EXPECT_LT(worst_calendar({0.1, 0.5, 0.0}, {0.1001, 5.0, -0.5}), 0.0);  // in between
  EXPECT_GE(worst_butterfly(slice), 0.0);
}

}  // namespace
}  // namespace tailmargin::test
