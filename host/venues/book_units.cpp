#include "host/venues/book_units.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "host/prepare/surface.hpp"
#include "host/venues/pricing.hpp"
#include "kernels/math/elementary.hpp"

namespace tailmargin::venues {
namespace {

/// Where the rows of each account start in rows sorted by account.
template <class Row>
std::vector<std::size_t> first_rows(const std::vector<Row>& rows, std::size_t num_accounts) {
  std::vector<std::size_t> first(num_accounts + 1, rows.size());
  for (std::size_t r = rows.size(); r-- > 0;) { first[rows[r].account] = r; }
  for (std::size_t a = num_accounts; a-- > 0;) { first[a] = std::min(first[a], first[a + 1]); }
  return first;
}

template <class Leg>
Leg scaled(Leg leg, double contracts) {
  leg.quantity *= contracts;
  return leg;
}

Settlement settlement_of(const Instrument& instrument) {
  return instrument.payoff == Payoff::inverse ? Settlement::coin : Settlement::usd;
}

/// Builds the view of one account.
class ViewBuilder {
 public:
  ViewBuilder(const Book& book, const Method& method) : book_(book), method_(method) {}

  bool has_group(UnderlyingId underlying, Settlement settlement) const {
    const std::string& name = book_.underlyings[underlying].name;
    return method_.kind == MethodKind::scenarios ? find_group(method_, name, settlement) != nullptr
                                                 : find_position_group(method_, name) != nullptr;
  }

  Unit& unit(UnderlyingId underlying, Settlement settlement) {
    const Settlement key = method_.units == UnitRule::settlement ? settlement : Settlement::usd;
    const auto [place, is_new] = units_.try_emplace({underlying, key});
    if (is_new) {
      place->second.underlying = book_.underlyings[underlying].name;
      place->second.settlement = key;
      place->second.index_usd = book_.underlyings[underlying].index_price_usd;
    }
    return place->second;
  }

  void leave_out(const std::string& what, const std::string& reason) { view_.left_out.push_back({what, reason}); }

  void add_coins(UnderlyingId asset, double amount) { coins_[asset] += amount; }

  /// The balances, once all are known, and the finished view.
  AccountView finish() {
    for (const auto& [asset, amount] : coins_) { add_balance(asset, amount); }
    for (auto& [key, unit] : units_) {
      std::sort(unit.options.begin(), unit.options.end(), [](const OptionLeg& a, const OptionLeg& b) {
        return std::tie(a.seconds, a.strike_usd, a.sign, a.name) < std::tie(b.seconds, b.strike_usd, b.sign, b.name);
      });
      std::sort(unit.delta_ones.begin(), unit.delta_ones.end(), [](const DeltaOneLeg& a, const DeltaOneLeg& b) {
        return std::tie(a.seconds, a.name) < std::tie(b.seconds, b.name);
      });
      view_.portfolio.units.push_back(std::move(unit));
    }
    for (const Underlying& underlying : book_.underlyings) {
      if (underlying.name == method_.stable) { view_.portfolio.stable_usd = underlying.index_price_usd; }
    }
    return std::move(view_);
  }

 private:
  void add_balance(UnderlyingId asset, double amount) {
    const double price = asset == no_underlying ? 1.0 : book_.underlyings[asset].index_price_usd;
    if (amount < 0.0) { view_.portfolio.debts_usd -= amount * price; }
    if (asset == no_underlying) { return; }
    const std::string& name = book_.underlyings[asset].name;
    const ScenarioGroup* group = find_group(method_, name, Settlement::usd);
    if (!group || !group->collateral_moves || amount == 0.0) { return; }
    if (amount < 0.0) {
      leave_out(name, "a borrowed coin (the rule moves balances with the price, and knows no negative ones)");
    } else {
      unit(asset, Settlement::usd).collateral_coins = amount;
    }
  }

  const Book& book_;
  const Method& method_;
  std::map<std::pair<UnderlyingId, Settlement>, Unit> units_;
  std::map<UnderlyingId, double> coins_;
  AccountView view_;
};

}  // namespace

BookUnits::BookUnits(const Book& book)
    : book_(book),
      first_position_(first_rows(book.positions, book.accounts.size())),
      first_balance_(first_rows(book.collateral, book.accounts.size())) {
  for (InstrumentId i = 0; i < book.instruments.size(); ++i) { contracts_.push_back(contract(i)); }
}

BookUnits::UnitContract BookUnits::contract(InstrumentId i) const {
  const Instrument& instrument = book_.instruments[i];
  const bool in_usd = instrument.payoff == Payoff::inverse || instrument.settlement == no_underlying;
  const double quote_usd = in_usd ? 1.0 : book_.underlyings[instrument.settlement].index_price_usd;
  if (instrument.kind == InstrumentKind::spot) { return std::monostate{}; }
  if (std::fabs(quote_usd - 1.0) > max_stable_deviation) {
    return "settled in " + book_.underlyings[instrument.settlement].name +
           ", whose own price moves (the rule knows contracts in dollars or in their own coin)";
  }
  if (instrument.kind == InstrumentKind::option) { return option_contract(i, quote_usd); }
  DeltaOneLeg leg;
  leg.name = instrument.name;
  leg.kind = instrument.kind == InstrumentKind::perpetual ? DeltaOneKind::perpetual : DeltaOneKind::future;
  leg.price_usd = *book_.quotes[i].mark_price * quote_usd;
  leg.quantity =
      instrument.payoff == Payoff::inverse ? instrument.contract_size / leg.price_usd : instrument.contract_size;
  if (leg.kind == DeltaOneKind::future) {
    leg.seconds = static_cast<double>(instrument.expiry.seconds - book_.as_of.seconds);
  }
  leg.settled_in =
      instrument.settlement == no_underlying ? book_.numeraire : book_.underlyings[instrument.settlement].name;
  return leg;
}

BookUnits::UnitContract BookUnits::option_contract(InstrumentId i, double quote_usd) const {
  const Instrument& instrument = book_.instruments[i];
  const Quote& quote = book_.quotes[i];
  const double index_usd = book_.underlyings[instrument.underlying].index_price_usd;
  OptionLeg leg;
  leg.name = instrument.name;
  leg.quantity = instrument.contract_size;
  leg.sign = instrument.option_type == OptionType::call ? 1.0 : -1.0;
  leg.strike_usd = instrument.strike * quote_usd;
  leg.forward_usd = quote.forward ? *quote.forward * quote_usd : index_usd;
  leg.seconds = static_cast<double>(instrument.expiry.seconds - book_.as_of.seconds);
  leg.settled_in =
      instrument.settlement == no_underlying ? book_.numeraire : book_.underlyings[instrument.settlement].name;
  const bool in_coin = instrument.payoff == Payoff::inverse;
  const double root_years = math::sqrt(leg.seconds / seconds_of_year);
  std::optional<double> vol = quote.mark_iv;
  if (!vol) {
    const double over_forward = in_coin ? *quote.mark_price : *quote.mark_price * quote_usd / leg.forward_usd;
    const auto total = implied_total_vol(leg.sign, math::log(leg.strike_usd / leg.forward_usd), over_forward);
    if (!total) { return std::string("no vol gives its mark price (the scenarios move its vol)"); }
    vol = *total / root_years;
  }
  leg.vol = *vol;
  leg.mark_usd = quote.mark_price ? *quote.mark_price * (in_coin ? index_usd : quote_usd)
                                  : option_value_usd(leg.sign, leg.forward_usd, leg.strike_usd, leg.vol,
                                                     leg.seconds / seconds_of_year);
  return leg;
}

AccountView BookUnits::view(AccountId account, const Method& method) const {
  ViewBuilder builder(book_, method);
  for (std::size_t b = first_balance_[account]; b < first_balance_[account + 1]; ++b) {
    builder.add_coins(book_.collateral[b].asset, book_.collateral[b].amount);
  }
  for (std::size_t p = first_position_[account]; p < first_position_[account + 1];) {
    const InstrumentId id = book_.positions[p].instrument;
    double quantity = 0.0;  // rows of one instrument differ in entry price, which no rule looks at
    for (; p < first_position_[account + 1] && book_.positions[p].instrument == id; ++p) {
      quantity += book_.positions[p].quantity;
    }
    const Instrument& instrument = book_.instruments[id];
    const UnitContract& one = contracts_[id];
    const Settlement settlement = settlement_of(instrument);
    if (std::holds_alternative<std::monostate>(one)) {
      builder.add_coins(instrument.underlying, quantity * instrument.contract_size);
    } else if (const auto* reason = std::get_if<std::string>(&one)) {
      builder.leave_out(instrument.name, *reason);
    } else if (!builder.has_group(instrument.underlying, settlement)) {
      builder.leave_out(instrument.name, "no parameters for " + book_.underlyings[instrument.underlying].name +
                                             " (the venue's are not known to the preset)");
    } else if (instrument.kind == InstrumentKind::future && method.futures == DatedFutures::left_out) {
      builder.leave_out(instrument.name, "a dated future (the venue lists none, so its rule says nothing of one)");
    } else if (const auto* option = std::get_if<OptionLeg>(&one)) {
      builder.unit(instrument.underlying, settlement).options.push_back(scaled(*option, quantity));
    } else {
      builder.unit(instrument.underlying, settlement)
          .delta_ones.push_back(scaled(std::get<DeltaOneLeg>(one), quantity));
    }
  }
  return builder.finish();
}

}  // namespace tailmargin::venues
