// Parameters from the venue's document: all shapes it comes in, every field, and every problem.
#include "host/importers/deribit_margin.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "support.hpp"
#include "tests/importers/support.hpp"
#include "tests/io/print_diagnostics.hpp"

namespace tailmargin::venues::test {
namespace {

/// The form of the document, all numbers made up.
const std::string document = R"({
  "general": {"timestamp": 1771197609587, "mm_factor": 0.7, "buckets_count": 5, "vol_scenarios_count": 3},
  "currency": {
    "eth": {"min_annualised_move": 0.004, "annualised_move_risk": 0.06, "pnl_offset": 0.5, "extended_dampener": 1000,
            "max_offsetable_pnl": 2000, "haircut": 0},
    "usd": {"min_annualised_move": 0.02, "annualised_move_risk": 0.12, "pnl_offset": 0.3, "extended_dampener": 500,
            "max_offsetable_pnl": 700}
  },
  "currency_pair": {
    "eth_usd": {"price_range": 0.2, "m_inc": 0.000003, "delta_total_liq_shock_threshold": 9000000,
                "max_delta_shock": 0.11, "min_volatility_for_shock_up": 0.45, "volatility_range_up": 0.35,
                "volatility_range_down": 0.15, "extended_table_factor": 0.9, "short_term_vega_power": 0.31,
                "long_term_vega_power": 0.14}
  }
})";

struct Loaded {
  Method method;
  std::vector<Diagnostic> problems;
};

Loaded load(const std::string& text) {
  const TestFolder folder;
  Diagnostics diagnostics;
  Loaded out;
  out.method = read_deribit_margin(folder.write("params.json", text), preset("deribit"), diagnostics);
  for (Diagnostic d : diagnostics.items()) {
    d.file = std::filesystem::path(d.file).filename();
    out.problems.push_back(d);
  }
  return out;
}

std::string edited(const std::string& from, const std::string& to) {
  std::string text = document;
  const std::size_t at = text.find(from);
  if (at == std::string::npos) { throw std::logic_error("the document has no " + from); }
  return text.replace(at, from.size(), to);
}

TEST(DeribitParameters, EveryFieldIsTaken) {
  const auto [method, problems] = load(document);
  ASSERT_EQ(problems, std::vector<Diagnostic>{});
  EXPECT_EQ(method.name, "deribit");
  EXPECT_EQ(method.maintenance, 0.7);
  EXPECT_EQ(method.date, "2026-02-15T23:20:09Z");
  EXPECT_NE(method.fidelity.find("parameters of the venue's document"), std::string::npos);
  EXPECT_EQ(method.across, Across::same_scenario);
  ASSERT_EQ(method.scenario_groups.size(), 2u);
  const ScenarioGroup& coin = method.scenario_groups[0];
  EXPECT_EQ(coin.match, std::vector<std::string>{"ETH"});
  EXPECT_EQ(coin.settlement, Settlement::coin);
  EXPECT_EQ(coin.pnl, PnlUnit::coin);
  ASSERT_EQ(coin.scenarios.size(), 11u * 3u + 8u);
  EXPECT_DOUBLE_EQ(coin.scenarios.front().move, -0.2);
  EXPECT_DOUBLE_EQ(coin.scenarios[3].move, -0.16);
  EXPECT_NEAR(coin.scenarios[33].weight, 0.9 * 0.2 / 0.66 * 0.34 / 0.8, 1e-15);
  EXPECT_NEAR(coin.scenarios[33].relief_usd, (3.3 - 1.0) * 1000.0 / 0.8, 1e-9);
  EXPECT_EQ(coin.vol.up, 0.35);
  EXPECT_EQ(coin.vol.down, 0.15);
  EXPECT_EQ(coin.vol.min_vol, 0.45);
  EXPECT_EQ(coin.vol.short_power, 0.31);
  EXPECT_EQ(coin.vol.long_power, 0.14);
  EXPECT_EQ(coin.gain_share, 0.5);
  EXPECT_EQ(coin.max_gain_usd, 2000.0);
  const auto& roll = std::get<RollCharge>(coin.charges.at(0).rule);
  EXPECT_EQ(roll.annual_move, 0.06);
  EXPECT_EQ(roll.min_move, 0.004);
  const auto& shock = std::get<DeltaShockCharge>(coin.charges.at(1).rule);
  EXPECT_EQ(shock.threshold_usd, 9e6);
  EXPECT_EQ(shock.rate_per_coin, 0.000003);
  EXPECT_EQ(shock.max_rate, 0.11);
  const ScenarioGroup& usd = method.scenario_groups[1];
  EXPECT_EQ(usd.settlement, Settlement::usd);
  EXPECT_EQ(usd.pnl, PnlUnit::usd);
  EXPECT_EQ(usd.gain_share, 0.3);
  EXPECT_EQ(std::get<RollCharge>(usd.charges.at(0).rule).annual_move, 0.12);
  EXPECT_NEAR(usd.scenarios[33].relief_usd, 2.3 * 500.0, 1e-9);
}

TEST(DeribitParameters, InsideAResponseAndASimulation) {
  EXPECT_EQ(load(R"({"jsonrpc": "2.0", "id": 1, "result": )" + document + "}").method.maintenance, 0.7);
  EXPECT_EQ(load(R"({"result": {"margin": 1, "model_params": )" + document + "}}").method.maintenance, 0.7);
}

/// With the numbers of the documentation's example the document gives what the preset gives.
TEST(DeribitParameters, OfTheDocumentationGiveThePreset) {
  const Loaded loaded = load(R"({
    "general": {"timestamp": 1718619740501, "mm_factor": 0.8, "buckets_count": 4, "vol_scenarios_count": 3},
    "currency": {"btc": {"min_annualised_move": 0.01, "annualised_move_risk": 0.075, "pnl_offset": 0,
                         "extended_dampener": 100000, "max_offsetable_pnl": 0}},
    "currency_pair": {"btc_usd": {"price_range": 0.16, "m_inc": 0.00005, "delta_total_liq_shock_threshold": 20000000,
                      "max_delta_shock": 0.1, "min_volatility_for_shock_up": 0.5, "volatility_range_up": 0.5,
                      "volatility_range_down": 0.25, "extended_table_factor": 1, "short_term_vega_power": 0.3,
                      "long_term_vega_power": 0.13}}})");
  ASSERT_EQ(loaded.problems, std::vector<Diagnostic>{});
  Unit book = unit("BTC", 50000.0);
  book.settlement = Settlement::coin;
  book.delta_ones = {perpetual(-900.0, 50000.0), future(200.0, 51000.0, 200.0 * day)};
  book.options = {option(-300.0, 1.0, 60000.0, 51000.0, 0.6, 200.0 * day)};
  const Margin by_document = margin_of(loaded.method, {{book}}), by_preset = margin_of(preset("deribit"), {{book}});
  EXPECT_GT(by_preset.terms.at(2).initial_usd, 0.0);  // the delta shock counts
  EXPECT_EQ(by_document.initial_usd, by_preset.initial_usd);
  EXPECT_EQ(by_document.maintenance_usd, by_preset.maintenance_usd);
}

TEST(DeribitParameters, EveryProblemIsListed) {
  const std::string missing = "the field is missing (it has no default). Download it again.";
  const auto expect = [&](const std::string& from, const std::string& to, const std::string& field,
                          const std::string& reason) {
    const auto problems = load(edited(from, to)).problems;
    const bool is_there = std::any_of(problems.begin(), problems.end(), [&](const Diagnostic& d) {
      return d.file == "params.json" && d.field == field && d.reason == reason;
    });
    EXPECT_TRUE(is_there) << to << ::testing::PrintToString(problems);
  };
  for (const std::string field : {"mm_factor", "buckets_count", "vol_scenarios_count"}) {
    expect("\"" + field + "\"", "\"x\"", "general." + field, missing);
  }
  for (const std::string field :
       {"min_annualised_move", "annualised_move_risk", "pnl_offset", "extended_dampener", "max_offsetable_pnl"}) {
    expect("\"" + field + "\"", "\"x\"", "currency.eth." + field, missing);
  }
  for (const std::string field : {"price_range", "m_inc", "delta_total_liq_shock_threshold", "max_delta_shock",
                                  "min_volatility_for_shock_up", "volatility_range_up", "volatility_range_down",
                                  "extended_table_factor", "short_term_vega_power", "long_term_vega_power"}) {
    expect("\"" + field + "\"", "\"x\"", "currency_pair.eth_usd." + field, missing);
  }
  expect("\"price_range\": 0.2", "\"price_range\": 1.2", "currency_pair.eth_usd.price_range",
         "the number is out of range (it must be from 1e-06 to 0.99). Download it again.");
  expect("\"buckets_count\": 5", "\"buckets_count\": 4.5", "general.buckets_count",
         "this is no whole number (it counts moves each way). Download it again.");
  expect("\"vol_scenarios_count\": 3", "\"vol_scenarios_count\": 5", "general.vol_scenarios_count",
         "only 3 moves of the vol are known here (up, unchanged, down). Use a preset of your own.");
  expect("\"eth_usd\"", "\"eth_btc\"", "currency_pair.eth_btc",
         "this is no pair of a coin and usd (its index is not known here). Drop it.");
  expect("\"eth_usd\": {", "\"sol_usd\": {}, \"eth_usd\": {", "currency_pair.sol_usd.price_range", missing);
  expect("\"mm_factor\": 0.7", "\"mm_factor\": \"much\"", "mm_factor",
         "this is not a finite number (nothing can be computed from it). Correct it or drop the field.");
}

TEST(DeribitParameters, WhatIsNoDocument) {
  for (const std::string text :
       {"{}", "[1]", "{\"result\": []}", "a,b\n1,2\n", "", "{\"general\": ", "{\"error\": 3}"}) {
    EXPECT_FALSE(load(text).problems.empty()) << text;
  }
  const std::string no_currency = edited("\"eth\": {", "\"sol\": {");
  EXPECT_EQ(
      load(std::string(no_currency).replace(no_currency.find("\"usd\": {"), 8, "\"eur\": {")).problems.at(0).reason,
      "neither the coin nor usd is in currency (nothing says how its contracts are charged). Download it again.");
  EXPECT_EQ(load(document + document).problems.at(0).reason,
            "the file holds more than one document (one counts). Split it.");
  EXPECT_EQ(load(R"({"general": {"mm_factor": 1, "buckets_count": 4, "vol_scenarios_count": 3}, "currency": {},
                     "currency_pair": {}})")
                .problems.at(0)
                .reason,
            "there is no pair (nobody would be margined). Download it again.");
  Diagnostics diagnostics;
  read_deribit_margin("/no/such/file.json", preset("deribit"), diagnostics);
  EXPECT_TRUE(diagnostics.has_errors());
}

}  // namespace
}  // namespace tailmargin::venues::test
