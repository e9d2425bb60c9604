#include <gtest/gtest.h>

#include "host/importers/import_market.hpp"
#include "host/io/book_files.hpp"
#include "tests/importers/support.hpp"

namespace tailmargin {
namespace {

constexpr std::int64_t noon = 1772366400;  // 2026-03-01T12:00:00Z

/// BTC with a perpetual, and an option unless told otherwise.
Book small_market(std::int64_t as_of, double price, const std::string& option = "BTC-27MAR26-60000-C") {
  Book book;
  book.name = "small";
  book.as_of = {as_of};
  book.underlyings = {{"BTC", price, 1e9, 1e-5}};
  Instrument perpetual;
  perpetual.name = "BTC-PERPETUAL";
  perpetual.kind = InstrumentKind::perpetual;
  perpetual.payoff = Payoff::inverse;
  perpetual.settlement = 0;
  perpetual.contract_size = 10.0;
  Instrument call = perpetual;
  call.name = option;
  call.kind = InstrumentKind::option;
  call.contract_size = 1.0;
  call.strike = 60000.0;
  call.expiry = {1774598400};
  book.instruments = {call, perpetual};
  book.quotes.resize(2);
  book.quotes[0].mark_price = 0.1;
  book.quotes[0].mark_iv = 0.5;
  book.quotes[0].forward = price;
  book.quotes[1].mark_price = price;
  book.quotes[1].open_interest = 100.0;
  return book;
}

TEST(MergeMarkets, NewerQuotesSpeakWhicheverComesFirst) {
  Book older = small_market(noon, 60000.0), newer = small_market(noon + 60, 61000.0);
  newer.quotes[1].open_interest.reset();
  newer.underlyings[0].funding_rate_8h.reset();
  newer.underlyings[0].adv_usd = 5e8;
  Diagnostics diagnostics;

  const Book merged = merge_markets(older, newer, diagnostics);
  const Book other_way = merge_markets(newer, older, diagnostics);

  EXPECT_TRUE(diagnostics.items().empty()) << listed(diagnostics);
  for (const Book& book : {merged, other_way}) {
    EXPECT_EQ(book.as_of.seconds, noon + 60);
    ASSERT_EQ(book.instruments.size(), 2u);
    EXPECT_EQ(quote_of(book, "BTC-PERPETUAL").mark_price, 61000.0);
    EXPECT_EQ(quote_of(book, "BTC-PERPETUAL").open_interest, 100.0);  // kept: the newer one has none
    EXPECT_EQ(underlying_of(book, "BTC").index_price_usd, 61000.0);
    EXPECT_EQ(underlying_of(book, "BTC").funding_rate_8h, 1e-5);
    EXPECT_EQ(underlying_of(book, "BTC").adv_usd, 1e9);  // two venues at one moment: the larger
  }
}

TEST(MergeMarkets, InstrumentsAddUpAndShareForwards) {
  Book older = small_market(noon, 60000.0), newer = small_market(noon + 60, 61000.0, "BTC-27MAR26-60000-P");
  newer.instruments[0].option_type = OptionType::put;
  Diagnostics diagnostics;

  const Book merged = merge_markets(older, newer, diagnostics);

  ASSERT_EQ(merged.instruments.size(), 3u);
  EXPECT_EQ(merged.instruments[0].name, "BTC-27MAR26-60000-C");  // sorted
  EXPECT_EQ(merged.quotes[0].forward, 61000.0);
  EXPECT_EQ(merged.quotes[0].mark_iv, 0.5);
  EXPECT_EQ(merged.quotes[1].forward, 61000.0);
}

TEST(MergeMarkets, TimesApartAreWarnedAbout) {
  Diagnostics diagnostics;

  const Book merged = merge_markets(small_market(noon, 60000.0), small_market(noon + 3601, 61000.0), diagnostics);

  ASSERT_EQ(diagnostics.items().size(), 1u);
  EXPECT_EQ(diagnostics.items()[0].field, "as_of");
  EXPECT_EQ(diagnostics.items()[0].severity, Severity::warning);
}

TEST(MergeMarkets, ExpiredContractsAreDropped) {
  Diagnostics diagnostics;

  const Book merged = merge_markets(small_market(noon, 60000.0), small_market(1774598400, 61000.0), diagnostics);

  ASSERT_EQ(merged.instruments.size(), 1u);
  EXPECT_EQ(merged.instruments[0].name, "BTC-PERPETUAL");
  EXPECT_EQ(diagnostics.items().size(), 2u) << listed(diagnostics);  // the times, and the option
}

TEST(MergeMarkets, AStablecoinAtOneWasNotQuoted) {
  Book existing = small_market(noon, 60000.0), incoming = existing;
  existing.underlyings.push_back({"USDT", 0.9995, {}, {}});
  incoming.underlyings.push_back({"USDT", 1.0, {}, {}});
  Diagnostics diagnostics;

  const Book merged = merge_markets(existing, incoming, diagnostics);

  EXPECT_EQ(underlying_of(merged, "USDT").index_price_usd, 0.9995);
}

TEST(MergeMarkets, AnotherNumeraireIsAnError) {
  Book existing = small_market(noon, 60000.0);
  existing.numeraire = "EUR";
  Diagnostics diagnostics;

  merge_markets(existing, small_market(noon, 60000.0), diagnostics);

  EXPECT_EQ(diagnostics.num_errors(), 1u);
}

TEST(MergeMarkets, TwoVenuesPassTheReadersChecks) {
  TestFolder folder;
  Diagnostics diagnostics;
  const Book deribit =
      import_deribit({example("deribit-instruments.json"), example("deribit-summary.json")}, diagnostics);
  const Book binance = import_binance(
      {example("binance-exchange-info.json"), example("binance-premium-index.json"), example("binance-ticker.json")},
      {}, diagnostics);

  const Book merged = merge_markets(deribit, binance, diagnostics);
  write_book(merged, folder.path() / "book", FileFormat::csv, BookParts::market_only);
  const Book again = read_book(folder.path() / "book", BookParts::market_only, diagnostics);

  EXPECT_FALSE(diagnostics.has_errors()) << listed(diagnostics);
  EXPECT_EQ(merged.name, "deribit + binance");
  ASSERT_EQ(again.instruments.size(), 12u);
  EXPECT_EQ(again.underlyings.size(), 6u);  // 1INCH BTC PEPE USDC USDT XRP
  EXPECT_EQ(underlying_of(again, "BTC").adv_usd, 13200000000.0);
}

}  // namespace
}  // namespace tailmargin
