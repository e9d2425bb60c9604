// What is written is read back the same, in both formats, whatever the order of rows.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "host/io/book_files.hpp"
#include "host/io/run_files.hpp"
#include "tests/io/broken_book.hpp"
#include "tests/io/print_diagnostics.hpp"

namespace tailmargin::test {
namespace {

namespace fs = std::filesystem;

/// Files of a written book, as one text: equal texts are equal books, field by field and bit by bit.
std::string as_text(const Book& book) {
  TemporaryFolder folder;
  write_book(book, folder.path(), FileFormat::csv, BookParts::all);
  std::string text;
  for (const char* file :
       {"book.toml", "underlyings.csv", "instruments.csv", "market.csv", "positions.csv", "collateral.csv"}) {
    text += read_bytes(folder.path() / file);
  }
  return text;
}

Book read_good(const fs::path& folder) {
  Diagnostics diagnostics;
  Book book = read_book(folder, BookParts::all, diagnostics);
  EXPECT_EQ(diagnostics.items(), std::vector<Diagnostic>{});
  return book;
}

Book tiny_book() {
  TemporaryFolder folder;
  BrokenBook().save(folder.path());
  return read_good(folder.path());
}

/// Doubles that a careless writer or reader changes.
const std::vector<double> awkward_numbers = {0.1,
                                             1e-300,
                                             5e22,
                                             9007199254740993.0,
                                             1.0 / 3.0,
                                             -123456789.12345678,
                                             std::numeric_limits<double>::max(),
                                             std::numeric_limits<double>::min(),
                                             2.2250738585072011e-308,
                                             -0.0};

Book awkward_book() {
  Book book = tiny_book();
  book.accounts.clear();
  book.positions.clear();
  book.collateral.clear();
  book.by_venue = {};
  for (std::size_t i = 0; i < awkward_numbers.size(); ++i) {
    book.accounts.push_back("a" + std::to_string(i));
    book.positions.push_back({i, static_cast<InstrumentId>(i % 6), awkward_numbers[i], 0.1 + static_cast<double>(i)});
    book.collateral.push_back({i, i % 2 ? no_underlying : 0, awkward_numbers[i]});
  }
  book.accounts.push_back("quoted, \"name\" \xC3\xBC");
  book.collateral.push_back({awkward_numbers.size(), 1, 1.0});
  return book;
}

class RoundTrip : public testing::TestWithParam<FileFormat> {};

TEST_P(RoundTrip, KeepsEveryFieldOfTheBook) {
  const Book book = tiny_book();
  TemporaryFolder folder;

  write_book(book, folder.path(), GetParam(), BookParts::all);
  const Book again = read_good(folder.path());

  EXPECT_EQ(as_text(again), as_text(book));
  EXPECT_EQ(again.name, "tiny");
  EXPECT_EQ(again.as_of, book.as_of);
  EXPECT_EQ(again.insurance_fund_usd, 1e6);
}

TEST_P(RoundTrip, KeepsEveryBitOfANumber) {
  const Book book = awkward_book();
  TemporaryFolder folder;

  write_book(book, folder.path(), GetParam(), BookParts::all);
  const Book again = read_good(folder.path());

  ASSERT_EQ(again.positions.size(), book.positions.size());
  for (std::size_t i = 0; i < awkward_numbers.size(); ++i) {
    EXPECT_EQ(again.positions[i].quantity, awkward_numbers[i]);
    EXPECT_EQ(std::signbit(again.positions[i].quantity), std::signbit(awkward_numbers[i]));
    EXPECT_EQ(again.collateral[i].amount, awkward_numbers[i]);
  }
  EXPECT_EQ(again.accounts.back(), "quoted, \"name\" \xC3\xBC");
}

TEST_P(RoundTrip, WritesTheSameBytesAgain) {
  const Book book = awkward_book();
  TemporaryFolder first, second;

  write_book(book, first.path(), GetParam(), BookParts::all);
  write_book(book, second.path(), GetParam(), BookParts::all);

  for (const auto& entry : fs::directory_iterator(first.path())) {
    EXPECT_EQ(read_bytes(entry.path()), read_bytes(second.path() / entry.path().filename())) << entry.path();
  }
}

TEST_P(RoundTrip, ReplacesTheOtherFormat) {
  const Book book = tiny_book();
  TemporaryFolder folder;

  write_book(book, folder.path(), FileFormat::csv, BookParts::all);
  write_book(book, folder.path(), FileFormat::parquet, BookParts::all);
  write_book(book, folder.path(), GetParam(), BookParts::all);

  EXPECT_EQ(as_text(read_good(folder.path())), as_text(book));
}

TEST_P(RoundTrip, KeepsPositionsWithDifferentEntryPricesApart) {
  Book book = tiny_book();
  book.by_venue = {};
  book.positions = {{0, 0, 1.0, std::nullopt}, {0, 0, 2.0, 100.0}, {0, 0, -2.0, 110.0}, {1, 0, 1.0, std::nullopt}};
  TemporaryFolder folder;

  write_book(book, folder.path(), GetParam(), BookParts::all);

  EXPECT_EQ(as_text(read_good(folder.path())), as_text(book));
}

TEST_P(RoundTrip, KeepsMargins) {
  AccountMargin one{"zoe", 3, 1e9, -0.1, 5e22, 1e-300, 0.5, 9007199254740993.0, 0.25, 7.0, 99999, 10.0, 8.0};
  one.exact_precision = true;
  one.shortfall_probability = 0.125;
  one.expected_uncovered_loss_usd = 1.0 / 3.0;
  AccountMargin other;
  other.account = "adam, eve";
  TemporaryFolder folder;

  const fs::path file = write_margins({one, other}, folder.path(), GetParam());
  const std::vector<AccountMargin> again = read_margins(file);

  ASSERT_EQ(again.size(), 2U);
  EXPECT_EQ(again[0].account, "adam, eve");
  EXPECT_EQ(again[1].account, "zoe");
  EXPECT_EQ(again[1].num_positions, 3U);
  EXPECT_EQ(again[1].gross_notional_usd, 1e9);
  EXPECT_EQ(again[1].net_delta_usd, -0.1);
  EXPECT_EQ(again[1].equity_usd, 5e22);
  EXPECT_EQ(again[1].leverage(), 1e9 / 5e22);
  EXPECT_EQ(again[0].leverage(), std::nullopt);
  EXPECT_EQ(again[1].var_usd, 1e-300);
  EXPECT_EQ(again[1].var_se_usd, 0.5);
  EXPECT_EQ(again[1].es_usd, 9007199254740993.0);
  EXPECT_EQ(again[1].es_se_usd, 0.25);
  EXPECT_EQ(again[1].worst_loss_usd, 7.0);
  EXPECT_EQ(again[1].worst_path, 99999U);
  EXPECT_EQ(again[1].initial_margin_usd, 10.0);
  EXPECT_EQ(again[1].maintenance_margin_usd, 8.0);
  EXPECT_EQ(again[1].shortfall_probability, 0.125);
  EXPECT_EQ(again[1].expected_uncovered_loss_usd, 1.0 / 3.0);
  EXPECT_TRUE(again[1].exact_precision);
  EXPECT_FALSE(again[0].exact_precision);
}

INSTANTIATE_TEST_SUITE_P(Formats, RoundTrip, testing::Values(FileFormat::csv, FileFormat::parquet),
                         [](const auto& c) { return c.param == FileFormat::csv ? "Csv" : "Parquet"; });

/// The rows of a CSV below its header in another order.
std::string shuffled(const std::string& csv, unsigned seed) {
  std::istringstream stream(csv);
  std::string header, line;
  std::getline(stream, header);
  std::vector<std::string> rows;
  while (std::getline(stream, line)) rows.push_back(line);
  std::shuffle(rows.begin(), rows.end(), std::mt19937(seed));
  std::string text = header + "\n";
  for (const std::string& row : rows) text += row + "\n";
  return text;
}

TEST(ReadBook, DoesNotDependOnTheOrderOfRows) {
  BrokenBook good;  // amounts whose sum depends on the order of adding
  good.append("positions.csv", "carol,BTC-SPOT,0.1,,a\ncarol,BTC-SPOT,1e16,,b\ncarol,BTC-SPOT,-1e16,,c\n");
  TemporaryFolder in_order;
  good.save(in_order.path());
  const std::string expected = as_text(read_good(in_order.path()));

  for (unsigned seed = 1; seed <= 20; ++seed) {
    BrokenBook book = good;
    for (const char* file : {"underlyings.csv", "instruments.csv", "market.csv", "positions.csv", "collateral.csv"}) {
      book.write(file, shuffled(good.text(file), seed));
    }
    TemporaryFolder folder;
    book.save(folder.path());
    EXPECT_EQ(as_text(read_good(folder.path())), expected) << "seed " << seed;
  }
}

TEST(ReadBook, SumsPositionsOfSeveralVenues) {
  const Book book = tiny_book();

  const auto bob = std::find(book.accounts.begin(), book.accounts.end(), "bob") - book.accounts.begin();
  std::vector<double> quantities;
  for (const Position& p : book.positions) {
    if (p.account == static_cast<AccountId>(bob)) quantities.push_back(p.quantity);
  }

  EXPECT_EQ(quantities, std::vector<double>{15.0});
}

TEST(ReadBook, SortsByName) {
  const Book book = tiny_book();

  EXPECT_EQ(book.accounts, (std::vector<std::string>{"alice", "bob", "carol"}));
  const auto by_name = [](const auto& a, const auto& b) { return a.name < b.name; };
  EXPECT_TRUE(std::is_sorted(book.instruments.begin(), book.instruments.end(), by_name));
  EXPECT_TRUE(std::is_sorted(book.underlyings.begin(), book.underlyings.end(), by_name));
}

TEST(ReadBook, LeavesOutWhatIsNotQuoted) {
  const Book book = tiny_book();

  for (std::size_t i = 0; i < book.instruments.size(); ++i) {
    EXPECT_EQ(book.quotes[i].mark_price.has_value(), book.instruments[i].name != "ETH-MAR-1500-P");
    EXPECT_EQ(book.quotes[i].mark_iv.has_value(), book.instruments[i].kind == InstrumentKind::option);
  }
}

}  // namespace
}  // namespace tailmargin::test
