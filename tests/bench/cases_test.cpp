// The books of the bench: exactly as large as the cases say, the same every time, and plausible.
#include "host/bench/cases.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "host/bench/measure.hpp"
#include "host/io/book_files.hpp"
#include "host/io/model_file.hpp"
#include "host/prepare/prepare_run.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin::bench {
namespace {

Model built_in_model() {
  Diagnostics diagnostics;
  return read_model(std::filesystem::path(TAILMARGIN_SOURCE_DIR) / "examples/models/twenty-coins.toml", diagnostics);
}

/// A case with few accounts, so that a test can make it.
Case few_accounts(Case of, std::uint64_t accounts) {
  of.shape.accounts = accounts;
  return of;
}

TEST(BenchCases, HaveTheStatedSizes) {
  const Case small = find_case("small"), large = find_case("large"), tall = find_case("tall"),
             makers = find_case("market-makers");

  EXPECT_EQ(small.shape.accounts, 10'000u);
  EXPECT_EQ(small.shape.positions, 50u);
  EXPECT_EQ(small.shape.instruments, 2'000u);
  EXPECT_EQ(num_factors(small.shape), 40u);
  EXPECT_EQ(small.paths, 100'000u);
  EXPECT_EQ(large.shape.accounts, 1'000'000u);
  EXPECT_EQ(large.shape.positions, 20u);
  EXPECT_EQ(large.shape.instruments, 5'000u);
  EXPECT_EQ(large.paths, 100'000u);
  EXPECT_EQ(tall.paths, 1'000'000u);
  EXPECT_EQ(makers.shape.accounts, 500u);
  EXPECT_EQ(makers.shape.positions, 1'000u);
  EXPECT_EQ(find_case("exchange").kind, BookKind::exchange);
}

TEST(BenchCases, RefusesAnUnknownNameWithTheOnesThereAre) {
  try {
    find_case("smal");
    FAIL() << "no exception";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("small, large, tall, market-makers, whatif, exchange"), std::string::npos)
        << error.what();
  }
}

/// Every case's book with few accounts, prepared: what a run of it works on.
TEST(BenchCases, BooksHaveExactlyTheirShape) {
  const Model model = built_in_model();
  for (const Case& of : cases()) {
    if (of.kind == BookKind::exchange) { continue; }
    const Case chosen = few_accounts(of, 7);

    const Book book = make_book(chosen);
    const PreparedRun run = prepare_run(book, model, 1000, 1);

    EXPECT_EQ(book.accounts.size(), 7u) << of.name;
    EXPECT_EQ(book.positions.size(), 7u * of.shape.positions) << of.name;
    EXPECT_EQ(book.instruments.size(), of.shape.instruments) << of.name;
    EXPECT_EQ(book.quotes.size(), of.shape.instruments) << of.name;
    EXPECT_EQ(run.scenarios.factors.size(), num_factors(of.shape)) << of.name;
    EXPECT_EQ(run.scenarios.num_steps, 24u) << of.name;
    EXPECT_EQ(run.accounts.columns.size(), 7u * of.shape.positions) << of.name << ": exposures beside the positions";
  }
}

TEST(BenchCases, BooksAreSortedAndSigned) {
  const Book book = make_book(few_accounts(find_case("small"), 200));

  EXPECT_TRUE(std::is_sorted(book.accounts.begin(), book.accounts.end()));
  EXPECT_TRUE(std::is_sorted(book.instruments.begin(), book.instruments.end(),
                             [](const Instrument& a, const Instrument& b) { return a.name < b.name; }));
  std::set<std::string> names;
  for (const Instrument& instrument : book.instruments) { names.insert(instrument.name); }
  EXPECT_EQ(names.size(), book.instruments.size());
  for (std::size_t p = 1; p < book.positions.size(); ++p) {
    const Position &before = book.positions[p - 1], &now = book.positions[p];
    ASSERT_TRUE(before.account < now.account || (before.account == now.account && before.instrument < now.instrument))
        << p;
  }
  const auto sold =
      std::count_if(book.positions.begin(), book.positions.end(), [](const Position& p) { return p.quantity < 0.0; });
  EXPECT_GT(sold, 3'000);  // of 10,000
  EXPECT_LT(sold, 7'000);
  const auto options = std::count_if(book.positions.begin(), book.positions.end(), [&](const Position& p) {
    return book.instruments[p.instrument].kind == InstrumentKind::option;
  });
  EXPECT_GT(options, 5'000);
  EXPECT_LT(options, 10'000);
}

/// The grouping that the P&L stage can use: an account stays within a few coins.
TEST(BenchCases, AccountsTradeFewCoins) {
  const Book book = make_book(few_accounts(find_case("large"), 500));

  std::vector<std::set<UnderlyingId>> coins(book.accounts.size());
  for (const Position& p : book.positions) { coins[p.account].insert(book.instruments[p.instrument].underlying); }
  for (const std::set<UnderlyingId>& of : coins) { EXPECT_LE(of.size(), 6u); }
  EXPECT_GT(std::count_if(coins.begin(), coins.end(), [](const auto& of) { return of.size() == 1; }), 50);
}

TEST(BenchCases, AnAccountDoesNotDependOnHowManyThereAre) {
  const Book few = make_book(few_accounts(find_case("small"), 3)),
             many = make_book(few_accounts(find_case("small"), 50));

  for (std::size_t p = 0; p < few.positions.size(); ++p) {
    EXPECT_EQ(few.positions[p].instrument, many.positions[p].instrument) << p;
    EXPECT_EQ(few.positions[p].quantity, many.positions[p].quantity) << p;
  }
}

TEST(BenchCases, BooksSurviveBeingWrittenAndRead) {
  const TemporaryFolder folder;
  const Book book = make_book(few_accounts(find_case("small"), 5));

  write_book(book, folder.path(), FileFormat::csv, BookParts::all);
  Diagnostics diagnostics;
  const Book read = read_book(folder.path(), BookParts::all, diagnostics);

  EXPECT_TRUE(diagnostics.items().empty());
  ASSERT_EQ(read.positions.size(), book.positions.size());
  for (std::size_t p = 0; p < book.positions.size(); ++p) {
    EXPECT_EQ(read.positions[p].instrument, book.positions[p].instrument) << p;
    EXPECT_EQ(read.positions[p].quantity, book.positions[p].quantity) << p;
    EXPECT_EQ(read.positions[p].entry_price, book.positions[p].entry_price) << p;
  }
}

/// An account that wants more than its coins list gets more coins, up to everything there is.
TEST(BenchCases, HoldsEverythingIfAsked) {
  const BookShape all = {2, 60, 60, 1, 2};

  const Book book = make_book(all);

  EXPECT_EQ(book.positions.size(), 120u);
}

TEST(BenchCases, RefusesShapesThatCannotBe) {
  EXPECT_THROW(make_book(BookShape{1, 61, 60, 1, 2}), UsageError) << "more positions than instruments";
  EXPECT_THROW(make_book(BookShape{1, 1, 9, 1, 2}), UsageError) << "fewer instruments than the coins need";
  EXPECT_THROW(make_book(BookShape{1, 1, 60, 0, 2}), UsageError) << "options of no coin";
}

}  // namespace
}  // namespace tailmargin::bench
