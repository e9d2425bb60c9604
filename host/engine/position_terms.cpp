#include "host/engine/position_terms.hpp"

#include <algorithm>
#include <cmath>

#include "host/engine/account_parts.hpp"
#include "host/prepare/matching.hpp"
#include "host/prepare/prepare_run.hpp"
#include "kernels/math/elementary.hpp"

namespace tailmargin {
namespace {

constexpr double days_per_year = 365.0;

/// What one contract is worth as it is traded: options their premium, all else its notional.
double price_usd(const Book& book, const ColumnPlan& columns, InstrumentId i) {
  const Instrument& instrument = book.instruments[i];
  if (instrument.kind != InstrumentKind::option) { return notional_usd(book, i); }
  const InstrumentTerms& terms = columns.terms[columns.instrument_column[i]];
  const double currency = instrument.payoff == Payoff::inverse ? terms.index_now_usd : terms.settlement_now_usd;
  return mark_price(book, columns, i) * instrument.contract_size * currency;
}

/// Over the middle of the quotes.
double half_spread(const Quote& quote, double otherwise) {
  if (!quote.bid || !quote.ask || !(*quote.bid > 0.0) || !(*quote.ask >= *quote.bid)) { return otherwise; }
  return (*quote.ask - *quote.bid) / (*quote.ask + *quote.bid);
}

/// Days of volume that a position is. What has no market of its own is hedged in its underlying's by whoever takes it:
/// it counts as the days it takes there, and as one at least, so that no volume is never cheaper than a day's.
double days_of(const ContractCosts& cost, double size) {
  if (cost.volume > 0.0) { return size / cost.volume; }
  return cost.hedge_volume > 0.0 ? std::max(size / cost.hedge_volume, 1.0) : 1.0;
}

}  // namespace

double day_vol(const Model& model, const std::string& regime_name, const std::string& underlying) {
  for (const Regime& regime : model.regimes) {
    if (regime.name != regime_name) { continue; }
    const VolRule* rule = first_match(regime.vols, underlying, model);
    const double vol = rule == nullptr ? 0.0 : rule->vol[static_cast<std::size_t>(FactorKind::price)];
    return vol * math::sqrt(1.0 / days_per_year);
  }
  return 0.0;
}

std::vector<ContractCosts> contract_costs(const Book& book, const Model& model, const ColumnPlan& columns) {
  const MarginTerms& terms = *model.terms;
  std::vector<ContractCosts> costs(columns.num_columns);
  for (InstrumentId i = 0; i < book.instruments.size(); ++i) {
    const Instrument& instrument = book.instruments[i];
    const Underlying& underlying = book.underlyings[instrument.underlying];
    ContractCosts cost;
    const double delta = std::fabs(unit_delta(columns.terms[columns.instrument_column[i]]));
    cost.spread_usd =
        terms.spread_multiple * half_spread(book.quotes[i], terms.default_half_spread) * price_usd(book, columns, i);
    cost.impact_usd =
        terms.impact * day_vol(model, terms.crisis_regime, underlying.name) * delta * notional_usd(book, i);
    cost.volume = daily_volume(book, i);
    cost.hedge_volume = underlying_volume(book, i);
    if (instrument.kind == InstrumentKind::option) {
      cost.short_minimum_usd = terms.short_option_minimum * instrument.contract_size * underlying.index_price_usd;
    }
    std::fill_n(costs.begin() + columns.instrument_column[i], columns.num_closing_times(), cost);
  }
  return costs;
}

double liquidity_cost(const ColumnPlan& columns, const AccountPlan& accounts, std::uint64_t account,
                      const std::vector<ContractCosts>& costs) {
  double sum = 0.0;
  for_each_holding(columns, accounts, account, [&](std::uint64_t first, std::uint64_t last) {
    double quantity = 0.0;
    for (std::uint64_t p = first; p < last; ++p) { quantity += accounts.quantities[p]; }
    const ContractCosts& cost = costs[accounts.columns[first].column()];
    const double size = std::fabs(quantity);
    sum += size * (cost.spread_usd + cost.impact_usd * math::sqrt(days_of(cost, size)));
  });
  return sum;
}

double short_option_minimum(const AccountPlan& accounts, std::uint64_t account,
                            const std::vector<ContractCosts>& costs) {
  double sum = 0.0;
  for (std::uint64_t p = accounts.offsets[account]; p < accounts.offsets[account + 1]; ++p) {
    sum += std::max(-accounts.quantities[p], 0.0) * costs[accounts.columns[p].column()].short_minimum_usd;
  }
  return sum;
}

}  // namespace tailmargin
