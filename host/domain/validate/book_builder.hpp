// Builds a checked book from its tables, given in the order of the data flow: underlyings, instruments, market,
// positions, collateral. The tables may come from any reader; nothing here knows a file format.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/domain/validate/holdings.hpp"
#include "host/domain/validate/name_table.hpp"
#include "host/domain/validate/problem_log.hpp"
#include "host/domain/validate/row_batch.hpp"
#include "host/domain/validate/row_checks.hpp"
#include "tailmargin/book.hpp"

namespace tailmargin {

/// What book.toml says.
struct BookHeader {
  std::string name;
  std::string numeraire = "USD";
  std::optional<UtcTime> as_of;  ///< nothing if it is missing or wrong: then no expiry is checked against it
  std::optional<double> insurance_fund_usd;
};

class BookBuilder {
 public:
  explicit BookBuilder(BookHeader header);

  void add_underlyings(const RowBatch& batch, ProblemLog& problems);
  void finish_underlyings(Completeness completeness, ProblemLog& problems);
  void add_instruments(const RowBatch& batch, ProblemLog& problems);
  void finish_instruments(Completeness completeness, ProblemLog& problems);
  void add_quotes(const RowBatch& batch, ProblemLog& problems);
  void finish_quotes(Completeness completeness, ProblemLog& problems);
  void add_positions(const RowBatch& batch, ProblemLog& problems);
  void add_collateral(const RowBatch& batch, ProblemLog& problems);
  void finish_holdings(Completeness completeness, ProblemLog& positions, ProblemLog& collateral);

  /// The book; usable only if no problem was an error.
  Book take_book() { return std::move(book_); }

 private:
  std::optional<UnderlyingId> underlying_of(CheckedRow& row, std::size_t column);
  std::optional<UnderlyingId> asset_of(CheckedRow& row, std::size_t column);
  std::optional<InstrumentId> instrument_of(CheckedRow& row, std::size_t column);
  std::optional<std::uint32_t> account_of(CheckedRow& row, std::size_t column);
  std::uint32_t venue_of(CheckedRow& row, std::size_t column);
  void read_terms(CheckedRow& row, Instrument& instrument);
  static void read_what_is_there(CheckedRow& row);
  void read_expiry(CheckedRow& row, Instrument& instrument);
  void check_settlement(CheckedRow& row, const Instrument& instrument);
  void read_option_terms(CheckedRow& row, Instrument& instrument);
  void read_prices(CheckedRow& row, InstrumentKind kind, Quote& quote);

  Book book_;
  std::optional<UtcTime> as_of_;
  NameTable underlyings_, instruments_, accounts_, venues_;
  std::vector<std::uint64_t> underlying_row_, instrument_row_, quote_row_;  ///< [id] row in the file, 0: none yet
  Completeness underlyings_read_ = Completeness::whole, instruments_read_ = Completeness::whole;
  std::vector<Holding> positions_, collateral_;
  std::uint32_t last_account_ = NameTable::absent;  ///< of the row before: rows mostly come account by account
};

}  // namespace tailmargin
