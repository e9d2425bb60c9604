// Books over several venues: read, written, read again; and what a run says of venues.
#include "host/io/venue_files.hpp"

#include <gtest/gtest.h>

#include "tests/io/broken_book.hpp"
#include "tests/io/print_diagnostics.hpp"

namespace tailmargin::test {
namespace {

Book read_good(const std::filesystem::path& folder) {
  Diagnostics diagnostics;
  Book book = read_book(folder, BookParts::all, diagnostics);
  EXPECT_EQ(diagnostics.items(), std::vector<Diagnostic>{});
  return book;
}

Book book_of(const std::string& positions, const std::string& collateral) {
  TemporaryFolder folder;
  BrokenBook()
      .write("positions.csv", "account,instrument,quantity,entry_price,venue\n" + positions)
      .write("collateral.csv", "account,asset,amount,venue\n" + collateral)
      .save(folder.path());
  return read_good(folder.path());
}

/// account/venue of every part, then instrument or asset and amount of its rows.
std::string parts_of(const Book& book) {
  const VenueHoldings& held = book.by_venue;
  std::string text;
  for (AccountId part = 0; part < held.parts.size(); ++part) {
    text += book.accounts.at(held.parts[part].account) + "/" + held.venues.at(held.parts[part].venue);
    for (const Position& p : held.positions) {
      if (p.account != part) { continue; }
      text += " " + book.instruments.at(p.instrument).name + ":" + std::to_string(static_cast<int>(p.quantity));
      if (p.entry_price) { text += "@" + std::to_string(static_cast<int>(*p.entry_price)); }
    }
    for (const CollateralBalance& b : held.collateral) {
      if (b.account != part) { continue; }
      text += " " + (b.asset == no_underlying ? book.numeraire : book.underlyings.at(b.asset).name) + ":" +
              std::to_string(static_cast<int>(b.amount));
    }
    text += "\n";
  }
  return text;
}

const std::string positions =
    "bob,BTC-PERP,100,71000,west\nalice,ETH-PERP-USDC,3,,west\nbob,BTC-PERP,-40,,\nalice,BTC-PERP,5,,east\n"
    "alice,BTC-MAR,7,,east\n";
const std::string collateral = "carol,USD,9,north\nbob,USDC,8,west\nbob,BTC,-2,west\nalice,USD,6,north\n";

const std::string expected =
    "alice/east BTC-MAR:7 BTC-PERP:5\nalice/north USD:6\nalice/west ETH-PERP-USDC:3\nbob/ BTC-PERP:-40\n"
    "bob/west BTC-PERP:100@71000 BTC:-2 USDC:8\ncarol/north USD:9\n";

TEST(VenueHoldings, AreThoseOfTheRows) {
  const Book book = book_of(positions, collateral);

  EXPECT_EQ(book.by_venue.venues, (std::vector<std::string>{"", "east", "north", "west"}));
  EXPECT_EQ(parts_of(book), expected);
  EXPECT_EQ(book.positions.size(), 5U) << "entry prices differ";
}

TEST(VenueHoldings, DoNotDependOnTheOrderOfRows) {
  const Book book = book_of(
      "alice,BTC-MAR,7,,east\nalice,BTC-PERP,5,,east\nbob,BTC-PERP,-40,,\nalice,ETH-PERP-USDC,3,,west\n"
      "bob,BTC-PERP,100,71000,west\n",
      "alice,USD,6,north\nbob,BTC,-2,west\nbob,USDC,8,west\ncarol,USD,9,north\n");
  EXPECT_EQ(parts_of(book), expected);
}

TEST(VenueHoldings, AreNoneOfOneVenue) {
  for (const char* venue : {"", "east"}) {
    const Book book = book_of(std::string("alice,BTC-PERP,5,,") + venue + "\n",
                              std::string("bob,USD,5,") + venue + "\nalice,USD,5," + venue + "\n");
    EXPECT_TRUE(book.by_venue.empty()) << venue;
    EXPECT_TRUE(book.by_venue.venues.empty()) << venue;
  }
}

TEST(VenueHoldings, LeaveTheWholeAsItIs) {
  const Book book = book_of("alice,BTC-PERP,5,,east\nalice,BTC-PERP,-3,,west\n", "alice,USD,6,\nalice,USD,7,west\n");
  ASSERT_EQ(book.positions.size(), 1U);
  EXPECT_EQ(book.positions[0].quantity, 2.0);
  ASSERT_EQ(book.collateral.size(), 1U);
  EXPECT_EQ(book.collateral[0].amount, 13.0);
  EXPECT_EQ(book.by_venue.parts.size(), 3U);
}

class VenueBooks : public testing::TestWithParam<FileFormat> {};

TEST_P(VenueBooks, AreWrittenWithTheirVenues) {
  const Book book = book_of(positions, collateral);
  TemporaryFolder folder;

  write_book(book, folder.path(), GetParam(), BookParts::all);

  EXPECT_EQ(parts_of(read_good(folder.path())), expected);
}

INSTANTIATE_TEST_SUITE_P(Formats, VenueBooks, testing::Values(FileFormat::csv, FileFormat::parquet));

/// What was wrong stays wrong: one row of an instrument at a venue, and names that are names.
TEST(VenueHoldings, OfBrokenRowsAreReported) {
  const auto twice = BrokenBook().append("positions.csv", "bob,ETH-PERP-USDC,1,,south\n").problems();
  ASSERT_EQ(twice.size(), 1U);
  EXPECT_EQ(twice[0].file, "positions.csv");
  EXPECT_EQ(twice[0].row, 5U);
  EXPECT_EQ(twice[0].field, "instrument");
  const auto name = BrokenBook().append("collateral.csv", "bob,USD,1, east\n").problems();
  ASSERT_EQ(name.size(), 1U);
  EXPECT_EQ(name[0].field, "venue");
  EXPECT_EQ(name[0].value, " east");
}

TEST(VenueFiles, HoldPartsAndAccounts) {
  VenueMargins venues;
  venues.parts = {{"alice", "", 1, 100.0, 50.0, 12.5, 0.5, 13.0, 0.25, 0.125},
                  {"alice", "east", 2, 200.0, -5.0, 7.0, 0.25, 7.5, 1.0, 0.75}};
  venues.accounts = {{"alice", 2, 20.5, 16.0, 0.875}};
  TemporaryFolder folder;

  write_venues(venues, folder.path());

  EXPECT_EQ(read_bytes(folder.path() / "venues.csv"),
            "account,venue,num_positions,gross_notional_usd,equity_usd,es_usd,es_se_usd,margin_usd,"
            "shortfall_probability,stranded_probability\n"
            "alice,,1,100,50,12.5,0.5,13,0.25,0.125\nalice,east,2,200,-5,7,0.25,7.5,1,0.75\n");
  EXPECT_EQ(read_bytes(folder.path() / "venue_accounts.csv"),
            "account,num_venues,venue_margins_usd,consolidated_margin_usd,hidden_offset_usd,stranded_probability\n"
            "alice,2,20.5,16,4.5,0.875\n");
  const AccountVenues read = read_venue_account(folder.path() / "venue_accounts.csv", "alice");
  EXPECT_EQ(read.account, "alice");
  EXPECT_EQ(read.num_venues, 2U);
  EXPECT_EQ(read.venue_margins_usd, 20.5);
  EXPECT_EQ(read.consolidated_margin_usd, 16.0);
  EXPECT_EQ(read.stranded_probability, 0.875);
  EXPECT_THROW(read_venue_account(folder.path() / "venue_accounts.csv", "bob"), FileError);
}

TEST(VenueFiles, AreNotWrittenForOneVenue) {
  TemporaryFolder folder;
  write_venues({}, folder.path());
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace tailmargin::test
