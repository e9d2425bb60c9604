#include "host/venues/pricing.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/math/black76.hpp"

namespace tailmargin::venues {
namespace {

/// Below this a distribution is a point: the time value is under 1e-12 of the forward.
constexpr double least_total_vol = 1e-12;

double days_left(const VolShock& rule, double seconds) {
  const double days = seconds / seconds_of_day;
  return std::max(rule.days == DayCount::rounded_up ? std::ceil(days) : days, rule.min_days);
}

double total_vol(double vol, double years) { return vol * math::sqrt(years); }

}  // namespace

double power(double x, double exponent) { return math::exp(exponent * math::log(x)); }

double option_value_usd(double sign, double forward_usd, double strike_usd, double vol, double years) {
  const double moneyness = strike_usd / forward_usd, width = total_vol(vol, years);
  if (width < least_total_vol) { return forward_usd * math::intrinsic_over_forward(sign, moneyness); }
  return forward_usd * math::black76_over_forward(sign, math::log(moneyness), moneyness, width);
}

double option_delta(const OptionLeg& leg) {
  const double log_moneyness = math::log(leg.strike_usd / leg.forward_usd);
  const double width = std::max(total_vol(leg.vol, leg.seconds / seconds_of_year), least_total_vol);
  return leg.sign * math::normal_cdf(leg.sign * math::black76_distances(log_moneyness, width).d1);
}

double shocked_vol(const VolShock& rule, VolMove move, double vol, double seconds) {
  if (move != VolMove::up && move != VolMove::down) { return vol; }
  if (rule.shift == VolShift::points) {
    return move == VolMove::up ? std::max(vol + rule.up, rule.min_vol) : std::max(vol - rule.down, 0.0);
  }
  const double days = days_left(rule, seconds);
  const double scale = power(30.0 / days, days < 30.0 ? rule.short_power : rule.long_power);
  if (move == VolMove::down) { return vol * std::max(1.0 - rule.down * scale, 0.0); }
  return std::max(vol * (1.0 + std::max(rule.up * scale, rule.min_up)), rule.min_vol);
}

double skewed_vol(const SkewRule& rule, VolMove move, double vol, double log_strike, double years) {
  const double root = math::sqrt(years);
  const double cap = rule.cap_base + rule.cap_slope * root;
  const double reach = std::max(rule.min_log_strike, root * rule.width * (rule.vol_static + root * rule.vol_scale));
  const double x = move == VolMove::skew_absolute ? std::fabs(log_strike) : log_strike;
  const double tilt = std::max(std::min(x * cap / reach, cap), -cap);
  return vol * std::max(1.0 + tilt, 0.0);
}

double discount_factor(const DiscountRule& rule, double years) { return math::exp(-std::max(rule.rate, 0.0) * years); }

double static_discount(const DiscountRule& rule, double value_usd, double years) {
  const double rate = std::max(rule.rate, 0.0);
  if (value_usd >= 0.0) { return rule.base_long * math::exp(-years * (rate * rule.rate_long + rule.add_long)); }
  const double factor = rule.base_short * math::exp(years * (rate * rule.rate_short + rule.add_short));
  return std::min(1.0 / discount_factor(rule, years), factor);
}

}  // namespace tailmargin::venues
