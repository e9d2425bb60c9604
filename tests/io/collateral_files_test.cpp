// Columns of collateral in the margins file, and wrong_way.csv.
#include "host/io/collateral_files.hpp"

#include <gtest/gtest.h>

#include "host/io/run_files.hpp"
#include "tests/io/temporary_folder.hpp"

namespace tailmargin::test {
namespace {

AccountMargin margined() {
  AccountMargin margin;
  margin.account = "alice";
  margin.equity_usd = 100.0;
  margin.maintenance_margin_usd = 40.0;
  margin.collateral = {20.0, 7.0, -3.0};
  return margin;
}

class CollateralColumns : public ::testing::TestWithParam<FileFormat> {};

TEST_P(CollateralColumns, AreKept) {
  AccountMargin bare;
  bare.account = "bob";  // no margin, so no ratio
  TemporaryFolder folder;

  const std::vector<AccountMargin> again = read_margins(write_margins({margined(), bare}, folder.path(), GetParam()));

  ASSERT_EQ(again.size(), 2U);
  EXPECT_EQ(again[0].collateral.haircut_usd, 20.0);
  EXPECT_EQ(again[0].collateral.depeg_loss_usd, 7.0);
  EXPECT_EQ(again[0].collateral.wrong_way_usd, -3.0);
  EXPECT_EQ(again[0].margin_ratio(), 2.0);
  EXPECT_EQ(again[1].margin_ratio(), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Formats, CollateralColumns, ::testing::Values(FileFormat::csv, FileFormat::parquet));

TEST(CollateralColumns, HoldTheRatioWhereThereIsOne) {
  AccountMargin bare;
  bare.account = "bob";
  TemporaryFolder folder;

  const std::string text = read_bytes(write_margins({margined(), bare}, folder.path(), FileFormat::csv));

  EXPECT_NE(text.find("collateral_haircut_usd,margin_ratio,wrong_way_usd,depeg_loss_usd,"), std::string::npos);
  EXPECT_NE(text.find(",20,2,-3,7,false"), std::string::npos) << text;
  EXPECT_NE(text.find(",0,,0,0,false"), std::string::npos) << text;
}

TEST(CollateralColumns, AreCompared) {
  AccountMargin other = margined();
  EXPECT_TRUE(different_columns(margined(), other).empty());
  other.collateral.haircut_usd = 19.0;
  other.collateral.wrong_way_usd = 3.0;
  EXPECT_EQ(different_columns(margined(), other),
            (std::vector<std::string>{"collateral_haircut_usd", "margin_ratio", "wrong_way_usd"}));
}

TEST(WrongWayFile, HoldsBothFiguresAndTheirDifference) {
  TemporaryFolder folder;
  write_wrong_way({{"alice", {10.0, 1.0}, {12.5, 2.0}}}, folder.path());
  EXPECT_EQ(read_bytes(folder.path() / "wrong_way.csv"),
            "account,moving_es_usd,moving_se_usd,fixed_es_usd,fixed_se_usd,wrong_way_usd\nalice,10,1,12.5,2,-2.5\n");
}

TEST(WrongWayFile, IsNotWrittenForNobody) {
  TemporaryFolder folder;
  write_wrong_way({}, folder.path());
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "wrong_way.csv"));
}

}  // namespace
}  // namespace tailmargin::test
