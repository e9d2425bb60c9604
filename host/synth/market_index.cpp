#include "host/synth/market_index.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

#include "kernels/math/black76.hpp"

namespace tailmargin::synth {
namespace {

constexpr double least_popularity_usd = 1000.0;  // instruments without open interest are traded too, a little
constexpr double seconds_per_year = 365.0 * 86400.0;

bool usd_contract(const Instrument& instrument) {
  return instrument.payoff == Payoff::inverse && instrument.kind != InstrumentKind::option;
}

/// Smallest power of ten of contracts worth more than this, as on real venues: some USD for futures, a tenth of a
/// bitcoin for inverse options, some ten USD for linear ones.
int lot_exponent(const Instrument& instrument, double notional_usd) {
  const bool is_option = instrument.kind == InstrumentKind::option;
  const double least = is_option ? (instrument.payoff == Payoff::inverse ? 700.0 : 70.0) : 10.0;
  const int lot = decade(least / notional_usd) + 1;
  return usd_contract(instrument) ? std::max(lot, 0) : lot;
}

bool expires(InstrumentKind kind) { return kind == InstrumentKind::future || kind == InstrumentKind::option; }

double years_left(const Book& book, const Instrument& instrument) {
  return static_cast<double>(instrument.expiry.seconds - book.as_of.seconds) / seconds_per_year;
}

double forward_of(const Book& book, InstrumentId i) {
  return book.quotes[i].forward.value_or(book.underlyings[book.instruments[i].underlying].index_price_usd);
}

}  // namespace

double option_delta(const Book& book, InstrumentId i) {
  const Instrument& option = book.instruments[i];
  const double sign = option.option_type == OptionType::call ? 1.0 : -1.0;
  const double moneyness = option.strike / forward_of(book, i);
  const double k = math::log(moneyness);
  const double total_vol = std::max(book.quotes[i].mark_iv.value_or(0.8) * math::sqrt(years_left(book, option)), 1e-4);
  const double black = sign * math::normal_cdf(sign * (0.5 * total_vol - k / total_vol));
  const double value = math::black76_over_forward(sign, k, moneyness, total_vol);
  return option.contract_size * (option.payoff == Payoff::inverse ? black - value : black);
}

std::uint32_t WeightedIds::pick(Draws& draws) const {
  const double target = draws.uniform() * cumulative.back();
  const auto found = std::upper_bound(cumulative.begin(), cumulative.end(), target);
  return ids[std::min(static_cast<std::size_t>(found - cumulative.begin()), ids.size() - 1)];
}

MarketIndex::MarketIndex(const Book& market) : book(market) {
  stable_.resize(book.underlyings.size());
  for (UnderlyingId u = 0; u < book.underlyings.size(); ++u) {
    if (book.underlyings[u].name == "USDT" || book.underlyings[u].name == "USDC") {
      stable_[u] = true;
      stablecoins.push_back(u);
    }
  }
  tradables.resize(book.instruments.size());
  hedges.resize(book.underlyings.size());
  spots.resize(book.underlyings.size());
  for (InstrumentId i = 0; i < book.instruments.size(); ++i) { index_instrument(i); }
  group_outrights();
  group_coins();
  group_futures();
  group_chains();
}

void MarketIndex::index_instrument(InstrumentId i) {
  const Instrument& instrument = book.instruments[i];
  const Quote& quote = book.quotes[i];
  const double index_price = book.underlyings[instrument.underlying].index_price_usd;
  Tradable& t = tradables[i];
  t.notional_usd = instrument.contract_size * (usd_contract(instrument) ? 1.0 : index_price);
  t.coins = t.notional_usd / index_price;
  t.lot = lot_exponent(instrument, t.notional_usd);
  t.lot_usd = t.notional_usd * decimal(1.0, t.lot);
  const double traded = quote.open_interest.value_or(0.0) + 0.25 * quote.volume_24h.value_or(0.0);
  t.popularity = std::max(t.notional_usd * traded, least_popularity_usd);
  t.max_contracts = quote.open_interest && *quote.open_interest > 0.0
                        ? std::max(0.1 * *quote.open_interest, decimal(1.0, t.lot))
                        : 1e6 / t.notional_usd;
  if (quote.mark_price && *quote.mark_price > 0.0) { t.mark = quote.mark_price; }
  if (stable_[instrument.underlying] || (expires(instrument.kind) && instrument.expiry <= book.as_of)) { return; }
  switch (instrument.kind) {
    case InstrumentKind::spot: spots[instrument.underlying] = i; break;
    case InstrumentKind::perpetual: perpetuals.add(i, t.popularity); break;
    case InstrumentKind::future: futures.add(i, t.popularity); break;
    case InstrumentKind::option: options.add(i, t.popularity); break;
  }
}

void MarketIndex::group_outrights() {
  for (const WeightedIds* group : {&perpetuals, &futures}) {
    for (const InstrumentId i : group->ids) { outrights.add(i, tradables[i].popularity); }
    for (const InstrumentId i : group->ids) {
      WeightedIds& hedge = hedges[book.instruments[i].underlying];
      const bool has_perpetual = !hedge.ids.empty() && book.instruments[hedge.ids[0]].kind == InstrumentKind::perpetual;
      if (group == &perpetuals || !has_perpetual) { hedge.add(i, tradables[i].popularity); }
    }
  }
}

void MarketIndex::group_coins() {
  std::vector<double> popularity(book.underlyings.size(), 0.0);
  for (const WeightedIds* group : {&outrights, &options}) {
    for (const InstrumentId i : group->ids) { popularity[book.instruments[i].underlying] += tradables[i].popularity; }
  }
  double first = 0.0, second = 0.0;  // the two majors, by size: in most markets BTC and ETH
  for (UnderlyingId u = 0; u < popularity.size(); ++u) {
    if (stable_[u]) { continue; }
    // The square root: people hold the lesser coins more often than they trade them.
    coins.add(u, math::sqrt(std::max(popularity[u], least_popularity_usd)));
    if (popularity[u] > first) {
      second = first;
      first = popularity[u];
    } else {
      second = std::max(second, popularity[u]);
    }
  }
  for (const InstrumentId i : perpetuals.ids) {
    if (popularity[book.instruments[i].underlying] < second) {
      alt_perpetuals.add(i, math::sqrt(tradables[i].popularity));
    }
  }
}

void MarketIndex::group_futures() {
  std::vector<InstrumentId> sorted = futures.ids;
  const auto terms = [this](InstrumentId i) {
    const Instrument& x = book.instruments[i];
    return std::make_tuple(x.underlying, x.settlement, x.payoff, x.contract_size);
  };
  std::stable_sort(sorted.begin(), sorted.end(), [&](InstrumentId a, InstrumentId b) {
    return std::make_pair(terms(a), book.instruments[a].expiry) < std::make_pair(terms(b), book.instruments[b].expiry);
  });
  for (std::size_t n = 1; n < sorted.size(); ++n) {
    if (terms(sorted[n - 1]) == terms(sorted[n])) { futures_pairs.emplace_back(sorted[n - 1], sorted[n]); }
  }
}

void MarketIndex::group_chains() {
  struct Pair {
    std::optional<InstrumentId> call, put;
  };
  std::map<std::pair<UnderlyingId, UnderlyingId>, std::map<UtcTime, std::map<double, Pair>>> sorted;
  for (const InstrumentId i : options.ids) {
    const Instrument& o = book.instruments[i];
    Pair& pair = sorted[{o.underlying, o.settlement}][o.expiry][o.strike];
    (o.option_type == OptionType::call ? pair.call : pair.put) = i;
  }
  for (const auto& [terms, expiries] : sorted) {
    Chain chain{.underlying = terms.first, .settlement = terms.second};
    double popularity = 0.0;
    for (const auto& [expiry, strikes] : expiries) {
      ChainExpiry e{.expiry = expiry};
      double weight = 0.0;
      for (const auto& [strike, pair] : strikes) {
        if (!pair.call || !pair.put) { continue; }
        e.strikes.push_back({strike, *pair.call, *pair.put});
        weight += tradables[*pair.call].popularity + tradables[*pair.put].popularity;
      }
      if (e.strikes.size() < 3) { continue; }
      e.forward = forward_of(book, e.strikes[0].call);
      for (std::size_t n = 1; n < e.strikes.size(); ++n) {
        const double distance = std::abs(e.strikes[n].strike - e.forward);
        if (distance < std::abs(e.strikes[e.at_the_money].strike - e.forward)) { e.at_the_money = n; }
      }
      for (const Strike& s : e.strikes) { chain.options.insert(chain.options.end(), {s.call, s.put}); }
      chain.lot_usd = tradables[e.strikes[0].call].lot_usd;
      chain.expiry_choice.add(static_cast<std::uint32_t>(chain.expiries.size()), weight);
      chain.expiries.push_back(std::move(e));
      popularity += weight;
    }
    if (chain.expiries.empty()) { continue; }
    for (const InstrumentId i : chain.options) { chain.deltas.push_back(option_delta(book, i)); }
    if (chain.expiries.size() >= 2) { calendar_chains.push_back(chains.size()); }
    chain_choice.add(static_cast<std::uint32_t>(chains.size()), popularity);
    chains.push_back(std::move(chain));
  }
}

}  // namespace tailmargin::synth
