#include "host/prepare/surface.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tailmargin {
namespace {

using Smile = math::SsviSmile<double>;

constexpr std::size_t min_strikes_of_a_shape = 5;

double variance(const SmilePoint& point) { return point.total_vol * point.total_vol; }

/// Vega squared over a change of total variance: the sum of squares is one of price errors. The floor lets far strikes
/// steer the wings.
std::vector<double> fit_weights(const std::vector<SmilePoint>& points) {
  const auto nearest = std::min_element(points.begin(), points.end(), [](const SmilePoint& x, const SmilePoint& y) {
    return std::fabs(x.log_moneyness) < std::fabs(y.log_moneyness);
  });
  std::vector<double> weights;
  for (const SmilePoint& point : points) {
    const double d1 = point.log_moneyness / std::max(point.total_vol, nearest->total_vol);
    weights.push_back((math::exp(-std::min(d1 * d1, 100.0)) + 0.002) / (4.0 * variance(point)));
  }
  return weights;
}

/// Fits one expiry's smile above the one before.
class SmileFitter {
 public:
  SmileFitter(const std::vector<SmilePoint>& points, const Smile& before)
      : points_(points), weights_(fit_weights(points)), before_(before) {
    double sum = 0.0, total = 0.0;
    for (std::size_t i = 0; i < points.size(); ++i) {
      sum += weights_[i] * variance(points[i]);
      total += weights_[i];
    }
    typical_theta_ = sum / total;
  }

  /// Coarse grid over (rho, ln phi), then grids around the best whose steps shrink by a third each round.
  Smile best() {
    double rho_step = math::max_rho / 10.0, log_step = 0.25;
    const double middle = -0.5 * math::log(typical_theta_);  // phi sqrt(theta) = 1
    search(0.0, middle - 6.0 * log_step, rho_step, log_step, 10);
    for (int round = 0; round < 22; ++round) {
      rho_step /= 1.5;
      log_step /= 1.5;
      search(best_rho_, best_log_phi_, rho_step, log_step, 2);
    }
    return best_smile_;
  }

  /// The smile of a given shape whose variance meets the quotes best.
  Smile of_shape(double rho, double curvature) const {
    double phi = curvature / math::sqrt(typical_theta_), theta = typical_theta_;
    for (int round = 0; round < 8; ++round) {  // phi depends on theta, but weakly near the money
      theta = best_theta(rho, phi);
      phi = curvature / math::sqrt(theta);
    }
    return math::limit_smile<double>({theta, theta * phi, rho}, before_);
  }

 private:
  /// Tries the points of a square grid, `reach` steps each way.
  void search(double rho, double log_phi, double rho_step, double log_step, int reach) {
    for (int i = -reach; i <= reach; ++i) {
      for (int j = -reach; j <= reach; ++j) {
        const double tried_rho = std::clamp(rho + rho_step * i, -math::max_rho, math::max_rho);
        const double tried_log_phi = log_phi + log_step * j, phi = math::exp(tried_log_phi);
        const double theta = best_theta(tried_rho, phi);
        const Smile smile = math::limit_smile<double>({theta, theta * phi, tried_rho}, before_);
        const double error = squares(smile);
        if (error < best_error_) {
          best_error_ = error;
          best_smile_ = smile;
          best_rho_ = tried_rho;
          best_log_phi_ = tried_log_phi;
        }
      }
    }
  }

  /// For a given shape the variance is a factor: least squares in closed form.
  double best_theta(double rho, double phi) const {
    double above = 0.0, below = 0.0;
    for (std::size_t i = 0; i < points_.size(); ++i) {
      const double root = math::ssvi_shape(phi * points_[i].log_moneyness, rho), shape = 0.5 * root * root;
      above += weights_[i] * shape * variance(points_[i]);
      below += weights_[i] * shape * shape;
    }
    return above / below;
  }

  double squares(const Smile& smile) const {
    double sum = 0.0;
    for (std::size_t i = 0; i < points_.size(); ++i) {
      const double v = math::ssvi_total_vol(smile, points_[i].log_moneyness), gap = v * v - variance(points_[i]);
      sum += weights_[i] * gap * gap;
    }
    return sum;
  }

  const std::vector<SmilePoint>& points_;
  std::vector<double> weights_;
  Smile before_;
  double typical_theta_ = 0.0;
  Smile best_smile_{};
  double best_rho_ = 0.0, best_log_phi_ = 0.0, best_error_ = std::numeric_limits<double>::infinity();
};

/// A smile's shape in standardised moneyness.
struct Shape {
  double rho = 0.0, curvature = flat_curvature;  ///< phi sqrt(theta)
};

Shape shape_of(const Smile& smile) { return {smile.rho, smile.phi * smile.level * math::sqrt(2.0)}; }

/// One point a strike. A call and a put of one strike may be quoted against forwards read seconds apart: points nearer
/// than any two strikes are one.
std::vector<SmilePoint> by_strike(const std::vector<SmilePoint>& points) {
  constexpr double one_strike = 3e-4;
  std::vector<SmilePoint> sorted = points;
  std::sort(sorted.begin(), sorted.end(), [](const SmilePoint& a, const SmilePoint& b) {
    return a.log_moneyness < b.log_moneyness || (a.log_moneyness == b.log_moneyness && a.total_vol < b.total_vol);
  });
  sorted.erase(std::unique(sorted.begin(), sorted.end(),
                           [](const SmilePoint& a, const SmilePoint& b) {
                             return b.log_moneyness - a.log_moneyness < one_strike;
                           }),
               sorted.end());
  return sorted;
}

/// Of the marks' calls over the forward: a price that rises in strike, falls by more than the strike's rise, or lies
/// above the line between its neighbours, by more than marks rounded to a hundredth of a vol point explain.
bool has_butterfly(const std::vector<SmilePoint>& points, double years) {
  const double rounding = 1e-6 + 1e-4 * math::sqrt(years);
  std::vector<double> strike, call;
  for (const SmilePoint& point : points) {
    strike.push_back(math::exp(point.log_moneyness));
    call.push_back(math::black76_over_forward(1.0, point.log_moneyness, strike.back(), point.total_vol));
  }
  for (std::size_t i = 1; i < strike.size(); ++i) {
    if (call[i] > call[i - 1] + rounding || call[i] < call[i - 1] - (strike[i] - strike[i - 1]) - rounding) {
      return true;
    }
    if (i + 1 == strike.size()) { break; }
    const double share = (strike[i] - strike[i - 1]) / (strike[i + 1] - strike[i - 1]);
    if (call[i] > call[i - 1] + share * (call[i + 1] - call[i - 1]) + rounding) { return true; }
  }
  return false;
}

/// Whether a mark lies below both its neighbours in moneyness of the expiry before, in total variance.
bool has_calendar(const std::vector<SmilePoint>& before, const std::vector<SmilePoint>& points) {
  for (const SmilePoint& point : points) {
    const auto right = std::lower_bound(before.begin(), before.end(), point.log_moneyness,
                                        [](const SmilePoint& a, double k) { return a.log_moneyness < k; });
    if (right == before.begin() || right == before.end()) { continue; }
    if (point.total_vol < std::min(right->total_vol, std::prev(right)->total_vol) * (1.0 - 1e-4)) { return true; }
  }
  return false;
}

FitError fit_error(const Smile& smile, const ExpiryQuotes& expiry) {
  FitError out;
  out.num_quotes = static_cast<std::uint32_t>(expiry.points.size());
  double squares = 0.0, near_squares = 0.0, near_weight = 0.0;
  for (const SmilePoint& point : expiry.points) {
    const double fitted = math::ssvi_total_vol(smile, point.log_moneyness);
    const double gap = (point.total_vol - fitted) / math::sqrt(expiry.years);
    const double d1 = point.log_moneyness / fitted, weight = math::exp(-std::min(d1 * d1, 100.0));
    squares += gap * gap;
    near_squares += weight * gap * gap;
    near_weight += weight;
    if (std::fabs(gap) > std::fabs(out.worst_vol)) { out.worst_vol = gap; }
  }
  out.rms_vol = math::sqrt(squares / static_cast<double>(expiry.points.size()));
  out.near_rms_vol = math::sqrt(near_squares / near_weight);
  return out;
}

/// The shape of the nearest expiry that has enough strikes for one; the earlier of two equally near.
Shape nearest_shape(const std::vector<ExpiryQuotes>& expiries, const std::vector<std::optional<Shape>>& shapes,
                    std::size_t n) {
  Shape found;
  double distance = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const double gap = std::fabs(math::log(expiries[i].years / expiries[n].years));
    if (shapes[i] && gap < distance) {
      found = *shapes[i];
      distance = gap;
    }
  }
  return found;
}

}  // namespace

std::vector<FittedSmile> fit_surface(const std::vector<ExpiryQuotes>& expiries) {
  std::vector<std::vector<SmilePoint>> sorted;
  std::vector<std::optional<Shape>> shapes;
  bool thin = false;
  for (const ExpiryQuotes& expiry : expiries) {
    sorted.push_back(by_strike(expiry.points));
    thin |= sorted.back().size() < min_strikes_of_a_shape;
  }
  for (std::size_t n = 0; n < expiries.size(); ++n) {
    shapes.emplace_back();
    if (thin && sorted[n].size() >= min_strikes_of_a_shape) {
      shapes.back() = shape_of(SmileFitter(expiries[n].points, math::no_smile_before<double>()).best());
    }
  }
  std::vector<FittedSmile> fits;
  Smile before = math::no_smile_before<double>();
  for (std::size_t n = 0; n < expiries.size(); ++n) {
    SmileFitter fitter(expiries[n].points, before);
    FittedSmile fit;
    if (sorted[n].size() >= min_strikes_of_a_shape) {
      fit.smile = fitter.best();
    } else {
      const Shape shape = nearest_shape(expiries, shapes, n);
      fit.smile = fitter.of_shape(shape.rho, shape.curvature);
    }
    fit.error = fit_error(fit.smile, expiries[n]);
    fit.error.butterfly_marks = has_butterfly(sorted[n], expiries[n].years);
    fit.error.calendar_marks = n > 0 && has_calendar(sorted[n - 1], sorted[n]);
    fits.push_back(fit);
    before = fit.smile;
  }
  return fits;
}

/// Least time value, as a share of the forward, that a vol is read from.
constexpr double min_time_value = 1e-9;

std::optional<double> implied_total_vol(double sign, double log_moneyness, double value_over_forward) {
  const double moneyness = math::exp(log_moneyness);
  // By put-call parity the time value is the price of the out-of-the-money option at this strike: no digits cancel.
  const double time_value = value_over_forward - math::intrinsic_over_forward(sign, moneyness);
  const double out_sign = moneyness >= 1.0 ? 1.0 : -1.0;
  const auto value = [&](double v) { return math::black76_over_forward(out_sign, log_moneyness, moneyness, v); };
  double low = 1e-4, high = 20.0;
  // A value that is intrinsic up to rounding says nothing of the vol; far from the money value(low) is no bound either.
  if (!(time_value > min_time_value) || !(time_value > value(low)) || !(time_value < value(high))) {
    return std::nullopt;
  }
  for (int i = 0; i < 100; ++i) {  // bisection: the value rises with vol, and 100 halvings exhaust a double
    const double middle = 0.5 * (low + high);
    (value(middle) < time_value ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace tailmargin
