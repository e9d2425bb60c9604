// The tail scale against chi-square quantiles of scipy and against the t law that it must give.
#include "host/prepare/tail_scales.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "kernels/executors/simulate.hpp"

namespace tailmargin::test {
namespace {

struct QuantileRow {
  double nu, score, chi2;
};

// scipy 1.17, scipy.stats: chi2.ppf(norm.sf(score), nu) for score >= 0, else chi2.isf(norm.cdf(score), nu).
constexpr QuantileRow quantiles[] = {
    {2.1, -6.5, 48.2523243022652},  {2.1, -2.5, 10.3983783996388},    {2.1, -0.3, 2.03914021565994},
    {2.1, 0, 1.48326885049625},     {2.1, 0.7, 0.611485801503609},    {2.1, 2, 0.056401037507728},
    {2.1, 4, 0.000105933625519287}, {2.1, 6.5, 2.56421647565611e-10}, {3, -6.5, 51.4022300075592},
    {3, -2.5, 12.3726872879873},    {3, -0.3, 3.06250233009105},      {3, 0, 2.36597388437534},
    {3, 0.7, 1.17903709311864},     {3, 2, 0.202098198871743},        {3, 4, 0.00242163034123318},
    {3, 6.5, 2.8356328461915e-07},  {4, -6.5, 54.5606309842888},      {4, -2.5, 14.3676110905915},
    {4, -0.3, 4.18080990671746},    {4, 0, 3.35669398003332},         {4, 0.7, 1.87881069069638},
    {4, 2, 0.460289550415184},      {4, 4, 0.015959981273412},        {4, 6.5, 1.79243400517661e-05},
    {7.5, -6.5, 64.1504420882871},  {7.5, -2.5, 20.5539635383966},    {7.5, -0.3, 8.00601871280197},
    {7.5, 0, 6.84490546960107},     {7.5, 0.7, 4.58943212533521},     {7.5, 2, 1.87138780434596},
    {7.5, 4, 0.274791662032113},    {7.5, 6.5, 0.00714991793816844},  {50, -6.5, 144.561233521385},
    {50, -2.5, 78.4662558026492},   {50, -0.3, 52.3717872461584},     {50, 0, 49.3349367339768},
    {50, 0.7, 42.7119053508503},    {50, 2, 32.0600418430724},        {50, 4, 19.5047246447631},
    {50, 6.5, 9.34464423835794},    {200, -6.5, 358.642843788018},    {200, -2.5, 253.486189638834},
    {200, -0.3, 205.382190620329},  {200, 0, 199.333729838631},       {200, 0.7, 185.685621150209},
    {200, 2, 162.031770686784},     {200, 4, 129.777420667918},       {200, 6.5, 96.0798233426469},
};

double normal_density(double z) { return std::exp(-0.5 * z * z) / std::sqrt(2.0 * std::acos(-1.0)); }
double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

/// The table's value in double.
double evaluate(const std::vector<double>& pieces, double score) {
  const double position = (score - ScaleTable::low) * ScaleTable::pieces_per_unit;
  const double piece = std::clamp(std::floor(position), 0.0, ScaleTable::num_pieces - 1.0);
  const double* c = pieces.data() + 4 * static_cast<std::size_t>(piece);
  const double t = position - piece;
  return c[0] + t * (c[1] + t * (c[2] + t * c[3]));
}

/// Mean of f over a standard normal score within +-reach (trapezoids: exact to rounding for smooth f).
template <class F>
double mean_over_scores(double reach, F&& f) {
  constexpr int steps = 6000;
  double sum = 0.0;
  for (int i = 0; i <= steps; ++i) {
    const double z = reach * (2.0 * i / steps - 1.0);
    sum += (i == 0 || i == steps ? 0.5 : 1.0) * normal_density(z) * f(z);
  }
  return sum * 2.0 * reach / steps;
}

struct Tail {
  double var, es;
};

/// VaR and ES of -G N at a level by quadrature over the score.
Tail tail_of(const std::vector<double>& pieces, double level) {
  double low = 0.0, high = 100.0;
  for (int halving = 0; halving < 60; ++halving) {
    const double x = 0.5 * (low + high);
    const double above = mean_over_scores(6.5, [&](double z) { return normal_cdf(-x / evaluate(pieces, z)); });
    (above > 1.0 - level ? low : high) = x;
  }
  const double excess = mean_over_scores(6.5, [&](double z) {
    const double scale = evaluate(pieces, z);
    return scale * normal_density(low / scale);
  });
  return {low, excess / (1.0 - level)};
}

TEST(TailScale, MeetsScipysQuantiles) {
  for (const QuantileRow& row : quantiles) {
    const double expected = std::sqrt((row.nu - 2.0) / row.chi2);
    EXPECT_NEAR(tail_scale_of_score(row.nu, row.score) / expected, 1.0, 1e-13)
        << "nu " << row.nu << ", score " << row.score;
  }
}

// Chi-square with 4 degrees of freedom has P(c) = 1 - exp(-c/2) (1 + c/2).
TEST(TailScale, MeetsTheClosedFormOfFourDegrees) {
  for (const double score : {-20.0, -5.0, -1.0, 0.0, 1.0, 3.0, 5.0}) {
    const double scale = tail_scale_of_score(4.0, score);
    const double half = 1.0 / (scale * scale);  // c / 2
    const double above = std::exp(-half) * (1.0 + half);
    EXPECT_NEAR(above / normal_cdf(score), 1.0, 1e-12) << "score " << score;
  }
}

TEST(TailScale, HasUnitVariance) {
  for (const double nu : {2.2, 2.5, 3.0, 4.0, 8.0, 100.0, 1e6}) {
    const double variance = mean_over_scores(30.0, [&](double z) {
      const double scale = tail_scale_of_score(nu, z);
      return scale * scale;
    });
    EXPECT_NEAR(variance, 1.0, nu < 2.3 ? 1e-6 : 1e-10) << "nu " << nu;  // at 2.2 the rest lies beyond 30
  }
}

TEST(TailScale, TendsToOne) {
  for (const double score : {-3.0, 0.0, 3.0}) {
    const double nu = max_degrees_of_freedom;
    EXPECT_NEAR(tail_scale_of_score(nu, score), 1.0 + score / std::sqrt(2.0 * nu), 1e-5);
  }
}

TEST(TailScale, PiecesKeepTheirBound) {
  for (const double nu : {2.1, 2.5, 3.0, 4.0, 6.0, 10.0, 30.0, 200.0, 1000.0, 1e6}) {
    const std::vector<double> pieces = tail_scale_pieces(nu, 100.0);
    ASSERT_EQ(pieces.size(), 4u * ScaleTable::num_pieces);
    double worst = 0.0, before = 0.0;
    for (std::uint32_t p = 0; p < ScaleTable::num_pieces; ++p) {
      const double left = ScaleTable::low + static_cast<double>(p) / ScaleTable::pieces_per_unit;
      const double right = left + 1.0 / ScaleTable::pieces_per_unit;
      const bool capped = tail_scale_of_score(nu, right) > 100.0;
      for (int i = 0; i < 8; ++i) {
        const double score = left + (right - left) * (i + 0.4) / 8.0;
        const double found = evaluate(pieces, score), expected = tail_scale_of_score(nu, score);
        if (!capped) { worst = std::max(worst, std::fabs(found / expected - 1.0)); }
        if (expected > 100.0) { EXPECT_GT(found, 80.0) << "nu " << nu << ", score " << score; }
        EXPECT_LE(found, 100.0) << "nu " << nu << ", score " << score;
        EXPECT_GE(found, before) << "nu " << nu << ", score " << score;
        before = found;
      }
    }
    EXPECT_LE(worst, 2e-6) << "nu " << nu;
  }
}

TEST(TailScale, PiecesAreContinuous) {
  for (const double max_scale : {0.5, 3.0, 1e6}) {
    const std::vector<double> pieces = tail_scale_pieces(3.0, max_scale);
    for (std::uint32_t p = 0; p + 1 < ScaleTable::num_pieces; ++p) {
      const double* c = pieces.data() + 4 * p;
      EXPECT_NEAR((c[0] + c[1] + c[2] + c[3]) / c[4], 1.0, 1e-14) << "piece " << p << ", cap " << max_scale;
    }
    EXPECT_GE(pieces[4 * (ScaleTable::num_pieces - 1)], std::min(max_scale, 100.0));
  }
}

TEST(TailScale, LowCapIsReachedAndKept) {
  const std::vector<double> pieces = tail_scale_pieces(4.0, 2.0);

  EXPECT_EQ(evaluate(pieces, 6.4), 2.0);
  EXPECT_NEAR(evaluate(pieces, 0.0), std::sqrt(2.0 / 3.35669398003332), 1e-7);
  EXPECT_EQ(evaluate(tail_scale_pieces(4.0, 0.01), -6.5), 0.01);
}

// t with 4 degrees of freedom: VaR 99% 3.746947, ES 99% 5.220584, times sqrt((nu - 2) / nu) at unit variance. The ES
// in closed form: t density at VaR / 1% * (nu + VaR^2) / (nu - 1) (McNeil, Frey and Embrechts 2005, example 2.19).
TEST(TailScale, GivesTheTailsOfStudentsT) {
  const Tail found = tail_of(tail_scale_pieces(4.0, 1e6), 0.99);

  EXPECT_NEAR(found.var * std::sqrt(2.0), 3.746947, 2e-6);
  EXPECT_NEAR(found.es * std::sqrt(2.0), 5.220584, 4e-6);
}

TEST(TailScale, ManyDegreesGiveTheNormalTail) {
  const Tail found = tail_of(tail_scale_pieces(1e6, 100.0), 0.99);

  EXPECT_NEAR(found.var, 2.326347874, 1e-5);  // t with 1e6 degrees lies 3e-6 above
  EXPECT_NEAR(found.es, 2.665214220, 1e-5);
}

}  // namespace
}  // namespace tailmargin::test
