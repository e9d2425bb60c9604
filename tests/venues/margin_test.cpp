// How scenarios and charges become a margin: which scenario counts, what offsets, factors, and that terms add up.
#include "host/venues/margin.hpp"

#include <gtest/gtest.h>

#include "host/venues/position_margin.hpp"
#include "support.hpp"

namespace tailmargin::venues::test {
namespace {

Unit one_perpetual(const std::string& coin, double coins, double price) {
  Unit book = unit(coin, price);
  book.delta_ones = {perpetual(coins, price)};
  return book;
}

/// Moves of 10 % and back.
Method simple_method() {
  Method method;
  method.name = "simple";
  ScenarioGroup group;
  group.match = {"*"};
  group.scenarios = {{-0.1, VolMove::same}, {0.1, VolMove::same}};
  method.scenario_groups = {group};
  return method;
}

void expect_terms_add_up(const Margin& margin) {
  double initial = 0.0, maintenance = 0.0;
  for (const Term& term : margin.terms) {
    initial += term.initial_usd;
    maintenance += term.maintenance_usd;
  }
  EXPECT_EQ(initial, margin.initial_usd);
  EXPECT_EQ(maintenance, margin.maintenance_usd);
}

TEST(Margin, UnitsTakeTheirOwnWorstAndAddUp) {
  Method method = simple_method();
  method.initial = 1.3;
  const Portfolio book = {{one_perpetual("BTC", 1.0, 1000.0), one_perpetual("ETH", -2.0, 100.0)}};
  const Margin margin = margin_of(method, book);
  EXPECT_DOUBLE_EQ(margin.maintenance_usd, 100.0 + 20.0);
  EXPECT_DOUBLE_EQ(margin.initial_usd, 1.3 * 120.0);
  EXPECT_EQ(margin.terms[0].detail, "-10 %, vol unchanged");
  EXPECT_EQ(margin.terms[1].detail, "+10 %, vol unchanged");
  expect_terms_add_up(margin);
}

TEST(Margin, InOneScenarioGainsOffsetInPart) {
  Method method = simple_method();
  method.across = Across::same_scenario;
  method.scenario_groups[0].gain_share = 0.6;
  const Portfolio book = {{one_perpetual("BTC", 1.0, 1000.0), one_perpetual("ETH", -2.0, 100.0)}};
  EXPECT_DOUBLE_EQ(margin_of(method, book).maintenance_usd, 100.0 - 0.6 * 20.0);
  expect_terms_add_up(margin_of(method, book));
  method.scenario_groups[0].max_gain_usd = 5.0;
  EXPECT_DOUBLE_EQ(margin_of(method, book).maintenance_usd, 95.0);
  method.scenario_groups[0].gain_share = 0.0;
  EXPECT_DOUBLE_EQ(margin_of(method, book).maintenance_usd, 100.0);
}

TEST(Margin, NothingIsChargedWhereEveryScenarioGains) {
  Method method = simple_method();
  Unit straddle = unit("BTC", 100.0);
  straddle.options = {option(1.0, 1.0, 100.0, 100.0, 0.05, 0.01 * day),
                      option(1.0, -1.0, 100.0, 100.0, 0.05, 0.01 * day)};
  for (const Across across : {Across::sum, Across::same_scenario}) {
    method.across = across;
    const Margin margin = margin_of(method, {{straddle}});
    EXPECT_EQ(margin.initial_usd, 0.0);
    EXPECT_EQ(margin.terms.at(0).detail,
              across == Across::sum ? "no loss in any" : "-10 %, vol unchanged, no loss that counts");
  }
  EXPECT_EQ(margin_of(method, {}).initial_usd, 0.0);
}

TEST(Margin, AnAlternativeCountsIfItIsLarger) {
  Method method = simple_method();
  method.maintenance = 0.5;
  Charge charge{.name = "minimum",
                .role = ChargeRole::alternative,
                .rule = NotionalCharge{Legs::all, PriceBase::index, 0.15, {}}};
  method.scenario_groups[0].charges = {charge};
  const Portfolio book = {{one_perpetual("BTC", 1.0, 1000.0)}};
  EXPECT_DOUBLE_EQ(margin_of(method, book).initial_usd, 150.0);
  EXPECT_DOUBLE_EQ(margin_of(method, book).maintenance_usd, 75.0);
  EXPECT_EQ(margin_of(method, book).terms.at(0).name, "minimum");
  std::get<NotionalCharge>(method.scenario_groups[0].charges[0].rule).rate = 0.05;
  EXPECT_DOUBLE_EQ(margin_of(method, book).initial_usd, 100.0);
  EXPECT_EQ(margin_of(method, book).terms.at(0).name, "worst scenario");
}

TEST(Margin, AddedChargesHaveTheirOwnFactorsOrTheMethods) {
  Method method = simple_method();
  method.maintenance = 0.8;
  const NotionalCharge rule{Legs::all, PriceBase::index, 0.01, {}};
  method.scenario_groups[0].charges = {{.name = "a", .rule = rule},
                                       {.name = "b", .initial = 0.5, .maintenance = 0.0, .rule = rule}};
  const Margin margin = margin_of(method, {{one_perpetual("BTC", 1.0, 1000.0)}});
  EXPECT_DOUBLE_EQ(margin.initial_usd, 100.0 + 10.0 + 5.0);
  EXPECT_DOUBLE_EQ(margin.maintenance_usd, 80.0 + 8.0 + 0.0);
  expect_terms_add_up(margin);
}

TEST(Margin, AFloorFillsUpWhatIsMissing) {
  Method method = simple_method();
  method.initial = 1.3;
  const NotionalCharge tenth{Legs::all, PriceBase::index, 0.01, {}}, all{Legs::all, PriceBase::index, 0.2, {}};
  method.scenario_groups[0].charges = {{.name = "floor", .role = ChargeRole::floor, .rule = all},
                                       {.name = "add", .rule = tenth}};
  const Margin margin = margin_of(method, {{one_perpetual("BTC", 1.0, 1000.0)}});
  EXPECT_DOUBLE_EQ(margin.maintenance_usd, 200.0);
  EXPECT_DOUBLE_EQ(margin.initial_usd, 260.0);
  EXPECT_EQ(find_term(margin, "floor")->maintenance_usd, 90.0);
  expect_terms_add_up(margin);
}

TEST(Margin, ADepegRaisesInitialMargin) {
  Method method = simple_method();
  method.peg_threshold = 0.99;
  method.peg_factor = 4.0;
  Portfolio book = {{one_perpetual("BTC", 1.0, 1000.0)}, 0.0, 0.97};
  EXPECT_NEAR(margin_of(method, book).initial_usd, 100.0 * 1.08, 1e-12);
  EXPECT_DOUBLE_EQ(margin_of(method, book).maintenance_usd, 100.0);
  book.stable_usd = 1.0;
  EXPECT_DOUBLE_EQ(margin_of(method, book).initial_usd, 100.0);
}

TEST(Margin, DebtsAreChargedOnTop) {
  Method method = simple_method();
  method.debt_initial = 0.10;
  method.debt_maintenance = 0.02;
  const Margin margin = margin_of(method, {{one_perpetual("BTC", 1.0, 1000.0)}, 500.0});
  EXPECT_DOUBLE_EQ(margin.initial_usd, 150.0);
  EXPECT_DOUBLE_EQ(margin.maintenance_usd, 110.0);
  EXPECT_EQ(margin.terms.back().name, "borrowing");
}

TEST(Margin, TheFirstMatchingGroupCounts) {
  Method method = simple_method();
  ScenarioGroup coin = method.scenario_groups[0];
  coin.match = {"BTC"};
  coin.settlement = Settlement::coin;
  method.scenario_groups.insert(method.scenario_groups.begin(), coin);
  EXPECT_EQ(find_group(method, "BTC", Settlement::coin), &method.scenario_groups[0]);
  EXPECT_EQ(find_group(method, "BTC", Settlement::usd), &method.scenario_groups[1]);
  EXPECT_EQ(find_group(method, "ETH", Settlement::coin), &method.scenario_groups[1]);
  method.scenario_groups[1].match = {"SOL", "XRP"};
  EXPECT_EQ(find_group(method, "ETH", Settlement::coin), nullptr);
  EXPECT_EQ(find_group(method, "XRP", Settlement::coin), &method.scenario_groups[1]);
}

TEST(PositionMargin, ShortOptionsByHowFarOutOfTheMoney) {
  const PositionGroup group{{"*"}, 0.15, 0.10, 0.075, 0.02, 0.01, 0.0};
  OptionLeg call = option(-2.0, 1.0, 104.0, 100.0, 0.5, 10.0 * day);
  call.mark_usd = 3.0;
  EXPECT_NEAR(option_margin(group, call, 100.0).initial_usd, 2.0 * (15.0 - 4.0 + 3.0), 1e-12);
  EXPECT_NEAR(option_margin(group, call, 100.0).maintenance_usd, 2.0 * (7.5 + 3.0), 1e-12);
  call.strike_usd = 130.0;
  EXPECT_NEAR(option_margin(group, call, 100.0).initial_usd, 2.0 * (10.0 + 3.0), 1e-12);
  call.strike_usd = 90.0;
  EXPECT_NEAR(option_margin(group, call, 100.0).initial_usd, 2.0 * (15.0 + 3.0), 1e-12);
  call.quantity = 2.0;
  EXPECT_EQ(option_margin(group, call, 100.0).initial_usd, 0.0);

  OptionLeg put = option(-1.0, -1.0, 96.0, 100.0, 0.5, 10.0 * day);
  put.mark_usd = 2.0;
  EXPECT_NEAR(option_margin(group, put, 100.0).initial_usd, 15.0 - 4.0 + 2.0, 1e-12);
  put.strike_usd = 600.0;
  put.mark_usd = 500.0;  // 7.5 % of the mark is more than 15 % of the index
  EXPECT_NEAR(option_margin(group, put, 100.0).maintenance_usd, 37.5 + 500.0, 1e-12);
  EXPECT_NEAR(option_margin(group, put, 100.0).initial_usd, 537.5, 1e-12);
}

TEST(PositionMargin, FuturesPayMorePerCoinTheLargerTheyAre) {
  const PositionGroup group{{"*"}, 0.15, 0.10, 0.075, 0.02, 0.01, 0.00005};
  const PositionMargin margin = delta_one_margin(group, perpetual(-100.0, 50100.0), 50000.0);
  EXPECT_NEAR(margin.initial_usd, 100.0 * 50000.0 * (0.02 + 0.005), 1e-6);
  EXPECT_NEAR(margin.maintenance_usd, 100.0 * 50000.0 * (0.01 + 0.005), 1e-6);
}

TEST(PositionMargin, EveryPositionIsATerm) {
  Method method;
  method.kind = MethodKind::positions;
  method.position_groups = {{{"BTC"}, 0.15, 0.10, 0.075, 0.02, 0.01, 0.0}};
  Unit book = unit("BTC", 100.0);
  book.delta_ones = {perpetual(3.0, 100.0)};
  book.options = {option(-1.0, 1.0, 100.0, 100.0, 0.5, 10.0 * day)};
  const Margin margin = margin_of(method, {{book}});
  ASSERT_EQ(margin.terms.size(), 2u);
  EXPECT_EQ(margin.terms[0].name, "OPTION");
  EXPECT_EQ(margin.terms[1].name, "PERP");
  EXPECT_NEAR(margin.terms[1].initial_usd, 6.0, 1e-12);
  expect_terms_add_up(margin);
}

}  // namespace
}  // namespace tailmargin::venues::test
