// Vol moves, discounts, scenarios and their P&L, each against the formula written out with the C library.
#include "host/venues/scenario_matrix.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "host/venues/pricing.hpp"
#include "support.hpp"

namespace tailmargin::venues::test {
namespace {

VolShock shock_of(double up, double down) {
  VolShock shock;
  shock.up = up;
  shock.down = down;
  shock.short_power = 0.30;
  shock.long_power = 0.13;
  return shock;
}

TEST(Pricing, ValuesAndDeltasMeetTheTextbook) {
  for (const double sign : {1.0, -1.0}) {
    for (const double strike : {40000.0, 70000.0, 110000.0}) {
      for (const double vol : {0.1, 0.6, 2.5}) {
        const double t = 45.0 * day, value = textbook_value(sign, 70000.0, strike, vol, t / year);
        EXPECT_NEAR(option_value_usd(sign, 70000.0, strike, vol, t / year), value, 1e-9) << strike << " " << vol;
        EXPECT_NEAR(option_delta(option(3.0, sign, strike, 70000.0, vol, t)),
                    textbook_delta(sign, 70000.0, strike, vol, t / year), 1e-14);
      }
    }
  }
}

TEST(Pricing, WithoutVolThereIsOnlyIntrinsicValue) {
  EXPECT_DOUBLE_EQ(option_value_usd(1.0, 100.0, 80.0, 0.0, 1.0), 20.0);
  EXPECT_DOUBLE_EQ(option_value_usd(1.0, 100.0, 120.0, 0.0, 1.0), 0.0);
  EXPECT_DOUBLE_EQ(option_value_usd(-1.0, 100.0, 120.0, 0.0, 1.0), 20.0);
  EXPECT_DOUBLE_EQ(option_delta(option(1.0, 1.0, 80.0, 100.0, 1e-300, day)), 1.0);
}

TEST(VolShock, ScalesWithTheTimeToExpiry) {
  const VolShock shock = shock_of(0.5, 0.25);
  EXPECT_NEAR(shocked_vol(shock, VolMove::up, 0.6, 10.0 * day), 0.6 * (1.0 + 0.5 * std::pow(3.0, 0.30)), 1e-14);
  EXPECT_NEAR(shocked_vol(shock, VolMove::up, 0.6, 90.0 * day), 0.6 * (1.0 + 0.5 * std::pow(1.0 / 3.0, 0.13)), 1e-14);
  EXPECT_NEAR(shocked_vol(shock, VolMove::down, 0.6, 10.0 * day), 0.6 * (1.0 - 0.25 * std::pow(3.0, 0.30)), 1e-14);
  EXPECT_NEAR(shocked_vol(shock, VolMove::up, 0.6, 30.0 * day), 0.9, 1e-14);
  EXPECT_EQ(shocked_vol(shock, VolMove::same, 0.6, 10.0 * day), 0.6);
}

TEST(VolShock, HasFloors) {
  VolShock shock = shock_of(0.4, 0.9);
  EXPECT_EQ(shocked_vol(shock, VolMove::down, 0.6, 1.0 * day), 0.0);  // 0.9 x 30^0.3 is more than all
  shock.min_vol = 0.5;
  EXPECT_DOUBLE_EQ(shocked_vol(shock, VolMove::up, 0.2, 30.0 * day), 0.5);
  EXPECT_NEAR(shocked_vol(shock, VolMove::up, 0.8, 30.0 * day), 1.12, 1e-14);
  shock.min_vol = 0.0;
  shock.min_up = 0.4;  // floor of the move, beyond 30 days
  EXPECT_NEAR(shocked_vol(shock, VolMove::up, 1.0, 300.0 * day), 1.4, 1e-14);
  EXPECT_NEAR(shocked_vol(shock, VolMove::up, 1.0, 3.0 * day), 1.0 + 0.4 * std::pow(10.0, 0.30), 1e-14);
}

TEST(VolShock, CountsDays) {
  VolShock shock = shock_of(0.4, 0.2);
  const double one_day = 1.0 + 0.4 * std::pow(30.0, 0.30);
  EXPECT_NEAR(shocked_vol(shock, VolMove::up, 1.0, 0.25 * day), one_day, 1e-14);
  shock.days = DayCount::rounded_up;
  EXPECT_NEAR(shocked_vol(shock, VolMove::up, 1.0, 0.25 * day), one_day, 1e-14);
  EXPECT_NEAR(shocked_vol(shock, VolMove::up, 1.0, 2.01 * day), 1.0 + 0.4 * std::pow(10.0, 0.30), 1e-14);
  shock.days = DayCount::exact;
  shock.min_days = 0.1;
  EXPECT_NEAR(shocked_vol(shock, VolMove::up, 1.0, 0.25 * day), 1.0 + 0.4 * std::pow(120.0, 0.30), 1e-13);
}

TEST(VolShock, MovesByPoints) {
  VolShock shock;
  shock.shift = VolShift::points;
  shock.up = 0.30;
  shock.down = 0.25;
  EXPECT_DOUBLE_EQ(shocked_vol(shock, VolMove::up, 0.6, 3.0 * day), 0.9);
  EXPECT_DOUBLE_EQ(shocked_vol(shock, VolMove::down, 0.6, 300.0 * day), 0.35);
  EXPECT_DOUBLE_EQ(shocked_vol(shock, VolMove::down, 0.2, 300.0 * day), 0.0);
}

TEST(Skew, TiltsAndBendsUpToTheCap) {
  const SkewRule rule{0.25, -0.1, 0.01, 4.0, 0.6, -0.1};
  const double years = 0.16, root = 0.4, cap = 0.25 - 0.1 * root, reach = root * 4.0 * (0.6 - 0.1 * root);
  EXPECT_NEAR(skewed_vol(rule, VolMove::skew_linear, 0.5, 0.2, years), 0.5 * (1.0 + 0.2 * cap / reach), 1e-15);
  EXPECT_NEAR(skewed_vol(rule, VolMove::skew_linear, 0.5, -0.2, years), 0.5 * (1.0 - 0.2 * cap / reach), 1e-15);
  EXPECT_NEAR(skewed_vol(rule, VolMove::skew_absolute, 0.5, -0.2, years), 0.5 * (1.0 + 0.2 * cap / reach), 1e-15);
  EXPECT_NEAR(skewed_vol(rule, VolMove::skew_linear, 0.5, 9.0, years), 0.5 * (1.0 + cap), 1e-15);
  EXPECT_NEAR(skewed_vol(rule, VolMove::skew_linear, 0.5, -9.0, years), 0.5 * (1.0 - cap), 1e-15);
  const SkewRule narrow{0.25, 0.0, 5.0, 4.0, 0.6, 0.0};  // the least width counts
  EXPECT_NEAR(skewed_vol(narrow, VolMove::skew_linear, 0.5, 1.0, years), 0.5 * (1.0 + 0.25 / 5.0), 1e-15);
}

TEST(Discount, TellsLongFromShort) {
  const DiscountRule rule{0.10, 0.95, 1.0, 0.08, 1.04, 0.5, 0.08};
  EXPECT_NEAR(discount_factor(rule, 2.0), std::exp(-0.2), 1e-15);
  EXPECT_NEAR(static_discount(rule, 1.0, 2.0), 0.95 * std::exp(-2.0 * 0.18), 1e-15);
  EXPECT_NEAR(static_discount(rule, -1.0, 0.25), std::exp(0.025), 1e-15);  // 1 / df is less than 1.04 exp(0.0325)
  const DiscountRule cheap{0.50, 0.95, 1.0, 0.08, 1.01, 0.1, 0.01};
  EXPECT_NEAR(static_discount(cheap, -1.0, 1.0), 1.01 * std::exp(0.06), 1e-15);
  const DiscountRule negative{-0.10, 0.95, 1.0, 0.0, 1.0, 0.0, 0.0};
  EXPECT_DOUBLE_EQ(discount_factor(negative, 2.0), 1.0);
  EXPECT_DOUBLE_EQ(static_discount(negative, 1.0, 2.0), 0.95);
}

TEST(Grid, GoesFromTheLargestFallToTheLargestRise) {
  const auto scenarios = make_grid({0.15, 3, {VolMove::up, VolMove::down}, {VolMove::up}});
  ASSERT_EQ(scenarios.size(), 12u);
  EXPECT_DOUBLE_EQ(scenarios.front().move, -0.15);
  EXPECT_EQ(scenarios.front().vol, VolMove::up);
  EXPECT_DOUBLE_EQ(scenarios[1].move, -0.10);
  EXPECT_EQ(scenarios[2].vol, VolMove::down);
  EXPECT_DOUBLE_EQ(scenarios[5].move, 0.0);
  EXPECT_DOUBLE_EQ(scenarios.back().move, 0.15);
  for (const Scenario& scenario : scenarios) { EXPECT_EQ(scenario.weight, 1.0); }
}

TEST(ExtendedTable, WeighsByTheRange) {
  const ExtendedTable table{{-0.66, 2.0, 0.05}, 1.0, 100000.0};
  const auto usd = make_extended(table, 0.16, PnlUnit::usd), coin = make_extended(table, 0.16, PnlUnit::coin);
  EXPECT_NEAR(usd[0].weight, 0.16 / 0.66, 1e-15);
  EXPECT_NEAR(coin[0].weight, 0.16 / 0.66 * 0.34 / 0.84, 1e-15);
  EXPECT_NEAR(coin[1].weight, 0.08 * 3.0 / 1.16, 1e-15);
  EXPECT_NEAR(usd[0].relief_usd, (0.66 / 0.16 - 1.0) * 100000.0, 1e-8);
  EXPECT_NEAR(coin[0].relief_usd, (0.66 / 0.16 - 1.0) * 100000.0 / 0.84, 1e-8);
  EXPECT_NEAR(coin[1].relief_usd, 11.5 * 100000.0 / 1.16, 1e-8);
  EXPECT_EQ(usd[2].relief_usd, 0.0);  // inside the range
  EXPECT_EQ(usd[0].vol, VolMove::up);
}

TEST(ScenarioPnl, PerpetualsMoveByTheirPriceOrTheIndex) {
  Unit book = unit("BTC", 3000.0);
  book.delta_ones = {perpetual(2.0, 3100.0), future(-0.5, 3200.0, 9.0 * day)};
  ScenarioGroup group;
  EXPECT_DOUBLE_EQ(raw_pnl_usd(book, group, {-0.1, VolMove::same}, 1.0), -620.0 + 160.0);
  group.prices = PriceBase::index;
  EXPECT_DOUBLE_EQ(raw_pnl_usd(book, group, {-0.1, VolMove::same}, 1.0), -600.0 + 150.0);
  group.pnl = PnlUnit::coin;
  EXPECT_NEAR(raw_pnl_usd(book, group, {0.25, VolMove::same}, 1.0), 1.5 * (1.0 - 1.0 / 1.25) * 3000.0, 1e-10);
}

TEST(ScenarioPnl, OptionsAreRepricedOnTheMovedForwardAndVol) {
  const double t = 12.0 * day, forward = 71000.0, strike = 68000.0, vol = 0.55, index = 70000.0;
  Unit book = unit("BTC", index);
  book.options = {option(-4.0, -1.0, strike, forward, vol, t)};
  ScenarioGroup group;
  group.vol = shock_of(0.4, 0.2);
  const double moved = 0.88 * forward, up = vol * (1.0 + 0.4 * std::pow(2.5, 0.30));
  const double before = textbook_value(-1.0, forward, strike, vol, t / year);
  const double after = textbook_value(-1.0, moved, strike, up, t / year);
  EXPECT_NEAR(raw_pnl_usd(book, group, {-0.12, VolMove::up}, 1.0), -4.0 * (after - before), 1e-8);
  group.pnl = PnlUnit::coin;
  EXPECT_NEAR(raw_pnl_usd(book, group, {-0.12, VolMove::up}, 1.0), -4.0 * (after / moved - before / forward) * index,
              1e-8);
}

TEST(ScenarioPnl, DiscountsEachExpiryByTheSignOfItsValue) {
  const double t1 = 20.0 * day, t2 = 200.0 * day, f = 100.0;
  Unit book = unit("ETH", 100.0);
  book.options = {option(2.0, 1.0, 100.0, f, 0.8, t1), option(-3.0, 1.0, 110.0, f, 0.7, t2)};
  ScenarioGroup group;
  group.discount = DiscountRule{0.10, 0.95, 1.0, 0.08, 1.04, 0.5, 0.08};
  const double v1 = 2.0 * std::exp(-0.1 * t1 / year) * textbook_value(1.0, f, 100.0, 0.8, t1 / year);
  const double v2 = -3.0 * std::exp(-0.1 * t2 / year) * textbook_value(1.0, f, 110.0, 0.7, t2 / year);
  const double long_factor = 0.95 * std::exp(-(t1 / year) * 0.18);
  const double short_factor = std::min(std::exp(0.1 * t2 / year), 1.04 * std::exp(t2 / year * 0.13));
  EXPECT_NEAR(raw_pnl_usd(book, group, {0.0, VolMove::same}, 1.0), v1 * (long_factor - 1.0) + v2 * (short_factor - 1.0),
              1e-10);
  EXPECT_NEAR(mark_to_market_usd(book, group, 1.0), v1 + v2, 1e-10);
}

TEST(ScenarioPnl, ATiltIsALossEitherWay) {
  const double t = 30.0 * day;
  ScenarioGroup group;
  group.skew = SkewRule{0.25, -0.1, 0.01, 4.0, 0.6, 0.0};
  const double years = t / year, root = std::sqrt(years), cap = 0.25 - 0.1 * root, reach = root * 4.0 * 0.6;
  const double tilted = 0.5 * (1.0 + std::log(1.2) * cap / reach);
  const double change =
      textbook_value(1.0, 100.0, 120.0, tilted, years) - textbook_value(1.0, 100.0, 120.0, 0.5, years);
  ASSERT_GT(change, 0.01);
  for (const double quantity : {3.0, -3.0}) {
    Unit book = unit("ETH", 100.0);
    book.options = {option(quantity, 1.0, 120.0, 100.0, 0.5, t)};
    EXPECT_NEAR(raw_pnl_usd(book, group, {0.0, VolMove::skew_linear}, 1.0), -3.0 * change, 1e-10) << quantity;
  }
}

TEST(ScenarioPnl, CollateralMovesOnlyWhereTheRuleSaysSo) {
  Unit book = unit("BTC", 50000.0);
  book.collateral_coins = 2.0;
  ScenarioGroup group;
  EXPECT_EQ(raw_pnl_usd(book, group, {-0.2, VolMove::same}, 0.98), 0.0);
  EXPECT_EQ(mark_to_market_usd(book, group, 0.98), 0.0);
  group.collateral_moves = true;
  EXPECT_NEAR(raw_pnl_usd(book, group, {-0.2, VolMove::same}, 0.98), -20000.0 / 0.98, 1e-9);
  EXPECT_NEAR(mark_to_market_usd(book, group, 0.98), 100000.0 / 0.98, 1e-9);
}

TEST(ScenarioPnl, ReliefTakesALossDownToNothingAndLeavesGains) {
  Unit book = unit("BTC", 100.0);
  book.delta_ones = {perpetual(1.0, 100.0)};
  ScenarioGroup group;
  group.scenarios = {
      {-0.5, VolMove::same, 0.5, 10.0}, {-0.5, VolMove::same, 0.5, 40.0}, {0.5, VolMove::same, 0.5, 10.0}};
  const auto pnl = scenario_pnl_usd(book, group, 1.0);
  EXPECT_DOUBLE_EQ(pnl[0], -15.0);
  EXPECT_DOUBLE_EQ(pnl[1], 0.0);
  EXPECT_DOUBLE_EQ(pnl[2], 25.0);
}

}  // namespace
}  // namespace tailmargin::venues::test
