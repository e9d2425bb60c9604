#include <gtest/gtest.h>

#include <cmath>

#include "host/importers/deribit_names.hpp"
#include "host/importers/import_market.hpp"
#include "tests/importers/support.hpp"

namespace tailmargin {
namespace {

constexpr std::int64_t march_27 = 1774598400;  // 2026-03-27T08:00:00Z

const std::string chain_header =
    "time_utc,instrument,underlying,expiry_utc,strike,type,mark_iv,mark_price,underlying_price,underlying_name,"
    "index_price,open_interest,volume,bid,ask,delta,vega\n";

TEST(DeribitNames, TellTerms) {
  const auto option = importers::terms_from_deribit_name("XRP_USDC-27MAR26-1d35-P");
  ASSERT_TRUE(option);
  EXPECT_EQ(option->terms.kind, InstrumentKind::option);
  EXPECT_EQ(option->terms.payoff, Payoff::linear);
  EXPECT_EQ(option->terms.strike, 1.35);
  EXPECT_EQ(option->terms.option_type, OptionType::put);
  EXPECT_EQ(option->terms.expiry.seconds, march_27);
  EXPECT_EQ(option->underlying, "XRP");
  EXPECT_EQ(option->settlement, "USDC");
  EXPECT_FALSE(option->is_size_known);

  EXPECT_EQ(importers::terms_from_deribit_name("BTC-PERPETUAL")->terms.contract_size, 10.0);
  EXPECT_EQ(importers::terms_from_deribit_name("ETH-2JAN26")->terms.kind, InstrumentKind::future);
  EXPECT_EQ(importers::terms_from_deribit_name("BTC_USDC")->terms.kind, InstrumentKind::spot);
  for (const char* no_name : {"", "BTC", "BTC-", "BTC-31FEB26", "BTC-27MAR26-80000", "BTC-27MAR26-80000-X",
                              "BTC-FS-27MAR26_PERP", "BTC-27MAR26-x-C", "_-PERPETUAL-1-2-3"}) {
    EXPECT_FALSE(importers::terms_from_deribit_name(no_name)) << no_name;
  }
}

TEST(DeribitJson, ListAndSummaryMakeAMarket) {
  Diagnostics diagnostics;

  const Book book = import_deribit({example("deribit-instruments.json"), example("deribit-summary.json")}, diagnostics);

  ASSERT_TRUE(diagnostics.items().empty()) << listed(diagnostics);
  EXPECT_EQ(book.as_of.seconds, 1772366401);  // the newest record
  ASSERT_EQ(book.instruments.size(), 8u);     // the combination is left out
  ASSERT_EQ(book.underlyings.size(), 3u);
  const Instrument& call = instrument_of(book, "BTC-27MAR26-60000-C");
  EXPECT_EQ(call.kind, InstrumentKind::option);
  EXPECT_EQ(call.payoff, Payoff::inverse);
  EXPECT_EQ(call.settlement, call.underlying);
  EXPECT_EQ(call.strike, 60000.0);
  EXPECT_EQ(call.expiry.seconds, march_27);
  const Quote& quote = quote_of(book, "BTC-27MAR26-60000-C");
  EXPECT_EQ(quote.mark_price, 0.1168);
  EXPECT_EQ(quote.mark_iv, 0.5525);
  EXPECT_EQ(quote.forward, 66201.0);  // the median of three
  EXPECT_EQ(quote.bid, 0.116);
  EXPECT_FALSE(quote.ask);
  EXPECT_EQ(quote.open_interest, 410.5);
  EXPECT_FALSE(quote_of(book, "BTC-27MAR26-60000-P").bid);  // 0 is no order
}

TEST(DeribitJson, AmountsBecomeContracts) {
  Diagnostics diagnostics;

  const Book book = import_deribit({example("deribit-instruments.json"), example("deribit-summary.json")}, diagnostics);

  EXPECT_EQ(quote_of(book, "BTC-PERPETUAL").open_interest, 9e7);  // USD over 10 USD
  EXPECT_EQ(quote_of(book, "BTC-PERPETUAL").volume_24h, 4.6e7);   // from volume_usd
  EXPECT_EQ(quote_of(book, "XRP_USDC-PERPETUAL").open_interest, 5e5);
  EXPECT_EQ(quote_of(book, "XRP_USDC-27MAR26-1d4-C").open_interest, 30.0);
  EXPECT_EQ(instrument_of(book, "BTC_USDC").contract_size, 1.0);  // spot is counted in coins
  const Underlying& btc = underlying_of(book, "BTC");
  EXPECT_EQ(btc.index_price_usd, 66000.0);  // lower median of the inverse contracts'
  EXPECT_EQ(btc.adv_usd, 20000000.0 + 460000000.0 + 2706000.0);
  EXPECT_EQ(btc.funding_rate_8h, 0.000045);
  EXPECT_EQ(underlying_of(book, "USDC").index_price_usd, 1.0);
}

TEST(DeribitJson, MissingVolIsImplied) {
  Diagnostics diagnostics;

  const Book book = import_deribit({example("deribit-instruments.json"), example("deribit-summary.json")}, diagnostics);

  const Quote& quote = quote_of(book, "BTC-27MAR26-70000-C");
  ASSERT_TRUE(quote.mark_iv);
  const double total_vol = *quote.mark_iv * std::sqrt((march_27 - 1772366401) / (365.0 * 86400.0));
  const double d1 = -std::log(70000.0 / 66201.0) / total_vol + 0.5 * total_vol;
  const auto cdf = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); };
  EXPECT_NEAR(cdf(d1) - 70000.0 / 66201.0 * cdf(d1 - total_vol), 0.0330, 1e-12);
}

TEST(DeribitJson, NewerTickerSpeaks) {
  Diagnostics diagnostics;

  const Book book = import_deribit({example("deribit-ticker.json"), example("deribit-summary.json")}, diagnostics);

  ASSERT_FALSE(diagnostics.has_errors()) << listed(diagnostics);
  EXPECT_EQ(book.as_of.seconds, 1772366461);
  EXPECT_EQ(quote_of(book, "BTC-PERPETUAL").mark_price, 66050.0);
  EXPECT_EQ(quote_of(book, "BTC-PERPETUAL").bid, 66049.5);
  EXPECT_EQ(quote_of(book, "BTC-PERPETUAL").volume_24h, 4.61e7);
  EXPECT_EQ(quote_of(book, "BTC-27MAR26-60000-C").mark_iv, 55.3 / 100.0);
}

TEST(DeribitJson, SizeOfLinearContractsIsNotInTheirName) {
  Diagnostics diagnostics;

  const Book book = import_deribit({example("deribit-summary.json")}, diagnostics);

  ASSERT_FALSE(diagnostics.has_errors()) << listed(diagnostics);
  EXPECT_TRUE(has_problem(diagnostics, 6, "contract_size", Severity::warning)) << listed(diagnostics);
  EXPECT_TRUE(has_problem(diagnostics, 7, "contract_size", Severity::warning)) << listed(diagnostics);
  EXPECT_EQ(diagnostics.items().size(), 2u);
  EXPECT_EQ(instrument_of(book, "BTC-PERPETUAL").contract_size, 10.0);
}

TEST(DeribitJson, BadFieldsAreAllReported) {
  TestFolder folder;
  const auto file = folder.write("bad.json", R"([
    {"instrument_name": "BTC-PERPETUAL", "mark_price": "many", "index_price": -1, "timestamp": 1772366400000},
    {"instrument_name": "BTC-27MAR26-60000-C", "mark_price": 0.1, "mark_iv": 99999, "underlying_price": 0, "timestamp": 12},
    {"instrument_name": "", "mark_price": 1},
    {"instrument_name": "BTC-X"},
    {"price": 5},
    7])");
  Diagnostics diagnostics;

  import_deribit({file}, diagnostics);

  EXPECT_TRUE(has_problem(diagnostics, 1, "mark_price", Severity::error));
  EXPECT_TRUE(has_problem(diagnostics, 1, "index_price", Severity::error));
  EXPECT_TRUE(has_problem(diagnostics, 2, "mark_iv", Severity::error));
  EXPECT_TRUE(has_problem(diagnostics, 2, "underlying_price", Severity::error));
  EXPECT_TRUE(has_problem(diagnostics, 2, "timestamp", Severity::error));
  EXPECT_TRUE(has_problem(diagnostics, 3, "instrument_name", Severity::error));
  EXPECT_TRUE(has_problem(diagnostics, 4, "instrument_name", Severity::error));
  EXPECT_TRUE(has_problem(diagnostics, 5, "", Severity::error));
  EXPECT_TRUE(has_problem(diagnostics, 6, "", Severity::error));
  EXPECT_EQ(diagnostics.num_errors(), 9u) << listed(diagnostics);
  const Diagnostic expected{
      file.generic_string(),
      1,
      "mark_price",
      "many",
      "this is not a finite number (nothing can be computed from it). Correct it or drop the field.",
      Severity::error};
  EXPECT_EQ(diagnostics.items()[0], expected) << listed(diagnostics);
}

TEST(DeribitJson, BrokenFilesAreReported) {
  TestFolder folder;
  const std::vector<std::filesystem::path> files = {
      folder.write("cut.json", R"({"result": [{"instrument_name": "BTC-PERP)"), folder.write("empty.json", " \n"),
      folder.path() / "absent.json",
      folder.write("refused.json", R"({"error": {"code": 10028, "message": "too_many_requests"}})"),
      folder.write("words.txt", "a,b\n1,2\n")};
  Diagnostics diagnostics;

  import_deribit(files, diagnostics);

  ASSERT_EQ(diagnostics.num_errors(), files.size()) << listed(diagnostics);
  for (std::size_t f = 0; f < files.size(); ++f) { EXPECT_EQ(diagnostics.items()[f].file, files[f].generic_string()); }
}

TEST(DeribitJson, ExpiredAndUnpricedContractsAreLeftOut) {
  TestFolder folder;
  const auto file = folder.write("late.json", R"([
    {"instrument_name": "BTC-PERPETUAL", "mark_price": 66000, "index_price": 66000, "timestamp": 1774598400000},
    {"instrument_name": "BTC-27MAR26", "mark_price": 66000, "timestamp": 1774598399000},
    {"instrument_name": "BTC-26JUN26", "mark_price": null, "timestamp": 1774598399000}])");
  Diagnostics diagnostics;

  const Book book = import_deribit({file, example("deribit-instruments.json")}, diagnostics);

  ASSERT_FALSE(diagnostics.has_errors()) << listed(diagnostics);
  ASSERT_EQ(book.instruments.size(), 1u);
  EXPECT_EQ(book.instruments[0].name, "BTC-PERPETUAL");
  EXPECT_TRUE(has_problem(diagnostics, 2, "instrument", Severity::warning)) << listed(diagnostics);  // expired now
  EXPECT_TRUE(has_problem(diagnostics, 3, "instrument", Severity::warning)) << listed(diagnostics);
}

TEST(DeribitTable, ChainMakesAMarket) {
  TestFolder folder;
  const auto file = folder.write("chain.csv", chain_header +
                                                  "2026-03-01T12:00:00Z,BTC-27MAR26-60000-C,BTC,2026-03-27T08:00:00Z,"
                                                  "60000,C,0.55,0.1168,66200,BTC-27MAR26,66000,5,1,0.116,0.117,0.8,50\n"
                                                  "2026-03-01T12:00:01Z,BTC-27MAR26-60000-P,BTC,2026-03-27T08:00:00Z,"
                                                  "60000,P,0.55,0.0231,66202,BTC-27MAR26,66010,5,,,0,,\n"
                                                  "2026-03-01T12:00:01Z,BTC-27MAR26-70000-P,BTC,2026-03-27T08:00:00Z,"
                                                  "70000,P,,0.0573,66202,BTC-27MAR26,66020,5,1,0.05,0.06,,\n");
  Diagnostics diagnostics;

  const Book book = import_deribit({file}, diagnostics);

  EXPECT_EQ(book.as_of.seconds, 1772366401);
  ASSERT_EQ(book.instruments.size(), 3u);
  EXPECT_EQ(underlying_of(book, "BTC").index_price_usd, 66010.0);
  for (const Quote& quote : book.quotes) { EXPECT_EQ(quote.forward, 66202.0); }
  EXPECT_FALSE(quote_of(book, "BTC-27MAR26-60000-P").ask);
  EXPECT_FALSE(quote_of(book, "BTC-27MAR26-60000-P").volume_24h);
  // 0.0573 is below the intrinsic value 70000 / 66202 - 1: the nearest strike's volatility is taken, and said so.
  EXPECT_EQ(quote_of(book, "BTC-27MAR26-70000-P").mark_iv, 0.55);
  ASSERT_EQ(diagnostics.items().size(), 1u) << listed(diagnostics);
  EXPECT_TRUE(has_problem(diagnostics, 3, "mark_iv", Severity::warning)) << listed(diagnostics);
}

TEST(DeribitTable, BadCellsAreAllReported) {
  TestFolder folder;
  const auto file = folder.write(
      "chain.csv", chain_header +
                       "yesterday,BTC-27MAR26-60000-C,BTC,2026-03-27T08:00:00Z,-60000,C,55,0.1168,66200,BTC-27MAR26,"
                       "66000,5,1,0.116,0.117,0.8,50\n"
                       "2026-03-01T12:00:01Z,,BTC,2026-03-27T08:00:00Z,60000,P,0.55,0.0231,66202,,66010,5,,,0,,\n"
                       "2026-03-01T12:00:01Z,BTC-27MAR26-70000-X,,27MAR26,70000,X,,,nan,,x,-5,1,0.05,0.06,,\n");
  Diagnostics diagnostics;

  import_deribit({file}, diagnostics);

  EXPECT_TRUE(has_problem(diagnostics, 1, "time_utc", Severity::error));
  EXPECT_TRUE(has_problem(diagnostics, 1, "strike", Severity::error));
  EXPECT_TRUE(has_problem(diagnostics, 1, "mark_iv", Severity::error));
  EXPECT_TRUE(has_problem(diagnostics, 2, "instrument", Severity::error));
  for (const char* field :
       {"underlying", "expiry_utc", "type", "mark_price", "underlying_price", "index_price", "open_interest"}) {
    EXPECT_TRUE(has_problem(diagnostics, 3, field, Severity::error)) << field;
  }
  EXPECT_EQ(diagnostics.num_errors(), 11u) << listed(diagnostics);
}

TEST(DeribitTable, AMissingColumnIsReported) {
  TestFolder folder;
  Diagnostics diagnostics;

  import_deribit({folder.write("chain.csv", "instrument,mark_iv\nBTC-27MAR26-60000-C,0.5\n")}, diagnostics);

  EXPECT_TRUE(has_problem(diagnostics, 0, "underlying_price", Severity::error)) << listed(diagnostics);
}

}  // namespace
}  // namespace tailmargin
