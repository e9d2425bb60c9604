// What margin says when it is done: crowding in text and as JSON, the same numbers.
#include "host/cli/margin_summary.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include <nlohmann/json.hpp>

namespace tailmargin::test {
namespace {

/// Two accounts and two prices: the second moved further.
RunResult crowded(double log_move) {
  RunResult result;
  result.margins.resize(2);
  result.margins[0].crowding = {0.5, 100.0, 1.0, 150.0, 120.0, 1.0, 180.0, 0.0, 0.0};
  result.margins[1].crowding = {0.0, 20.0, 1.0, 30.0, 25.0, 1.0, 40.0, 0.0, 0.0};
  CrowdingReport report;
  report.without.liquidated = {1.25, 0.1};
  report.with.liquidated = {1.5, 0.1};
  report.without.shortfall.expected_usd = {7.0, 0.5};
  report.with.shortfall.expected_usd = {9.0, 0.5};
  report.without.deleveraging = Deleveraging{{3.0, 0.5}, 30.0, 1};
  report.with.deleveraging = Deleveraging{{4.0, 0.5}, 40.0, 1};
  report.prices = {{"BTC", 0.04, 1e6, 0.5, 0.0, 0.0, -0.01, 3, 5.0},
                   {"ETH", 0.05, 1e6, 0.5, 0.0, 0.0, log_move, 17, log_move > 0.0 ? -6.0 : 6.0}};
  result.crowding = report;
  return result;
}

std::string text_of(const RunResult& result) { return margin_summary({}, result, {}, "m", {}, "out", 1.0); }

nlohmann::json json_of(const RunResult& result) {
  return nlohmann::json::parse(margin_summary_json({}, result, "m", {}, 1.0));
}

TEST(MarginSummary, SaysWhichWayThePriceMovedMost) {
  const std::string up = text_of(crowded(std::log(1.1))), down = text_of(crowded(std::log(0.9)));

  EXPECT_NE(up.find("largest move of a price"), std::string::npos) << up;
  EXPECT_NE(up.find(" ETH +10.0 %\n"), std::string::npos) << up;
  EXPECT_NE(down.find(" ETH -10.0 %\n"), std::string::npos) << down;
  EXPECT_EQ(text_of({}).find("crowding"), std::string::npos);
}

TEST(MarginSummary, HasCrowdingAsJson) {
  const nlohmann::json json = json_of(crowded(-0.3)), crowding = json["crowding"];

  EXPECT_EQ(crowding["without"], (nlohmann::json{{"es_usd", 120.0},
                                                 {"initial_margin_usd", 180.0},
                                                 {"expected_uncovered_loss_usd", 7.0},
                                                 {"expected_deleveraged_usd", 3.0},
                                                 {"expected_liquidated_accounts", 1.25}}));
  EXPECT_EQ(crowding["with"], (nlohmann::json{{"es_usd", 145.0},
                                              {"initial_margin_usd", 220.0},
                                              {"expected_uncovered_loss_usd", 9.0},
                                              {"expected_deleveraged_usd", 4.0},
                                              {"expected_liquidated_accounts", 1.5}}));
  EXPECT_EQ(crowding["largest_move"],
            (nlohmann::json{{"underlying", "ETH"}, {"log_move", -0.3}, {"path", 17}, {"liquidated_delta_usd", 6.0}}));
  EXPECT_FALSE(json_of({}).contains("crowding"));
}

TEST(MarginSummary, HasNoMoveAndNoFundWhereThereIsNone) {
  RunResult result = crowded(-0.3);
  result.crowding->prices.clear();
  result.crowding->without.deleveraging.reset();
  result.crowding->with.deleveraging.reset();

  const nlohmann::json crowding = json_of(result)["crowding"];

  EXPECT_TRUE(crowding["largest_move"].is_null());
  EXPECT_TRUE(crowding["with"]["expected_deleveraged_usd"].is_null());
  EXPECT_EQ(text_of(result).find("largest move"), std::string::npos);
}

}  // namespace
}  // namespace tailmargin::test
