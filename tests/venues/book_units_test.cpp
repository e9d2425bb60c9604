// Positions of a book as venues see them: coins and USD, units, and what no rule can express.
#include "host/venues/book_units.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "host/venues/compare.hpp"
#include "support.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin::venues::test {
namespace {

constexpr std::int64_t now = 1'770'000'000;

/// BTC at 70,000, ETH at 2,000, USDT at 0.99; one account.
class SmallBook {
 public:
  SmallBook() {
    book_.as_of = {now};
    book_.underlyings = {{"BTC", 70000.0, {}, {}}, {"ETH", 2000.0, {}, {}}, {"USDT", 0.99, {}, {}}};
    book_.accounts = {"alice"};
  }

  /// Adds an instrument, its quote and a position in it.
  void add(Instrument instrument, Quote quote, double quantity) {
    const auto id = static_cast<InstrumentId>(book_.instruments.size());
    book_.instruments.push_back(std::move(instrument));
    book_.quotes.push_back(quote);
    book_.positions.push_back({0, id, quantity, {}});
  }
  void balance(UnderlyingId asset, double amount) { book_.collateral.push_back({0, asset, amount}); }

  Book& book() { return book_; }
  AccountView view(const Method& method) const { return BookUnits(book_).view(0, method); }

 private:
  Book book_;
};

Instrument made(std::string name, InstrumentKind kind, UnderlyingId coin, UnderlyingId settlement, Payoff payoff,
                double size) {
  Instrument out;
  out.name = std::move(name);
  out.kind = kind;
  out.underlying = coin;
  out.settlement = settlement;
  out.payoff = payoff;
  out.contract_size = size;
  return out;
}

Instrument made_option(std::string name, UnderlyingId settlement, Payoff payoff, double strike, OptionType type) {
  Instrument out = made(std::move(name), InstrumentKind::option, 0, settlement, payoff, 0.1);
  out.strike = strike;
  out.option_type = type;
  out.expiry = {now + 864000};
  return out;
}

Quote marked(double price) {
  Quote quote;
  quote.mark_price = price;
  return quote;
}

Method any_coin() {
  Method method;
  ScenarioGroup group;
  group.match = {"*"};
  method.scenario_groups = {group};
  return method;
}

TEST(BookUnits, PerpetualsAndFuturesInCoins) {
  SmallBook small;
  small.add(made("a", InstrumentKind::perpetual, 0, 0, Payoff::inverse, 10.0), marked(70100.0), -7010.0);
  small.add(made("b", InstrumentKind::perpetual, 0, 2, Payoff::linear, 0.01), marked(70800.0), 50.0);
  Instrument future = made("c", InstrumentKind::future, 0, no_underlying, Payoff::linear, 1.0);
  future.expiry = {now + 3600};
  small.add(future, marked(70200.0), 2.0);

  const AccountView view = small.view(any_coin());

  ASSERT_EQ(view.portfolio.units.size(), 1u);
  const Unit& unit = view.portfolio.units[0];
  EXPECT_EQ(unit.underlying, "BTC");
  EXPECT_EQ(unit.index_usd, 70000.0);
  ASSERT_EQ(unit.delta_ones.size(), 3u);
  EXPECT_NEAR(unit.delta_ones[0].quantity, -1.0, 1e-15);
  EXPECT_EQ(unit.delta_ones[0].settled_in, "BTC");
  EXPECT_NEAR(unit.delta_ones[1].quantity, 0.5, 1e-15);
  EXPECT_NEAR(unit.delta_ones[1].price_usd, 70800.0 * 0.99, 1e-9);
  EXPECT_EQ(unit.delta_ones[1].settled_in, "USDT");
  EXPECT_EQ(unit.delta_ones[2].kind, DeltaOneKind::future);
  EXPECT_EQ(unit.delta_ones[2].seconds, 3600.0);
  EXPECT_EQ(unit.delta_ones[2].settled_in, "USD");
  EXPECT_TRUE(view.left_out.empty());
}

TEST(BookUnits, OptionsInUsd) {
  SmallBook small;
  Quote inverse = marked(0.02), linear = marked(1500.0), no_price;
  inverse.forward = 70500.0;
  inverse.mark_iv = 0.55;
  linear.forward = 71000.0;  // in USDT
  linear.mark_iv = 0.60;
  no_price.mark_iv = 0.50;
  small.add(made_option("a", 0, Payoff::inverse, 80000.0, OptionType::call), inverse, -3.0);
  small.add(made_option("b", 2, Payoff::linear, 65000.0, OptionType::put), linear, 4.0);
  small.add(made_option("c", no_underlying, Payoff::linear, 90000.0, OptionType::call), no_price, 1.0);

  const auto legs = small.view(any_coin()).portfolio.units.at(0).options;

  ASSERT_EQ(legs.size(), 3u);  // by strike
  EXPECT_EQ(legs[0].name, "b");
  EXPECT_EQ(legs[0].sign, -1.0);
  EXPECT_NEAR(legs[0].quantity, 0.4, 1e-15);
  EXPECT_NEAR(legs[0].strike_usd, 65000.0 * 0.99, 1e-9);
  EXPECT_NEAR(legs[0].forward_usd, 71000.0 * 0.99, 1e-9);
  EXPECT_NEAR(legs[0].mark_usd, 1500.0 * 0.99, 1e-9);
  EXPECT_EQ(legs[1].name, "a");
  EXPECT_NEAR(legs[1].quantity, -0.3, 1e-15);
  EXPECT_EQ(legs[1].forward_usd, 70500.0);
  EXPECT_EQ(legs[1].vol, 0.55);
  EXPECT_EQ(legs[1].seconds, 864000.0);
  EXPECT_NEAR(legs[1].mark_usd, 0.02 * 70000.0, 1e-9);
  EXPECT_EQ(legs[2].forward_usd, 70000.0);  // none given: the index
  EXPECT_NEAR(legs[2].mark_usd, textbook_value(1.0, 70000.0, 90000.0, 0.5, 10.0 / 365.0), 1e-9);
}

TEST(BookUnits, VolsFromMarks) {
  const double years = 10.0 / 365.0, value = textbook_value(1.0, 70500.0, 80000.0, 0.62, years);
  SmallBook small;
  Quote in_coin = marked(value / 70500.0), in_usdt = marked(value / 0.99), worthless = marked(0.0);
  in_coin.forward = 70500.0;
  in_usdt.forward = 70500.0 / 0.99;
  small.add(made_option("a", 0, Payoff::inverse, 80000.0, OptionType::call), in_coin, 1.0);
  small.add(made_option("b", 2, Payoff::linear, 80000.0 / 0.99, OptionType::call), in_usdt, 1.0);
  small.add(made_option("c", no_underlying, Payoff::linear, 10.0, OptionType::call), worthless, 1.0);

  const AccountView view = small.view(any_coin());

  ASSERT_EQ(view.portfolio.units.at(0).options.size(), 2u);
  EXPECT_NEAR(view.portfolio.units[0].options[0].vol, 0.62, 1e-9);
  EXPECT_NEAR(view.portfolio.units[0].options[1].vol, 0.62, 1e-9);
  ASSERT_EQ(view.left_out.size(), 1u);
  EXPECT_EQ(view.left_out[0].what, "c");
  EXPECT_EQ(view.left_out[0].reason, "no vol gives its mark price (the scenarios move its vol)");
}

TEST(BookUnits, SettlementsApartWhereTheRuleTellsThemApart) {
  SmallBook small;
  small.add(made("a", InstrumentKind::perpetual, 0, 0, Payoff::inverse, 10.0), marked(70000.0), 7000.0);
  small.add(made("b", InstrumentKind::perpetual, 0, 2, Payoff::linear, 1.0), marked(70000.0), -1.0);
  Method method = any_coin();
  EXPECT_EQ(small.view(method).portfolio.units.size(), 1u);
  method.units = UnitRule::settlement;
  const auto units = small.view(method).portfolio.units;
  ASSERT_EQ(units.size(), 2u);
  EXPECT_EQ(units[0].settlement, Settlement::coin);
  EXPECT_NEAR(units[0].delta_ones.at(0).quantity, 1.0, 1e-15);
  EXPECT_EQ(units[1].settlement, Settlement::usd);
}

TEST(BookUnits, RowsOfOneInstrumentAreOnePosition) {
  SmallBook small;
  small.add(made("a", InstrumentKind::perpetual, 0, 2, Payoff::linear, 1.0), marked(70000.0), 3.0);
  small.book().positions.push_back({0, 0, -3.5, 60000.0});
  const auto units = small.view(any_coin()).portfolio.units;
  ASSERT_EQ(units.at(0).delta_ones.size(), 1u);
  EXPECT_EQ(units[0].delta_ones[0].quantity, -0.5);
}

TEST(BookUnits, WhatNoRuleKnowsIsListed) {
  SmallBook small;
  small.add(made("quanto", InstrumentKind::perpetual, 1, 0, Payoff::linear, 1.0), marked(0.03), 1.0);
  small.add(made("zeth", InstrumentKind::perpetual, 1, 2, Payoff::linear, 1.0), marked(2000.0), 1.0);
  Method method = any_coin();
  method.scenario_groups[0].match = {"BTC"};
  const AccountView view = small.view(method);
  EXPECT_TRUE(view.portfolio.units.empty());
  ASSERT_EQ(view.left_out.size(), 2u);
  EXPECT_EQ(view.left_out[0].what, "quanto");
  EXPECT_EQ(view.left_out[0].reason,
            "settled in BTC, whose own price moves (the rule knows contracts in dollars or in their own coin)");
  EXPECT_EQ(view.left_out[1].what, "zeth");
  EXPECT_EQ(view.left_out[1].reason, "no parameters for ETH (the venue's are not known to the preset)");

  Method positions;
  positions.kind = MethodKind::positions;
  positions.position_groups = {{{"BTC"}, 0.15, 0.1, 0.075, 0.02, 0.01, 0.0}};
  EXPECT_EQ(small.view(positions).left_out.size(), 2u);
}

TEST(BookUnits, DatedFuturesAreLeftOutWhereTheVenueListsNone) {
  SmallBook small;
  Instrument near = made("near", InstrumentKind::future, 0, no_underlying, Payoff::linear, 1.0);
  near.expiry = {now + 864000};
  small.add(near, marked(70200.0), 2.0);
  small.add(made("swap", InstrumentKind::perpetual, 0, no_underlying, Payoff::linear, 1.0), marked(70000.0), -1.0);
  Method method = any_coin();
  EXPECT_TRUE(small.view(method).left_out.empty());

  method.futures = DatedFutures::left_out;
  const AccountView view = small.view(method);

  ASSERT_EQ(view.portfolio.units.size(), 1u);
  ASSERT_EQ(view.portfolio.units[0].delta_ones.size(), 1u);
  EXPECT_EQ(view.portfolio.units[0].delta_ones[0].name, "swap");
  ASSERT_EQ(view.left_out.size(), 1u);
  EXPECT_EQ(view.left_out[0].what, "near");
  EXPECT_EQ(view.left_out[0].reason, "a dated future (the venue lists none, so its rule says nothing of one)");
}

TEST(BookUnits, BalancesAreCollateralDebtsAndStablePrice) {
  SmallBook small;
  small.add(made("spot", InstrumentKind::spot, 0, no_underlying, Payoff::linear, 0.5), marked(70000.0), 3.0);
  small.balance(0, 0.25);
  small.balance(1, -2.0);
  small.balance(no_underlying, -100.0);
  Method method = any_coin();
  method.stable = "USDT";

  const AccountView still = small.view(method);
  EXPECT_TRUE(still.portfolio.units.empty());
  EXPECT_EQ(still.portfolio.debts_usd, 4100.0);
  EXPECT_EQ(still.portfolio.stable_usd, 0.99);
  EXPECT_TRUE(still.left_out.empty());

  method.scenario_groups[0].collateral_moves = true;
  const AccountView moving = small.view(method);
  ASSERT_EQ(moving.portfolio.units.size(), 1u);
  EXPECT_EQ(moving.portfolio.units[0].collateral_coins, 1.75);
  ASSERT_EQ(moving.left_out.size(), 1u);
  EXPECT_EQ(moving.left_out[0].what, "ETH");
  method.stable = "";
  EXPECT_EQ(small.view(method).portfolio.stable_usd, 1.0);
}

TEST(MarginBook, EveryAccountAndACountOfWhatIsLeftOut) {
  SmallBook small;
  Book& book = small.book();
  book.accounts = {"alice", "bob", "carol"};
  small.add(made("a", InstrumentKind::perpetual, 0, 2, Payoff::linear, 1.0), marked(70000.0), 1.0);
  small.add(made("b", InstrumentKind::perpetual, 1, 2, Payoff::linear, 1.0), marked(2000.0), 1.0);
  book.positions = {{0, 0, 1.0, {}}, {0, 1, 1.0, {}}, {2, 0, -2.0, {}}, {2, 1, 1.0, {}}};
  Method method = any_coin();
  method.scenario_groups[0].match = {"BTC"};
  method.scenario_groups[0].scenarios = {{-0.1, VolMove::same}, {0.2, VolMove::same}};

  const BookRequirement found = margin_book(book, BookUnits(book), method, nullptr);

  ASSERT_EQ(found.accounts.size(), 3u);
  EXPECT_NEAR(found.accounts[0].initial_usd, 0.1 * 69300.0, 1e-9);
  EXPECT_EQ(found.accounts[0].num_left_out, 1u);
  EXPECT_EQ(found.accounts[1].initial_usd, 0.0);
  EXPECT_EQ(found.accounts[1].num_left_out, 0u);
  EXPECT_NEAR(found.accounts[2].initial_usd, 0.2 * 2.0 * 69300.0, 1e-9);
  ASSERT_EQ(found.left_out.size(), 1u);
  EXPECT_EQ(found.left_out[0].what, "b");
  EXPECT_EQ(found.left_out[0].num_accounts, 2u);
}

TEST(MarginBook, StopsWhenAskedAndRefusesWhatIsNotFinite) {
  SmallBook small;
  small.add(made("a", InstrumentKind::perpetual, 0, 2, Payoff::linear, 1.0), marked(70000.0), 1e308);
  Method method = any_coin();
  method.scenario_groups[0].scenarios = {{-0.5, VolMove::same}};
  const std::atomic<bool> stop = true;
  EXPECT_THROW(margin_book(small.book(), BookUnits(small.book()), method, &stop), Interrupted);
  EXPECT_THROW(margin_book(small.book(), BookUnits(small.book()), method, nullptr), std::runtime_error);
}

}  // namespace
}  // namespace tailmargin::venues::test
