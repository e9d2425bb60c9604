// Charges beside the scenarios, each against its formula.
#include "host/venues/charges.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "support.hpp"

namespace tailmargin::venues::test {
namespace {

double charged(const ChargeRule& rule, const Unit& book) { return charge_usd(rule, book, {}, 1.0); }

TEST(RollCharge, NetsWithinAnExpiryAndGrowsWithTime) {
  const double t = 400.0 * day, index = 50000.0;
  Unit book = unit("BTC", index);
  book.delta_ones = {perpetual(-3.0, 50100.0), future(1.0, 52000.0, 2.0 * day), future(-2.0, 55000.0, t)};
  book.options = {option(4.0, 1.0, 60000.0, 55000.0, 0.6, t)};
  const double delta = textbook_delta(1.0, 55000.0, 60000.0, 0.6, t / year);
  const double rate = std::exp(0.075 * t / year) - 1.0;
  ASSERT_GT(rate, 0.01);
  const double options = 4.0 * delta * index;
  EXPECT_NEAR(charged(RollCharge{0.075, 0.01}, book),
              3.0 * 50100.0 * 0.01 + 52000.0 * 0.01 + std::fabs(options - 2.0 * 55000.0) * rate, 1e-8);
  ScenarioGroup in_coin;
  in_coin.pnl = PnlUnit::coin;
  EXPECT_NEAR(charge_usd(RollCharge{0.075, 0.01}, book, in_coin, 1.0),
              (4.0 * 0.01 + std::fabs(4.0 * delta - 2.0) * rate) * index, 1e-8);
}

TEST(DeltaShock, RisesWithTheExcessUpToACap) {
  const DeltaShockCharge rule{20e6, 0.00005, 0.10};
  EXPECT_EQ(delta_shock_usd(rule, 399.0, 50000.0), 0.0);
  EXPECT_NEAR(delta_shock_usd(rule, 1000.0, 50000.0), 600.0 * 0.00005 * 1000.0 * 50000.0, 1e-6);
  EXPECT_NEAR(delta_shock_usd(rule, -1000.0, 50000.0), 600.0 * 0.00005 * 1000.0 * 50000.0, 1e-6);
  EXPECT_NEAR(delta_shock_usd(rule, 9000.0, 50000.0), 0.10 * 9000.0 * 50000.0, 1e-6);
}

TEST(DeltaShock, LongOptionsOnlyOffset) {
  EXPECT_EQ(delta_for_shock(500.0, -800.0), -300.0);
  EXPECT_EQ(delta_for_shock(900.0, -800.0), 0.0);
  EXPECT_EQ(delta_for_shock(-500.0, -800.0), -800.0);
  EXPECT_EQ(delta_for_shock(-500.0, 800.0), 300.0);
  EXPECT_EQ(delta_for_shock(-900.0, 800.0), 0.0);
  EXPECT_EQ(delta_for_shock(500.0, 800.0), 800.0);

  const double t = 30.0 * day, delta = textbook_delta(1.0, 50000.0, 50000.0, 0.5, t / year);
  Unit book = unit("BTC", 50000.0);
  book.delta_ones = {perpetual(-1000.0, 50000.0)};
  book.options = {option(400.0, 1.0, 50000.0, 50000.0, 0.5, t), option(-600.0, 1.0, 50000.0, 50000.0, 0.5, t)};
  const double coins = 1000.0 + 600.0 * delta - 400.0 * delta;
  EXPECT_NEAR(charged(DeltaShockCharge{20e6, 0.00002, 0.10}, book), (coins - 400.0) * 0.00002 * coins * 50000.0, 1e-5);
}

TEST(NotionalCharge, CountsTheLegsItNames) {
  const double t = 30.0 * day;
  Unit book = unit("BTC", 100.0);
  book.delta_ones = {perpetual(-2.0, 110.0), future(3.0, 120.0, t)};
  book.options = {option(-5.0, 1.0, 100.0, 100.0, 0.5, t)};
  const auto at = [&](Legs legs, PriceBase prices) { return charged(NotionalCharge{legs, prices, 0.01, {}}, book); };
  EXPECT_DOUBLE_EQ(at(Legs::all, PriceBase::index), 10.0);
  EXPECT_DOUBLE_EQ(at(Legs::perpetuals, PriceBase::index), 2.0);
  EXPECT_DOUBLE_EQ(at(Legs::delta_ones, PriceBase::index), 5.0);
  EXPECT_DOUBLE_EQ(at(Legs::options, PriceBase::index), 5.0);
  EXPECT_NEAR(at(Legs::delta_ones, PriceBase::own), 0.01 * (220.0 + 360.0), 1e-12);
  EXPECT_DOUBLE_EQ(charged(NotionalCharge{Legs::all, PriceBase::index, 0.01, {{4.0, 1.0}, {.rate = 3.0}}}, book),
                   4.0 + 6.0 * 3.0);
}

TEST(Tiers, EachPartAtItsRate) {
  const std::vector<Tier> tiers = {{100.0, 1.0}, {300.0, 2.0}, {.rate = 5.0}};
  EXPECT_EQ(tiered(0.0, tiers), 0.0);
  EXPECT_EQ(tiered(100.0, tiers), 100.0);
  EXPECT_EQ(tiered(300.0, tiers), 500.0);
  EXPECT_EQ(tiered(301.0, tiers), 505.0);
  const std::vector<Tier> bounded = {{100.0, 1.0}, {300.0, 2.0}};
  EXPECT_EQ(tiered(1000.0, bounded), 100.0 + 900.0 * 2.0);  // the last goes on
}

TEST(ShortOptions, NetWithinAStrikeOrNotAtAll) {
  const double t = 30.0 * day;
  Unit book = unit("BTC", 1000.0);
  book.options = {option(-4.0, 1.0, 100.0, 100.0, 0.5, t), option(3.0, -1.0, 100.0, 100.0, 0.5, t),
                  option(-2.0, -1.0, 120.0, 100.0, 0.5, t), option(9.0, 1.0, 120.0, 100.0, 0.5, 2.0 * t)};
  EXPECT_DOUBLE_EQ(charged(ShortOptionCharge{ShortNetting::strike, 0.003}, book), (1.0 + 2.0) * 3.0);
  EXPECT_DOUBLE_EQ(charged(ShortOptionCharge{ShortNetting::none, 0.003}, book), (4.0 + 2.0) * 3.0);
}

TEST(CollateralCharge, IsOnWhatMoves) {
  Unit book = unit("BTC", 1000.0);
  book.collateral_coins = 3.0;
  ScenarioGroup group;
  EXPECT_EQ(charge_usd(CollateralCharge{0.02}, book, group, 0.99), 0.0);
  group.collateral_moves = true;
  EXPECT_NEAR(charge_usd(CollateralCharge{0.02}, book, group, 0.99), 60.0 / 0.99, 1e-12);
}

TEST(ForwardCharge, TakesTheWorseShockOfEachExpiry) {
  const double t1 = 20.0 * day, t2 = 200.0 * day;
  Unit book = unit("BTC", 100.0);
  book.delta_ones = {perpetual(50.0, 100.0)};  // not its business
  book.options = {option(2.0, 1.0, 100.0, 100.0, 0.6, t1), option(-3.0, 1.0, 100.0, 100.0, 0.6, t2)};
  const auto loss = [](double quantity, double t, double forward) {
    return -quantity *
           (textbook_value(1.0, forward, 100.0, 0.6, t / year) - textbook_value(1.0, 100.0, 100.0, 0.6, t / year));
  };
  const double first = loss(2.0, t1, 95.5) * (0.5 + 2.0 * t1 / year);
  const double second = loss(-3.0, t2, 104.5) * (0.5 + 2.0 * t2 / year);
  ASSERT_GT(first, 0.0);
  ASSERT_GT(second, 0.0);
  EXPECT_NEAR(charged(ForwardCharge{0.045, 0.5, 2.0}, book), first + second, 1e-10);

  const double t3 = 2.0 * day;  // a straddle gains both ways, and pays nothing
  book.options.insert(book.options.begin(),
                      {option(1.0, 1.0, 100.0, 100.0, 0.1, t3), option(1.0, -1.0, 100.0, 100.0, 0.1, t3)});
  EXPECT_NEAR(charged(ForwardCharge{0.045, 0.5, 2.0}, book), first + second, 1e-10);
}

TEST(StableHedge, ChargesWhatOneStablecoinHedgesOfTheOther) {
  const StableHedgeCharge rule{"USDT", {{.rate = 0.01}}};
  Unit book = unit("BTC", 100.0);
  book.delta_ones = {perpetual(5.0, 100.0, "USDT"), perpetual(-8.0, 100.0, "USDC")};
  EXPECT_DOUBLE_EQ(charged(rule, book), 5.0);
  book.delta_ones = {perpetual(5.0, 100.0, "USDT"), perpetual(-2.0, 100.0, "BTC")};
  EXPECT_DOUBLE_EQ(charged(rule, book), 2.0);
  book.delta_ones = {perpetual(5.0, 100.0, "USDT"), perpetual(8.0, 100.0, "USDC")};
  EXPECT_EQ(charged(rule, book), 0.0);
  const double t = 30.0 * day;
  book.delta_ones = {perpetual(-3.0, 100.0, "USDT")};
  book.options = {option(2.0, 1.0, 100.0, 100.0, 0.5, t)};
  EXPECT_NEAR(charged(rule, book), 2.0 * textbook_delta(1.0, 100.0, 100.0, 0.5, t / year), 1e-12);
}

}  // namespace
}  // namespace tailmargin::venues::test
