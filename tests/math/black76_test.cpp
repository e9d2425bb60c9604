// Black-76: published prices, an own long double formula, parity, limits.
#include "kernels/math/black76.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tailmargin/accuracy.hpp"
#include "tests/math/oracle_tables.hpp"
#include "tests/support/sweep.hpp"

namespace tailmargin::test {
namespace {

/// A published price of a European option; forward = spot * exp(carry * expiry).
struct PublishedOption {
  const char* source;
  double sign, strike, spot, carry, rate, expiry_years, vol, price;
};

// Haug, "The Complete Guide to Option Pricing Formulas", 2nd edition, page numbers as cited in QuantLib's
// test suite (europeanoption.cpp); Hull, "Options, Futures, and Other Derivatives", options on futures chapter.
// Printed to four digits, some of them one off in the last (1.8734 is 1.87334).
constexpr PublishedOption published[] = {
    {"Hull, futures put", -1, 20, 20, 0.00, 0.09, 4.0 / 12.0, 0.25, 1.1166},
    {"Haug p. 2, stock call", 1, 65, 60, 0.08, 0.08, 0.25, 0.30, 2.1334},
    {"Haug p. 4, index put with yield", -1, 95, 100, 0.05, 0.10, 0.50, 0.20, 2.4648},
    {"Haug p. 5, futures call", 1, 19, 19, 0.00, 0.10, 0.75, 0.28, 1.7011},
    {"Haug p. 5, futures put", -1, 19, 19, 0.00, 0.10, 0.75, 0.28, 1.7011},
    {"Haug p. 6, currency call", 1, 1.60, 1.56, -0.02, 0.06, 0.50, 0.12, 0.0291},
    {"Haug p. 8, generalised put", -1, 70, 75, 0.05, 0.10, 0.50, 0.35, 4.0870},
    {"Haug p. 24, futures call", 1, 100, 90, 0.00, 0.10, 0.10, 0.15, 0.0205},
    {"Haug p. 24, futures call", 1, 100, 100, 0.00, 0.10, 0.10, 0.15, 1.8734},
    {"Haug p. 24, futures call", 1, 100, 110, 0.00, 0.10, 0.10, 0.15, 9.9413},
    {"Haug p. 24, futures call", 1, 100, 90, 0.00, 0.10, 0.10, 0.25, 0.3150},
    {"Haug p. 24, futures call", 1, 100, 100, 0.00, 0.10, 0.10, 0.25, 3.1217},
    {"Haug p. 24, futures call", 1, 100, 110, 0.00, 0.10, 0.10, 0.25, 10.3556},
    {"Haug p. 24, futures call", 1, 100, 90, 0.00, 0.10, 0.50, 0.35, 4.9329},
    {"Haug p. 24, futures call", 1, 100, 100, 0.00, 0.10, 0.50, 0.35, 9.3679},
    {"Haug p. 24, futures call", 1, 100, 110, 0.00, 0.10, 0.50, 0.35, 15.3086},
    {"Haug p. 24, futures put", -1, 100, 90, 0.00, 0.10, 0.10, 0.15, 9.9210},
    {"Haug p. 24, futures put", -1, 100, 110, 0.00, 0.10, 0.10, 0.15, 0.0408},
    {"Haug p. 24, futures put", -1, 100, 90, 0.00, 0.10, 0.50, 0.25, 12.2149},
    {"Haug p. 24, futures put", -1, 100, 110, 0.00, 0.10, 0.50, 0.25, 3.2734},
};

TEST(Black76, MeetsPublishedPrices) {
  for (const PublishedOption& row : published) {
    const double forward = row.spot * std::exp(row.carry * row.expiry_years);
    const double moneyness = row.strike / forward;
    const double total_vol = row.vol * std::sqrt(row.expiry_years);
    const double money = std::exp(-row.rate * row.expiry_years) * forward;

    const double price = money * math::black76_over_forward(row.sign, std::log(moneyness), moneyness, total_vol);
    const float price_float =
        static_cast<float>(money) *
        math::black76_over_forward(static_cast<float>(row.sign), static_cast<float>(std::log(moneyness)),
                                   static_cast<float>(moneyness), static_cast<float>(total_vol));

    EXPECT_NEAR(price, row.price, 1e-4) << row.source << " spot " << row.spot << " vol " << row.vol;
    EXPECT_NEAR(price_float, row.price, 1e-4) << row.source << " spot " << row.spot << " vol " << row.vol;
  }
}

long double normal_cdf_true(long double x) {
  return 0.5L * std::erfc(-x * 0.7071067811865475244008443621048490392848L);
}

/// The definition, out-of-the-money side computed directly and the other side by parity.
long double black76_true(int sign, long double k, long double s) {
  const long double d1 = -k / s + s / 2.0L;
  const long double d2 = -k / s - s / 2.0L;
  const long double strike = std::exp(k);
  if (k >= 0.0L) {
    const long double call = normal_cdf_true(d1) - strike * normal_cdf_true(d2);
    return sign > 0 ? call : call - (1.0L - strike);
  }
  const long double put = strike * normal_cdf_true(-d2) - normal_cdf_true(-d1);
  return sign < 0 ? put : put + (1.0L - strike);
}

TEST(Black76, OracleMeetsTheTable) {
  for (const Black76Row& row : black76_table) {
    const long double value = black76_true(1, row.log_moneyness, row.total_vol);
    EXPECT_NEAR(static_cast<double>(value), static_cast<double>(row.call), 1e-16)
        << row.log_moneyness << ' ' << row.total_vol;
  }
}

/// Visits k in [-3, 3] and total vol in [1e-4, 4], denser near the money where the total vol is small.
template <class Real, class Visit>
void visit_grid(Visit visit) {
  for (int i = 0; i <= 160; ++i) {
    const Real s = static_cast<Real>(1e-4L * std::pow(4e4L, i / 160.0L));
    sweep(Real(-3), Real(3), 600, [&](Real k) { visit(k, s); });
    for (int j = -300; j <= 300; ++j) {
      const Real k = Real(j) / Real(25) * s;
      if (k >= Real(-3) && k <= Real(3)) { visit(k, s); }
    }
  }
}

template <class Real>
WorstError worst_black76() {
  WorstError worst;
  visit_grid<Real>([&](Real k, Real s) {
    const long double strike = std::exp(static_cast<long double>(k));
    for (const int sign : {1, -1}) {
      const Real value = math::black76_over_forward(Real(sign), k, static_cast<Real>(strike), s);
      const long double error = std::fabs(value - black76_true(sign, k, s)) / std::fmax(1.0L, strike);
      worst.add(static_cast<double>(error), static_cast<double>(k));
    }
  });
  return worst;
}

TEST(Black76, FloatKeepsItsBound) { expect_within(worst_black76<float>(), accuracy::black76_float); }

TEST(Black76, DoubleKeepsItsBound) { expect_within(worst_black76<double>(), accuracy::black76_double); }

template <class Real>
void check_parity(double bound) {
  WorstError worst;
  visit_grid<Real>([&](Real k, Real s) {
    const Real m = math::exp(k);
    const Real call = math::black76_over_forward(Real(1), k, m, s);
    const Real put = math::black76_over_forward(Real(-1), k, m, s);
    const double gap = std::fabs(static_cast<double>(call) - static_cast<double>(put) - (1.0 - static_cast<double>(m)));
    worst.add(gap / std::fmax(1.0, static_cast<double>(m)), static_cast<double>(k));
  });
  EXPECT_LE(worst.error, 2.0 * bound) << "at k " << worst.at;
}

TEST(Black76, KeepsPutCallParity) {
  check_parity<float>(accuracy::black76_float.bound);
  check_parity<double>(accuracy::black76_double.bound);
}

template <class Real>
void check_monotone_in_vol(double bound) {
  for (const Real k : {Real(-1), Real(-0.1), Real(0), Real(0.1), Real(1)}) {
    const Real m = math::exp(k);
    Real last = Real(0);
    for (int i = 0; i <= 2000; ++i) {
      const Real s = static_cast<Real>(1e-4 * std::pow(4e4, i / 2000.0));
      const Real value = math::black76_over_forward(Real(1), k, m, s);
      EXPECT_GE(static_cast<double>(value),
                static_cast<double>(last) - 2.0 * bound * std::fmax(1.0, static_cast<double>(m)))
          << k << ' ' << s;
      last = value;
    }
  }
}

TEST(Black76, RisesWithVol) {
  check_monotone_in_vol<float>(accuracy::black76_float.bound);
  check_monotone_in_vol<double>(accuracy::black76_double.bound);
}

TEST(Black76, TendsToThePayoffAsVolVanishes) {
  for (const double k : {-1.0, -0.01, 0.01, 1.0}) {
    for (const double sign : {1.0, -1.0}) {
      const double m = math::exp(k);
      EXPECT_NEAR(math::black76_over_forward(sign, k, m, 1e-4), math::intrinsic_over_forward(sign, m),
                  4e-16 * std::fmax(1.0, m))
          << k << ' ' << sign;
    }
  }
  EXPECT_NEAR(math::black76_over_forward(1.0, 0.0, 1.0, 1e-4), 1e-4 * 0.3989422804,
              1e-13);  // at the money: s / sqrt(2 pi)
}

TEST(Black76, TendsToItsBoundsAsVolGrows) {
  EXPECT_NEAR(math::black76_over_forward(1.0, 0.5, math::exp(0.5), 40.0), 1.0, 1e-15);  // a call: the forward
  EXPECT_NEAR(math::black76_over_forward(-1.0, 0.5, math::exp(0.5), 40.0), math::exp(0.5), 1e-15);  // a put: the strike
}

/// A distance of -0 is one of +0: what jumps there and the sign of the tail change together.
template <class Real>
void check_signs_of_zero() {
  const Real vol = Real(0.5), zero = Real(0);
  for (const Real sign : {Real(1), Real(-1)}) {
    const auto value = [&](Real d1, Real d2, Real k) {
      return math::black76_from_distances(sign, math::exp(k), math::Black76Distances<Real>{d1, d2});
    };
    const Real above = Real(0.5) * vol * vol;  // k at which d1 is 0; d2 is 0 at its negative
    EXPECT_NEAR(value(zero, -vol, above), value(-zero, -vol, above), 1e-7);
    EXPECT_NEAR(value(vol, zero, -above), value(vol, -zero, -above), 1e-7);
  }
}

TEST(Black76, KnowsBothZeros) {
  check_signs_of_zero<float>();
  check_signs_of_zero<double>();
}

TEST(Black76, PayoffIsByHand) {
  EXPECT_EQ(math::intrinsic_over_forward(1.0, 0.75), 0.25);
  EXPECT_EQ(math::intrinsic_over_forward(-1.0, 0.75), 0.0);
  EXPECT_EQ(math::intrinsic_over_forward(1.0f, 1.25f), 0.0f);
  EXPECT_EQ(math::intrinsic_over_forward(-1.0f, 1.25f), 0.25f);
}

}  // namespace
}  // namespace tailmargin::test
