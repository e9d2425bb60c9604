// The import command itself: exit codes, and that bad input leaves the folder as it was.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <sstream>

#include "host/io/book_files.hpp"
#include "tests/importers/support.hpp"

namespace tailmargin {
namespace {

/// Exit code of `tailmargin import ...`; its messages go to a file of the test's folder.
int run_import(const TestFolder& folder, const std::string& arguments) {
  const std::string command = std::string(TAILMARGIN_COMMAND) + " import " + arguments + " >'" +
                              (folder.path() / "messages").string() + "' 2>&1";
  return WEXITSTATUS(std::system(command.c_str()));
}

std::string quoted(const std::filesystem::path& path) { return " '" + path.string() + "'"; }

std::string text_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

TEST(ImportCommand, TwoVenuesAddUpInOneFolder) {
  TestFolder folder;
  const std::string out = " -o" + quoted(folder.path() / "market");

  ASSERT_EQ(run_import(folder, "deribit" + quoted(example("deribit-instruments.json")) +
                                   quoted(example("deribit-summary.json")) + " --format parquet" + out),
            0)
      << text_of(folder.path() / "messages");
  ASSERT_EQ(run_import(folder, "binance" + quoted(example("binance-premium-index.json")) + " --top 2" + out), 0)
      << text_of(folder.path() / "messages");

  Diagnostics diagnostics;
  const Book book = read_book(folder.path() / "market", BookParts::market_only, diagnostics);
  EXPECT_TRUE(diagnostics.items().empty()) << listed(diagnostics);
  EXPECT_EQ(book.instruments.size(), 10u);
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "market" / "instruments.parquet"));  // the format is kept
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "market" / "instruments.csv"));
}

TEST(ImportCommand, BadInputChangesNothing) {
  TestFolder folder;
  const std::string out = " -o" + quoted(folder.path() / "market");
  const auto bad =
      folder.write("bad.json", R"({"instrument_name": "BTC-PERPETUAL", "mark_price": -1, "timestamp": 1772366400000})");

  EXPECT_EQ(run_import(folder, "deribit" + quoted(bad) + out), 3);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "market"));
  ASSERT_EQ(run_import(folder, "deribit" + quoted(example("deribit-summary.json")) + out), 0);
  const std::string before = text_of(folder.path() / "market" / "market.csv");
  EXPECT_EQ(run_import(folder, "deribit" + quoted(bad) + out), 3);

  EXPECT_NE(text_of(folder.path() / "messages").find("mark_price"), std::string::npos);
  EXPECT_EQ(text_of(folder.path() / "market" / "market.csv"), before);
}

TEST(ImportCommand, WrongUsageIsToldApart) {
  TestFolder folder;

  EXPECT_EQ(run_import(folder, "kraken x.json -o" + quoted(folder.path() / "market")), 2);
  EXPECT_EQ(run_import(folder, "binance x.json --top 0 -o" + quoted(folder.path() / "market")), 2);
  EXPECT_EQ(run_import(folder, "deribit" + quoted(example("deribit-summary.json"))), 2);
}

}  // namespace
}  // namespace tailmargin
