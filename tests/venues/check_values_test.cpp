// Figures that venues print in their documentation, examples and tests, to the digits printed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "host/venues/charges.hpp"
#include "host/venues/position_margin.hpp"
#include "host/venues/pricing.hpp"
#include "host/venues/scenario_matrix.hpp"
#include "support.hpp"

namespace tailmargin::venues::test {
namespace {

/// Deribit cuts the worst scenario to 9 decimals of a coin.
double cut_to_nine(double x) { return std::trunc(x * 1e9) / 1e9; }

/// P&L of the scenario with this move and vol, in the unit's own P&L before weights.
double pnl_at(const UnitScenarios& scenarios, double move, VolMove vol) {
  for (std::size_t s = 0; s < scenarios.pnl_usd.size(); ++s) {
    const Scenario& scenario = scenarios.group->scenarios[s];
    if (std::fabs(scenario.move - move) < 1e-12 && scenario.vol == vol) { return scenarios.pnl_usd[s]; }
  }
  return std::nan("");
}

/// API documentation of private/pme/simulate: two inverse positions.
TEST(CheckValues, DeribitDocumentationExample) {
  const double index = 65666.19;
  Unit book = unit("BTC", index);
  book.settlement = Settlement::coin;
  book.delta_ones = {perpetual(0.314538364, index), future(-0.001187534, index, 3 * day)};

  const Method method = preset("deribit");
  const Margin margin = margin_of(method, {{book}, 0.0, 1.0});

  const UnitScenarios& scenarios = margin.units.at(0);
  const double worst = scenarios.worst_loss_usd / index;
  EXPECT_NEAR(worst, 0.05968587238095239, 1e-15);
  EXPECT_NEAR(pnl_at(scenarios, -0.16, VolMove::down) / index, -0.0596859, 5e-8);
  EXPECT_NEAR(pnl_at(scenarios, -0.12, VolMove::same) / index, -0.0427297, 5e-8);
  EXPECT_NEAR(pnl_at(scenarios, -0.08, VolMove::up) / index, -0.0272479, 5e-8);
  EXPECT_NEAR(pnl_at(scenarios, -0.04, VolMove::up) / index, -0.0130563, 5e-8);
  const double roll = find_term(margin, "roll shock")->initial_usd / index;
  EXPECT_NEAR(roll, 0.00315725898, 1e-15);
  EXPECT_EQ(find_term(margin, "delta shock")->initial_usd, 0.0);

  const double risk_matrix = cut_to_nine(worst) + roll, protection = 0.06, open_orders = 0.000018212;
  EXPECT_NEAR(risk_matrix, 0.06284313098, 1e-15);
  EXPECT_NEAR(risk_matrix + protection + open_orders, 0.122861343, 5e-10);
  EXPECT_NEAR(method.maintenance * risk_matrix, 0.050274504784, 1e-15);
  EXPECT_NEAR(margin.initial_usd / index, worst + roll, 1e-15);
  EXPECT_NEAR(margin.maintenance_usd / index, 0.8 * (worst + roll), 1e-15);
}

/// In every extended column a linear position shows its P&L at the edge of the grid, before the dampener.
TEST(CheckValues, DeribitExtendedTableBringsPerpetualsBackToTheEdge) {
  const double index = 65666.19;
  Unit book = unit("BTC", index);
  book.settlement = Settlement::coin;
  book.delta_ones = {perpetual(3.0, index)};
  const Method method = preset("deribit");
  const ScenarioGroup& group = *find_group(method, "BTC", Settlement::coin);

  int extended = 0;
  for (const Scenario& scenario : group.scenarios) {
    if (std::fabs(scenario.move) < 0.17) { continue; }
    const double edge = scenario.move < 0.0 ? -0.16 : 0.16;
    const double pnl = scenario.weight * raw_pnl_usd(book, group, scenario, 1.0);
    EXPECT_NEAR(pnl / index, 3.0 * (1.0 - 1.0 / (1.0 + edge)), 1e-13) << scenario.move;
    ++extended;
  }
  EXPECT_EQ(extended, 8);
}

/// Example response of POST /api/v5/account/position-builder. Marks and index in USDT, which trades at 0.99954; the
/// index follows from MR1 as printed.
TEST(CheckValues, OkxPositionBuilder) {
  const double usdt = 0.99954, loan = 78553.2188898;
  Unit btc = unit("BTC", 97078.9 * usdt), ltc = unit("LTC", 101.9951 * usdt);
  btc.delta_ones = {perpetual(-0.1, 97093.7 * usdt, "USDT")};
  ltc.delta_ones = {perpetual(10.0, 102.0 * usdt, "USDT")};
  const Method method = preset("okx");

  const Margin margin = margin_of(method, {{btc, ltc}, loan, 1.0});

  EXPECT_NEAR(-pnl_at(margin.units.at(0), 0.12, VolMove::same), 1164.4109244719994, 1e-9);
  EXPECT_NEAR(-pnl_at(margin.units.at(0), 0.24, VolMove::same), 1164.41092447, 5e-9);
  EXPECT_NEAR(-pnl_at(margin.units.at(1), -0.18, VolMove::same), 183.50672806, 5e-9);
  EXPECT_NEAR(-pnl_at(margin.units.at(1), -0.36, VolMove::same), 183.506728, 1e-7);
  ASSERT_EQ(margin.terms.size(), 9u);
  EXPECT_NEAR(margin.terms[1].maintenance_usd, 19.4098073796, 5e-11);
  EXPECT_NEAR(margin.terms[5].maintenance_usd, 8.1562464, 5e-11);
  const auto sum = [&](std::size_t first, std::size_t last, double Term::*member) {
    double out = 0.0;
    for (std::size_t t = first; t < last; ++t) { out += margin.terms[t].*member; }
    return out;
  };
  EXPECT_NEAR(sum(0, 4, &Term::maintenance_usd), 1183.8207318516, 1e-9);
  EXPECT_NEAR(sum(4, 8, &Term::maintenance_usd), 191.6629744572, 1e-9);
  EXPECT_NEAR(sum(0, 8, &Term::maintenance_usd), 1375.4837063088, 1e-9);
  EXPECT_NEAR(sum(0, 4, &Term::initial_usd), 1538.96695140708, 1e-9);
  EXPECT_NEAR(sum(4, 8, &Term::initial_usd), 249.16186679436, 1e-9);
  EXPECT_NEAR(margin.terms[8].maintenance_usd, 1571.064377796, 5e-10);
  EXPECT_NEAR(margin.terms[8].initial_usd, 7855.32188898, 5e-9);
  EXPECT_NEAR(margin.maintenance_usd, 2946.5480841048, 1e-9);
  EXPECT_NEAR(margin.initial_usd, 9643.45070718144, 1e-9);
  const auto floor_of = [&](const char* coin) { return find_group(method, coin, Settlement::usd)->charges.at(2).rule; };
  EXPECT_NEAR(charge_usd(floor_of("BTC"), btc, {}, 1.0), 43.6720666, 5e-8);
  EXPECT_NEAR(charge_usd(floor_of("LTC"), ltc, {}, 1.0), 7.1367156, 5e-8);
}

/// Notice of 21 December 2021: a raw charge of 30,000, tiers of 10,000 once and the rest twice.
TEST(CheckValues, OkxMinimumChargeInTiers) {
  const double mr7 = tiered(30000.0, std::vector<Tier>{{10000.0, 1.0}, {.rate = 2.0}});
  EXPECT_DOUBLE_EQ(mr7, 50000.0);

  // The other units add to 40,000, so the minimum counts.
  Method method;
  ScenarioGroup group;
  group.match = {"*"};
  group.scenarios = {{-0.5, VolMove::same}};
  NotionalCharge minimum;
  minimum.rate = 0.375;
  minimum.tiers = {{10000.0, 1.0}, {.rate = 2.0}};
  group.charges = {{.name = "minimum", .role = ChargeRole::floor, .rule = minimum}};
  method.scenario_groups = {group};
  Unit book = unit("BTC", 80000.0);
  book.delta_ones = {perpetual(1.0, 80000.0)};
  EXPECT_DOUBLE_EQ(margin_of(method, {{book}}).maintenance_usd, 50000.0);
}

/// MR9 of 10 million hedged: 7,500 + 70,000 + 125,000.
TEST(CheckValues, OkxStablecoinHedge) {
  Unit book = unit("BTC", 100000.0);
  book.delta_ones = {perpetual(100.0, 100000.0, "USDT"), perpetual(-130.0, 100000.0, "USDC")};
  const Method method = preset("okx");
  const ScenarioGroup& group = *find_group(method, "BTC", Settlement::usd);
  EXPECT_DOUBLE_EQ(charge_usd(group.charges.at(1).rule, book, group, 1.0), 202500.0);
}

TEST(CheckValues, ParadexMinimumByDelta) {
  const Method method = preset("paradex");
  const ScenarioGroup& group = *find_group(method, "BTC", Settlement::usd);
  const HedgedDeltaCharge& rule = std::get<HedgedDeltaCharge>(group.charges.at(0).rule);
  EXPECT_DOUBLE_EQ(hedged_delta_usd(rule, 1.0 - 5.0 * 0.3, 1.0 + 5.0 * 0.3, 70000.0), 1400.0);

  // The same from positions: a call whose delta is 0.3 to 12 digits.
  const double vol = 0.6, t = 30.0 * day, s = vol * std::sqrt(t / year), forward = 70000.0;
  const double strike = forward * std::exp(s * (0.5 * s + 0.524400512708041));  // N(-0.5244...) = 0.3
  Unit book = unit("BTC", 70000.0);
  book.delta_ones = {perpetual(1.0, 70000.0)};
  book.options = {option(-5.0, 1.0, strike, forward, vol, t)};
  EXPECT_NEAR(charge_usd(rule, book, group, 1.0), 1400.0, 1e-8);
}

/// Parameters of most of the venue's PMRM_2 test vectors.
Method derive_of_tests(double rate, double perp_margin, double perp_initial) {
  Method method = preset("derive");
  method.peg_threshold = 0.98;
  method.peg_factor = 2.0;
  ScenarioGroup& group = method.scenario_groups.at(0);
  Grid grid{0.18, 4, {VolMove::up, VolMove::same, VolMove::down}, {VolMove::up}};
  group.match = {"*"};
  group.scenarios = make_grid(grid);
  const double moves[] = {-0.66, -0.33, 0.5, 1.0, 2.0, 3.0}, weights[] = {0.05455, 0.10909, 0.072, 0.036, 0.018, 0.012};
  for (int i = 0; i < 6; ++i) { group.scenarios.push_back({moves[i], VolMove::up, weights[i]}); }
  group.skew = SkewRule{0.15, -0.05, 0.01, 4.0, 0.6, -0.1};
  group.scenarios.push_back({0.0, VolMove::skew_linear});
  group.scenarios.push_back({0.0, VolMove::skew_absolute});
  group.vol.up = 0.50;
  group.vol.down = 0.275;
  group.vol.min_vol = 0.45;
  group.discount = DiscountRule{rate, 0.95, 1.0, 0.08, 1.04, 0.5, 0.08};
  std::get<NotionalCharge>(group.charges.at(1).rule).rate = perp_margin;
  std::get<NotionalCharge>(group.charges.at(2).rule).rate = perp_initial;
  return method;
}

/// Equity by the rule's own prices less the requirement, as the venue prints it.
double net_initial(const Margin& margin, double cash) { return margin.mark_to_market_usd + cash - margin.initial_usd; }
double net_maintenance(const Margin& margin, double cash) {
  return margin.mark_to_market_usd + cash - margin.maintenance_usd;
}

TEST(CheckValues, DeriveOnePerpetual) {
  Unit book = unit("ETH", 3000.0);
  book.delta_ones = {perpetual(1.0, 3100.0)};
  const Margin margin = margin_of(derive_of_tests(0.0, 0.015, 0.005), {{book}});
  const double unpaid_funding = 10.0;
  EXPECT_NEAR(margin.units.at(0).worst_loss_usd, 558.0, 1e-10);
  EXPECT_NEAR(net_maintenance(margin, unpaid_funding), -481.4, 1e-10);
  EXPECT_NEAR(net_initial(margin, unpaid_funding), -608.0, 1e-10);
}

TEST(CheckValues, DeriveCoveredCall) {
  const double forward = 95776.67392708939, spot = 95663.50604855, seconds = 794852.0, strike = 100000.0;
  const double a = 0.002138900837067276, b = 0.041639765820381208, rho = -0.290894349076049536,
               m = -0.026351062568175804, sigma = 0.062563079314213912, tau = 0.02520611364789;
  const double x = std::log(strike / forward) - m;
  const double vol = std::sqrt((a + b * (rho * x + std::sqrt(x * x + sigma * sigma))) / tau);
  EXPECT_NEAR(vol, 0.453803924321583, 5e-16);
  const Method method = derive_of_tests(0.15, 0.015, 0.005);
  const VolShock& shock = method.scenario_groups.at(0).vol;
  EXPECT_NEAR(shocked_vol(shock, VolMove::up, 1.0, seconds), 1.712811375927374, 1e-14);
  EXPECT_NEAR(shocked_vol(shock, VolMove::down, 1.0, seconds), 0.6079537432399443, 1e-14);
  Unit book = unit("BTC", spot);
  book.collateral_coins = 1.0;
  book.options = {option(-2.0, 1.0, strike, forward, vol, seconds)};

  const Margin margin = margin_of(method, {{book}, 0.0, 1.00019088635});

  EXPECT_NEAR(margin.mark_to_market_usd, 93272.41153721785, 1e-9);
  EXPECT_NEAR(margin.units.at(0).worst_loss_usd, 15050.749373322431, 1e-9);
  const ScenarioGroup& group = method.scenario_groups.at(0);
  EXPECT_NEAR(charge_usd(group.charges.at(0).rule, book, group, 1.00019088635), 1894.419609860217, 1e-9);
  EXPECT_NEAR(find_term(margin, "collateral haircut")->maintenance_usd, 1912.905, 5e-4);
  EXPECT_NEAR(find_term(margin, "collateral haircut, initial")->initial_usd, 956.452, 6e-4);
  EXPECT_NEAR(find_term(margin, "naked short options")->initial_usd, 573.981, 5e-4);
  EXPECT_NEAR(find_term(margin, "naked short options, initial")->initial_usd, 382.654, 5e-4);
  EXPECT_NEAR(net_initial(margin, 0.0), 74395.66964312586, 1e-9);
  EXPECT_NEAR(net_maintenance(margin, 0.0), 78744.92602874589, 1e-9);
}

TEST(CheckValues, DeriveShortPut) {
  Unit book = unit("BTC", 95663.50604855);
  book.options = {option(-1.0, -1.0, 100000.0, 95923.63240250274, 0.4547630768795904, 1399652.0)};
  const Method method = derive_of_tests(0.17, 0.015, 0.005);
  const Margin margin = margin_of(method, {{book}});
  const ScenarioGroup& group = method.scenario_groups.at(0);
  EXPECT_NEAR(margin.mark_to_market_usd, -6082.239829372652, 1e-9);
  EXPECT_NEAR(margin.units.at(0).worst_loss_usd, 15603.263080487519, 1e-9);
  EXPECT_NEAR(charge_usd(group.charges.at(0).rule, book, group, 1.0), 1846.4472670152672, 1e-9);
  EXPECT_NEAR(net_initial(margin, 0.0), -22163.82044010292, 1e-9);
  EXPECT_NEAR(net_maintenance(margin, 0.0), -18851.840811908318, 1e-9);
}

/// The venue prints whole dollars, cut.
TEST(CheckValues, DeriveStandardManagerShortCall) {
  const PositionGroup group{{"*"}, 0.15, 0.10, 0.075, 0.0, 0.0, 0.0};
  const OptionLeg call = option(-1.0, 1.0, 1500.0, 2002.83305, 0.5, 10.0 * day + 8.0 * 3600.0);
  const PositionMargin margin = option_margin(group, call, 2000.0);
  EXPECT_EQ(std::trunc(-margin.initial_usd), -802.0);
  EXPECT_EQ(std::trunc(-margin.maintenance_usd), -652.0);
}

/// What the fit of the printed option found: shocks 1.2 : 1, the down shock 0.2 (30/186)^0.30 to 8 digits, days rounded
/// up.
TEST(CheckValues, BybitVolShocksOfTheReconstruction) {
  const Method method = preset("bybit");
  const VolShock& shock = find_group(method, "BTC", Settlement::usd)->vol;
  const double seconds = 185.2 * day, vol = 0.2774, expected = 0.2 * std::pow(30.0 / 186.0, 0.30);
  const double up = shocked_vol(shock, VolMove::up, vol, seconds) / vol - 1.0;
  const double down = 1.0 - shocked_vol(shock, VolMove::down, vol, seconds) / vol;
  EXPECT_NEAR(down, expected, 1e-14);
  EXPECT_NEAR(up / down, 1.2, 1e-13);
  EXPECT_EQ(find_group(method, "BTC", Settlement::usd)->scenarios.size(), 33u);
}

}  // namespace
}  // namespace tailmargin::venues::test
