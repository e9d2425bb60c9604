#include "host/prepare/tail_scales.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "kernels/executors/simulate.hpp"
#include "kernels/math/normal.hpp"

namespace tailmargin {
namespace {

constexpr double half_log_two_pi = 0.91893853320467274178;
constexpr double stirling_from = 10.0;  // Stirling's series is exact to 1e-16 from here on
constexpr int max_newton_steps = 200;
constexpr int max_terms = 100'000;  // of the series; it needs about 6000 at the largest degrees of freedom

/// ln Gamma(a) - ((a - 1/2) ln a - a + ln(2 pi) / 2) for a >= 10 (Abramowitz and Stegun 6.1.41).
double stirling_series(double a) {
  const double x = 1.0 / (a * a);
  return math::polynomial(x, 1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0, -691.0 / 360360.0,
                          1.0 / 156.0) /
         a;
}

/// The same for a > 0: arguments below 10 are raised by Gamma(a + 1) = a Gamma(a).
double stirling_rest(double a) {
  if (a >= stirling_from) { return stirling_series(a); }
  double raised = a, factors = 1.0;
  for (; raised < stirling_from; raised += 1.0) { factors *= raised; }
  const double log_gamma =
      (raised - 0.5) * math::log(raised) - raised + half_log_two_pi + stirling_series(raised) - math::log(factors);
  return log_gamma - ((a - 0.5) * math::log(a) - a + half_log_two_pi);
}

/// x / a - 1 - ln(x / a) for x, a > 0, exact relatively near x = a.
double log_excess(double x, double a) {
  const double m = (x - a) / a;
  if (std::fabs(m) > 0.3) { return m - math::log(x / a); }
  // ln(1 + m) = 2 artanh(s), s = m / (2 + m); m - 2 s = m s.
  const double s = m / (2.0 + m), square = s * s;
  double series = 0.0;
  for (int k = 25; k >= 3; k -= 2) { series = math::fma(series, square, 1.0 / k); }
  return s * (m - 2.0 * square * series);
}

/// The gamma law with shape a: probabilities of both sides of x, relatively exact on the smaller one.
/// Abramowitz and Stegun 6.5.29 (series) and 6.5.31 (continued fraction, by Lentz's method).
class GammaLaw {
 public:
  explicit GammaLaw(double shape)
      : a_(shape), normaliser_(math::exp(-stirling_rest(shape)) * math::sqrt(shape / (2.0 * 3.14159265358979323846))) {}

  /// x times the density: x^a e^-x / Gamma(a), written around its peak so that large shapes lose no digits.
  double log_density(double x) const { return normaliser_ * math::exp(-a_ * log_excess(x, a_)); }

  double below(double x) const { return x < a_ + 1.0 ? series(x) : 1.0 - fraction(x); }
  double above(double x) const { return x < a_ + 1.0 ? 1.0 - series(x) : fraction(x); }

 private:
  double series(double x) const {
    double term = 1.0, sum = 1.0;
    for (int n = 1; n < max_terms && term > 1e-17 * sum; ++n) {
      term *= x / (a_ + n);
      sum += term;
    }
    return sum * log_density(x) / a_;
  }

  double fraction(double x) const {
    double b = x + 1.0 - a_, c = 1e300, d = 1.0 / b, value = d;
    for (int n = 1; n < max_terms; ++n) {
      const double numerator = -n * (n - a_);
      b += 2.0;
      d = 1.0 / nonzero(numerator * d + b);
      c = nonzero(b + numerator / c);
      value *= c * d;
      if (std::fabs(c * d - 1.0) < 1e-16) { break; }
    }
    return value * log_density(x);
  }

  static double nonzero(double x) { return std::fabs(x) < 1e-300 ? 1e-300 : x; }

  double a_, normaliser_;
};

/// Where Newton's method starts: Wilson and Hilferty (1931), or the leading term of the series in the far lower tail.
double first_quantile(double a, double score) {
  const double v = 1.0 / (9.0 * a);
  const double root = 1.0 - v - score * math::sqrt(v);
  if (root > 0.2) { return a * root * root * root; }
  const double log_gamma = (a + 0.5) * math::log(a) - a + half_log_two_pi + stirling_rest(a);  // of a + 1
  return math::exp((math::log(math::normal_upper_tail(score)) + log_gamma) / a);
}

/// x with P(gamma(a) <= x) = P(Z > score). Newton's method on the log of the smaller side's probability as a function
/// of ln x, which is concave, so that it converges from everywhere.
double gamma_quantile(double a, double score) {
  const GammaLaw law(a);
  const bool lower = score >= 0.0;
  const double goal = math::log(math::normal_upper_tail(std::fabs(score)));
  double x = first_quantile(a, score);
  for (int step = 0; step < max_newton_steps; ++step) {
    const double probability = std::max(lower ? law.below(x) : law.above(x), 1e-305);
    const double slope = std::max(law.log_density(x), 1e-305) / probability;
    const double change = (lower ? 1.0 : -1.0) * (goal - math::log(probability)) / slope;
    x *= math::exp(std::clamp(change, -1.0, 1.0));
    if (std::fabs(change) < 1e-13) { break; }
  }
  return x;
}

using Piece = std::array<double, 4>;  // coefficients of 1, t, t^2, t^3

/// The cubic through the values at t = 0, 1/3, 2/3, 1.
Piece cubic_through(double y0, double y1, double y2, double y3) {
  return {y0, 0.5 * (-11.0 * y0 + 18.0 * y1 - 9.0 * y2 + 2.0 * y3), 4.5 * (2.0 * y0 - 5.0 * y1 + 4.0 * y2 - y3),
          4.5 * (-y0 + 3.0 * y1 - 3.0 * y2 + y3)};
}

}  // namespace

double tail_scale_of_score(double nu, double score) {
  return math::sqrt(0.5 * (nu - 2.0) / gamma_quantile(0.5 * nu, score));
}

std::vector<double> tail_scale_pieces(double nu, double max_scale) {
  const auto scale = [&](std::uint32_t piece, double t) {
    return tail_scale_of_score(nu, ScaleTable::low + (piece + t) / static_cast<double>(ScaleTable::pieces_per_unit));
  };
  std::vector<double> pieces;
  double left = scale(0, 0.0);
  for (std::uint32_t p = 0; p < ScaleTable::num_pieces; ++p) {
    Piece piece = {max_scale, 0.0, 0.0, 0.0};
    if (left < max_scale) {
      const double right = scale(p, 1.0);
      piece = right <= max_scale ? cubic_through(left, scale(p, 1.0 / 3.0), scale(p, 2.0 / 3.0), right)
                                 : Piece{left, max_scale - left, 0.0, 0.0};
      left = right;
    }
    pieces.insert(pieces.end(), piece.begin(), piece.end());
  }
  return pieces;
}

double mean_square_scale(const std::vector<double>& pieces) {
  constexpr double inverse_sqrt_two_pi = 0.39894228040143267794;
  const double width = 1.0 / static_cast<double>(ScaleTable::pieces_per_unit);
  const auto integrand = [&](std::size_t piece, double t) {
    const double* c = pieces.data() + 4 * piece;
    const double g = math::fma(t, math::fma(t, math::fma(t, c[3], c[2]), c[1]), c[0]);
    const double z = static_cast<double>(ScaleTable::low) + (static_cast<double>(piece) + t) * width;
    return g * g * math::exp(-0.5 * z * z);
  };
  double sum = 0.0;
  for (std::size_t piece = 0; piece < ScaleTable::num_pieces; ++piece) {
    sum += integrand(piece, 0.0) + 4.0 * integrand(piece, 0.5) + integrand(piece, 1.0);
  }
  return sum * inverse_sqrt_two_pi * width / 6.0;
}

}  // namespace tailmargin
