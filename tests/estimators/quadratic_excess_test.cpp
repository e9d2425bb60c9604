// The exact expectation behind the control variate: closed forms, published books, high-precision values.
#include "host/estimators/quadratic_excess.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "kernels/math/circular.hpp"

namespace tailmargin {
namespace {

constexpr double pi = 3.14159265358979323846;

double normal_density(double x) { return std::exp(-0.5 * x * x) / std::sqrt(2.0 * pi); }
double normal_beyond(double x) { return 0.5 * std::erfc(x / std::sqrt(2.0)); }

/// The loss exceeded with a probability, by bisection.
double value_at_risk(const QuadraticLaw& law, double beyond, double low, double high) {
  for (int i = 0; i < 100; ++i) {
    const double middle = 0.5 * (low + high);
    (quadratic_tail(law, middle).probability > beyond ? low : high) = middle;
  }
  return low;
}

TEST(SineCosine, AgreesWithLongDouble) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> near(-10.0, 10.0), far(-1e6, 1e6);
  for (int i = 0; i < 200'000; ++i) {
    const double x = i % 2 == 0 ? near(random) : far(random);

    const math::SineCosine at = math::sine_cosine(x);

    ASSERT_NEAR(at.sine, std::sin(static_cast<long double>(x)), 2.3e-16) << x;
    ASSERT_NEAR(at.cosine, std::cos(static_cast<long double>(x)), 2.3e-16) << x;
  }
}

TEST(QuadraticTail, NormalHasAClosedForm) {
  for (const double x : {-6.0, -1.0, 0.0, 0.5, 2.326347874, 5.0, 8.0, 20.0}) {
    const QuadraticTail tail = quadratic_tail({1.0, {3.0, 4.0}, {0.0, 0.0}}, 1.0 + 5.0 * x);

    const double beyond = normal_beyond(x), excess = 5.0 * (normal_density(x) - x * beyond);
    EXPECT_TRUE(tail.converged) << x;
    EXPECT_NEAR(tail.probability / beyond, 1.0, 1e-12) << x;
    // The closed form itself cancels far out.
    EXPECT_NEAR(tail.excess / excess, 1.0, x > 10.0 ? 1e-8 : 1e-11) << x;
  }
}

TEST(QuadraticTail, NoncentralChiSquareHasAClosedForm) {
  // scale (y + shift)^2 = scale shift^2 + 2 scale shift y + scale y^2, beyond x where |y + shift| > root.
  const double scale = 0.7;
  for (const double shift : {0.0, 0.3, 2.0}) {
    for (const double root : {0.01, 0.5, 1.5, 4.0, 9.0}) {
      const double x = scale * root * root;
      const QuadraticTail tail = quadratic_tail({scale * shift * shift, {2.0 * scale * shift}, {scale}}, x);

      const double above = root - shift, below = root + shift;
      const double beyond = normal_beyond(above) + normal_beyond(below);
      // E[(y + s)^2; y > r - s] = (1 + s^2) P + (r + s) density, and its mirror image.
      const double second = (1.0 + shift * shift) * beyond + (above + 2.0 * shift) * normal_density(above) +
                            (below - 2.0 * shift) * normal_density(below);
      const double excess = scale * second - x * beyond;
      EXPECT_TRUE(tail.converged) << shift << ' ' << root;
      EXPECT_NEAR(tail.probability / beyond, 1.0, 1e-12) << shift << ' ' << root;
      EXPECT_NEAR(tail.excess / excess, 1.0, 1e-10) << shift << ' ' << root;
    }
  }
}

TEST(QuadraticTail, ChiSquareLossHasItsKnownTail) {
  const QuadraticLaw law = {0.0, {0.0}, {1.0}};

  const double var = value_at_risk(law, 0.01, 0.0, 100.0);

  EXPECT_NEAR(var, 6.634897, 5e-7);
  EXPECT_NEAR(var + quadratic_tail(law, var).excess / 0.01, 8.449166, 5e-7);
}

TEST(QuadraticTail, HalfYearBookOfTenAssetsHasItsKnownTail) {
  // Glasserman, Heidelberger and Shahabuddin (2000), Management Science 46, 1349-1364: short ten at-the-money calls and
  // five puts of half a year on each of ten independent assets at 100 with vol 0.3, rate 0.05, ten of 250 days ahead.
  const double spot = 100.0, vol = 0.3, rate = 0.05, years = 0.5, horizon = 0.04;
  const double d1 = (rate + 0.5 * vol * vol) * std::sqrt(years) / vol, d2 = d1 - vol * std::sqrt(years);
  const double delta = 1.0 - normal_beyond(d1), gamma = normal_density(d1) / (spot * vol * std::sqrt(years));
  const double decay = -spot * normal_density(d1) * vol / (2.0 * std::sqrt(years));
  const double carry = rate * spot * std::exp(-rate * years), in_the_money = 1.0 - normal_beyond(d2);
  const double theta = 10.0 * (decay - carry * in_the_money) + 5.0 * (decay + carry * (1.0 - in_the_money));
  const double move = spot * vol * std::sqrt(horizon);
  QuadraticLaw law;
  for (int asset = 0; asset < 10; ++asset) {
    law.constant += theta * horizon;
    law.linear.push_back((10.0 * delta + 5.0 * (delta - 1.0)) * move);
    law.square.push_back(0.5 * 15.0 * gamma * move * move);
  }

  const double var = value_at_risk(law, 0.01, 0.0, 1000.0);

  EXPECT_NEAR(var, 192.2708, 5e-5);
  EXPECT_NEAR(var + quadratic_tail(law, var).excess / 0.01, 226.5683, 5e-5);
}

TEST(QuadraticTail, AgreesWithHighPrecision) {
  struct Case {
    QuadraticLaw law;
    double threshold, probability, excess;
  };
  // mpmath, 40 digits, along straight rays from two starting points; the first digits also by integrating over normals.
  const Case cases[] = {
      {{0.3, {1.0, -0.5, 0.2}, {0.4, -0.3, 0.05}}, 3.5, 0.0299777209282185424, 0.0324314593278181513},
      {{-1.0, {0.0, 0.0}, {2.0, 0.5}}, 12.0, 0.0127473469774730087, 0.0459946117931569815},
      {{0.0, {0.7, 0.3, 0.2, 0.1}, {0.25, 0.1, 0.0, 0.0}}, 2.0, 0.0534674301710610682, 0.038725188399548237},
      {{0.0, {0.7, 0.3, 0.2}, {0.25, 0.1, -0.02}}, -0.2, 0.691471701833318198, 0.620835587229720596},
      {{0.0, {1.0, 0.5}, {0.1, 0.02}}, 9.0, 1.5129837106448203e-8, 5.60445548844002296e-9},
      {{1.0, {1.0, 0.3, 0.8}, {-0.2, -0.1, -0.4}}, 1.9, 0.108726098874851199, 0.0343971549572848801},
  };
  for (const Case& c : cases) {
    const QuadraticTail tail = quadratic_tail(c.law, c.threshold);

    EXPECT_NEAR(tail.probability / c.probability, 1.0, 1e-12) << c.threshold;
    EXPECT_NEAR(tail.excess / c.excess, 1.0, 1e-12) << c.threshold;
  }
}

/// Laws of all kinds: near-linear, pure squares, bounded above, terms of very different size.
QuadraticLaw some_law(std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  QuadraticLaw law;
  law.constant = normal(random);
  const std::uint64_t terms = 1 + random() % 12, kind = random() % 4;
  for (std::uint64_t j = 0; j < terms; ++j) {
    law.linear.push_back(kind == 2 ? 0.0 : normal(random) * std::pow(10.0, kind == 1 ? -4.0 * uniform(random) : 0.0));
    const double square = normal(random) * std::pow(10.0, kind != 3 ? -6.0 * uniform(random) : 0.0);
    law.square.push_back(random() % 5 == 0 && terms > 1 ? 0.0 : kind == 3 ? -std::fabs(square) : square);
  }
  return law.variance() > 0.0 ? law : some_law(random);
}

TEST(QuadraticTail, ConvergesForAllKindsOfLaws) {
  std::mt19937_64 random(2);
  std::normal_distribution<double> normal;
  for (int i = 0; i < 20'000; ++i) {
    const QuadraticLaw law = some_law(random);
    const double deviation = std::sqrt(law.variance()), x = law.mean() + 2.0 * deviation * normal(random);

    const QuadraticTail tail = quadratic_tail(law, x);

    ASSERT_TRUE(tail.converged) << i;
    ASSERT_GE(tail.probability, 0.0) << i;
    ASSERT_LE(tail.probability, 1.0) << i;
    ASSERT_GE(tail.excess, std::max(law.mean() - x, 0.0) - 1e-12 * deviation) << i;  // Jensen
    // The excess falls by the probability per unit, which falls itself.
    const double step = 1e-3 * deviation;
    const QuadraticTail before = quadratic_tail(law, x - step), after = quadratic_tail(law, x + step);
    const double fall = (before.excess - after.excess) / (2.0 * step);
    ASSERT_GE(fall, after.probability - 1e-7) << i;
    ASSERT_LE(fall, before.probability + 1e-7) << i;
  }
}

TEST(QuadraticTail, BothSidesAddUpToTheMean) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  for (int i = 0; i < 1000; ++i) {
    QuadraticLaw law = some_law(random);
    const double mean = law.mean(), deviation = std::sqrt(law.variance()), x = mean + deviation * normal(random);
    const QuadraticTail above = quadratic_tail(law, x);
    for (double& b : law.linear) { b = -b; }
    for (double& s : law.square) { s = -s; }
    law.constant = -law.constant;
    const QuadraticTail below = quadratic_tail(law, -x);

    EXPECT_NEAR(above.excess - below.excess, mean - x, 1e-12 * (deviation + std::fabs(mean))) << i;
    EXPECT_NEAR(above.probability + below.probability, 1.0, 1e-12) << i;
  }
}

TEST(QuadraticTail, NothingRandomIsExact) {
  EXPECT_EQ(quadratic_tail({5.0, {}, {}}, 3.0).excess, 2.0);
  EXPECT_EQ(quadratic_tail({5.0, {}, {}}, 3.0).probability, 1.0);
  EXPECT_EQ(quadratic_tail({5.0, {0.0}, {0.0}}, 7.0).excess, 0.0);
  EXPECT_EQ(quadratic_tail({5.0, {0.0}, {0.0}}, 7.0).probability, 0.0);
}

TEST(QuadraticTail, NothingIsBeyondTheBound) {
  // 1 + 2 y - y^2 <= 2
  EXPECT_EQ(quadratic_tail({1.0, {2.0}, {-1.0}}, 2.0).probability, 0.0);
  EXPECT_EQ(quadratic_tail({1.0, {2.0}, {-1.0}}, 2.5).excess, 0.0);
  EXPECT_GT(quadratic_tail({1.0, {2.0}, {-1.0}}, 1.999).probability, 0.0);
  // y^2 - 1 >= -1: all of it is above -3
  EXPECT_EQ(quadratic_tail({-1.0, {0.0}, {1.0}}, -3.0).probability, 1.0);
  EXPECT_EQ(quadratic_tail({-1.0, {0.0}, {1.0}}, -3.0).excess, 3.0);
}

TEST(QuadraticTail, HasTheSameBitsEverywhere) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  const auto add = [&](double value) {
    std::uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    hash = (hash ^ bits) * 0x100000001b3u;
  };
  for (int i = 0; i < 2000; ++i) {
    const double t = 0.001 * i;
    const QuadraticLaw law = {t, {1.0, t - 1.0, 0.25}, {0.5 - 0.5 * t, 0.125 * t, -0.0625}};
    const QuadraticTail tail = quadratic_tail(law, 4.0 * t - 1.0);
    add(tail.probability);
    add(tail.excess);
  }
  EXPECT_EQ(hash, 3134251756324336884u);  // changes only with a formula
}

}  // namespace
}  // namespace tailmargin
