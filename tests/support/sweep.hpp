// Sweeps over a function's range with the worst error found and where.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace tailmargin::test {

/// Distance between `value` and the true `expected` in units of Real's last place at `expected`
/// (never finer than the smallest normal number's).
template <class Real>
double ulps(Real value, long double expected) {
  const long double size = std::fabs(expected);
  int exponent = 0;
  std::frexp(size, &exponent);
  if (exponent < std::numeric_limits<Real>::min_exponent) { exponent = std::numeric_limits<Real>::min_exponent; }
  const long double unit = std::ldexp(1.0L, exponent - std::numeric_limits<Real>::digits);
  return static_cast<double>(std::fabs(static_cast<long double>(value) - expected) / unit);
}

/// The largest error of a sweep and its argument; records both in the test's output.
struct WorstError {
  double error = 0.0;
  double at = 0.0;

  void add(double new_error, double argument) {
    if (!(new_error <= error)) {  // also takes in NaN
      error = new_error;
      at = argument;
    }
  }
  std::string text() const { return std::to_string(error) + " at " + std::to_string(at); }
};

/// Expects the worst error of a sweep to stay within a bound of accuracy.hpp, and reports it.
template <class Bound>
void expect_within(const WorstError& worst, const Bound& bound) {
  testing::Test::RecordProperty(std::string(bound.name), std::to_string(worst.error));
  std::printf("%-28s worst %-12.6g at %-14.9g bound %-10g %s\n", bound.name, worst.error, worst.at, bound.bound,
              bound.unit);
  EXPECT_LE(worst.error, bound.bound) << bound.name << " at " << worst.at;
}

/// n + 1 evenly spaced points of [low, high], both ends included.
template <class Real, class Visit>
void sweep(Real low, Real high, int n, Visit visit) {
  for (int i = 0; i <= n; ++i) {
    const long double share = static_cast<long double>(i) / n;
    visit(static_cast<Real>(low + (static_cast<long double>(high) - low) * share));
  }
}

}  // namespace tailmargin::test
