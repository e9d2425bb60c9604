#include "host/engine/start_greeks.hpp"

#include "kernels/math/black76.hpp"

namespace tailmargin {
namespace {

constexpr double days_per_year = 365.0;
constexpr double inverse_sqrt_two_pi = 0.39894228040143267794;

/// Value of an option over its forward and what it does when the forward's log return r, the total vol u or time moves.
/// Of what is no option: the forward itself.
struct UnitValue {
  double value = 1.0, delta = 1.0;  ///< b; d(e^r b)/dr = sign N(sign d1)
  double density = 0.0;             ///< phi(d1): db/du
  double total_vol = 1.0;
};

UnitValue unit_value(const InstrumentTerms& t) {
  if (t.kind != InstrumentKind::option) { return {}; }
  UnitValue out;
  out.total_vol = math::larger(t.total_vol_now, 1e-4);  // as revaluation has it
  const double moneyness = t.strike / t.price_now, k = math::log(moneyness);
  const math::Black76Distances<double> d = math::black76_distances(k, out.total_vol);
  out.delta = t.sign * math::normal_cdf(t.sign * d.d1);
  out.value = math::black76_from_distances(t.sign, moneyness, d);
  out.density = inverse_sqrt_two_pi * math::exp(-0.5 * d.d1 * d.d1);
  return out;
}

}  // namespace

ContractGreeks start_greeks(const InstrumentTerms& t, bool quoted_in_other) {
  const UnitValue unit = unit_value(t);
  const bool option = t.kind == InstrumentKind::option, linear = t.payoff == Payoff::linear;
  const bool dated = option || t.kind == InstrumentKind::future;
  // USD of one contract at value 1 over the forward; of an inverse future, of its gain per unit of log return.
  const double scale = linear   ? t.contract_size * t.price_now * t.settlement_now_usd
                       : option ? t.contract_size * t.index_now_usd
                                : t.contract_size * t.index_now_usd / t.price_now;
  // An inverse option is worth coins: what they are worth already is in the balance.
  const double slope = linear || !option ? unit.delta : unit.delta - unit.value;
  const double gamma = option ? scale * unit.density / unit.total_vol / 100.0 : 0.0;
  ContractGreeks out;
  out.delta_usd = scale * slope;
  out.gamma_usd = gamma;
  if (linear && quoted_in_other) {
    out.settlement_delta_usd = -scale * unit.delta;
    out.settlement_gamma_usd = gamma;
  }
  if (option) { out.vega_usd = 0.01 * scale * unit.density * math::sqrt(t.years_now); }
  if (dated) {
    const double log_basis = math::log(t.price_now * t.settlement_now_usd / t.index_now_usd);
    const double decay = option ? 0.5 * unit.density * unit.total_vol : 0.0;  // u falls as the root of the time left
    out.theta_usd = -scale * (decay + slope * log_basis) / (t.years_now * days_per_year);
  }
  return out;
}

}  // namespace tailmargin
