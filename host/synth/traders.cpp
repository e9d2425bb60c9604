#include "host/synth/traders.hpp"

#include <algorithm>
#include <cmath>

namespace tailmargin::synth {
namespace {

constexpr double debtor_share = 0.02;
// Spread of entry prices around the mark, relative: days of holding for outright futures, option premiums move more.
constexpr double outright_entry_sd = 0.02;
constexpr double option_entry_sd = 0.15;

/// One account in the making.
class Trader {
 public:
  Trader(const MarketIndex& market, Means means, Draws& draws, AccountSheet& sheet)
      : market_(market), means_(means), draws_(draws), sheet_(sheet) {}

  void retail() {
    double collateral_coin_chance = 0.15;
    UnderlyingId coin = no_underlying, settlement = no_underlying;
    for (int attempt = 0; attempt < 4; ++attempt) {  // the first choice may be too dear for a small account
      const InstrumentId i = retail_choice();
      const Instrument& instrument = market_.book.instruments[i];
      const bool is_option = instrument.kind == InstrumentKind::option;
      const double usd = is_option ? std::min(means_.gross_usd, 3.0 * means_.equity_usd) : means_.gross_usd;
      const bool buys = draws_.chance(is_option ? 0.7 : 0.58);
      coin = instrument.underlying;
      settlement = instrument.settlement;
      if (instrument.payoff == Payoff::inverse) { collateral_coin_chance = 0.8; }
      if (trade_usd(i, buys ? usd : -usd) != 0.0) { break; }
    }
    const bool in_coin = coin != no_underlying && draws_.chance(collateral_coin_chance);
    if (in_coin) {
      deposit_coin(coin);
    } else {
      deposit_stable(settlement);
    }
  }

  /// Coins held, as collateral or as a spot position, and as much of them sold forward.
  void basis() {
    const InstrumentId short_leg = market_.outrights.pick(draws_);
    const UnderlyingId coin = market_.book.instruments[short_leg].underlying;
    const double side_usd = 0.5 * means_.gross_usd;
    const std::optional<InstrumentId> spot = market_.spots[coin];
    if (spot && draws_.chance(0.5)) {
      const double bought = trade_usd(*spot, std::min(side_usd, limit_usd(short_leg)));
      trade_coins(short_leg, -bought * market_.tradables[*spot].coins);
      deposit_stable(market_.book.instruments[short_leg].settlement);
      return;
    }
    const double coins_usd = means_.equity_usd * draws_.between(0.7, 1.0);
    trade_usd(short_leg, -std::min(coins_usd, std::max(side_usd, 0.7 * coins_usd)));
    sheet_.hold_usd(coin, coins_usd);
    if (coins_usd < means_.equity_usd) { sheet_.hold_usd(any_stable(), means_.equity_usd - coins_usd); }
  }

  void calendar() {
    const bool with_futures = !market_.futures_pairs.empty() && (market_.calendar_chains.empty() || draws_.chance(0.5));
    if (with_futures) {
      const auto [near_leg, far_leg] = market_.futures_pairs[draws_.below(market_.futures_pairs.size())];
      const double side = draws_.chance(0.6) ? 1.0 : -1.0;
      const double usd = std::min(0.5 * means_.gross_usd, std::min(limit_usd(near_leg), limit_usd(far_leg)));
      const double traded = trade_usd(near_leg, -side * usd);
      sheet_.trade(draws_, far_leg, -traded, outright_entry_sd);
      deposit_for(market_.book.instruments[near_leg]);
      return;
    }
    const Chain& chain = market_.chains[market_.calendar_chains[draws_.below(market_.calendar_chains.size())]];
    const std::size_t near_one = draws_.below(chain.expiries.size() - 1);
    const std::size_t far_one = near_one + 1 + draws_.below(chain.expiries.size() - near_one - 1);
    const Strike& near_strike = strike_at(chain.expiries[near_one], draws_.between(-3.0, 3.0));
    const Strike& far_strike = nearest_strike(chain.expiries[far_one], near_strike.strike);
    const bool calls = draws_.chance(0.5);
    const InstrumentId near_leg = calls ? near_strike.call : near_strike.put;
    const InstrumentId far_leg = calls ? far_strike.call : far_strike.put;
    const double usd = std::min(0.5 * means_.gross_usd, std::min(limit_usd(near_leg), limit_usd(far_leg)));
    trade_option(near_leg, -contracts_for(near_leg, usd));
    trade_option(far_leg, contracts_for(far_leg, usd));
    deposit_for(market_.book.instruments[near_strike.call]);
  }

  /// Never more calls sold than coins held.
  void covered_call() {
    const Chain& chain = pick_chain(means_.equity_usd);
    const double price = market_.book.underlyings[chain.underlying].index_price_usd;
    const double coins = round_to(means_.equity_usd / price, -8);
    double left = coins * std::min(1.0, means_.gross_usd / means_.equity_usd);
    const int legs = 1 + static_cast<int>(draws_.below(3));
    for (int leg = 0; leg < legs; ++leg) {
      const ChainExpiry& expiry = pick_expiry(chain);
      const Strike& strike = strike_at(expiry, draws_.between(1.0, 6.0));
      const double part = leg + 1 == legs ? left : left * draws_.between(0.3, 0.7);
      left -= part;
      trade_option(strike.call, -part / market_.book.instruments[strike.call].contract_size);
    }
    sheet_.hold(chain.underlying, coins);
  }

  /// Vertical spread, or a ratio spread that sells two for each one bought.
  void spread() {
    const Chain& chain = pick_chain(0.5 * means_.gross_usd);
    const ChainExpiry& expiry = pick_expiry(chain);
    const bool calls = draws_.chance(0.55);
    const double outward = calls ? 1.0 : -1.0;
    const double start = draws_.between(-1.0, 3.0);
    const Strike& inner = strike_at(expiry, outward * start);
    const Strike& outer = strike_at(expiry, outward * (start + draws_.between(1.0, 5.0)));
    const double ratio = draws_.chance(0.35) ? 2.0 : 1.0;
    const double side = ratio == 1.0 && draws_.chance(0.4) ? -1.0 : 1.0;  // ratio spreads here are always net short
    const InstrumentId inner_leg = calls ? inner.call : inner.put, outer_leg = calls ? outer.call : outer.put;
    const double limit = std::min(limit_usd(inner_leg), limit_usd(outer_leg) / ratio);
    const double usd = std::min(means_.gross_usd / (1.0 + ratio), limit);
    const double bought = trade_option(inner_leg, side * contracts_for(inner_leg, usd));
    trade_option(outer_leg, -ratio * bought);
    deposit_for(market_.book.instruments[inner.call]);
  }

  void strangle() {
    const Chain& chain = pick_chain(0.5 * means_.gross_usd);
    const int expiries = 1 + static_cast<int>(draws_.below(3));
    for (int n = 0; n < expiries; ++n) {
      const ChainExpiry& expiry = pick_expiry(chain);
      const Strike& call = strike_at(expiry, draws_.between(2.0, 7.0));
      const Strike& put = strike_at(expiry, -draws_.between(2.0, 7.0));
      const double contracts = contracts_for(call.call, 0.5 * means_.gross_usd / expiries);
      trade_option(call.call, -contracts);
      trade_option(put.put, -contracts);
    }
    deposit_for(market_.book.instruments[chain.options[0]]);
  }

  /// Hundreds of options of both signs; the delta of each underlying is sold in its perpetual or future.
  void market_maker() {
    std::size_t wanted = 150 + draws_.below(250);
    const std::size_t first = market_.chain_choice.pick(draws_);
    for (std::size_t n = 0; n < market_.chains.size(); ++n) {
      const Chain& chain = market_.chains[(first + n) % market_.chains.size()];
      const std::size_t here = std::min(wanted, chain.options.size());
      make_market_in(chain, here, means_.gross_usd * (n == 0 ? 1.0 : 0.3));
      wanted -= here;
      if (wanted == 0 && !draws_.chance(0.3)) { break; }
      wanted = std::max<std::size_t>(wanted, 50);
    }
    deposit_for(market_.book.instruments[market_.chains[first].options[0]]);
  }

  void holder() {
    const std::size_t assets = 3 + draws_.below(5);
    double left = means_.equity_usd;
    for (std::size_t n = 0; n + 1 < assets; ++n) {
      const double part = left * draws_.between(0.15, 0.6);
      sheet_.hold_usd(market_.coins.pick(draws_), part);
      left -= part;
    }
    sheet_.hold_usd(any_stable(), left);
    if (market_.outrights.ids.empty() || draws_.chance(0.25)) { return; }
    const std::size_t trades = 1 + draws_.below(2);
    for (std::size_t n = 0; n < trades; ++n) {
      const double usd = means_.gross_usd / static_cast<double>(trades);
      const InstrumentId i = market_.outrights.pick(draws_);
      trade_usd(i, draws_.chance(0.6) ? -usd : usd);  // more hedges than bets
    }
  }

  void alt_book() {
    const std::size_t legs = 4 + draws_.below(9);
    const double leg_usd = means_.gross_usd / static_cast<double>(legs);
    for (std::size_t n = 0; n < legs; ++n) {
      const double usd = leg_usd * draws_.between(0.5, 1.5);
      trade_usd(market_.alt_perpetuals.pick(draws_), n % 2 == 0 ? usd : -usd);
    }
    deposit_stable(market_.book.instruments[market_.alt_perpetuals.ids[0]].settlement);
  }

  /// A few accounts have borrowed stablecoins and hold the proceeds: less dollars, more coins.
  void borrow() {
    if (market_.stablecoins.empty() || market_.coins.ids.empty() || !draws_.chance(debtor_share)) { return; }
    const UnderlyingId coin = market_.coins.pick(draws_);
    const UnderlyingId stable = market_.stablecoins[draws_.below(market_.stablecoins.size())];
    double free_usd = means_.equity_usd;
    for (const CollateralBalance& balance : sheet_.balances()) {
      if (balance.asset == stable) { free_usd += balance.amount * market_.book.underlyings[stable].index_price_usd; }
    }
    const double debt_usd = free_usd * draws_.between(1.0, 1.6);  // above what is held, so the balance turns negative
    sheet_.hold_usd(stable, -debt_usd);
    sheet_.hold_usd(coin, debt_usd);
  }

 private:
  InstrumentId retail_choice() {
    const double kind = draws_.uniform();
    if (!market_.options.ids.empty() && (kind < 0.12 || market_.outrights.ids.empty())) {
      return market_.options.pick(draws_);
    }
    if (!market_.futures.ids.empty() && (kind < 0.20 || market_.perpetuals.ids.empty())) {
      return market_.futures.pick(draws_);
    }
    return market_.perpetuals.ids.empty() ? market_.outrights.pick(draws_) : market_.perpetuals.pick(draws_);
  }

  /// A chain by popularity; if its lots are too dear, the one with the smallest.
  const Chain& pick_chain(double usd) {
    const Chain& popular = market_.chains[market_.chain_choice.pick(draws_)];
    if (popular.lot_usd <= usd) { return popular; }
    return *std::min_element(market_.chains.begin(), market_.chains.end(),
                             [](const Chain& a, const Chain& b) { return a.lot_usd < b.lot_usd; });
  }

  const ChainExpiry& pick_expiry(const Chain& chain) { return chain.expiries[chain.expiry_choice.pick(draws_)]; }

  /// A strike so many steps above the money, or the last one there is.
  static const Strike& strike_at(const ChainExpiry& expiry, double steps) {
    const double n = std::floor(static_cast<double>(expiry.at_the_money) + steps + 0.5);
    return expiry.strikes[static_cast<std::size_t>(std::clamp(n, 0.0, static_cast<double>(expiry.strikes.size() - 1)))];
  }

  static const Strike& nearest_strike(const ChainExpiry& expiry, double strike) {
    return *std::min_element(expiry.strikes.begin(), expiry.strikes.end(), [strike](const Strike& a, const Strike& b) {
      return std::abs(a.strike - strike) < std::abs(b.strike - strike);
    });
  }

  void make_market_in(const Chain& chain, std::size_t wanted, double gross_usd) {
    const double each_usd = gross_usd / static_cast<double>(wanted);
    double delta = 0.0, gross_coins = 0.0;
    std::size_t needed = wanted, left = chain.options.size();
    for (std::size_t n = 0; n < chain.options.size(); ++n, --left) {
      // Selection sampling: exactly `wanted` of them, in order, in one pass (Knuth, TAOCP 2, 3.4.2, algorithm S).
      if (draws_.uniform() * static_cast<double>(left) >= static_cast<double>(needed)) { continue; }
      --needed;
      const InstrumentId i = chain.options[n];
      const Tradable& t = market_.tradables[i];
      const double size = std::max(contracts_for(i, each_usd * std::abs(draws_.normal())), decimal(1.0, t.lot));
      const double traded = trade_option(i, draws_.chance(0.52) ? -size : size);
      delta += traded * chain.deltas[n];
      gross_coins += std::abs(traded) * t.coins;
    }
    const WeightedIds& hedge = market_.hedges[chain.underlying];
    if (hedge.ids.empty()) { return; }
    delta += 0.01 * gross_coins * draws_.normal();  // hedged to about a hundredth of the gross, as desks do
    double remaining = -delta;                      // a hedge above one instrument's position limit goes on in the next
    for (std::size_t n = hedge.ids.size(); n-- > 0;) {
      const InstrumentId i = n + 1 == hedge.ids.size() ? hedge.pick(draws_) : hedge.ids[n];
      remaining -= trade_coins(i, remaining) * market_.tradables[i].coins;
    }
  }

  /// Both legs of a hedge stay within the smaller of their position limits, or it would be none.
  double limit_usd(InstrumentId i) const {
    return market_.tradables[i].max_contracts * market_.tradables[i].notional_usd;
  }
  double contracts_for(InstrumentId i, double usd) const { return usd / market_.tradables[i].notional_usd; }
  double trade_usd(InstrumentId i, double usd) {
    const bool is_option = market_.book.instruments[i].kind == InstrumentKind::option;
    return sheet_.trade(draws_, i, contracts_for(i, usd), is_option ? option_entry_sd : outright_entry_sd);
  }
  double trade_option(InstrumentId i, double contracts) { return sheet_.trade(draws_, i, contracts, option_entry_sd); }
  double trade_coins(InstrumentId i, double coins) {
    return sheet_.trade(draws_, i, coins / market_.tradables[i].coins, outright_entry_sd);
  }

  UnderlyingId any_stable() {
    const std::size_t n = market_.stablecoins.size();
    const double choice = draws_.uniform();
    if (n == 0 || choice < 0.2) { return no_underlying; }  // dollars
    return market_.stablecoins[choice < 0.4 ? 0 : n - 1];  // USDC sorts before USDT, which more people hold
  }
  void deposit_coin(UnderlyingId coin) { sheet_.hold_usd(coin, means_.equity_usd); }
  void deposit_stable(UnderlyingId settlement) {
    const bool fits = market_.is_stablecoin(settlement) && draws_.chance(0.7);
    sheet_.hold_usd(fits ? settlement : any_stable(), means_.equity_usd);
  }
  /// Inverse contracts are mostly margined in their coin, the others in dollars of some kind.
  void deposit_for(const Instrument& instrument) {
    const bool in_coin = draws_.chance(instrument.payoff == Payoff::inverse ? 0.7 : 0.1);
    if (in_coin) {
      deposit_coin(instrument.underlying);
    } else {
      deposit_stable(instrument.settlement);
    }
  }

  const MarketIndex& market_;
  Means means_;
  Draws& draws_;
  AccountSheet& sheet_;
};

/// Sorts rows by a key and adds up those with the same key.
template <class Row, class Key, class Merge>
void sort_and_merge(std::vector<Row>& rows, Key key, Merge merge) {
  std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) { return key(a) < key(b); });
  std::size_t kept = 0;
  for (std::size_t n = 0; n < rows.size(); ++n) {
    if (kept > 0 && key(rows[kept - 1]) == key(rows[n])) {
      merge(rows[kept - 1], rows[n]);
    } else {
      rows[kept++] = rows[n];
    }
  }
  rows.resize(kept);
}

}  // namespace

double AccountSheet::trade(Draws& draws, InstrumentId instrument, double contracts, double entry_sd) {
  const Tradable& t = market_.tradables[instrument];
  const double size = std::min(std::abs(contracts), t.max_contracts);
  const double lots = std::floor(t.lot < 0 ? size * power_of_ten(t.lot) : size / power_of_ten(t.lot));
  const double move = entry_sd * draws.normal();
  if (lots < 1.0) { return 0.0; }
  Position position;
  position.instrument = instrument;
  position.quantity = decimal(contracts < 0.0 ? -lots : lots, t.lot);
  if (t.mark) { position.entry_price = round_digits(*t.mark * std::max(1.0 + move, 0.3), 6); }
  positions_.push_back(position);
  return position.quantity;
}

void AccountSheet::hold(UnderlyingId asset, double amount) { balances_.push_back({0, asset, amount}); }

void AccountSheet::hold_usd(UnderlyingId asset, double amount_usd) {
  if (asset == no_underlying) {
    hold(asset, round_to(amount_usd, -2));
    return;
  }
  const double amount = amount_usd / market_.book.underlyings[asset].index_price_usd;
  hold(asset, round_to(amount, market_.is_stablecoin(asset) ? -2 : -8));
}

void AccountSheet::finish() {
  sort_and_merge(
      positions_, [](const Position& p) { return p.instrument; },
      [](Position& into, const Position& p) {
        into.quantity += p.quantity;  // the entry price of the first stays: a spread of entries means nothing here
      });
  for (Position& p : positions_) { p.quantity = round_to(p.quantity, market_.tradables[p.instrument].lot); }
  std::erase_if(positions_, [](const Position& p) { return p.quantity == 0.0; });
  sort_and_merge(
      balances_, [](const CollateralBalance& b) { return b.asset; },
      [](CollateralBalance& into, const CollateralBalance& b) { into.amount += b.amount; });
  for (CollateralBalance& b : balances_) { b.amount = round_to(b.amount, market_.is_stablecoin(b.asset) ? -2 : -8); }
  std::erase_if(balances_, [](const CollateralBalance& b) { return b.amount == 0.0; });
  if (balances_.empty()) { hold(no_underlying, 0.01); }  // every account has a row
}

void make_account(const MarketIndex& market, ArchetypeId archetype, Means means, Draws& draws, AccountSheet& sheet) {
  sheet.start();
  Trader trader(market, means, draws, sheet);
  switch (archetype) {
    case ArchetypeId::alt_book: trader.alt_book(); break;
    case ArchetypeId::basis: trader.basis(); break;
    case ArchetypeId::calendar: trader.calendar(); break;
    case ArchetypeId::covered_call: trader.covered_call(); break;
    case ArchetypeId::holder: trader.holder(); break;
    case ArchetypeId::market_maker: trader.market_maker(); break;
    case ArchetypeId::retail: trader.retail(); break;
    case ArchetypeId::spread: trader.spread(); break;
    case ArchetypeId::strangle: trader.strangle(); break;
  }
  trader.borrow();
  sheet.finish();
}

}  // namespace tailmargin::synth
