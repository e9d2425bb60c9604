#include "host/importers/implied_vol.hpp"

#include "kernels/math/black76.hpp"

namespace tailmargin::importers {
namespace {

constexpr double lowest_vol = 1e-4;
constexpr double highest_vol = 20.0;

double vega(double log_moneyness, double total_vol) {
  const double d1 = 0.5 * total_vol - log_moneyness / total_vol;
  return 0.39894228040143267794 * math::exp(-0.5 * d1 * d1);
}

}  // namespace

std::optional<double> implied_total_vol_of(OptionType type, double moneyness, double price_over_forward) {
  const double given_sign = type == OptionType::call ? 1.0 : -1.0;
  const double time_value = price_over_forward - math::intrinsic_over_forward(given_sign, moneyness);
  // By put-call parity the time value is the price of the out-of-the-money option at this strike: no digits cancel.
  const double sign = moneyness >= 1.0 ? 1.0 : -1.0;
  const double ceiling = math::smaller(1.0, moneyness);
  if (!(time_value >= least_time_value) || !(time_value < ceiling)) { return std::nullopt; }
  const double k = math::log(moneyness);
  const auto excess = [&](double v) { return math::black76_over_forward(sign, k, moneyness, v) - time_value; };
  double low = lowest_vol, high = highest_vol;
  if (excess(high) < 0.0 || excess(low) > 0.0) { return std::nullopt; }
  double v = 0.5 * (low + high);
  for (int i = 0; i < 100 && high - low > 1e-14 * high; ++i) {
    const double e = excess(v);
    (e < 0.0 ? low : high) = v;
    // Newton converges once near; before that its steps leave the bracket and halving takes over.
    const double newton = v - e / vega(k, v);
    const bool trust = i >= 8 && newton > low && newton < high;
    const double next = trust ? newton : 0.5 * (low + high);
    if (next == v) { break; }
    v = next;
  }
  return v;
}

}  // namespace tailmargin::importers
