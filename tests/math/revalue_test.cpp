// Market rows, product columns and option columns against their definitions, written out again in long double.
#include "kernels/executors/revalue.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

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
  const auto obs = observations(4);
  for (const RowTransform transform :
       {RowTransform::identity, RowTransform::exponential, RowTransform::exponential_minus_one}) {
    const MarketRow<Real> row{transform, {3, 0, 2}, {Real(1), Real(-0.5), Real(2)}, Real(0.125)};
    std::vector<Real> out(width);

    fill_market_row(row, obs.data(), width, width, out.data());

    for (int l = 0; l < width; ++l) {
      const long double sum = 0.125L + observation(3, l) - 0.5L * observation(0, l) + 2.0L * observation(2, l);
      const long double expected = transform == RowTransform::identity      ? sum
                                   : transform == RowTransform::exponential ? std::exp(sum)
                                                                            : std::expm1(sum);
      EXPECT_NEAR(static_cast<double>(out[static_cast<std::size_t>(l)]), static_cast<double>(expected),
                  5.0 * Tolerance<Real>::value * std::fmax(1.0, static_cast<double>(std::exp(sum))))
          << l;
    }
  }
}

TYPED_TEST(Revalue, ProductColumnIsScaleTimesGrowthTimesMove) {
  using Real = TypeParam;
  const ProductColumn<Real> column{0, 1, 0, Real(-2.5)};
  std::vector<Real> market(2 * width), out(width);
  for (std::size_t l = 0; l < width; ++l) {
    market[l] = Real(l) * Real(0.25) - Real(3);
    market[width + l] = Real(1) + Real(l) / Real(64);
  }

  fill_product_column(column, market.data(), width, width, out.data());

  for (std::size_t l = 0; l < width; ++l) {
    const double expected = -2.5 * (1.0 + static_cast<double>(l) / 64.0) * (static_cast<double>(l) * 0.25 - 3.0);
    EXPECT_NEAR(static_cast<double>(out[l]), expected, Tolerance<Real>::value * 30.0) << l;
  }
}

/// An option 10 % out of the money with a month to run; rows: growth, unit, return, inverse growth, vol.
template <class Real>
OptionColumn<Real> some_option(Real sign) {
  OptionColumn<Real> option{};
  option.growth_row = 0;
  option.unit_row = 1;
  option.return_row = 2;
  option.inverse_growth_row = 3;
  option.vol_row = 4;
  option.sign = sign;
  option.scale = Real(60000);
  option.moneyness = Real(1.1);
  option.log_moneyness = math::log(Real(1.1));
  option.residual = Real(0.004);
  option.time_scale = Real(0.96875);
  option.smile = {Real(0.02), Real(0.1), Real(-0.25), Real(0.01), Real(0.1)};
  option.base_value = Real(0.0125);
  return option;
}

template <class Real>
std::vector<Real> some_market() {
  std::vector<Real> market(5 * width);
  for (std::size_t l = 0; l < width; ++l) {
    const Real shock = (Real(l) - Real(18)) * Real(0.02);
    market[l] = Real(1) + shock / Real(8);
    market[width + l] = math::exp(shock);
    market[2 * width + l] = shock;
    market[3 * width + l] = math::exp(-shock);
    market[4 * width + l] = Real(1) + Real(l) / Real(32);
  }
  return market;
}

long double cdf_true(long double x) { return 0.5L * std::erfc(-x * 0.7071067811865475244008443621048490392848L); }

TYPED_TEST(Revalue, OptionColumnMeetsTheDefinition) {
  using Real = TypeParam;
  const auto market = some_market<Real>();
  for (const Real sign : {Real(1), Real(-1)}) {
    const OptionColumn<Real> option = some_option(sign);
    std::vector<Real> out(width);

    fill_option_column(option, market.data(), width, width, out.data());

    for (std::size_t l = 0; l < width; ++l) {
      const long double moneyness = static_cast<long double>(option.moneyness) * market[3 * width + l];
      const long double k = static_cast<long double>(option.log_moneyness) - market[2 * width + l];
      const long double x = k - option.smile.m;
      const long double w =
          option.smile.a +
          option.smile.b *
              (option.smile.rho * x + std::sqrt(x * x + static_cast<long double>(option.smile.s) * option.smile.s));
      const long double v = (std::sqrt(w) + option.residual) * market[4 * width + l] * option.time_scale;
      const long double value =
          sign * (cdf_true(sign * (v / 2 - k / v)) - moneyness * cdf_true(sign * (-v / 2 - k / v)));
      const long double expected = option.scale * market[l] * (market[width + l] * value - option.base_value);
      EXPECT_NEAR(static_cast<double>(out[l]), static_cast<double>(expected), 60000.0 * 2.0 * Tolerance<Real>::value)
          << l << " sign " << static_cast<double>(sign);
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
  option.time_scale = Real(1);
  option.base_value = option_value(option, Real(0), Real(1), Real(1));

  const Real pnl = option_pnl(option, Real(1), Real(1), option_value(option, Real(0), Real(1), Real(1)));

  EXPECT_EQ(pnl, Real(0));
}

TYPED_TEST(Revalue, TotalVolHasAFloor) {
  using Real = TypeParam;
  OptionColumn<Real> option = some_option(Real(1));
  option.residual = Real(-5);

  EXPECT_EQ(path_total_vol(option, Real(0), Real(1)), Real(1e-4));
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
