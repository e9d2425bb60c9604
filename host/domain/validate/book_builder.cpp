#include "host/domain/validate/book_builder.hpp"

#include <cmath>
#include <string>
#include <utility>

#include "host/domain/validate/book_tables.hpp"
#include "host/domain/validate/text.hpp"
#include "host/domain/validate/venue_holdings.hpp"

namespace tailmargin {
namespace {

using tables::CollateralColumns;
using tables::InstrumentColumns;
using tables::MarketColumns;
using tables::PositionColumns;
using tables::UnderlyingColumns;

constexpr double max_implied_vol = 20.0;

/// Enters a name that must be new in its table; its id, or nothing and a problem.
std::optional<std::uint32_t> enter_name(CheckedRow& row, std::size_t column, NameTable& names,
                                        std::vector<std::uint64_t>& rows) {
  const std::string_view name = row.text(column);
  if (const char* problem = name_problem(name)) {
    row.error(column, problem);
    return std::nullopt;
  }
  const auto [id, is_new] = names.insert(name);
  if (!is_new) {
    row.error_of_kind("repeated name", column,
                      "the name is in row " + std::to_string(rows[id]) +
                          " already (names tell rows apart). Rename or drop one of them.");
    return std::nullopt;
  }
  rows.push_back(row.row_number());
  return id;
}

/// Reorders a table by rank, and its name table with it, so that ids are ranks from here on.
template <class Record>
void sort_by_name(std::vector<Record>& records, NameTable& names, std::vector<std::uint64_t>& rows) {
  const std::vector<std::uint32_t> rank = names.ranks();
  std::vector<Record> sorted(records.size());
  std::vector<std::uint64_t> sorted_rows(rows.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    sorted[rank[i]] = std::move(records[i]);
    sorted_rows[rank[i]] = rows[i];
  }
  records = std::move(sorted);
  rows = std::move(sorted_rows);
  names = NameTable{};
  for (const Record& record : records) names.insert(record.name);
}

std::optional<std::size_t> option_type_of(CheckedRow& row) {
  return row.choice(InstrumentColumns::option_type, {"call", "put"});
}

}  // namespace

BookBuilder::BookBuilder(BookHeader header) : as_of_(header.as_of) {
  book_.name = std::move(header.name);
  book_.numeraire = std::move(header.numeraire);
  book_.as_of = header.as_of.value_or(UtcTime{});
  book_.insurance_fund_usd = header.insurance_fund_usd;
  venues_.insert("");
}

void BookBuilder::add_underlyings(const RowBatch& batch, ProblemLog& problems) {
  for (std::size_t i = 0; i < batch.num_rows; ++i) {
    CheckedRow row(tables::underlyings, batch, i, problems);
    Underlying underlying{std::string(row.text(UnderlyingColumns::underlying)), 0.0, {}, {}};
    const auto price = row.number(UnderlyingColumns::index_price, NumberRule::positive);
    underlying.index_price_usd = price.value_or(1.0);
    underlying.adv_usd = row.number(UnderlyingColumns::adv_usd, NumberRule::not_negative, Presence::optional);
    underlying.funding_rate_8h = row.number(UnderlyingColumns::funding_rate_8h, NumberRule::any, Presence::optional);
    if (underlying.name == book_.numeraire) {
      row.error(UnderlyingColumns::underlying,
                "this is the numeraire (all prices are in it, so it has none of its own). Drop the row.");
    }
    if (enter_name(row, UnderlyingColumns::underlying, underlyings_, underlying_row_)) {
      book_.underlyings.push_back(std::move(underlying));
    }
  }
}

void BookBuilder::finish_underlyings(Completeness completeness, ProblemLog& problems) {
  underlyings_read_ = completeness;
  sort_by_name(book_.underlyings, underlyings_, underlying_row_);
  if (completeness == Completeness::whole && book_.underlyings.empty() && !problems.has_errors()) {
    problems.error(0, "", "", "the table has no rows (a book needs an underlying). Add one.");
    underlyings_read_ = Completeness::partial;  // one problem, not one for every row that names an underlying
  }
}

std::optional<UnderlyingId> BookBuilder::underlying_of(CheckedRow& row, std::size_t column) {
  const std::string_view name = row.text(column);
  const std::uint32_t id = underlyings_.find(name);
  if (id != NameTable::absent) return id;
  if (name.empty()) {
    row.error(column, "the value is missing (every row needs one here). Fill it in or drop the row.");
  } else if (underlyings_read_ == Completeness::whole) {
    row.error(column, "this is not in the underlyings table (it has no price). Add it there or correct the name.");
  }
  return std::nullopt;
}

std::optional<UnderlyingId> BookBuilder::asset_of(CheckedRow& row, std::size_t column) {
  if (row.text(column) == book_.numeraire) return no_underlying;
  return underlying_of(row, column);
}

void BookBuilder::add_instruments(const RowBatch& batch, ProblemLog& problems) {
  for (std::size_t i = 0; i < batch.num_rows; ++i) {
    CheckedRow row(tables::instruments, batch, i, problems);
    Instrument instrument;
    instrument.name = row.text(InstrumentColumns::instrument);
    read_terms(row, instrument);
    if (enter_name(row, InstrumentColumns::instrument, instruments_, instrument_row_)) {
      book_.instruments.push_back(std::move(instrument));
    }
  }
}

void BookBuilder::read_terms(CheckedRow& row, Instrument& instrument) {
  const auto kind = row.choice(InstrumentColumns::kind, {"spot", "perpetual", "future", "option"});
  const auto payoff = row.choice(InstrumentColumns::payoff, {"linear", "inverse"});
  const auto underlying = underlying_of(row, InstrumentColumns::underlying);
  const auto settlement = asset_of(row, InstrumentColumns::settlement);
  const auto size = row.number(InstrumentColumns::contract_size, NumberRule::positive);
  instrument.contract_size = size.value_or(1.0);
  if (payoff) instrument.payoff = static_cast<Payoff>(*payoff);
  if (underlying) instrument.underlying = *underlying;
  if (settlement) instrument.settlement = *settlement;
  if (kind) {
    instrument.kind = static_cast<InstrumentKind>(*kind);
    read_expiry(row, instrument);
    read_option_terms(row, instrument);
  } else {
    read_what_is_there(row);
  }
  if (kind && payoff && underlying && settlement) check_settlement(row, instrument);
}

/// Of a row whose kind nobody knows: values that no kind could have are problems all the same.
void BookBuilder::read_what_is_there(CheckedRow& row) {
  if (!row.is_missing(InstrumentColumns::expiry)) { row.time(InstrumentColumns::expiry); }
  if (!row.is_missing(InstrumentColumns::strike)) { row.number(InstrumentColumns::strike, NumberRule::positive); }
  if (!row.is_missing(InstrumentColumns::option_type)) { option_type_of(row); }
}

void BookBuilder::read_expiry(CheckedRow& row, Instrument& instrument) {
  if (instrument.kind == InstrumentKind::spot || instrument.kind == InstrumentKind::perpetual) {
    if (row.is_missing(InstrumentColumns::expiry)) return;
    row.error(InstrumentColumns::expiry,
              "spot and perpetuals have no expiry (it would be ignored). Leave it empty or correct the kind.");
    return;
  }
  const std::optional<UtcTime> expiry = row.time(InstrumentColumns::expiry);
  if (!expiry) return;
  instrument.expiry = *expiry;
  if (as_of_ && *expiry <= *as_of_) {
    row.error(InstrumentColumns::expiry,
              "the contract has expired by as_of in book.toml (it has no value left to simulate). Drop it and its "
              "positions, or correct the time.");
  }
}

void BookBuilder::read_option_terms(CheckedRow& row, Instrument& instrument) {
  if (instrument.kind == InstrumentKind::option) {
    instrument.strike = row.number(InstrumentColumns::strike, NumberRule::positive).value_or(1.0);
    instrument.option_type = static_cast<OptionType>(option_type_of(row).value_or(0));
    return;
  }
  for (const std::size_t column : {InstrumentColumns::strike, InstrumentColumns::option_type}) {
    if (row.is_missing(column)) continue;
    row.error(column, "only options have this (it would be ignored). Leave it empty or correct the kind.");
  }
}

void BookBuilder::check_settlement(CheckedRow& row, const Instrument& instrument) {
  if (instrument.kind == InstrumentKind::spot && instrument.payoff == Payoff::inverse) {
    row.error(InstrumentColumns::payoff, "spot is linear (a coin is worth its price). Put in linear.");
  } else if (instrument.payoff == Payoff::inverse && instrument.settlement != instrument.underlying) {
    row.error(InstrumentColumns::settlement,
              "an inverse contract settles in its underlying (its profit is paid in the coin). Put in the underlying "
              "or make the payoff linear.");
  }
}

void BookBuilder::finish_instruments(Completeness completeness, ProblemLog& problems) {
  instruments_read_ = completeness;
  sort_by_name(book_.instruments, instruments_, instrument_row_);
  book_.quotes.resize(book_.instruments.size());
  quote_row_.resize(book_.instruments.size());
  if (completeness == Completeness::whole && book_.instruments.empty() && !problems.has_errors()) {
    problems.error(0, "", "", "the table has no rows (a book needs an instrument). Add one.");
    instruments_read_ = Completeness::partial;  // one problem, not one for every row that names an instrument
  }
}

std::optional<InstrumentId> BookBuilder::instrument_of(CheckedRow& row, std::size_t column) {
  const std::string_view name = row.text(column);
  const std::uint32_t id = instruments_.find(name);
  if (id != NameTable::absent) return id;
  if (name.empty()) {
    row.error(column, "the value is missing (every row needs one here). Fill it in or drop the row.");
  } else if (instruments_read_ == Completeness::whole) {
    row.error(column,
              "this is not in the instruments table (its terms are unknown). Add it there or correct the name.");
  }
  return std::nullopt;
}

void BookBuilder::add_quotes(const RowBatch& batch, ProblemLog& problems) {
  for (std::size_t i = 0; i < batch.num_rows; ++i) {
    CheckedRow row(tables::market, batch, i, problems);
    const auto instrument = instrument_of(row, MarketColumns::instrument);
    Quote quote;
    read_prices(row, instrument ? book_.instruments[*instrument].kind : InstrumentKind::option, quote);
    if (!instrument) continue;
    if (const std::uint64_t before = std::exchange(quote_row_[*instrument], row.row_number())) {
      row.error_of_kind("repeated quote", MarketColumns::instrument,
                        "row " + std::to_string(before) +
                            " quotes this instrument already (only one can be right). Drop one of them.");
    }
    book_.quotes[*instrument] = quote;
  }
}

void BookBuilder::read_prices(CheckedRow& row, InstrumentKind kind, Quote& quote) {
  const bool is_option = kind == InstrumentKind::option;
  const auto optional = Presence::optional;
  quote.mark_price = row.number(MarketColumns::mark_price, is_option ? NumberRule::not_negative : NumberRule::positive,
                                is_option ? optional : Presence::required);
  quote.forward = row.number(MarketColumns::forward, NumberRule::positive, optional);
  quote.mark_iv = row.number(MarketColumns::mark_iv, NumberRule::positive, optional);
  quote.bid = row.number(MarketColumns::bid, NumberRule::not_negative, optional);
  quote.ask = row.number(MarketColumns::ask, NumberRule::not_negative, optional);
  quote.open_interest = row.number(MarketColumns::open_interest, NumberRule::not_negative, optional);
  quote.volume_24h = row.number(MarketColumns::volume_24h, NumberRule::not_negative, optional);
  if (quote.mark_iv && *quote.mark_iv > max_implied_vol) {
    row.error(MarketColumns::mark_iv,
              "this is above 20, that is 2000 % a year (it is probably in percent). Divide it by 100 or drop it.");
  }
  if (is_option && row.is_missing(MarketColumns::mark_price) && row.is_missing(MarketColumns::mark_iv)) {
    row.error(MarketColumns::mark_price,
              "the option has neither mark_price nor mark_iv (it cannot be valued). Fill in one of them.");
  }
  if (quote.bid && quote.ask && *quote.bid > *quote.ask) {
    row.warning(MarketColumns::bid, "the bid is above the ask (one of them is stale or wrong). Check the row.");
  }
}

void BookBuilder::finish_quotes(Completeness completeness, ProblemLog& problems) {
  if (completeness == Completeness::partial || instruments_read_ == Completeness::partial) return;
  for (std::size_t i = 0; i < quote_row_.size(); ++i) {
    if (quote_row_[i] != 0) continue;
    problems.error(0, "instrument", book_.instruments[i].name,
                   "the instrument has no row in the market table (it cannot be valued). Add the row.");
  }
}

std::optional<std::uint32_t> BookBuilder::account_of(CheckedRow& row, std::size_t column) {
  const std::string_view name = row.text(column);
  if (last_account_ != NameTable::absent && name == accounts_.name(last_account_)) return last_account_;
  const std::uint32_t known = accounts_.find(name);
  if (known != NameTable::absent) return last_account_ = known;
  if (const char* problem = name_problem(name)) {
    row.error(column, problem);
    return std::nullopt;
  }
  return last_account_ = accounts_.insert(name).id;
}

std::uint32_t BookBuilder::venue_of(CheckedRow& row, std::size_t column) {
  const std::string_view name = row.text(column);
  if (name.empty()) return 0;
  const std::uint32_t known = venues_.find(name);
  if (known != NameTable::absent) return known;
  if (const char* problem = name_problem(name)) row.error(column, problem);
  return venues_.insert(name).id;
}

void BookBuilder::add_positions(const RowBatch& batch, ProblemLog& problems) {
  positions_.reserve(batch.expected_rows);  // grown by doubling, twenty million rows are cleared and copied twice
  for (std::size_t i = 0; i < batch.num_rows; ++i) {
    CheckedRow row(tables::positions, batch, i, problems);
    const auto account = account_of(row, PositionColumns::account);
    const auto instrument = instrument_of(row, PositionColumns::instrument);
    const auto quantity = row.number(PositionColumns::quantity, NumberRule::any);
    const bool is_option = instrument && book_.instruments[*instrument].kind == InstrumentKind::option;
    const auto entry = row.number(PositionColumns::entry_price,
                                  is_option ? NumberRule::not_negative : NumberRule::positive, Presence::optional);
    const std::uint32_t venue = venue_of(row, PositionColumns::venue);
    if (!account || !instrument || !quantity) continue;
    positions_.push_back({*account, *instrument, venue, *quantity, entry.value_or(std::nan("")), row.row_number()});
  }
}

void BookBuilder::add_collateral(const RowBatch& batch, ProblemLog& problems) {
  collateral_.reserve(batch.expected_rows);
  for (std::size_t i = 0; i < batch.num_rows; ++i) {
    CheckedRow row(tables::collateral, batch, i, problems);
    const auto account = account_of(row, CollateralColumns::account);
    const auto asset = asset_of(row, CollateralColumns::asset);
    const auto amount = row.number(CollateralColumns::amount, NumberRule::any);
    const std::uint32_t venue = venue_of(row, CollateralColumns::venue);
    if (!account || !asset || !amount) continue;
    collateral_.push_back({*account, *asset, venue, *amount, std::nan(""), row.row_number()});
  }
}

void BookBuilder::finish_holdings(Completeness completeness, ProblemLog& positions, ProblemLog& collateral) {
  const std::vector<std::uint32_t> rank = accounts_.ranks();
  book_.accounts.resize(rank.size());
  for (std::uint32_t a = 0; a < rank.size(); ++a) book_.accounts[rank[a]] = accounts_.name(a);
  const auto instrument_name = [&](std::uint32_t id) { return book_.instruments[id].name; };
  const auto asset_name = [&](std::uint32_t id) {
    return id == no_underlying ? book_.numeraire : book_.underlyings[id].name;
  };
  book_.by_venue = holdings_by_venue(positions_, collateral_, rank, venues_);
  const auto merged_positions =
      merge_holdings(std::exchange(positions_, {}), rank, "instrument", instrument_name, positions);
  book_.positions.reserve(merged_positions.size());
  for (const Holding& h : merged_positions) book_.positions.push_back(position_of(h));
  const auto merged_collateral = merge_holdings(std::exchange(collateral_, {}), rank, "asset", asset_name, collateral);
  book_.collateral.reserve(merged_collateral.size());
  for (const Holding& h : merged_collateral) book_.collateral.push_back({h.account, h.item, h.amount});
  if (completeness == Completeness::whole && rank.empty() && !positions.has_errors() && !collateral.has_errors()) {
    positions.error(0, "", "", "neither positions nor collateral have a row (there is nothing to margin). Add one.");
  }
}

}  // namespace tailmargin
