// [crowding] of a model file, and the files of a run that has it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/io/crowding_files.hpp"
#include "host/io/exchange_files.hpp"
#include "host/io/model_file.hpp"
#include "host/io/model_json.hpp"
#include "tests/io/broken_book.hpp"
#include "tests/io/full_model.hpp"
#include "tests/io/print_diagnostics.hpp"

namespace tailmargin::test {
namespace {

namespace fs = std::filesystem;

std::string with_crowding(const std::string& keys) { return std::string(full) + "\n[crowding]\n" + keys; }

std::vector<Diagnostic> problems_of(const std::string& text) {
  Diagnostics diagnostics;
  parse_model(text, "model.toml", diagnostics);
  return diagnostics.items();
}

TEST(ModelCrowding, IsReadAsWritten) {
  Diagnostics diagnostics;
  const Model model = parse_model(with_crowding("regime = \"stress\"\nimpact = 0.7\ndepth = 0.3\nlargest_move = 0.4\n"),
                                  "model.toml", diagnostics);

  EXPECT_EQ(diagnostics.items(), std::vector<Diagnostic>{});
  ASSERT_TRUE(model.crowding.has_value());
  EXPECT_EQ(model.crowding->regime, "stress");
  EXPECT_EQ(model.crowding->impact, 0.7);
  EXPECT_EQ(model.crowding->depth, 0.3);
  EXPECT_EQ(model.crowding->largest_move, 0.4);
  EXPECT_EQ(model_parameters(model)["crowding"].dump(),
            R"({"regime":"stress","impact":0.7,"depth":0.3,"largest_move":0.4})");
}

TEST(ModelCrowding, HasDefaultsAndIsNoneWithoutTheTable) {
  Diagnostics diagnostics;
  const Model model = parse_model(with_crowding("regime = \"calm\"\n"), "model.toml", diagnostics);
  const Model without = parse_model(full, "model.toml", diagnostics);

  EXPECT_EQ(model.crowding->impact, 1.0);
  EXPECT_EQ(model.crowding->depth, 1.0);
  EXPECT_EQ(model.crowding->largest_move, 0.5);
  EXPECT_FALSE(without.crowding.has_value());
  EXPECT_FALSE(model_parameters(without).contains("crowding"));
}

TEST(ModelCrowding, NamesEveryProblem) {
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{{"impact", "-0.1"},
                                                                                   {"impact", "10.1"},
                                                                                   {"depth", "0"},
                                                                                   {"depth", "101"},
                                                                                   {"largest_move", "0"},
                                                                                   {"largest_move", "2.1"},
                                                                                   {"largest_move", "\"all\""},
                                                                                   {"deepth", "1"}}) {
    const std::vector<Diagnostic> problems =
        problems_of(with_crowding("regime = \"calm\"\n" + key + " = " + value + "\n"));
    ASSERT_EQ(problems.size(), 1U) << key << " = " << value;
    EXPECT_EQ(problems[0].field, "crowding." + key);
    EXPECT_EQ(problems[0].severity, Severity::error);
    EXPECT_GT(problems[0].row, 0U);
  }
  const std::vector<Diagnostic> unknown = problems_of(with_crowding("regime = \"clam\"\n"));
  ASSERT_EQ(unknown.size(), 1U);
  EXPECT_EQ(unknown[0].field, "crowding.regime");
  EXPECT_EQ(unknown[0].value, "clam");
  const std::vector<Diagnostic> missing = problems_of(with_crowding("impact = 1\n"));
  ASSERT_EQ(missing.size(), 1U);
  EXPECT_EQ(missing[0].field, "crowding.regime");
}

TEST(CrowdingFile, HasARowPerAccount) {
  AccountMargin first, second;
  first.account = "b";
  first.crowding = {0.125, 10.0, 1.0, 11.0, 14.5, 2.0, 15.0, 0.25, 3.0};
  second.account = "a";
  TemporaryFolder folder;

  write_crowding({first, second}, folder.path());

  EXPECT_EQ(read_bytes(folder.path() / "crowding.csv"),
            "account,liquidation_probability,es_usd,es_se_usd,crowded_es_usd,crowded_es_se_usd,crowding_usd,"
            "initial_margin_usd,crowded_initial_margin_usd,crowded_shortfall_probability,crowded_uncovered_loss_usd\n"
            "a,0,0,0,0,0,0,0,0,0,0\n"
            "b,0.125,10,1,14.5,2,4.5,11,15,0.25,3\n");
  const CrowdedFigures read = read_crowding(folder.path() / "crowding.csv", "b");
  for (const auto member :
       {&CrowdedFigures::liquidation_probability, &CrowdedFigures::es_usd, &CrowdedFigures::es_se_usd,
        &CrowdedFigures::initial_margin_usd, &CrowdedFigures::crowded_es_usd, &CrowdedFigures::crowded_es_se_usd,
        &CrowdedFigures::crowded_initial_margin_usd, &CrowdedFigures::crowded_shortfall_probability,
        &CrowdedFigures::crowded_uncovered_loss_usd}) {
    EXPECT_EQ(read.*member, first.crowding.*member);
  }
  EXPECT_THROW(read_crowding(folder.path() / "crowding.csv", "c"), FileError);
}

TEST(CrowdingFile, StandsInExchangeJson) {
  ExchangeShortfall exchange;
  CrowdingReport report;
  report.without.liquidated = {2.5, 0.25};
  report.without.shortfall.expected_usd = {10.0, 1.0};
  report.with.shortfall.expected_usd = {12.0, 1.5};
  report.with.shortfall.fund = FundUse{100.0, {1.25, 0.5}, {0.001, 0.0005}, {0.25, 0.2}};
  report.with.deleveraging = Deleveraging{{7.0, 0.5}, 700.0, 12};
  report.prices = {{"BTC", 0.04, 1e6, 0.5, -0.01, 0.125, -0.3, 17, 2e6}};

  const auto json = nlohmann::json::parse(exchange_json(exchange, &report));

  EXPECT_FALSE(nlohmann::json::parse(exchange_json(exchange)).contains("crowding"));
  const auto& crowding = json["crowding"];
  EXPECT_EQ(crowding["without"]["expected_liquidated_accounts"]["standard_error"], 0.25);
  EXPECT_EQ(crowding["without"]["shortfall"]["expected_usd"]["value"], 10.0);
  EXPECT_TRUE(crowding["without"]["fund"].is_null());
  EXPECT_TRUE(crowding["without"]["deleveraged"].is_null());
  EXPECT_EQ(crowding["with"]["shortfall"]["expected_usd"]["value"], 12.0);
  EXPECT_EQ(crowding["with"]["fund"]["probability_exceeded"]["value"], 0.001);
  EXPECT_EQ(crowding["with"]["deleveraged"]["expected_usd"]["value"], 7.0);
  EXPECT_EQ(crowding["with"]["deleveraged"]["worst_usd"], 700.0);
  EXPECT_EQ(crowding["with"]["deleveraged"]["worst_path"], 12);
  const auto& price = crowding["prices"][0];
  EXPECT_EQ(price["underlying"], "BTC");
  EXPECT_EQ(price["day_vol"], 0.04);
  EXPECT_EQ(price["depth_usd"], 1e6);
  EXPECT_EQ(price["probability_of_liquidations"], 0.5);
  EXPECT_EQ(price["mean_log_move"], -0.01);
  EXPECT_EQ(price["probability_of_largest_move"], 0.125);
  EXPECT_EQ(price["worst"]["log_move"], -0.3);
  EXPECT_EQ(price["worst"]["path"], 17);
  EXPECT_EQ(price["worst"]["liquidated_delta_usd"], 2e6);
}

TEST(LiquidationsFile, IsReadBackAsWritten) {
  const PathLiquidations written = {
      77, 3, 2, {1, 0}, {-5, 6, 9'000'000'000'000'000'000, 0}, 99, {{1, 10}, {2, 20}, {3, 30}}, {}};
  TemporaryFolder folder;
  write_liquidations(written, folder.path());

  const PathLiquidations read = read_liquidations(folder.path() / "liquidations.bin");

  EXPECT_EQ(read.scenarios, 77U);
  EXPECT_EQ(read.num_accounts, 3U);
  EXPECT_EQ(read.num_paths, 2U);
  EXPECT_EQ(read.accounts, written.accounts);
  EXPECT_EQ(read.delta_cents, written.delta_cents);
  EXPECT_EQ(read.model, 99U);
  EXPECT_EQ(read.marks, written.marks);
  EXPECT_EQ(read.files, std::vector<std::string>{(folder.path() / "liquidations.bin").string()});
}

TEST(LiquidationsFile, IsRefusedIfItsAccountsAreNotInOrder) {
  TemporaryFolder folder;
  for (const std::vector<AccountMark>& marks :
       {std::vector<AccountMark>{{2, 20}, {1, 10}}, std::vector<AccountMark>{{1, 10}, {1, 20}}}) {
    write_liquidations({77, 2, 1, {1}, {-5}, 99, marks, {}}, folder.path());
    EXPECT_THROW(read_liquidations(folder.path() / "liquidations.bin"), FileError);
  }
}

TEST(LiquidationsFile, IsRefusedUnlessWhole) {
  TemporaryFolder folder;
  const fs::path file = folder.path() / "liquidations.bin";
  write_liquidations({77, 1, 2, {1, 0}, {-5, 6}, 99, {{1, 10}}, {}}, folder.path());
  const std::string good = read_bytes(file);
  const std::string no_path = good.substr(0, 32) + std::string(8, '\0') + std::string(8, '\xff'),
                    many_accounts = good.substr(0, 24) + std::string(7, '\0') + "\x80" + good.substr(32);
  std::string more_than_there_are = good;
  more_than_there_are[good.size() - 4 * 8] = 2;  // of the one account, on the first of two paths

  for (const std::string& bad : {std::string(), good.substr(0, 30), good.substr(0, good.size() - 1), good + "x",
                                 "X" + good.substr(1), no_path, many_accounts, more_than_there_are}) {
    write_bytes(file, bad);
    EXPECT_THROW(read_liquidations(file), FileError) << bad.size();
  }
  EXPECT_THROW(read_liquidations(folder.path() / "missing.bin"), FileError);
  write_bytes(file, "TMLIQUI1" + good.substr(8));
  try {
    read_liquidations(file);
    FAIL() << "a file of the version before was read";
  } catch (const FileError& error) {
    EXPECT_NE(std::string(error.what()).find("written by an earlier version"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace tailmargin::test
