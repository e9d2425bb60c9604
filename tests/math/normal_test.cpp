// The normal distribution function and normals from random words, against erfc in long double and 40-digit tables.
#include "kernels/math/normal.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

#include "kernels/math/philox.hpp"
#include "tailmargin/accuracy.hpp"
#include "tests/math/oracle_tables.hpp"
#include "tests/support/sweep.hpp"

namespace tailmargin::test {
namespace {

constexpr int dense = 1'000'000;
constexpr long double root_half = 0.7071067811865475244008443621048490392848L;

long double upper_tail_true(long double y) { return 0.5L * std::erfc(y * root_half); }

template <class Real>
WorstError worst_upper_tail(Real low, Real high) {
  WorstError worst;
  sweep(low, high, dense, [&](Real y) {
    const long double expected = upper_tail_true(y);
    worst.add(static_cast<double>(std::fabs((math::normal_upper_tail(y) - expected) / expected)),
              static_cast<double>(y));
  });
  return worst;
}

template <class Real>
WorstError worst_cdf() {
  WorstError worst;
  sweep(Real(-40), Real(40), dense, [&](Real x) {
    const long double expected = upper_tail_true(-static_cast<long double>(x));
    worst.add(static_cast<double>(std::fabs(math::normal_cdf(x) - expected)), static_cast<double>(x));
  });
  return worst;
}

TEST(ScaledUpperTail, FloatKeepsItsBound) {
  WorstError worst;
  sweep(0.0f, math::normal_end<float>, dense, [&](float y) {
    const auto x = static_cast<long double>(y);
    const long double expected = upper_tail_true(x) * std::exp(0.5L * x * x);
    worst.add(static_cast<double>(std::fabs(math::scaled_upper_tail(y / math::upper_tail_divisor(y)) - expected)),
              static_cast<double>(y));
  });
  expect_within(worst, accuracy::scaled_upper_tail_float);
}

TEST(NormalUpperTail, DoubleKeepsItsBound) {
  expect_within(worst_upper_tail(0.0, 5.0), accuracy::upper_tail_double_near);
  expect_within(worst_upper_tail(5.0, 37.0), accuracy::upper_tail_double_far);
}

TEST(NormalUpperTail, MeetsTheTable) {
  for (const OracleRow& row : upper_tail_table) {
    const double expected = static_cast<double>(row.value);
    const double bound_double =
        row.x < 5.0 ? accuracy::upper_tail_double_near.bound : accuracy::upper_tail_double_far.bound;

    EXPECT_NEAR(math::normal_upper_tail(static_cast<float>(row.x)), expected, accuracy::normal_cdf_float.bound)
        << row.x;
    EXPECT_NEAR(math::normal_upper_tail(row.x) / expected, 1.0, bound_double) << row.x;
  }
}

TEST(NormalUpperTail, StaysAtItsEndValue) {
  EXPECT_EQ(math::normal_upper_tail(100.0f), math::normal_upper_tail(12.0f));
  EXPECT_EQ(math::normal_upper_tail(100.0), math::normal_upper_tail(37.0));
}

TEST(NormalUpperTail, IsNeverDenormal) {
  EXPECT_EQ(std::fpclassify(math::normal_upper_tail(1e30f)), FP_NORMAL);
  EXPECT_EQ(std::fpclassify(math::normal_upper_tail(1e300)), FP_NORMAL);
}

TEST(NormalCdf, FloatKeepsItsBound) { expect_within(worst_cdf<float>(), accuracy::normal_cdf_float); }

TEST(NormalCdf, DoubleKeepsItsBound) { expect_within(worst_cdf<double>(), accuracy::normal_cdf_double); }

TEST(NormalCdf, StaysBetweenZeroAndOne) {
  for (const float x : {-1e30f, -13.5f, -0.0f, 0.0f, 13.5f, 1e30f}) {
    EXPECT_GE(math::normal_cdf(x), 0.0f) << x;
    EXPECT_LE(math::normal_cdf(x), 1.0f) << x;
  }
  EXPECT_NEAR(math::normal_cdf(0.0f), 0.5f, accuracy::normal_cdf_float.bound);
  EXPECT_NEAR(math::normal_cdf(0.0), 0.5, accuracy::normal_cdf_double.bound);
}

/// Normal quantile at (word + 1/2) / 2^32 in long double: Newton's method on erfc, from a start of its own.
long double quantile_true(std::uint32_t word) {
  const bool upper = (word >> 31) != 0u;
  const long double p = (static_cast<long double>(upper ? ~word : word) + 0.5L) / 4294967296.0L;
  long double y = p > 0.1L ? (0.5L - p) * 2.5L : std::sqrt(-2.0L * std::log(p)) - 0.3L;  // upper tail of y is p
  for (int i = 0; i < 60; ++i) {
    const long double density = 0.398942280401432677939946059934381868L * std::exp(-0.5L * y * y);
    const long double step = (upper_tail_true(y) - p) / density;
    y += step / (1.0L - 0.5L * y * step);  // Halley
    if (std::fabs(step) < 1e-17L) { break; }
  }
  return upper ? y : -y;
}

TEST(NormalFromWord, OracleMeetsTheTable) {
  for (const QuantileRow& row : quantile_table) {
    EXPECT_NEAR(static_cast<double>(quantile_true(row.word)), static_cast<double>(row.value), 1e-15) << row.word;
  }
}

TEST(NormalFromWord, MeetsTheTable) {
  WorstError worst;
  for (const QuantileRow& row : quantile_table) {
    worst.add(static_cast<double>(std::fabs(math::normal_from_word(row.word) - row.value)), row.word);
  }
  expect_within(worst, accuracy::normal_from_word);
}

TEST(NormalFromWord, KeepsItsBound) {
  WorstError all;
  const auto visit = [&](std::uint32_t word) {
    const long double expected = quantile_true(word);
    const double error = static_cast<double>(std::fabs(math::normal_from_word(word) - expected));
    all.add(error, word);
  };
  for (std::uint64_t word = 0; word < (std::uint64_t{1} << 32); word += 16411) {
    visit(static_cast<std::uint32_t>(word));
  }
  for (std::uint32_t word = 0; word < 20000; ++word) {
    visit(word);
    visit(~word);
    visit(0x7fffffffu - word);
  }
  for (int shift = 0; shift < 32; ++shift) {
    for (std::uint32_t i = 0; i < 256; ++i) {
      visit((0x80000000u >> shift) + i);
      visit((0x80000000u >> shift) - i);
    }
  }

  expect_within(all, accuracy::normal_from_word);
}

TEST(NormalFromWord, IsSymmetric) {
  for (std::uint64_t word = 0; word < (std::uint64_t{1} << 32); word += 4099) {
    const auto w = static_cast<std::uint32_t>(word);
    ASSERT_EQ(math::normal_from_word(w), -math::normal_from_word(~w)) << w;
  }
}

TEST(NormalFromWord, EndsWhereItSays) {
  EXPECT_NEAR(math::normal_from_word(0u), -6.337957755, 2e-6);
  EXPECT_NEAR(math::normal_from_word(0xffffffffu), 6.337957755, 2e-6);
  EXPECT_NEAR(math::normal_from_word(0x7fffffffu), 0.0, 1e-7);
  EXPECT_NEAR(math::normal_from_word(0x80000000u), 0.0, 1e-7);
}

/// Largest fall between neighbouring words of [first, first + count).
WorstError largest_fall(std::uint32_t first, std::uint32_t count) {
  WorstError worst;
  float last = math::normal_from_word(first);
  for (std::uint32_t i = 1; i < count; ++i) {
    const float value = math::normal_from_word(first + i);
    if (value < last) { worst.add(static_cast<double>(last) - static_cast<double>(value), first + i); }
    last = value;
  }
  return worst;
}

TEST(NormalFromWord, RisesWithTheWord) {
  // Float rounding lets neighbours swap by an ulp or two; anything larger would be a seam between branches;
  // the window from 0x00230000 holds the one between the central and the tail polynomial.
  WorstError worst;
  for (const std::uint32_t first :
       {0u, 0x00fff000u, 0x00230000u, 0x10000000u, 0x40000000u, 0x7ff80000u, 0x90000000u, 0xfff00000u}) {
    const WorstError here = largest_fall(first, 1'000'000);
    worst.add(here.error, here.at);
  }
  float last = -7.0f;
  for (std::uint64_t word = 0; word < (std::uint64_t{1} << 32); word += 8209) {  // and over the whole range
    const float value = math::normal_from_word(static_cast<std::uint32_t>(word));
    worst.add(static_cast<double>(last) - static_cast<double>(value), static_cast<double>(word));
    last = value;
  }

  expect_within(worst, accuracy::normal_from_word_fall);
}

TEST(NormalFromWord, HasTheMomentsOfANormal) {
  constexpr std::uint32_t blocks = 1u << 18;
  constexpr double n = 4.0 * blocks;
  double sum = 0.0, squares = 0.0, cubes = 0.0, fourths = 0.0;
  for (std::uint32_t b = 0; b < blocks; ++b) {
    for (const std::uint32_t word : math::philox4x32_10(20261122, b, 0).word) {
      const double z = math::normal_from_word(word);
      sum += z;
      squares += z * z;
      cubes += z * z * z;
      fourths += z * z * z * z;
    }
  }

  // 4 standard errors; variances of z, z^2, z^3, z^4 are 1, 2, 15, 96
  EXPECT_NEAR(sum / n, 0.0, 4.0 * std::sqrt(1.0 / n));
  EXPECT_NEAR(squares / n, 1.0, 4.0 * std::sqrt(2.0 / n));
  EXPECT_NEAR(cubes / n, 0.0, 4.0 * std::sqrt(15.0 / n));
  EXPECT_NEAR(fourths / n, 3.0, 4.0 * std::sqrt(96.0 / n));
}

TEST(NormalFromWord, HasUnitVarianceOverAllWords) {
  double squares = 0.0;
  constexpr std::uint32_t n = 1u << 20;  // midpoints of a million equal slices of the words
  for (std::uint32_t i = 0; i < n; ++i) {
    const double z = math::normal_from_word((i << 12) + 2048u);
    squares += z * z;
  }
  EXPECT_NEAR(squares / n, 1.0, 1e-5);  // slices at the ends lose 8e-6 of variance
}

}  // namespace
}  // namespace tailmargin::test
