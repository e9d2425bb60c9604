// Market rows, smiles, product columns and option columns against their definitions, written out again in long double.
#include "kernels/executors/revalue.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "tests/support/static_arbitrage.hpp"

namespace tailmargin::test {
namespace {

constexpr int width = 37;  // no multiple of a vector

template <class Real>
struct Tolerance;
template <>
struct Tolerance<float> {
  static constexpr double value = 1e-6;
};
template <>
struct Tolerance<double> {
  static constexpr double value = 1e-14;
};

template <class Real>
class Revalue : public testing::Test {};
using Reals = testing::Types<float, double>;
TYPED_TEST_SUITE(Revalue, Reals);

float observation(int row, int lane) {
  return 0.01f * static_cast<float>((row + 1) * (lane - 18)) + 0.003f * static_cast<float>(row);
}

std::vector<float> observations(int rows) {
  std::vector<float> out;
  for (int r = 0; r < rows; ++r) {
    for (int l = 0; l < width; ++l) { out.push_back(observation(r, l)); }
  }
  return out;
}

TYPED_TEST(Revalue, MarketRowTransformsALinearCombination) {
  using Real = TypeParam;
  const auto obs = observations(5);
  for (const RowTransform transform :
       {RowTransform::identity, RowTransform::exponential, RowTransform::exponential_minus_one}) {
    const MarketRow<Real> row{transform,   {3, 0, 2, 4, 1},    {Real(1), Real(-0.5), Real(2), Real(0.25), Real(-1.5)},
                              Real(0.125), Real(-row_not_cut), Real(row_not_cut)};
    std::vector<Real> out(width);

    fill_market_row(row, obs.data(), width, width, out.data());

    for (int l = 0; l < width; ++l) {
      const long double sum = 0.125L + observation(3, l) - 0.5L * observation(0, l) + 2.0L * observation(2, l) +
                              0.25L * observation(4, l) - 1.5L * observation(1, l);
      const long double expected = transform == RowTransform::identity      ? sum
                                   : transform == RowTransform::exponential ? std::exp(sum)
                                                                            : std::expm1(sum);
      EXPECT_NEAR(static_cast<double>(out[static_cast<std::size_t>(l)]), static_cast<double>(expected),
                  5.0 * Tolerance<Real>::value * std::fmax(1.0, static_cast<double>(std::exp(sum))))
          << l;
    }
  }
}

TYPED_TEST(Revalue, MarketRowIsCutBeforeItsTransform) {
  using Real = TypeParam;
  const auto obs = observations(1);
  const MarketRow<Real> row{RowTransform::exponential, {0}, {Real(1)}, Real(0), Real(-0.0625), Real(0.125)};
  std::vector<Real> out(width);

  fill_market_row(row, obs.data(), width, width, out.data());

  EXPECT_EQ(out.front(), math::exp(Real(-0.0625)));
  EXPECT_EQ(out[18], math::exp(Real(observation(0, 18))));
  EXPECT_EQ(out.back(), math::exp(Real(0.125)));
}

TYPED_TEST(Revalue, ProductColumnIsScaleTimesGrowthTimesMove) {
  using Real = TypeParam;
  const ProductColumn<Real> column{0, 1, 0, 0, 0, Real(-2.5)};
  std::vector<Real> market(2 * width), out(width);
  for (std::size_t l = 0; l < width; ++l) {
    market[l] = Real(l) * Real(0.25) - Real(3);
    market[width + l] = Real(1) + Real(l) / Real(64);
  }

  fill_product_column<Real>(column, nullptr, market.data(), width, width, out.data());

  for (std::size_t l = 0; l < width; ++l) {
    const double expected = -2.5 * (1.0 + static_cast<double>(l) / 64.0) * (static_cast<double>(l) * 0.25 - 3.0);
    EXPECT_NEAR(static_cast<double>(out[l]), expected, Tolerance<Real>::value * 30.0) << l;
  }
}

// Payments 1 and 2 of three: USD 100 x growth x rate each way.
TYPED_TEST(Revalue, PaymentsAreTakenFromTheProfit) {
  using Real = TypeParam;
  const ProductColumn<Real> column{0, 0, 1, 1, 2, Real(8)};
  const Payment<Real> payments[] = {{3, 0, Real(1e6)}, {2, 0, Real(100)}, {3, 1, Real(100)}};
  const std::vector<Real> market = {Real(1), Real(2), Real(0.25), Real(-0.5)};
  Real out{};

  fill_product_column(column, payments, market.data(), 1, 1, &out);

  EXPECT_EQ(out, Real(8 * 1 * 2 - 100 * 1 * 0.25 + 100 * 2 * 0.5));
}

/// An option 10 % out of the money with a month to run; rows: growth, unit, return, inverse growth, level, phi, rho.
template <class Real>
OptionColumn<Real> some_option(Real sign) {
  OptionColumn<Real> option{};
  option.growth_row = 0;
  option.unit_row = 1;
  option.return_row = 2;
  option.inverse_growth_row = 3;
  option.smile_row = 4;
  option.sign = sign;
  option.scale = Real(60000);
  option.moneyness = Real(1.1);
  option.log_moneyness = math::log(Real(1.1));
  option.residual = Real(0.04);
  option.follow = Real(1);
  option.base_value = Real(0.0125);
  return option;
}

template <class Real>
std::vector<Real> some_market() {
  std::vector<Real> market(7 * width);
  for (std::size_t l = 0; l < width; ++l) {
    const Real shock = (Real(l) - Real(18)) * Real(0.02);
    market[l] = Real(1) + shock / Real(8);
    market[width + l] = math::exp(shock);
    market[2 * width + l] = shock;
    market[3 * width + l] = math::exp(-shock);
    market[4 * width + l] = Real(0.12) + Real(l) / Real(300);
    market[5 * width + l] = Real(5) - Real(l) / Real(16);
    market[6 * width + l] = Real(-0.5) + Real(l) / Real(64);
  }
  return market;
}

long double cdf_true(long double x) { return 0.5L * std::erfc(-x * 0.7071067811865475244008443621048490392848L); }

TYPED_TEST(Revalue, OptionColumnMeetsTheDefinition) {
  using Real = TypeParam;
  const auto market = some_market<Real>();
  for (const Real sign : {Real(1), Real(-1)}) {
    for (const Real follow : {Real(1), Real(0)}) {
      OptionColumn<Real> option = some_option(sign);
      option.follow = follow;
      std::vector<Real> out(width);

      fill_option_column(option, market.data(), width, width, out.data());

      for (std::size_t l = 0; l < width; ++l) {
        const long double moneyness = static_cast<long double>(option.moneyness) * market[3 * width + l];
        const long double k = static_cast<long double>(option.log_moneyness) - market[2 * width + l];
        const Slice smile{market[4 * width + l], market[5 * width + l], market[6 * width + l]};
        const long double smile_k = follow == Real(1) ? k : static_cast<long double>(option.log_moneyness);
        const long double v = std::sqrt(smile.variance(smile_k)) + smile.level * option.residual;
        const long double value =
            sign * (cdf_true(sign * (v / 2 - k / v)) - moneyness * cdf_true(sign * (-v / 2 - k / v)));
        const long double expected = option.scale * market[l] * (market[width + l] * value - option.base_value);
        EXPECT_NEAR(static_cast<double>(out[l]), static_cast<double>(expected), 60000.0 * 2.0 * Tolerance<Real>::value)
            << l << " sign " << static_cast<double>(sign) << " follow " << static_cast<double>(follow);
      }
    }
  }
}

TYPED_TEST(Revalue, SettledOptionPaysItsPayoff) {
  using Real = TypeParam;
  const auto market = some_market<Real>();
  for (const Real sign : {Real(1), Real(-1)}) {
    OptionColumn<Real> option = some_option(sign);
    option.settled = 1;
    std::vector<Real> out(width);

    fill_option_column(option, market.data(), width, width, out.data());

    for (std::size_t l = 0; l < width; ++l) {
      const double forward = static_cast<double>(market[width + l]);
      const double payoff =
          std::fmax(static_cast<double>(sign) * (forward - static_cast<double>(option.moneyness)), 0.0);
      const double expected =
          60000.0 * static_cast<double>(market[l]) * (payoff - static_cast<double>(option.base_value));
      EXPECT_NEAR(static_cast<double>(out[l]), expected, 60000.0 * 4.0 * Tolerance<Real>::value) << l;
    }
  }
}

TYPED_TEST(Revalue, UnshockedOptionHasNoPnl) {
  using Real = TypeParam;
  OptionColumn<Real> option = some_option(Real(1));
  const math::SsviSmile<Real> smile{Real(0.12), Real(5), Real(-0.3)};
  option.base_value = option_value(option, smile, Real(0), Real(1));

  const Real pnl = option_pnl(option, Real(1), Real(1), option_value(option, smile, Real(0), Real(1)));

  EXPECT_EQ(pnl, Real(0));
}

TYPED_TEST(Revalue, TotalVolHasAFloor) {
  using Real = TypeParam;
  OptionColumn<Real> option = some_option(Real(1));
  option.residual = Real(-5);

  EXPECT_EQ(path_total_vol(option, {Real(0.12), Real(5), Real(-0.3)}, Real(0)), Real(1e-4));
}

/// A smile of a month (total variance 0.04, phi 5, rho -0.3) with everything that moves it read from four rows.
template <class Real>
SmileRow<Real> some_smile() {
  const Slice now{std::sqrt(0.02L), 5.0L, -0.3L};
  const long double wing = 0.6744897501960817L;  // phi sqrt(theta) is 1
  return {0,
          1,
          2,
          3,
          Real(1),
          Real(0.5),
          Real(1),
          Real(1),
          Real(0.04),
          Real(0.2),
          Real(std::log(now.variance(wing / 5) / now.variance(-wing / 5))),
          Real(wing)};
}

template <class Real>
Slice moved(std::array<float, 4> changes, const SmileRow<Real>& row = some_smile<Real>()) {
  std::vector<Real> out(3);
  fill_surface(&row, SurfaceRows{0, 1}, changes.data(), 1, 1, out.data());
  return {out[0], out[1], out[2]};
}

TYPED_TEST(Revalue, LevelScalesVolsAndKeepsTheShapeInStandardDeviations) {
  using Real = TypeParam;
  const double tolerance = 5.0 * Tolerance<Real>::value;
  const Slice now = moved<Real>({}), up = moved<Real>({0.3f, 0.2f, 0.0f, 0.0f});
  const double c = std::exp(0.4);  // vol + half of term

  EXPECT_NEAR(static_cast<double>(now.level), std::sqrt(0.02), tolerance);
  EXPECT_NEAR(static_cast<double>(now.phi), 5.0, 10.0 * tolerance);
  EXPECT_NEAR(static_cast<double>(now.rho), -0.3, 2.0 * tolerance);
  for (const double deviations : {-2.0, -0.5, 0.0, 1.0, 3.0}) {
    const long double k = 0.2L * deviations;
    EXPECT_NEAR(static_cast<double>(std::sqrt(up.variance(k * c) / now.variance(k))), c, 1e-6) << deviations;
  }
}

// The ratio of the vols 25 deltas (0.6745 standard deviations) either side of the money moves by e^skew, exactly.
TYPED_TEST(Revalue, SkewMovesTheRiskReversal) {
  using Real = TypeParam;
  const auto log_ratio = [](const Slice& s) {
    const long double k = 0.6744897501960817L * std::sqrt(2.0L) * s.level;
    return static_cast<double>(std::log(s.variance(k) / s.variance(-k)) / 2.0L);
  };
  for (const float skew : {-0.2f, -0.05f, 0.1f, 0.3f}) {
    for (const float vol : {-0.2f, 0.0f, 0.5f}) {
      const Slice now = moved<Real>({}), tilted = moved<Real>({vol, 0.0f, skew, 0.0f});

      EXPECT_NEAR(log_ratio(tilted) - log_ratio(now), static_cast<double>(skew), 20.0 * Tolerance<Real>::value);
      EXPECT_NEAR(static_cast<double>(tilted.level), static_cast<double>(now.level) * std::exp(double{vol}),
                  10.0 * Tolerance<Real>::value);
    }
  }
}

TYPED_TEST(Revalue, ButterflyScalesCurvatureAndKeepsTheRiskReversal) {
  using Real = TypeParam;
  const Slice now = moved<Real>({}), bent = moved<Real>({0.0f, 0.0f, 0.0f, 0.25f});
  const long double k = 0.6744897501960817L * 0.2L;

  EXPECT_NEAR(static_cast<double>(bent.phi / now.phi), std::exp(0.25), 20.0 * Tolerance<Real>::value);
  EXPECT_NEAR(static_cast<double>(bent.level), static_cast<double>(now.level), Tolerance<Real>::value);
  EXPECT_NEAR(static_cast<double>(bent.variance(k) / bent.variance(-k)),
              static_cast<double>(now.variance(k) / now.variance(-k)), 20.0 * Tolerance<Real>::value);
  EXPECT_GT(bent.variance(k) + bent.variance(-k), now.variance(k) + now.variance(-k));
}

// Far out: changes are cut, smiles stay finite, positive and free of butterflies.
TYPED_TEST(Revalue, SmilesStayWithinTheirLimits) {
  using Real = TypeParam;
  for (const float far : {-50.0f, 50.0f}) {
    for (int factor = 0; factor < 4; ++factor) {
      std::array<float, 4> changes{};
      changes[static_cast<std::size_t>(factor)] = far;

      const Slice slice = moved<Real>(changes);

      EXPECT_GT(slice.level, 0.0L) << factor;
      EXPECT_LT(slice.level, 50.0L) << factor;
      EXPECT_LE(std::fabs(slice.rho), 0.950001L) << factor;
      EXPECT_GE(worst_butterfly(slice), -1e-7) << factor << ' ' << static_cast<double>(far);
    }
  }
  EXPECT_NEAR(static_cast<double>(moved<Real>({50.0f, 0.0f, 0.0f, 0.0f}).level / moved<Real>({}).level),
              std::exp(max_log_level), 1e-3);
}

TYPED_TEST(Revalue, SmileIsHeldAboveTheExpiryBefore) {
  using Real = TypeParam;
  SmileRow<Real> late = some_smile<Real>();
  late.term_weight = Real(0);
  const SmileRow<Real> rows[] = {some_smile<Real>(), late, some_smile<Real>()};
  const float up[] = {0.0f, 1.0f, 0.0f, 0.0f};  // short vols rise by e^0.5, long ones not at all
  std::vector<Real> out(9);

  fill_surface(rows, SurfaceRows{0, 2}, up, 1, 1, out.data());
  fill_surface(rows, SurfaceRows{2, 3}, up, 1, 1, out.data());

  const Slice first{out[0], out[1], out[2]}, second{out[3], out[4], out[5]}, alone{out[6], out[7], out[8]};
  EXPECT_NEAR(static_cast<double>(first.level), std::sqrt(0.02) * std::exp(0.5), 1e-6);
  EXPECT_GE(worst_calendar(first, second), -1e-6);
  EXPECT_EQ(first.level, alone.level);
  EXPECT_EQ(first.rho, alone.rho);
}

TYPED_TEST(Revalue, LongOptionNeverLosesMoreThanItsValue) {
  using Real = TypeParam;
  const auto market = some_market<Real>();
  const OptionColumn<Real> option = some_option(Real(1));
  std::vector<Real> out(width);

  fill_option_column(option, market.data(), width, width, out.data());

  for (std::size_t l = 0; l < width; ++l) {
    EXPECT_GE(static_cast<double>(out[l]), -60000.0 * static_cast<double>(market[l] * option.base_value) - 0.1) << l;
  }
}

}  // namespace
}  // namespace tailmargin::test
