// exp, exp2, expm1, log against the C library's long double and 40-digit tables.
#include "kernels/math/elementary.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tailmargin/accuracy.hpp"
#include "tests/math/oracle_tables.hpp"
#include "tests/support/sweep.hpp"

namespace tailmargin::test {
namespace {

constexpr int dense = 2'000'000;

template <class Real, class Function, class Oracle>
WorstError worst_ulps(Real low, Real high, Function function, Oracle oracle) {
  WorstError worst;
  sweep(low, high, dense,
        [&](Real x) { worst.add(ulps(function(x), oracle(static_cast<long double>(x))), static_cast<double>(x)); });
  return worst;
}

/// Adds arguments of every size: both signs of 2^e (1 + f), where an even sweep has no points.
template <class Real, class Function, class Oracle>
void add_small_arguments(WorstError& worst, Real largest, Function function, Oracle oracle) {
  for (int e = -100; e < 4; ++e) {
    for (int f = 0; f < 512; ++f) {
      const Real x = std::ldexp(Real(1) + Real(f) / Real(512), e);
      if (x > largest) { continue; }
      worst.add(ulps(function(x), oracle(static_cast<long double>(x))), static_cast<double>(x));
      worst.add(ulps(function(-x), oracle(-static_cast<long double>(x))), static_cast<double>(-x));
    }
  }
}

template <class Real, std::size_t N, class Function>
WorstError worst_of_table(const OracleRow (&table)[N], Function function) {
  WorstError worst;
  for (const OracleRow& row : table) { worst.add(ulps(function(static_cast<Real>(row.x)), row.value), row.x); }
  return worst;
}

const auto exp_of = [](auto x) { return math::exp(x); };
const auto expm1_of = [](auto x) { return math::expm1(x); };
const auto log_of = [](auto x) { return math::log(x); };
const auto exp_true = [](long double x) { return std::exp(x); };
const auto expm1_true = [](long double x) { return std::expm1(x); };
const auto log_true = [](long double x) { return std::log(x); };

TEST(Exp, FloatKeepsItsBound) {
  auto worst = worst_ulps(-87.3f, 88.0f, exp_of, exp_true);
  add_small_arguments(worst, 16.0f, exp_of, exp_true);

  expect_within(worst, accuracy::exp_float);
}

TEST(Exp2, FloatKeepsItsBound) {
  const auto exp2_of = [](float x) { return math::exp2_in_range(x); };
  const auto exp2_true = [](long double x) { return std::exp2(x); };
  auto worst = worst_ulps(-126.0f, 127.0f, exp2_of, exp2_true);
  add_small_arguments(worst, 16.0f, exp2_of, exp2_true);

  expect_within(worst, accuracy::exp2_float);
}

TEST(Exp, DoubleKeepsItsBound) {
  auto worst = worst_ulps(-708.0, 709.0, exp_of, exp_true);
  add_small_arguments(worst, 16.0, exp_of, exp_true);

  expect_within(worst, accuracy::exp_double);
}

TEST(Exp, MeetsTheTable) {
  expect_within(worst_of_table<float>(exp_table, exp_of), accuracy::exp_float);
  expect_within(worst_of_table<double>(exp_table, exp_of), accuracy::exp_double);
}

TEST(Exp, StaysAtItsEndValuesOutsideTheRange) {
  const float inf = std::numeric_limits<float>::infinity();

  EXPECT_EQ(math::exp(-88.0f), math::exp(-87.3f));
  EXPECT_EQ(math::exp(-inf), math::exp(-87.3f));
  EXPECT_EQ(math::exp(200.0f), math::exp(88.0f));
  EXPECT_EQ(math::exp(inf), math::exp(88.0f));
  EXPECT_EQ(math::exp(-1e9), math::exp(-708.0));
  EXPECT_EQ(math::exp(1e9), math::exp(709.0));
  EXPECT_GT(math::exp(-87.3f), 0.0f);
  EXPECT_LT(math::exp(88.0f), inf);
}

TEST(Exp, IsExactAtZero) {
  EXPECT_EQ(math::exp(0.0f), 1.0f);
  EXPECT_EQ(math::exp(0.0), 1.0);
  EXPECT_EQ(math::exp(-0.0f), 1.0f);
}

TEST(Exp, NeverFalls) {
  float last = 0.0f;
  int falls = 0;
  sweep(-87.3f, 88.0f, dense, [&](float x) {
    const float value = math::exp(x);
    falls += value < last ? 1 : 0;
    last = value;
  });
  EXPECT_EQ(falls, 0);
}

TEST(Expm1, FloatKeepsItsBound) {
  auto worst = worst_ulps(-87.3f, 88.0f, expm1_of, expm1_true);
  const auto near = worst_ulps(-1.5f, 1.5f, expm1_of, expm1_true);
  worst.add(near.error, near.at);
  add_small_arguments(worst, 16.0f, expm1_of, expm1_true);

  expect_within(worst, accuracy::expm1_float);
}

TEST(Expm1, DoubleKeepsItsBound) {
  auto worst = worst_ulps(-708.0, 709.0, expm1_of, expm1_true);
  const auto near = worst_ulps(-1.5, 1.5, expm1_of, expm1_true);
  worst.add(near.error, near.at);
  add_small_arguments(worst, 16.0, expm1_of, expm1_true);

  expect_within(worst, accuracy::expm1_double);
}

TEST(Expm1, MeetsTheTable) {
  expect_within(worst_of_table<float>(expm1_table, expm1_of), accuracy::expm1_float);
  expect_within(worst_of_table<double>(expm1_table, expm1_of), accuracy::expm1_double);
}

TEST(Expm1, IsExactAtZero) {
  EXPECT_EQ(math::expm1(0.0f), 0.0f);
  EXPECT_EQ(math::expm1(0.0), 0.0);
}

/// Every binade, the mantissas spread over each.
template <class Real>
WorstError worst_log() {
  WorstError worst;
  for (int e = std::numeric_limits<Real>::min_exponent - 1; e < std::numeric_limits<Real>::max_exponent; ++e) {
    for (int f = 0; f < 1024; ++f) {
      const Real x = std::ldexp(Real(1) + (Real(f) + Real(0.37)) / Real(1024), e);
      worst.add(ulps(math::log(x), std::log(static_cast<long double>(x))), static_cast<double>(x));
    }
  }
  const auto near = worst_ulps(Real(0.25), Real(4.0), log_of, log_true);  // where cancellation could bite
  worst.add(near.error, near.at);
  return worst;
}

TEST(Log, FloatKeepsItsBound) {
  WorstError worst = worst_log<float>();
  for (float x = 0.999f; x < 1.001f; x = std::nextafter(x, 2.0f)) {
    worst.add(ulps(math::log(x), std::log(static_cast<long double>(x))), x);
  }

  expect_within(worst, accuracy::log_float);
}

TEST(Log, DoubleKeepsItsBound) { expect_within(worst_log<double>(), accuracy::log_double); }

TEST(Log, MeetsTheTable) {
  expect_within(worst_of_table<float>(log_table, log_of), accuracy::log_float);
  expect_within(worst_of_table<double>(log_table, log_of), accuracy::log_double);
}

TEST(Log, IsExactAtOne) {
  EXPECT_EQ(math::log(1.0f), 0.0f);
  EXPECT_EQ(math::log(1.0), 0.0);
}

TEST(Log, TakesTheWholeNormalRange) {
  EXPECT_NEAR(math::log(std::numeric_limits<float>::min()), -87.33654f, 1e-4f);
  EXPECT_NEAR(math::log(std::numeric_limits<float>::max()), 88.72284f, 1e-4f);
  EXPECT_NEAR(math::log(std::numeric_limits<double>::min()), -708.3964185322641, 1e-12);
  EXPECT_NEAR(math::log(std::numeric_limits<double>::max()), 709.782712893384, 1e-12);
}

}  // namespace
}  // namespace tailmargin::test
