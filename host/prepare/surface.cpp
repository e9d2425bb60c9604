#include "host/prepare/surface.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace tailmargin {
namespace {

constexpr double max_wing_slope = 2.0;  // Lee (2004): total variance grows at most 2 |k|
constexpr double max_rho = 0.999;

/// w = a + d y + c sqrt(1 + y^2) with y = (k - m) / s: linear in (a, d, c) once m and s are fixed.
/// Zeliade Systems, "Quasi-explicit calibration of Gatheral's SVI model" (2009).
struct LinearFit {
  double a = 0.0, d = 0.0, c = 0.0;
  double error = std::numeric_limits<double>::infinity();  ///< weighted sum of squares
};

struct Sums {  // of weight times products of 1, y, z = sqrt(1 + y^2), w
  double n = 0, y = 0, z = 0, yy = 0, yz = 0, zz = 0, w = 0, wy = 0, wz = 0, ww = 0;
};

class SmileFitter {
 public:
  explicit SmileFitter(const std::vector<SmilePoint>& points) : points_(points) {
    const auto nearest = std::min_element(points.begin(), points.end(), [](const SmilePoint& x, const SmilePoint& y) {
      return std::fabs(x.log_moneyness) < std::fabs(y.log_moneyness);
    });
    for (const SmilePoint& point : points) {
      // Vega squared over a change of total variance: the sum of squares is one of price errors. The floor lets far
      // strikes steer the wings.
      const double d1 = point.log_moneyness / std::max(point.total_vol, nearest->total_vol);
      const double variance = point.total_vol * point.total_vol;
      weights_.push_back((math::exp(-std::min(d1 * d1, 100.0)) + 0.002) / (4.0 * variance));
      low_ = std::min(low_, point.log_moneyness);
      high_ = std::max(high_, point.log_moneyness);
    }
  }

  /// Coarse grid over (m, ln s), then grids around the best whose steps shrink by a third each round.
  math::SviSmile<double> best() {
    const double width = high_ - low_;
    double m_step = width / 16.0, log_step = 0.4;
    search(0.5 * (low_ + high_), math::log(width / 16.0), m_step, log_step, 9);
    for (int round = 0; round < 20; ++round) {
      m_step /= 1.5;
      log_step /= 1.5;
      search(best_m_, best_log_s_, m_step, log_step, 3);
    }
    const double s = math::exp(best_log_s_);
    return {best_fit_.a, best_fit_.c / s, best_fit_.c > 0.0 ? best_fit_.d / best_fit_.c : 0.0, best_m_, s};
  }

 private:
  /// Tries the points of a square grid, `reach` steps each way.
  void search(double m, double log_s, double m_step, double log_step, int reach) {
    for (int i = -reach; i <= reach; ++i) {
      for (int j = -reach; j <= reach; ++j) {
        const double tried_m = m + m_step * i, tried_log_s = log_s + log_step * j;
        const LinearFit fit = solve(tried_m, math::exp(tried_log_s));
        if (fit.error < best_fit_.error) {
          best_fit_ = fit;
          best_m_ = tried_m;
          best_log_s_ = tried_log_s;
        }
      }
    }
  }

  LinearFit solve(double m, double s) const {
    const Sums t = sums(m, s);
    LinearFit best = unconstrained(t);
    if (feasible(best, s)) {
      best.error = error(best, t);
      return best;
    }
    best = LinearFit{};
    // On the boundary d = r c the problem is linear in (a, c) again; c is then clipped to its range.
    for (const double r : {-max_rho, -0.5, 0.0, 0.5, max_rho}) {
      LinearFit fit = with_ratio(t, r, s);
      fit.error = error(fit, t);
      if (feasible(fit, s) && fit.error < best.error) { best = fit; }
    }
    return best;
  }

  Sums sums(double m, double s) const {
    Sums t;
    for (std::size_t i = 0; i < points_.size(); ++i) {
      const double y = (points_[i].log_moneyness - m) / s, z = math::sqrt(1.0 + y * y);
      const double w = points_[i].total_vol * points_[i].total_vol, g = weights_[i];
      t.n += g;
      t.y += g * y;
      t.z += g * z;
      t.yy += g * y * y;
      t.yz += g * y * z;
      t.zz += g * z * z;
      t.w += g * w;
      t.wy += g * w * y;
      t.wz += g * w * z;
      t.ww += g * w * w;
    }
    return t;
  }

  static LinearFit unconstrained(const Sums& t) {  // Cramer's rule on the normal equations
    const double m00 = t.yy * t.zz - t.yz * t.yz, m01 = t.y * t.zz - t.yz * t.z, m02 = t.y * t.yz - t.yy * t.z;
    const double determinant = t.n * m00 - t.y * m01 + t.z * m02;
    LinearFit fit;
    fit.a = (t.w * m00 - t.y * (t.wy * t.zz - t.yz * t.wz) + t.z * (t.wy * t.yz - t.yy * t.wz)) / determinant;
    fit.d = (t.n * (t.wy * t.zz - t.wz * t.yz) - t.w * m01 + t.z * (t.y * t.wz - t.wy * t.z)) / determinant;
    fit.c = (t.n * (t.yy * t.wz - t.yz * t.wy) - t.y * (t.y * t.wz - t.wy * t.z) + t.w * m02) / determinant;
    return fit;
  }

  static LinearFit with_ratio(const Sums& t, double r, double s) {
    const double x = t.z + r * t.y, xx = t.zz + 2.0 * r * t.yz + r * r * t.yy, wx = t.wz + r * t.wy;
    LinearFit fit;
    const double steepest = max_wing_slope * s / (1.0 + std::fabs(r));
    fit.c = std::clamp((t.n * wx - x * t.w) / (t.n * xx - x * x), 0.0, steepest);
    fit.d = r * fit.c;
    const double lowest = fit.c * math::sqrt(1.0 - r * r);  // the smile's minimum is a + this
    fit.a = std::max((t.w - fit.c * x) / t.n, 1e-8 - lowest);
    return fit;
  }

  static bool feasible(const LinearFit& fit, double s) {
    if (!(fit.c >= 0.0) || !(std::fabs(fit.d) <= max_rho * fit.c * 1.0000001)) { return false; }
    if (!(fit.c + std::fabs(fit.d) <= max_wing_slope * s * 1.0000001)) { return false; }
    return fit.a + math::sqrt(std::max(fit.c * fit.c - fit.d * fit.d, 0.0)) >= 0.0;
  }

  static double error(const LinearFit& f, const Sums& t) {
    return t.ww - 2.0 * (f.a * t.w + f.d * t.wy + f.c * t.wz) + f.a * f.a * t.n + f.d * f.d * t.yy + f.c * f.c * t.zz +
           2.0 * (f.a * f.d * t.y + f.a * f.c * t.z + f.d * f.c * t.yz);
  }

  const std::vector<SmilePoint>& points_;
  std::vector<double> weights_;
  LinearFit best_fit_;
  double best_m_ = 0.0, best_log_s_ = 0.0;
  double low_ = std::numeric_limits<double>::infinity(), high_ = -low_;
};

std::size_t distinct_strikes(const std::vector<SmilePoint>& points) {
  std::vector<double> k;
  for (const SmilePoint& point : points) { k.push_back(point.log_moneyness); }
  std::sort(k.begin(), k.end());
  return static_cast<std::size_t>(std::unique(k.begin(), k.end()) - k.begin());
}

}  // namespace

math::SviSmile<double> fit_smile(const std::vector<SmilePoint>& points) {
  if (points.empty() || distinct_strikes(points) < 5) {
    double mean = 0.0;
    for (const SmilePoint& point : points) {
      mean += point.total_vol * point.total_vol / static_cast<double>(points.size());
    }
    return {mean, 0.0, 0.0, 0.0, 1.0};
  }
  return SmileFitter(points).best();
}

std::optional<double> implied_total_vol(double sign, double log_moneyness, double value_over_forward) {
  const double moneyness = math::exp(log_moneyness);
  // By put-call parity the time value is the price of the out-of-the-money option at this strike: no digits cancel.
  const double time_value = value_over_forward - math::intrinsic_over_forward(sign, moneyness);
  const double out_sign = moneyness >= 1.0 ? 1.0 : -1.0;
  const auto value = [&](double v) { return math::black76_over_forward(out_sign, log_moneyness, moneyness, v); };
  double low = 1e-4, high = 20.0;
  if (!(time_value > value(low)) || !(time_value < value(high))) { return std::nullopt; }
  for (int i = 0; i < 100; ++i) {  // bisection: the value rises with vol, and 100 halvings exhaust a double
    const double middle = 0.5 * (low + high);
    (value(middle) < time_value ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace tailmargin
