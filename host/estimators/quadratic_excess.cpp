#include "host/estimators/quadratic_excess.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "kernels/math/circular.hpp"
#include "kernels/math/elementary.hpp"

namespace tailmargin {
namespace {

/// A complex number with the operations the inversion needs. std::complex promises no bits.
struct Complex {
  double re = 0.0, im = 0.0;
};

Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
Complex operator*(Complex a, Complex b) { return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }
Complex operator*(double a, Complex b) { return {a * b.re, a * b.im}; }
double squared_size(Complex a) { return a.re * a.re + a.im * a.im; }

Complex operator/(Complex a, Complex b) {
  const double scale = 1.0 / squared_size(b);
  return {(a.re * b.re + a.im * b.im) * scale, (a.im * b.re - a.re * b.im) * scale};
}

/// The root in the right half plane.
Complex square_root(Complex a) {
  const double size = math::sqrt(squared_size(a));
  const double larger = math::sqrt(0.5 * (size + std::fabs(a.re)));
  if (!(larger > 0.0)) { return {}; }
  const double other = 0.5 * a.im / larger;
  if (a.re >= 0.0) { return {larger, other}; }
  return {std::fabs(other), a.im < 0.0 ? -larger : larger};
}

/// e^(K(z) - z x) in parts: its logarithm without the roots, and the product of the roots (1 - 2 square_j z)^(1/2),
/// which lie in the right half plane each, so that their product is the continuous branch.
struct Transform {
  Complex exponent, roots{1.0, 0.0};
  double log_size = 0.0;  ///< of the whole

  Complex value() const {
    const double size = math::exp(exponent.re);
    const math::SineCosine turn = math::sine_cosine(exponent.im);
    return Complex{size * turn.cosine, size * turn.sine} / roots;
  }
};

/// Where a contour crosses the real axis, and the second derivative there.
struct Saddle {
  double at = 0.0, curvature = 0.0, log_size = 0.0;
};

/// A quadratic of mean 0 and variance 1, and a threshold at or above 0.
class UpperTail {
 public:
  UpperTail(const QuadraticLaw& law, double mean, double deviation, double threshold) {
    const double sign = threshold < mean ? -1.0 : 1.0;
    threshold_ = sign * (threshold - mean) / deviation;
    for (std::size_t j = 0; j < law.linear.size(); ++j) {
      const double linear = law.linear[j] / deviation, square = sign * law.square[j] / deviation;
      if (linear == 0.0 && square == 0.0) { continue; }
      half_linear_squared_.push_back(0.5 * linear * linear);
      square_.push_back(square);
      constant_ -= square;
      largest_ = std::max(largest_, square);
    }
  }

  /// In units of the deviation.
  QuadraticTail compute() const {
    if (out_of_reach()) { return {}; }
    const Saddle saddle = find_saddle();
    if (saddle.log_size < -600.0) { return {}; }
    const Contour contour = choose_contour(saddle);
    return integrate(contour);
  }

 private:
  struct Contour {
    double at = 0.0, step = 0.0, bend = 0.0;
    double end = 0.0;  ///< of the parameter: beyond, nothing is left
  };

  /// sine and cosine of the angle between the vertical and the ends of the hyperbola: less than half a right angle,
  /// where e^(z^2) would stop falling.
  static constexpr double bend_sine = 0.47942553860420300027, bend_cosine = 0.87758256189037271612;
  static constexpr double longest = 40.0;  ///< parameter: the hyperbola has gone e^40 steps

  /// Whether Q is bounded above by the threshold.
  bool out_of_reach() const {
    double bound = constant_;
    for (std::size_t j = 0; j < square_.size(); ++j) {
      if (square_[j] > 0.0 || (square_[j] == 0.0 && half_linear_squared_[j] > 0.0)) { return false; }
      if (half_linear_squared_[j] > 0.0) { bound -= 0.5 * half_linear_squared_[j] / square_[j]; }
    }
    return threshold_ >= bound;
  }

  Transform transform(Complex z) const {
    Transform out;
    out.exponent = (constant_ - threshold_) * z;
    const Complex z2 = z * z;
    double roots_log = 0.0;
    for (std::size_t j = 0; j < square_.size(); ++j) {
      const Complex rest = {1.0 - 2.0 * square_[j] * z.re, -2.0 * square_[j] * z.im};
      if (half_linear_squared_[j] != 0.0) { out.exponent = out.exponent + half_linear_squared_[j] * (z2 / rest); }
      out.roots = out.roots * square_root(rest);
      const double size = squared_size(out.roots);
      if (size > 1e200) {
        out.roots = 1e-100 * out.roots;
        roots_log += 230.25850929940456840;  // ln 1e100
      }
    }
    out.exponent.re -= roots_log;
    out.log_size = out.exponent.re - 0.5 * math::log(std::max(squared_size(out.roots), 1e-300));
    return out;
  }

  /// First and second derivative of K(t) - t x - 2 ln t on the real axis.
  void derivatives(double t, double* first, double* second) const {
    *first = constant_ - threshold_ - 2.0 / t;
    *second = 2.0 / (t * t);
    for (std::size_t j = 0; j < square_.size(); ++j) {
      const double rest = 1.0 / (1.0 - 2.0 * square_[j] * t);
      const double tilt = 2.0 * half_linear_squared_[j];
      *first += tilt * t * (1.0 - square_[j] * t) * rest * rest + square_[j] * rest;
      *second += (tilt * rest + 2.0 * square_[j] * square_[j]) * rest * rest;
    }
  }

  /// The least of K(t) - t x - 2 ln t, which is convex, between 0 and the first singularity.
  Saddle find_saddle() const {
    const double limit = largest_ > 0.0 ? 0.5 / largest_ : std::numeric_limits<double>::infinity();
    double low = 0.0, high = limit, t = std::min(0.5 * limit, std::max(threshold_, 1.0));
    double first = 0.0, second = 1.0;
    for (int i = 0; i < 200; ++i) {
      derivatives(t, &first, &second);
      (first > 0.0 ? high : low) = t;
      double next = t - first / second;
      if (!(next > low && next < high)) { next = high < 1e300 ? 0.5 * (low + high) : 2.0 * t; }
      if (first * first <= 1e-4 * second || t > 1e12) { break; }  // a hundredth of the saddle's width away
      t = next;
    }
    derivatives(t, &first, &second);
    return {t, second, transform({t, 0.0}).log_size};
  }

  Complex position(const Contour& c, double growth, double decay) const {
    return {c.at + c.step * c.bend * bend_sine * (0.5 * (growth + decay) - 1.0),
            c.step * bend_cosine * 0.5 * (growth - decay)};
  }

  /// The bend to the side where the integrand falls sooner, without a hump on the way.
  Contour choose_contour(const Saddle& saddle) const {
    Contour best;
    double best_cost = std::numeric_limits<double>::infinity();
    for (const double bend : {1.0, -1.0}) {
      Contour contour = {saddle.at, 1.0 / math::sqrt(saddle.curvature), bend, longest};
      double hump = 0.0;
      for (double u = 0.25; u < longest; u += 0.25) {
        const double growth = math::exp(u);
        const Complex z = position(contour, growth, 1.0 / growth);
        // The length of a step grows as e^u, the divisor z of the probability's integrand as fast.
        const double log_size = transform(z).log_size - saddle.log_size;
        hump = std::max(hump, log_size);
        if (log_size < -42.0) {
          contour.end = u;
          break;
        }
      }
      const double cost = contour.end + 10.0 * hump;
      if (cost < best_cost) {
        best = contour;
        best_cost = cost;
      }
    }
    return best;
  }

  struct Sums {
    double probability = 0.0, excess = 0.0;
  };

  /// The integrands at parameter u, times dz / du, imaginary parts.
  Sums integrand(const Contour& c, double u) const {
    const double growth = math::exp(u), decay = 1.0 / growth;
    const Complex z = position(c, growth, decay);
    const Complex slope = {c.step * c.bend * bend_sine * 0.5 * (growth - decay),
                           c.step * bend_cosine * 0.5 * (growth + decay)};
    const Complex probability = transform(z).value() * slope / z;
    return {probability.im, (probability / z).im};
  }

  QuadraticTail integrate(const Contour& contour) const {
    constexpr double same = 1e-8;  // the error after halving is about its square
    double step = 0.5;
    Sums sum = integrand(contour, 0.0);
    sum = {0.5 * sum.probability, 0.5 * sum.excess};
    add_points(contour, step, step, sum);
    for (int halving = 0; halving < 9; ++halving) {
      const Sums before = sum;
      add_points(contour, 0.5 * step, step, sum);
      step *= 0.5;
      const double moved_probability = std::fabs(sum.probability - 2.0 * before.probability);
      const double moved_excess = std::fabs(sum.excess - 2.0 * before.excess);
      if (moved_probability <= same * std::fabs(sum.probability) && moved_excess <= same * std::fabs(sum.excess)) {
        return scaled(sum, step, true);
      }
    }
    return scaled(sum, step, false);
  }

  void add_points(const Contour& contour, double first, double step, Sums& sum) const {
    for (double u = first; u <= contour.end; u += step) {
      const Sums at = integrand(contour, u);
      sum.probability += at.probability;
      sum.excess += at.excess;
    }
  }

  static QuadraticTail scaled(const Sums& sum, double step, bool converged) {
    constexpr double inverse_pi = 0.31830988618379067154;
    return {sum.probability * step * inverse_pi, sum.excess * step * inverse_pi, converged};
  }

  double constant_ = 0.0, threshold_ = 0.0, largest_ = 0.0;
  std::vector<double> half_linear_squared_, square_;
};

}  // namespace

double QuadraticLaw::mean() const {
  double sum = constant;
  for (const double s : square) { sum += s; }
  return sum;
}

double QuadraticLaw::variance() const {
  double sum = 0.0;
  for (std::size_t j = 0; j < linear.size(); ++j) { sum += linear[j] * linear[j] + 2.0 * square[j] * square[j]; }
  return sum;
}

QuadraticTail quadratic_tail(const QuadraticLaw& law, double threshold) {
  const double mean = law.mean(), deviation = math::sqrt(law.variance());
  const double distance = threshold - mean;
  if (!(deviation > 1e-14 * std::fabs(distance)) || !(deviation > 1e-200)) {
    return {distance < 0.0 ? 1.0 : 0.0, std::max(-distance, 0.0), true};
  }
  QuadraticTail tail = UpperTail(law, mean, deviation, threshold).compute();
  tail.excess *= deviation;
  if (distance < 0.0) {  // what was computed is below the threshold: P(Q < x), E[(x - Q)^+]
    tail.probability = 1.0 - tail.probability;
    tail.excess -= distance;
  }
  return tail;
}

}  // namespace tailmargin
