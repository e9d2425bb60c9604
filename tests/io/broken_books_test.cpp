// Broken books: each is the good tiny book after one edit, and every problem found must be exactly the expected one.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "host/domain/validate/book_tables.hpp"
#include "host/domain/validate/text.hpp"
#include "host/io/table_writer.hpp"
#include "tests/io/broken_book.hpp"
#include "tests/io/print_diagnostics.hpp"

namespace tailmargin::test {
namespace {

/// positions.parquet with a text for a quantity and a number for an account.
std::string positions_of_wrong_types() {
  const TableSpec table{"positions",
                        {{"account", ColumnType::number},
                         {"instrument", ColumnType::text},
                         {"quantity", ColumnType::text},
                         {"entry_price", ColumnType::time}}};
  TemporaryFolder folder;
  const auto out = create_table(folder.path(), table, FileFormat::parquet);
  out->number(7.0);
  out->text("BTC-PERP");
  out->text("5");
  out->time({});
  out->commit();
  return read_bytes(folder.path() / "positions.parquet");
}

/// collateral.parquet with a NaN, an infinity and a null.
std::string collateral_with_nan() {
  TemporaryFolder folder;
  const auto out = create_table(folder.path(), tables::collateral, FileFormat::parquet);
  for (const double amount : {std::nan(""), -HUGE_VAL, 5.0}) {
    out->text("alice " + shortest_number(amount));
    out->text("BTC");
    out->number(amount);
    out->missing();
  }
  out->text("bob");
  out->text("BTC");
  out->missing();
  out->missing();
  out->commit();
  return read_bytes(folder.path() / "collateral.parquet");
}

/// An edit of the good book and all that must be said about it.
struct BrokenBookCase {
  const char* name;
  void (*edit)(BrokenBook& book);
  std::vector<Diagnostic> expected;
};

void PrintTo(const BrokenBookCase& c, std::ostream* out) { *out << c.name; }
// clang-format off
const BrokenBookCase broken_books[] = {
    {"MissingBookToml",
     [](BrokenBook& book) { book.remove("book.toml"); },
     {problem("book.toml", 0, "", "",
              "the file is missing (it gives the valuation time). Add it with an as_of.")}},
    {"MissingTable",
     [](BrokenBook& book) { book.remove("market.csv"); },
     {problem("market.csv", 0, "", "",
              "the table is missing, as CSV and as Parquet (a book needs it). Add one of the two files.")}},
    {"MissingPositions",
     [](BrokenBook& book) { book.remove("positions.csv"); },
     {problem("positions.csv", 0, "", "",
              "the table is missing, as CSV and as Parquet (a book needs it). Add one of the two files.")}},
    {"CsvAndParquet",
     [](BrokenBook& book) { book.write("positions.parquet", "PAR1"); },
     {problem("positions.csv", 0, "", "",
              "the table is there as CSV and as Parquet (only one can be right). Remove one of the two files.")}},
    {"ZeroByteCsv",
     [](BrokenBook& book) { book.write("instruments.csv", ""); },
     {problem("instruments.csv", 0, "", "",
              "the file is empty, without even a header (its columns are unknown). Write it again.")}},
    {"ZeroByteParquet",
     [](BrokenBook& book) { book.remove("collateral.csv").write("collateral.parquet", ""); },
     {problem("collateral.parquet", 0, "", "",
              "the file is empty, without even a header (its columns are unknown). Write it again.")}},
    {"HeaderOnlyUnderlyings",
     [](BrokenBook& book) { book.write("underlyings.csv", "underlying,index_price\n"); },
     {problem("underlyings.csv", 0, "", "",
              "the table has no rows (a book needs an underlying). Add one.")}},
    {"HeaderOnlyInstruments",
     [](BrokenBook& book) {
       book.write("instruments.csv", book.text("instruments.csv").substr(0, 85))
           .write("market.csv", "instrument,mark_price\n")
           .write("positions.csv", "account,instrument,quantity\n");
     },
     {problem("instruments.csv", 0, "", "",
              "the table has no rows (a book needs an instrument). Add one.")}},
    {"NoAccounts",
     [](BrokenBook& book) {
       book.write("positions.csv", "account,instrument,quantity\n")
           .write("collateral.csv", "account,asset,amount\n");
     },
     {problem("positions.csv", 0, "", "",
              "neither positions nor collateral have a row (there is nothing to margin). Add one.")}},
    {"Utf16",
     [](BrokenBook& book) { book.write("underlyings.csv", std::string("\xFF\xFEu\0n\0", 6)); },
     {problem("underlyings.csv", 0, "", "",
              "the file is UTF-16 (only UTF-8 is read). Save it as UTF-8.")}},
    {"Latin1Account",
     [](BrokenBook& book) { book.replace("positions.csv", "bob,ETH-PERP-USDC,10", "M\xFCller,ETH-PERP-USDC,10"); },
     {problem("positions.csv", 3, "account", "M\\xFCller",
              "the name is not UTF-8 (it could not be matched or shown reliably). Save the file as UTF-8.")}},
    {"Latin1Header",
     [](BrokenBook& book) { book.replace("collateral.csv", "venue", "b\xF6rse"); },
     {notice("collateral.csv", 0, "b\\xF6rse", "",
             "the column is unknown (it is not read). Drop it if it is not needed.")}},
    {"NoParquet",
     [](BrokenBook& book) { book.rename("positions.csv", "positions.parquet"); },
     {problem("positions.parquet", 0, "", "",
              "the file is cut off or no Parquet file (the mark PAR1 is not at both ends). Write it again.")}},
    {"CutOffParquet",
     [](BrokenBook& book) { book.as_parquet("positions").cut("positions.parquet", 300); },
     {problem("positions.parquet", 0, "", "",
              "the file is cut off or no Parquet file (the mark PAR1 is not at both ends). Write it again.")}},
    {"CutOffInTheMiddleParquet",
     [](BrokenBook& book) {
       book.as_parquet("collateral");
       book.write("collateral.parquet", book.text("collateral.parquet").substr(0, 100) + "PAR1");
     },
     {problem("collateral.parquet", 0, "", "",
              "the file cannot be read: *")}},
    {"ChangedByteInParquet",
     [](BrokenBook& book) { book.as_parquet("positions").replace("positions.parquet", "alice", "alicf"); },
     {problem("positions.parquet", 0, "", "",
              "the file cannot be read: *")}},
    {"ParquetWithWrongTypes",
     [](BrokenBook& book) { book.remove("positions.csv").write("positions.parquet", positions_of_wrong_types()); },
     {problem("positions.parquet", 0, "account", "double",
              "the column has the wrong type (it must be a string). Convert it."),
      problem("positions.parquet", 0, "quantity", "string",
              "the column has the wrong type (it must be a double or an integer). Convert it."),
      problem("positions.parquet", 0, "entry_price", "timestamp[ms, tz=UTC]",
              "the column has the wrong type (it must be a double or an integer). Convert it.")}},
    {"ParquetWithNan",
     [](BrokenBook& book) { book.remove("collateral.csv").write("collateral.parquet", collateral_with_nan()); },
     {problem("collateral.parquet", 1, "amount", "nan",
              "this is not a finite number (nothing can be computed from it). Put in a finite one."),
      problem("collateral.parquet", 2, "amount", "-inf",
              "this is not a finite number (nothing can be computed from it). Put in a finite one."),
      problem("collateral.parquet", 4, "amount", "",
              "the value is missing (every row needs one here). Fill it in or drop the row.")}},
    {"MissingColumn",
     [](BrokenBook& book) { book.replace("underlyings.csv", "index_price", "idx"); },
     {notice("underlyings.csv", 0, "idx", "",
             "the column is unknown (it is not read). Drop it if it is not needed."),
      problem("underlyings.csv", 0, "index_price", "",
              "the column is missing (every row needs it). Add it.")}},
    {"MisspeltOptionalColumn",
     [](BrokenBook& book) { book.replace("market.csv", "mark_iv", "mark_vol"); },
     {notice("market.csv", 0, "mark_vol", "",
             "the column is unknown (it is not read). Drop it if it is not needed."),
      problem("market.csv", 6, "mark_price", "",
              "the option has neither mark_price nor mark_iv (it cannot be valued). Fill in one of them.")}},
    {"ColumnTwice",
     [](BrokenBook& book) { book.replace("collateral.csv", "venue", "asset"); },
     {problem("collateral.csv", 0, "asset", "",
              "the column is there twice (only one can be right). Drop one of them.")}},
    {"SemicolonSeparated",
     [](BrokenBook& book) { book.write("collateral.csv", "account;asset;amount\nalice;BTC;1.5\n"); },
     {problem("collateral.csv", 0, "", "account;asset;amount",
              "the fields are not separated by commas (the header is read as one field). Write it with commas.")}},
    {"RaggedRows",
     [](BrokenBook& book) {
       book.replace("positions.csv", "alice,BTC-PERP,-1000,71000,", "alice,BTC-PERP,-1000")
           .append("positions.csv", "bob,BTC-PERP,x,,,,7\nbob,BTC-PERP,y,,\n");
     },
     {problem("positions.csv", 1, "", "alice,BTC-PERP,-1000",
              "the number of fields is 3 but the header has 5 (values would land in the wrong column). Correct "
              "the commas and quotes."),
      problem("positions.csv", 5, "", "bob,BTC-PERP,x,,,,7",
              "the number of fields is 7 but the header has 5 (values would land in the wrong column). Correct "
              "the commas and quotes."),
      problem("positions.csv", 6, "quantity", "y",
              "this is not a number (plain decimals such as -12.5 or 1e-3 are read). Correct it.")}},
    {"RaggedInstrumentIsNotUnknown",
     [](BrokenBook& book) { book.replace("instruments.csv", "BTC-PERP,perpetual,", "BTC-PERP,"); },
     {problem("instruments.csv", 2, "", "BTC-PERP,BTC,BTC,inverse,10,,,",
              "the number of fields is 8 but the header has 9 (values would land in the wrong column). Correct "
              "the commas and quotes.")}},
    {"UnclosedQuote",
     [](BrokenBook& book) { book.replace("collateral.csv", "carol", "\"carol"); },
     {problem("collateral.csv", 3, "", "",
              "a quotation mark is never closed (it would swallow the rows after it). Close it or remove it.")}},
    {"BlankLineKeepsRowNumbers",
     [](BrokenBook& book) { book.replace("collateral.csv", "bob,USDC,-250,", "\nbob,USDC,much,"); },
     {problem("collateral.csv", 2, "amount", "much",
              "this is not a number (plain decimals such as -12.5 or 1e-3 are read). Correct it.")}},
    {"RaggedRowAfterBlankLine",
     [](BrokenBook& book) { book.replace("collateral.csv", "bob,USDC,-250,", "\nbob,USDC,-250"); },
     {problem("collateral.csv", 2, "", "bob,USDC,-250",
              "the number of fields is 3 but the header has 4 (values would land in the wrong column). Correct "
              "the commas and quotes.")}},
    {"CutOffCsv",
     [](BrokenBook& book) { book.cut("positions.csv", book.text("positions.csv").size() - 8); },
     {problem("positions.csv", 4, "", "bob,ETH-PERP-USDC,5",
              "the number of fields is 3 but the header has 5 (values would land in the wrong column). Correct "
              "the commas and quotes.")}},
    {"NoAsOf",
     [](BrokenBook& book) { book.replace("book.toml", "as_of = 2026-02-05T21:29:37Z\n", ""); },
     {problem("book.toml", 0, "as_of", "",
              "the key is missing (nothing can be valued without its time). Add as_of = 2026-02-05T21:29:37Z.")}},
    {"AsOfWithOffset",
     [](BrokenBook& book) { book.replace("book.toml", "37Z", "37+01:00"); },
     {problem("book.toml", 1, "as_of", "2026-02-05T21:29:37+01:00",
              "this is not a UTC time (times look like 2026-02-05T21:29:37Z, no other offset). Correct it.")}},
    {"AsOfIsNumber",
     [](BrokenBook& book) { book.replace("book.toml", "2026-02-05T21:29:37Z", "20260205"); },
     {problem("book.toml", 1, "as_of", "20260205",
              "this is not a UTC time (times look like 2026-02-05T21:29:37Z, no other offset). Correct it.")}},
    {"UnknownBookKey",
     [](BrokenBook& book) { book.replace("book.toml", "name", "nmae"); },
     {problem("book.toml", 2, "nmae", "tiny",
              "the key is unknown (a typo must not change a result unseen). Is name meant?")}},
    {"NegativeInsuranceFund",
     [](BrokenBook& book) { book.replace("book.toml", "1000000.0", "-1"); },
     {problem("book.toml", 3, "insurance_fund_usd", "-1",
              "the number is out of range (it must be at least 0). Correct it.")}},
    {"BookTomlSyntax",
     [](BrokenBook& book) { book.replace("book.toml", "\"tiny\"", "tiny"); },
     {problem("book.toml", 2, "", "",
              "this is not TOML: *")}},
    {"NumeraireIsNumber",
     [](BrokenBook& book) { book.append("book.toml", "numeraire = 1\n"); },
     {problem("book.toml", 4, "numeraire", "1",
              "the value has the wrong type (it must be a string in quotes). Correct it.")}},
    {"DuplicateUnderlying",
     [](BrokenBook& book) { book.append("underlyings.csv", "BTC,1,,\n"); },
     {problem("underlyings.csv", 4, "underlying", "BTC",
              "the name is in row 1 already (names tell rows apart). Rename or drop one of them.")}},
    {"NumeraireAsUnderlying",
     [](BrokenBook& book) { book.append("underlyings.csv", "USD,1,,\n"); },
     {problem("underlyings.csv", 4, "underlying", "USD",
              "this is the numeraire (all prices are in it, so it has none of its own). Drop the row.")}},
    {"NanIndexPrice",
     [](BrokenBook& book) { book.replace("underlyings.csv", "70000", "NaN"); },
     {problem("underlyings.csv", 1, "index_price", "NaN",
              "this is not a finite number (nothing can be computed from it). Put in a finite one.")}},
    {"InfiniteIndexPrice",
     [](BrokenBook& book) { book.replace("underlyings.csv", "70000", "inf"); },
     {problem("underlyings.csv", 1, "index_price", "inf",
              "this is not a finite number (nothing can be computed from it). Put in a finite one.")}},
    {"ZeroIndexPrice",
     [](BrokenBook& book) { book.replace("underlyings.csv", "70000", "0"); },
     {problem("underlyings.csv", 1, "index_price", "0",
              "this is not positive (prices, sizes and volatilities are). Correct it or drop the row.")}},
    {"OverflowingAdv",
     [](BrokenBook& book) { book.replace("underlyings.csv", "2e10", "2e310"); },
     {problem("underlyings.csv", 1, "adv_usd", "2e310",
              "this number is too large or too small for a double (it would become infinity or 0). Correct it.")}},
    {"NegativeAdv",
     [](BrokenBook& book) { book.replace("underlyings.csv", "2e10", "-2e10"); },
     {problem("underlyings.csv", 1, "adv_usd", "-2e10",
              "this is negative (it cannot be below 0). Correct it or leave it empty.")}},
    {"EmptyUnderlyingName",
     [](BrokenBook& book) { book.append("underlyings.csv", ",5,,\n"); },
     {problem("underlyings.csv", 4, "underlying", "",
              "the name is empty (things are matched by name). Fill it in.")}},
    {"DecimalComma",
     [](BrokenBook& book) { book.replace("underlyings.csv", "70000", "\"70,5\""); },
     {problem("underlyings.csv", 1, "index_price", "70,5",
              "this is not a number (plain decimals such as -12.5 or 1e-3 are read). Correct it.")}},
    {"DuplicateInstrument",
     [](BrokenBook& book) { book.append("instruments.csv", "BTC-SPOT,spot,BTC,USD,linear,1,,,\n"); },
     {problem("instruments.csv", 7, "instrument", "BTC-SPOT",
              "the name is in row 1 already (names tell rows apart). Rename or drop one of them.")}},
    {"UnknownKind",
     [](BrokenBook& book) { book.replace("instruments.csv", "BTC-PERP,perpetual", "BTC-PERP,Perp"); },
     {problem("instruments.csv", 2, "kind", "Perp",
              "this is none of the words known here (spot, perpetual, future, option). Use one of them, in "
              "lower case.")}},
    {"EverythingWrongWithARowOfUnknownKind",
     [](BrokenBook& book) {
       book.append("instruments.csv", "X,swap,BTC,USD,linear,1,tomorrow,-7,callx\n");
       book.append("market.csv", "X,1,,,,,,\n");
     },
     {problem("instruments.csv", 7, "kind", "swap",
              "this is none of the words known here (spot, perpetual, future, option). Use one of them, in "
              "lower case."),
      problem("instruments.csv", 7, "expiry", "tomorrow",
              "this is not a UTC time (times look like 2026-02-05T21:29:37Z, no other offset). Correct it."),
      problem("instruments.csv", 7, "strike", "-7",
              "this is not positive (prices, sizes and volatilities are). Correct it or drop the row."),
      problem("instruments.csv", 7, "option_type", "callx",
              "this is none of the words known here (call, put). Use one of them, in lower case.")}},
    {"UnknownPayoff",
     [](BrokenBook& book) { book.replace("instruments.csv", "USD,linear", "USD,quanto"); },
     {problem("instruments.csv", 1, "payoff", "quanto",
              "this is none of the words known here (linear, inverse). Use one of them, in lower case.")}},
    {"UnknownUnderlyingOfInstrument",
     [](BrokenBook& book) {
       book.replace("instruments.csv", "ETH-PERP-USDC,perpetual,ETH", "ETH-PERP-USDC,perpetual,XRP");
     },
     {problem("instruments.csv", 5, "underlying", "XRP",
              "this is not in the underlyings table (it has no price). Add it there or correct the name.")}},
    {"UnknownSettlement",
     [](BrokenBook& book) { book.replace("instruments.csv", "perpetual,ETH,USDC", "perpetual,ETH,EUR"); },
     {problem("instruments.csv", 5, "settlement", "EUR",
              "this is not in the underlyings table (it has no price). Add it there or correct the name.")}},
    {"InverseNotInCoin",
     [](BrokenBook& book) {
       book.replace("instruments.csv", "BTC-PERP,perpetual,BTC,BTC", "BTC-PERP,perpetual,BTC,USDC");
     },
     {problem("instruments.csv", 2, "settlement", "USDC",
              "an inverse contract settles in its underlying (its profit is paid in the coin). Put in the "
              "underlying or make the payoff linear.")}},
    {"InverseSpot",
     [](BrokenBook& book) { book.replace("instruments.csv", "BTC,USD,linear", "BTC,USD,inverse"); },
     {problem("instruments.csv", 1, "payoff", "inverse",
              "spot is linear (a coin is worth its price). Put in linear.")}},
    {"ZeroContractSize",
     [](BrokenBook& book) { book.replace("instruments.csv", "inverse,10,,,", "inverse,0,,,"); },
     {problem("instruments.csv", 2, "contract_size", "0",
              "this is not positive (prices, sizes and volatilities are). Correct it or drop the row.")}},
    {"NegativeStrike",
     [](BrokenBook& book) { book.replace("instruments.csv", "80000,call", "-5,call"); },
     {problem("instruments.csv", 4, "strike", "-5",
              "this is not positive (prices, sizes and volatilities are). Correct it or drop the row.")}},
    {"OptionWithoutStrikeAndType",
     [](BrokenBook& book) { book.replace("instruments.csv", "80000,call", ","); },
     {problem("instruments.csv", 4, "strike", "",
              "the value is missing (every row needs one here). Fill it in or drop the row."),
      problem("instruments.csv", 4, "option_type", "",
              "the value is missing (every row needs one here). Fill it in or drop the row.")}},
    {"UnknownOptionType",
     [](BrokenBook& book) { book.replace("instruments.csv", "1500,put", "1500,P"); },
     {problem("instruments.csv", 6, "option_type", "P",
              "this is none of the words known here (call, put). Use one of them, in lower case.")}},
    {"FutureWithoutExpiry",
     [](BrokenBook& book) { book.replace("instruments.csv", "inverse,10,2026-03-27T08:00:00Z", "inverse,10,"); },
     {problem("instruments.csv", 3, "expiry", "",
              "the value is missing (every row needs one here). Fill it in or drop the row.")}},
    {"ExpiredFuture",
     [](BrokenBook& book) {
       book.replace("instruments.csv", "inverse,10,2026-03-27T08:00:00Z", "inverse,10,2026-02-05T21:29:37Z");
     },
     {problem("instruments.csv", 3, "expiry", "2026-02-05T21:29:37Z",
              "the contract has expired by as_of in book.toml (it has no value left to simulate). Drop it and "
              "its positions, or correct the time.")}},
    {"ExpiryAtTheEpoch",
     [](BrokenBook& book) {
       book.replace("instruments.csv", "inverse,10,2026-03-27T08:00:00Z", "inverse,10,1970-01-01T00:00:00Z");
     },
     {problem("instruments.csv", 3, "expiry", "1970-01-01T00:00:00Z",
              "the contract has expired by as_of in book.toml (it has no value left to simulate). Drop it and "
              "its positions, or correct the time.")}},
    {"BadDate",
     [](BrokenBook& book) {
       book.replace("instruments.csv", "inverse,10,2026-03-27T08:00:00Z", "inverse,10,2026-02-30T08:00:00Z");
     },
     {problem("instruments.csv", 3, "expiry", "2026-02-30T08:00:00Z",
              "this is not a UTC time (times look like 2026-02-05T21:29:37Z, no other offset). Correct it.")}},
    {"DateWithoutTime",
     [](BrokenBook& book) {
       book.replace("instruments.csv", "inverse,10,2026-03-27T08:00:00Z", "inverse,10,2026-03-27");
     },
     {problem("instruments.csv", 3, "expiry", "2026-03-27",
              "this is not a UTC time (times look like 2026-02-05T21:29:37Z, no other offset). Correct it.")}},
    {"DateWithOffset",
     [](BrokenBook& book) {
       book.replace("instruments.csv", "inverse,10,2026-03-27T08:00:00Z", "inverse,10,2026-03-27T08:00:00+08:00");
     },
     {problem("instruments.csv", 3, "expiry", "2026-03-27T08:00:00+08:00",
              "this is not a UTC time (times look like 2026-02-05T21:29:37Z, no other offset). Correct it.")}},
    {"PerpetualWithExpiry",
     [](BrokenBook& book) { book.replace("instruments.csv", "inverse,10,,,", "inverse,10,2026-03-27T08:00:00Z,,"); },
     {problem("instruments.csv", 2, "expiry", "2026-03-27T08:00:00Z",
              "spot and perpetuals have no expiry (it would be ignored). Leave it empty or correct the kind.")}},
    {"PerpetualWithStrikeAndType",
     [](BrokenBook& book) { book.replace("instruments.csv", "inverse,10,,,", "inverse,10,,5,call"); },
     {problem("instruments.csv", 2, "strike", "5",
              "only options have this (it would be ignored). Leave it empty or correct the kind."),
      problem("instruments.csv", 2, "option_type", "call",
              "only options have this (it would be ignored). Leave it empty or correct the kind.")}},
    {"QuoteOfUnknownInstrument",
     [](BrokenBook& book) { book.append("market.csv", "DOGE-PERP,0.1,,,,,,\n"); },
     {problem("market.csv", 7, "instrument", "DOGE-PERP",
              "this is not in the instruments table (its terms are unknown). Add it there or correct the name.")}},
    {"QuoteTwice",
     [](BrokenBook& book) { book.append("market.csv", "BTC-PERP,70011,,,,,,\n"); },
     {problem("market.csv", 7, "instrument", "BTC-PERP",
              "row 2 quotes this instrument already (only one can be right). Drop one of them.")}},
    {"QuoteMissing",
     [](BrokenBook& book) { book.replace("market.csv", "ETH-PERP-USDC,2001,,,,,,\n", ""); },
     {problem("market.csv", 0, "instrument", "ETH-PERP-USDC",
              "the instrument has no row in the market table (it cannot be valued). Add the row.")}},
    {"MarkMissing",
     [](BrokenBook& book) { book.replace("market.csv", "BTC-MAR,70500", "BTC-MAR,"); },
     {problem("market.csv", 3, "mark_price", "",
              "the value is missing (every row needs one here). Fill it in or drop the row.")}},
    {"OptionWithoutMarkAndVol",
     [](BrokenBook& book) { book.replace("market.csv", "2010,0.8", "2010,"); },
     {problem("market.csv", 6, "mark_price", "",
              "the option has neither mark_price nor mark_iv (it cannot be valued). Fill in one of them.")}},
    {"NegativeMark",
     [](BrokenBook& book) { book.replace("market.csv", "0.021", "-0.021"); },
     {problem("market.csv", 4, "mark_price", "-0.021",
              "this is negative (it cannot be below 0). Correct it or leave it empty.")}},
    {"ZeroMarkOfPerpetual",
     [](BrokenBook& book) { book.replace("market.csv", "70010", "0"); },
     {problem("market.csv", 2, "mark_price", "0",
              "this is not positive (prices, sizes and volatilities are). Correct it or drop the row.")}},
    {"ZeroForward",
     [](BrokenBook& book) { book.replace("market.csv", "2010,0.8", "0,0.8"); },
     {problem("market.csv", 6, "forward", "0",
              "this is not positive (prices, sizes and volatilities are). Correct it or drop the row.")}},
    {"VolInPercent",
     [](BrokenBook& book) { book.replace("market.csv", "0.55", "55"); },
     {problem("market.csv", 4, "mark_iv", "55",
              "this is above 20, that is 2000 % a year (it is probably in percent). Divide it by 100 or drop "
              "it.")}},
    {"ZeroVol",
     [](BrokenBook& book) { book.replace("market.csv", "0.55", "0"); },
     {problem("market.csv", 4, "mark_iv", "0",
              "this is not positive (prices, sizes and volatilities are). Correct it or drop the row.")}},
    {"CrossedMarket",
     [](BrokenBook& book) { book.replace("market.csv", "70009,70011", "70011,70009"); },
     {notice("market.csv", 2, "bid", "70011",
             "the bid is above the ask (one of them is stale or wrong). Check the row.")}},
    {"NegativeOpenInterest",
     [](BrokenBook& book) { book.replace("market.csv", "1e8", "-1"); },
     {problem("market.csv", 2, "open_interest", "-1",
              "this is negative (it cannot be below 0). Correct it or leave it empty.")}},
    {"NegativeVolumeAndBid",
     [](BrokenBook& book) { book.replace("market.csv", "69999,70001,,1000", "-1,70001,,-1000"); },
     {problem("market.csv", 1, "bid", "-1",
              "this is negative (it cannot be below 0). Correct it or leave it empty."),
      problem("market.csv", 1, "volume_24h", "-1000",
              "this is negative (it cannot be below 0). Correct it or leave it empty.")}},
    {"HexadecimalNumber",
     [](BrokenBook& book) { book.replace("market.csv", "70500", "0x70500"); },
     {problem("market.csv", 3, "mark_price", "0x70500",
              "this is not a number (plain decimals such as -12.5 or 1e-3 are read). Correct it.")}},
    {"NumberWithSpace",
     [](BrokenBook& book) { book.replace("market.csv", "70500", " 70500"); },
     {problem("market.csv", 3, "mark_price", " 70500",
              "this is not a number (plain decimals such as -12.5 or 1e-3 are read). Correct it.")}},
    {"PositionInUnknownInstrument",
     [](BrokenBook& book) { book.replace("positions.csv", "BTC-PERP", "BTC-PREP"); },
     {problem("positions.csv", 1, "instrument", "BTC-PREP",
              "this is not in the instruments table (its terms are unknown). Add it there or correct the name.")}},
    {"RepeatedPosition",
     [](BrokenBook& book) { book.replace("positions.csv", "south", "north"); },
     {problem("positions.csv", 4, "instrument", "ETH-PERP-USDC",
              "the account holds this already in row 3 (it would be counted twice). Add the rows up, or tell "
              "them apart by venue.")}},
    {"RepeatedPositionWithoutVenue",
     [](BrokenBook& book) { book.append("positions.csv", "alice,BTC-PERP,1,,\n"); },
     {problem("positions.csv", 5, "instrument", "BTC-PERP",
              "the account holds this already in row 1 (it would be counted twice). Add the rows up, or tell "
              "them apart by venue.")}},
    {"EmptyAccount",
     [](BrokenBook& book) { book.replace("positions.csv", "bob,ETH-PERP-USDC,10", ",ETH-PERP-USDC,10"); },
     {problem("positions.csv", 3, "account", "",
              "the name is empty (things are matched by name). Fill it in.")}},
    {"ControlCharacterInAccount",
     [](BrokenBook& book) { book.replace("positions.csv", "bob,ETH-PERP-USDC,10", "b\tb,ETH-PERP-USDC,10"); },
     {problem("positions.csv", 3, "account", "b\\x09b",
              "the name holds a control character (it would be invisible in reports). Remove it.")}},
    {"QuoteOpenAtTheEnd",
     [](BrokenBook& book) { book.append("positions.csv", "\ndora,BTC-PERP,1,,\"north"); },
     {problem("positions.csv", 5, "", "",
              "a quotation mark is never closed (it would swallow the rows after it). Close it or remove it.")}},
    {"AccountWithOuterSpace",
     [](BrokenBook& book) { book.replace("collateral.csv", "carol", "carol "); },
     {problem("collateral.csv", 3, "account", "carol ",
              "the name begins or ends with a space (it would not match the same name without). Remove the "
              "space.")}},
    {"MissingQuantity",
     [](BrokenBook& book) { book.replace("positions.csv", "2.5", ""); },
     {problem("positions.csv", 2, "quantity", "",
              "the value is missing (every row needs one here). Fill it in or drop the row.")}},
    {"InfiniteQuantity",
     [](BrokenBook& book) { book.replace("positions.csv", "2.5", "-inf"); },
     {problem("positions.csv", 2, "quantity", "-inf",
              "this is not a finite number (nothing can be computed from it). Put in a finite one.")}},
    {"NegativeEntryPrice",
     [](BrokenBook& book) { book.replace("positions.csv", "71000", "-71000"); },
     {problem("positions.csv", 1, "entry_price", "-71000",
              "this is not positive (prices, sizes and volatilities are). Correct it or drop the row.")}},
    {"UnknownCollateralAsset",
     [](BrokenBook& book) { book.replace("collateral.csv", "carol,USD", "carol,EUR"); },
     {problem("collateral.csv", 3, "asset", "EUR",
              "this is not in the underlyings table (it has no price). Add it there or correct the name.")}},
    {"EmptyCollateralAsset",
     [](BrokenBook& book) { book.replace("collateral.csv", "carol,USD", "carol,"); },
     {problem("collateral.csv", 3, "asset", "",
              "the value is missing (every row needs one here). Fill it in or drop the row.")}},
    {"RepeatedBalance",
     [](BrokenBook& book) { book.append("collateral.csv", "alice,BTC,2,\n"); },
     {problem("collateral.csv", 4, "asset", "BTC",
              "the account holds this already in row 1 (it would be counted twice). Add the rows up, or tell "
              "them apart by venue.")}},
    {"NanBalance",
     [](BrokenBook& book) { book.replace("collateral.csv", "10000", "nan"); },
     {problem("collateral.csv", 3, "amount", "nan",
              "this is not a finite number (nothing can be computed from it). Put in a finite one.")}},
    {"SeveralAtOnce",
     [](BrokenBook& book) {
       book.replace("book.toml", "37Z", "37")
           .replace("underlyings.csv", "70000", "-1")
           .replace("instruments.csv", "80000,call", "80000,kall")
           .replace("market.csv", "2001", "two thousand")
           .replace("positions.csv", "alice,BTC-PERP,-1000", "alice,BTC-PERPS,many")
           .replace("collateral.csv", "carol,USD,10000", "carol,USDT,x");
     },
     {problem("book.toml", 1, "as_of", "2026-02-05T21:29:37",
              "this is not a UTC time (times look like 2026-02-05T21:29:37Z, no other offset). Correct it."),
      problem("underlyings.csv", 1, "index_price", "-1",
              "this is not positive (prices, sizes and volatilities are). Correct it or drop the row."),
      problem("instruments.csv", 4, "option_type", "kall",
              "this is none of the words known here (call, put). Use one of them, in lower case."),
      problem("market.csv", 5, "mark_price", "two thousand",
              "this is not a number (plain decimals such as -12.5 or 1e-3 are read). Correct it."),
      problem("positions.csv", 1, "instrument", "BTC-PERPS",
              "this is not in the instruments table (its terms are unknown). Add it there or correct the name."),
      problem("positions.csv", 1, "quantity", "many",
              "this is not a number (plain decimals such as -12.5 or 1e-3 are read). Correct it."),
      problem("collateral.csv", 3, "asset", "USDT",
              "this is not in the underlyings table (it has no price). Add it there or correct the name."),
      problem("collateral.csv", 3, "amount", "x",
              "this is not a number (plain decimals such as -12.5 or 1e-3 are read). Correct it.")}},
};
// clang-format on

class BrokenBooks : public testing::TestWithParam<BrokenBookCase> {};

TEST_P(BrokenBooks, AreReportedExactly) {
  BrokenBook book;
  GetParam().edit(book);

  EXPECT_EQ(without_library_text(book.problems()), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(Corpus, BrokenBooks, testing::ValuesIn(broken_books),
                         [](const auto& c) { return std::string(c.param.name); });

TEST(GoodBook, HasNoProblems) { EXPECT_EQ(BrokenBook().problems(), std::vector<Diagnostic>{}); }

TEST(GoodBook, MayHaveByteOrderMarkAndWindowsLineEnds) {
  BrokenBook book;
  std::string text = "\xEF\xBB\xBF";
  for (const char c : book.text("collateral.csv")) text.append(c == '\n' ? "\r\n" : std::string(1, c));
  book.write("collateral.csv", text);

  EXPECT_EQ(book.problems(), std::vector<Diagnostic>{});
}

TEST(GoodBook, MayHaveNoPositionsIfThereIsCollateral) {
  BrokenBook book;
  book.write("positions.csv", "account,instrument,quantity");

  EXPECT_EQ(book.problems(), std::vector<Diagnostic>{});
}

TEST(GoodBook, MayQuoteTheTimeInBookToml) {
  BrokenBook book;
  book.replace("book.toml", "2026-02-05T21:29:37Z", "\"2026-02-05T21:29:37.999+00:00\"");

  EXPECT_EQ(book.problems(), std::vector<Diagnostic>{});
}

TEST(MarketBook, NeedsNoHoldings) {
  BrokenBook book;
  book.remove("positions.csv").remove("collateral.csv");

  EXPECT_EQ(book.problems(BookParts::market_only), std::vector<Diagnostic>{});
}

TEST(MissingBook, IsNamed) {
  Diagnostics diagnostics;

  read_book("no/such/book", BookParts::all, diagnostics);

  const std::vector<Diagnostic> expected = {
      problem("no/such/book", 0, "", "", "there is no such folder (a book is a folder). Check the path.")};
  EXPECT_EQ(diagnostics.items(), expected);
}

TEST(ManyBadRows, AreCountedPastTheFirstThousandOfAKind) {
  BrokenBook book;
  std::string rows;
  for (int i = 0; i < 2500; ++i) rows += "carol,BTC-PERP,x,-1,v" + std::to_string(i) + "\n";
  book.append("positions.csv", rows);

  const std::vector<Diagnostic> problems = book.problems();

  ASSERT_EQ(problems.size(), 2002U);
  EXPECT_EQ(problems[0].row, 5U);
  EXPECT_EQ(problems[1999].row, 1004U);
  for (const std::size_t i : {2000U, 2001U}) {
    EXPECT_EQ(problems[i], problem("positions.csv", 0, i == 2000 ? "quantity" : "entry_price", "",
                                   "\u2026 and 1500 more of this kind (only the first 1000 are listed). Correct their "
                                   "common cause, then check again."));
  }
}

/// Tables are read in batches of about a mebibyte, the next while one is checked.
TEST(ManyRows, KeepTheirNumbersOverBatches) {
  constexpr std::uint64_t first = 5, count = 150'000;  // the good book has four rows; about five mebibytes
  const std::map<std::uint64_t, std::string> bad = {{first + 10, "carol,BTC-PERP,x,,v"},
                                                    {first + 60'000, "carol,BTC-PERP,1,"},
                                                    {first + 60'001, "carol,BTC-PERP,x,,v"},
                                                    {first + 140'000, "carol,BTC-PERP,x,,v"}};
  BrokenBook book;
  std::string rows;
  for (std::uint64_t row = first; row < first + count; ++row) {
    const auto found = bad.find(row);
    rows += (found != bad.end() ? found->second : "carol-" + std::to_string(row) + ",BTC-PERP,1,,venue") + "\n";
  }
  book.append("positions.csv", rows);

  std::vector<std::uint64_t> reported;
  for (const Diagnostic& p : book.problems()) { reported.push_back(p.row); }

  EXPECT_EQ(reported, (std::vector<std::uint64_t>{first + 10, first + 60'000, first + 60'001, first + 140'000}));
}

TEST(ManyRows, AreAllRead) {
  constexpr std::size_t count = 150'000;
  BrokenBook book;
  std::string rows;
  for (std::size_t i = 0; i < count; ++i) {
    rows += "many-" + std::to_string(i) + ",BTC-PERP," + std::to_string(i + 1) + ",,\n";
  }
  book.append("positions.csv", rows);
  const TemporaryFolder folder;
  book.save(folder.path());
  Diagnostics diagnostics;

  const Book read = read_book(folder.path(), BookParts::all, diagnostics);

  EXPECT_FALSE(diagnostics.has_errors());
  double sum = 0.0;
  std::size_t found = 0;
  for (const Position& p : read.positions) {
    if (!read.accounts[p.account].starts_with("many-")) { continue; }
    sum += p.quantity;
    ++found;
  }
  EXPECT_EQ(found, count);
  EXPECT_EQ(sum, 0.5 * count * (count + 1.0));
}

}  // namespace
}  // namespace tailmargin::test
