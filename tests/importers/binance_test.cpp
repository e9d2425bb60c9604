#include <gtest/gtest.h>

#include "host/importers/import_market.hpp"
#include "tests/importers/support.hpp"

namespace tailmargin {
namespace {

std::vector<std::filesystem::path> all_examples() {
  return {example("binance-exchange-info.json"), example("binance-premium-index.json"), example("binance-ticker.json"),
          example("binance-open-interest.json")};
}

TEST(BinanceJson, DocumentsMakeAMarket) {
  Diagnostics diagnostics;

  const Book book = import_binance(all_examples(), {}, diagnostics);

  ASSERT_FALSE(diagnostics.has_errors()) << listed(diagnostics);
  EXPECT_EQ(book.as_of.seconds, 1772366403);
  ASSERT_EQ(book.instruments.size(), 4u);
  ASSERT_EQ(book.underlyings.size(), 4u);
  const Instrument& perpetual = instrument_of(book, "BTCUSDT");
  EXPECT_EQ(perpetual.kind, InstrumentKind::perpetual);
  EXPECT_EQ(perpetual.payoff, Payoff::linear);
  EXPECT_EQ(perpetual.settlement, find_underlying(book, "USDT"));
  EXPECT_EQ(perpetual.contract_size, 1.0);
  const Quote& quote = quote_of(book, "BTCUSDT");
  EXPECT_EQ(quote.mark_price, 66020.5);  // not the last price
  EXPECT_EQ(quote.open_interest, 78000.0);
  EXPECT_EQ(quote.volume_24h, 200000.0);
  EXPECT_EQ(instrument_of(book, "BTCUSDT_260327").kind, InstrumentKind::future);
  EXPECT_EQ(instrument_of(book, "BTCUSDT_260327").expiry.seconds, 1774598400);
  const Underlying& btc = underlying_of(book, "BTC");
  EXPECT_EQ(btc.index_price_usd, 66032.0);
  EXPECT_EQ(btc.adv_usd, 13200000000.0);
  EXPECT_EQ(btc.funding_rate_8h, 0.00005);
  EXPECT_EQ(underlying_of(book, "USDT").index_price_usd, 1.0);
  // OLDUSDT has a price but is not traded any more.
  EXPECT_EQ(diagnostics.items().size(), 1u) << listed(diagnostics);
  EXPECT_TRUE(has_problem(diagnostics, 4, "instrument", Severity::warning));
}

TEST(BinanceJson, ContractsOfAThousandCoins) {
  Diagnostics diagnostics;

  const Book book = import_binance(all_examples(), {}, diagnostics);

  EXPECT_EQ(instrument_of(book, "1000PEPEUSDT").contract_size, 1000.0);
  EXPECT_EQ(instrument_of(book, "1000PEPEUSDT").underlying, find_underlying(book, "PEPE"));
  EXPECT_EQ(quote_of(book, "1000PEPEUSDT").mark_price, 0.0037 / 1000.0);
  EXPECT_EQ(underlying_of(book, "PEPE").index_price_usd, 0.00371 / 1000.0);
  EXPECT_EQ(quote_of(book, "1000PEPEUSDT").open_interest, 2e10);
  EXPECT_EQ(instrument_of(book, "1INCHUSDT").contract_size, 1.0);
  EXPECT_EQ(instrument_of(book, "1INCHUSDT").underlying, find_underlying(book, "1INCH"));
}

TEST(BinanceJson, TopKeepsTheLargest) {
  Diagnostics diagnostics;

  const Book book = import_binance(all_examples(), {.top = 3}, diagnostics);

  ASSERT_EQ(book.instruments.size(), 3u);  // 1INCH, with 500 000 USDT, is the smallest
  EXPECT_EQ(book.instruments[0].name, "1000PEPEUSDT");
  EXPECT_EQ(book.instruments[1].name, "BTCUSDT");
  EXPECT_EQ(book.instruments[2].name, "BTCUSDT_260327");
}

TEST(BinanceJson, SymbolsTellTermsWithoutAList) {
  Diagnostics diagnostics;

  const Book book = import_binance({example("binance-premium-index.json")}, {}, diagnostics);

  ASSERT_FALSE(diagnostics.has_errors()) << listed(diagnostics);
  EXPECT_EQ(book.instruments.size(), 4u);
  EXPECT_EQ(instrument_of(book, "1000PEPEUSDT").contract_size, 1000.0);
  EXPECT_EQ(instrument_of(book, "BTCUSDT_260327").expiry.seconds, 1774598400);
}

TEST(BinanceJson, FundingIsPerEightHours) {
  TestFolder folder;
  const auto intervals = folder.write("funding.json", R"([{"symbol": "1INCHUSDT", "fundingIntervalHours": 4}])");
  Diagnostics diagnostics;

  const Book book = import_binance({example("binance-premium-index.json"), intervals}, {}, diagnostics);

  EXPECT_EQ(underlying_of(book, "1INCH").funding_rate_8h, -0.0002);
}

TEST(BinanceJson, BadFieldsAreAllReported) {
  TestFolder folder;
  const auto file = folder.write("bad.json", R"([
    {"symbol": "BTCUSDT", "markPrice": "x", "indexPrice": "-5", "lastFundingRate": "inf", "time": 1772366402000},
    {"symbol": 5, "markPrice": "1"},
    {"symbol": "ETHUSDT"},
    {"code": -1121, "msg": "Invalid symbol."},
    [3]])");
  Diagnostics diagnostics;

  import_binance({file}, {}, diagnostics);

  EXPECT_TRUE(has_problem(diagnostics, 1, "markPrice", Severity::error));
  EXPECT_TRUE(has_problem(diagnostics, 1, "indexPrice", Severity::error));
  EXPECT_TRUE(has_problem(diagnostics, 1, "lastFundingRate", Severity::error));
  EXPECT_TRUE(has_problem(diagnostics, 2, "symbol", Severity::error));
  EXPECT_TRUE(has_problem(diagnostics, 3, "symbol", Severity::error));
  EXPECT_TRUE(has_problem(diagnostics, 3, "msg", Severity::error));
  EXPECT_TRUE(has_problem(diagnostics, 4, "", Severity::error));
  EXPECT_EQ(diagnostics.num_errors(), 7u) << listed(diagnostics);
}

TEST(BinanceTable, DayMakesAMarket) {
  TestFolder folder;
  const auto file = folder.write("perps.csv",
                                 "date,symbol,close_usdt,high,low,volume_usdt,open_interest_coins,open_interest_usdt,"
                                 "funding_rate_sum_day,n_funding\n"
                                 "2026-03-01,BTCUSDT,66000,67000,65000,13200000000,78000,5148000000,0.00009,3\n"
                                 "2026-03-01,1000PEPEUSDT,0.0037,0.004,0.003,3700000,2000000000,7400000,,0\n"
                                 "2026-03-01,1MBABYDOGEUSDT,0.001,0.001,0.001,1000,50000,50,0.0006,6\n");
  Diagnostics diagnostics;

  const Book book = import_binance({file}, {}, diagnostics);

  ASSERT_TRUE(diagnostics.items().empty()) << listed(diagnostics);
  EXPECT_EQ(book.as_of.seconds, 1772409600);  // the end of the day
  EXPECT_EQ(quote_of(book, "BTCUSDT").mark_price, 66000.0);
  EXPECT_EQ(quote_of(book, "BTCUSDT").volume_24h, 200000.0);
  EXPECT_EQ(underlying_of(book, "BTC").index_price_usd, 66000.0);
  EXPECT_EQ(underlying_of(book, "BTC").funding_rate_8h, 0.00003);
  EXPECT_FALSE(underlying_of(book, "PEPE").funding_rate_8h);
  EXPECT_EQ(quote_of(book, "1000PEPEUSDT").open_interest, 2e9);
  EXPECT_EQ(instrument_of(book, "1MBABYDOGEUSDT").contract_size, 1e6);
  EXPECT_EQ(underlying_of(book, "BABYDOGE").funding_rate_8h, 0.0006 / 3.0);
}

TEST(BinanceTable, BadCellsAreAllReported) {
  TestFolder folder;
  const auto file =
      folder.write("perps.csv", "date,symbol,close_usdt\n1 March,BTCUSDT,0\n2026-03-01,,5\n2026-03-01,ETHUSDT,\n");
  Diagnostics diagnostics;

  import_binance({file}, {}, diagnostics);

  EXPECT_TRUE(has_problem(diagnostics, 1, "date", Severity::error));
  EXPECT_TRUE(has_problem(diagnostics, 1, "close_usdt", Severity::error));
  EXPECT_TRUE(has_problem(diagnostics, 2, "symbol", Severity::error));
  EXPECT_TRUE(has_problem(diagnostics, 3, "close_usdt", Severity::error));
  EXPECT_EQ(diagnostics.num_errors(), 4u) << listed(diagnostics);
}

}  // namespace
}  // namespace tailmargin
