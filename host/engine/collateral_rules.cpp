#include "host/engine/collateral_rules.hpp"

#include "host/prepare/matching.hpp"
#include "host/prepare/prepare_run.hpp"
#include "kernels/math/black76.hpp"

namespace tailmargin {
namespace {

/// Value of an option over its forward, with the total vol of now.
double option_over_forward(const InstrumentTerms& t, double forward) {
  const double moneyness = t.strike / forward, total_vol = math::larger(t.total_vol_now, 1e-4);  // as revaluation cuts
  return math::black76_over_forward(t.sign, math::log(moneyness), moneyness, total_vol);
}

/// [underlying]
std::vector<double> shares(const Book& market, const Model& model, const std::vector<AssetShare>& rules) {
  std::vector<double> out;
  for (const Underlying& underlying : market.underlyings) {
    const AssetShare* rule = first_match(rules, underlying.name, model);
    out.push_back(rule == nullptr ? 0.0 : rule->share);
  }
  return out;
}

}  // namespace

double jump_gain_usd(const InstrumentTerms& t, double underlying_ratio, double settlement_ratio) {
  const bool linear = t.payoff == Payoff::linear, option = t.kind == InstrumentKind::option;
  const double now = t.price_now, then = now * (linear ? underlying_ratio / settlement_ratio : underlying_ratio);
  if (linear) {
    const double value_now = option ? now * option_over_forward(t, now) : now;
    const double value_then = option ? then * option_over_forward(t, then) : then;
    return t.contract_size * (value_then - value_now) * t.settlement_now_usd * settlement_ratio;
  }
  const double coins = option ? option_over_forward(t, then) - option_over_forward(t, now) : 1.0 / now - 1.0 / then;
  return t.contract_size * coins * t.index_now_usd * underlying_ratio;
}

CollateralRules::CollateralRules(const Book& market, const Model& model, const ColumnPlan& columns)
    : market_(market),
      columns_(columns),
      haircut_(shares(market, model, model.haircuts)),
      fall_(shares(market, model, model.depegs)) {
  for (InstrumentId i = 0; i < market.instruments.size(); ++i) {
    const Instrument& instrument = market.instruments[i];
    const double settlement = instrument.settlement == no_underlying ? 1.0 : 1.0 - fall_[instrument.settlement];
    instrument_gain_.push_back(
        jump_gain_usd(columns.terms[columns.instrument_column[i]], 1.0 - fall_[instrument.underlying], settlement));
  }
}

BalanceValue CollateralRules::value(const CollateralBalance& balance) const {
  BalanceValue out = {balance.asset, balance.amount, balance.amount, 0.0};
  if (balance.asset == no_underlying) { return out; }
  out.value_usd = balance.amount * market_.underlyings[balance.asset].index_price_usd;
  if (balance.amount > 0.0) { out.haircut_usd = haircut_[balance.asset] * out.value_usd; }
  return out;
}

double CollateralRules::depeg_gain_usd(const Position& position) const {
  const UnderlyingId settlement = market_.instruments[position.instrument].settlement;
  return position.quantity * instrument_gain_[position.instrument] +
         gain_usd(settlement, position_value(market_, columns_, position));
}

double CollateralRules::gain_usd(UnderlyingId asset, double amount) const {
  return asset == no_underlying ? 0.0 : -fall_[asset] * (amount * market_.underlyings[asset].index_price_usd);
}

}  // namespace tailmargin
