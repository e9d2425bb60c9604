// Deribit: JSON of the public API v2 (get_instruments, get_book_summary_by_currency, ticker) and option-chain tables.
#include <string>

#include "host/importers/deribit_names.hpp"
#include "host/importers/import_market.hpp"
#include "host/importers/market_draft.hpp"
#include "host/importers/venue_files.hpp"
#include "host/io/table_reader.hpp"

namespace tailmargin {
namespace importers {
namespace {

constexpr auto unknown_document =
    "this is none of the documents known here (get_instruments, get_book_summary_by_currency and ticker are read). "
    "Drop the file or download one of those.";

struct ChainColumns {
  enum : std::size_t {
    time,
    instrument,
    underlying,
    expiry,
    strike,
    type,
    mark_iv,
    mark_price,
    underlying_price,
    underlying_name,
    index_price,
    open_interest,
    volume,
    bid,
    ask,
    delta,
    vega
  };
};

const TableSpec& chain_table() {
  static const TableSpec table{"option chain",
                               {{"time_utc", ColumnType::time},
                                {"instrument", ColumnType::text},
                                {"underlying", ColumnType::text},
                                {"expiry_utc", ColumnType::time},
                                {"strike", ColumnType::number},
                                {"type", ColumnType::text},
                                {"mark_iv", ColumnType::number, Presence::optional},
                                {"mark_price", ColumnType::number, Presence::optional},
                                {"underlying_price", ColumnType::number},
                                {"underlying_name", ColumnType::text, Presence::optional},
                                {"index_price", ColumnType::number, Presence::optional},
                                {"open_interest", ColumnType::number, Presence::optional},
                                {"volume", ColumnType::number, Presence::optional},
                                {"bid", ColumnType::number, Presence::optional},
                                {"ask", ColumnType::number, Presence::optional},
                                {"delta", ColumnType::number, Presence::optional},
                                {"vega", ColumnType::number, Presence::optional}}};
  return table;
}

/// A price of 0 means there is no order.
std::optional<double> order_price(std::optional<double> price) { return price && *price > 0.0 ? price : std::nullopt; }

std::optional<double> divided(std::optional<double> amount, double by) {
  return amount ? std::optional(*amount / by) : std::nullopt;
}

class DeribitImport {
 public:
  explicit DeribitImport(const std::vector<std::filesystem::path>& files) : files_(files), draft_("deribit", files) {}

  Book run(Diagnostics& diagnostics) {
    for (file_ = 0; file_ < files_.size(); ++file_) {
      row_ = 0;
      const FileKind kind = kind_of_file(files_[file_], problems());
      if (kind == FileKind::table) { read_chain_table(); }
      if (kind != FileKind::json) { continue; }
      read_documents(files_[file_], problems(),
                     [this](const Json& document) { read_document(document, std::nullopt); });
    }
    for (auto& [name, listing] : draft_.listings()) { settle(name, listing); }
    return draft_.finish(diagnostics);
  }

 private:
  ProblemLog& problems() { return draft_.problems(file_); }

  /// @param sent  when the venue sent the document, for those whose records carry no time
  void read_document(const Json& document, std::optional<UtcTime> sent) {
    if (document.is_array()) {
      for (const Json& element : document) { read_document(element, sent); }
    } else if (!document.is_object()) {
      problems().error(++row_, "", document.dump(), unknown_document);
    } else if (document.contains("instrument_name")) {
      read_record(JsonRow(document, ++row_, problems()), document, sent);
    } else if (document.contains("result")) {
      const double sent_us =
          document.contains("usOut") && document["usOut"].is_number() ? document["usOut"].get<double>() : 0.0;
      if (sent_us > 1e15) { sent = UtcTime{static_cast<std::int64_t>(sent_us / 1e6)}; }
      read_document(document["result"], sent);
    } else if (document.contains("error")) {
      problems().error(row_, "error", document["error"].dump(-1, ' ', false, Json::error_handler_t::replace),
                       "the venue answered with an error (the document holds no prices). Download it again.");
    } else {
      problems().error(++row_, "", "", unknown_document);
    }
  }

  void read_record(const JsonRow& row, const Json& record, std::optional<UtcTime> sent) {
    const std::string name = row.text("instrument_name");
    if (name.empty()) {
      row.error("instrument_name", "this is not a name (records are told apart by it). Correct it or drop the record.");
      return;
    }
    const bool is_terms = record.contains("contract_size") || record.contains("expiration_timestamp");
    const bool is_quote = record.contains("mark_price") || record.contains("mark_iv");
    if (is_terms) { read_terms(row, name); }
    if (is_quote) { read_quote(row, name, sent); }
    if (!is_terms && !is_quote) { row.error("instrument_name", unknown_document); }
  }

  void read_terms(const JsonRow& row, const std::string& name) {
    const std::string kind = row.text("kind");
    if (kind.ends_with("combo")) { return; }  // their legs are listed on their own
    const auto named = terms_from_deribit_name(name);
    if (!named && kind.empty()) {
      row.error("kind",
                "the kind of instrument is missing and its name does not tell it (its terms are unknown). Add it.");
      return;
    }
    NamedTerms known = named.value_or(NamedTerms{});
    Instrument& terms = known.terms;
    terms.name = name;
    if (kind == "option") { terms.kind = InstrumentKind::option; }
    if (kind == "spot") { terms.kind = InstrumentKind::spot; }
    if (kind == "future") {
      const bool endless = row.text("settlement_period") == "perpetual" || name.ends_with("PERPETUAL");
      terms.kind = endless ? InstrumentKind::perpetual : InstrumentKind::future;
    }
    if (!row.text("base_currency").empty()) { known.underlying = row.text("base_currency"); }
    read_payoff(row, kind, known);
    if (const auto size = row.number("contract_size", NumberRule::positive); size && kind != "spot") {
      terms.contract_size = *size;
    }
    read_expiry_and_strike(row, terms);
    Listing& listing = draft_.listing(name);
    listing.terms = terms;
    listing.underlying = known.underlying;
    listing.settlement = known.settlement;
    listing.terms_place = {file_, row.row()};
  }

  static void read_payoff(const JsonRow& row, const std::string& kind, NamedTerms& known) {
    const std::string type = row.text("instrument_type");
    std::string settlement = row.text("settlement_currency");
    if (settlement.empty() || kind == "spot") { settlement = row.text("quote_currency"); }
    if (!settlement.empty()) { known.settlement = settlement; }
    if (kind == "spot" || type == "linear") {
      known.terms.payoff = Payoff::linear;
    } else if (type == "reversed") {
      known.terms.payoff = Payoff::inverse;
    } else if (!settlement.empty()) {
      known.terms.payoff = known.settlement == known.underlying ? Payoff::inverse : Payoff::linear;
    }
    if (known.terms.payoff == Payoff::inverse) { known.settlement = known.underlying; }
  }

  static void read_expiry_and_strike(const JsonRow& row, Instrument& terms) {
    const bool is_option = terms.kind == InstrumentKind::option;
    if (is_option || terms.kind == InstrumentKind::future) {
      if (const auto expiry = row.time_ms("expiration_timestamp")) { terms.expiry = *expiry; }
      if (terms.expiry.seconds == 0 && !row.has("expiration_timestamp")) {
        row.error("expiration_timestamp",
                  "the expiry is missing and the name does not tell it (the contract cannot be valued). Add it.");
      }
    }
    if (!is_option) { return; }
    if (const auto strike = row.number("strike", NumberRule::positive)) { terms.strike = *strike; }
    if (terms.strike <= 0.0 && !row.has("strike")) {
      row.error("strike", "the strike is missing and the name does not tell it (the option cannot be valued). Add it.");
    }
    const std::string type = row.text("option_type");
    if (type == "call" || type == "put") {
      terms.option_type = type == "call" ? OptionType::call : OptionType::put;
    } else if (row.has("option_type")) {
      row.error("option_type", "this is neither call nor put (the payoff is unknown). Correct it.");
    }
  }

  void read_quote(const JsonRow& row, const std::string& name, std::optional<UtcTime> sent) {
    const JsonRow stats = row.inside("stats");
    const bool is_ticker = row.has("timestamp");
    std::optional<UtcTime> time = is_ticker ? row.time_ms("timestamp") : row.time_ms("creation_timestamp");
    if (!time) { time = sent; }
    if (time) { draft_.see_time(*time); }
    Listing& listing = draft_.listing(name);
    if (listing.is_quoted && time && *time < listing.time) { return; }  // the newest one speaks
    const bool is_option = row.has("mark_iv") || name.ends_with("-C") || name.ends_with("-P");
    listing.is_quoted = true;
    listing.time = time.value_or(UtcTime{});
    listing.quote_place = {file_, row.row()};
    Quote& quote = listing.quote;
    quote = Quote{};
    quote.mark_price = row.number("mark_price", is_option ? NumberRule::not_negative : NumberRule::positive);
    if (const auto percent = row.number("mark_iv", NumberRule::not_negative); percent && *percent > 0.0) {
      quote.mark_iv = *percent / 100.0;
      check_vol(row, "mark_iv", *quote.mark_iv);
    }
    if (is_option) { quote.forward = row.number("underlying_price", NumberRule::positive); }
    quote.bid =
        order_price(first(row.number("best_bid_price", NumberRule::any), row.number("bid_price", NumberRule::any)));
    quote.ask =
        order_price(first(row.number("best_ask_price", NumberRule::any), row.number("ask_price", NumberRule::any)));
    quote.open_interest = row.number("open_interest", NumberRule::not_negative);
    quote.volume_24h =
        first(row.number("volume", NumberRule::not_negative), stats.number("volume", NumberRule::not_negative));
    listing.volume_usd =
        first(row.number("volume_usd", NumberRule::not_negative), stats.number("volume_usd", NumberRule::not_negative));
    listing.index_price = first(row.number("index_price", NumberRule::positive),
                                row.number("estimated_delivery_price", NumberRule::positive));
    listing.funding_rate_8h = row.number("funding_8h", NumberRule::any);
  }

  static std::optional<double> first(std::optional<double> a, std::optional<double> b) { return a ? a : b; }

  static void check_vol(const JsonRow& row, const char* field, double vol) {
    if (vol <= 20.0) { return; }
    row.error(field, "this is above 2000 percent a year (no option is quoted so). Correct it or drop the field.");
  }

  /// Terms from the name where no list was given; amounts of coins and dollars to contracts.
  void settle(const std::string& name, Listing& listing) {
    if (!listing.terms) {
      const auto named = terms_from_deribit_name(name);
      if (!named) { return; }
      listing.terms = named->terms;
      listing.underlying = named->underlying;
      listing.settlement = named->settlement;
      if (!named->is_size_known) {
        draft_.problems(listing.quote_place.file)
            .warning(
                listing.quote_place.row, "contract_size", name,
                "no list of instruments tells the size of this linear "
                "contract (quantities count contracts). One coin is taken; import get_instruments with the prices.");
      }
    }
    const double size = listing.terms->contract_size;
    const bool in_usd = listing.terms->payoff == Payoff::inverse && listing.terms->kind != InstrumentKind::option;
    listing.quote.open_interest = divided(listing.quote.open_interest, size);  // of inverse futures in USD, else coins
    // Volume is in coins everywhere; inverse futures need the one in USD.
    listing.quote.volume_24h = divided(in_usd ? listing.volume_usd : listing.quote.volume_24h, size);
  }

  void read_chain_table() {
    const std::string header = header_of(files_[file_]);
    if (header.find("instrument") == std::string::npos || header.find("mark_iv") == std::string::npos) {
      problems().error(0, "", header.substr(0, 80),
                       "this is neither JSON nor a table of an option chain (its header has "
                       "no columns instrument and mark_iv). Drop the file or give the right one.");
      return;
    }
    read_table(files_[file_], chain_table(), problems(), [this](const RowBatch& batch) {
      for (std::size_t i = 0; i < batch.num_rows; ++i) {
        CheckedRow row(chain_table(), batch, i, problems());
        read_chain_row(row);
      }
    });
  }

  void read_chain_row(CheckedRow& row) {
    using Column = ChainColumns;
    const std::string name(row.text(Column::instrument));
    if (name.empty()) {
      row.error(Column::instrument, "the name is missing (options are told apart by it). Fill it in or drop the row.");
      return;
    }
    Listing listing;
    Instrument terms;
    terms.name = name;
    terms.kind = InstrumentKind::option;
    const auto time = row.time(Column::time), expiry = row.time(Column::expiry);
    const auto type = row.choice(Column::type, {"C", "P"});
    terms.expiry = expiry.value_or(UtcTime{});
    terms.strike = row.number(Column::strike, NumberRule::positive).value_or(1.0);
    terms.option_type = type.value_or(0) == 0 ? OptionType::call : OptionType::put;
    const std::string pair = name.substr(0, name.find('-'));
    const std::size_t separator = pair.find('_');
    terms.payoff = separator == std::string::npos ? Payoff::inverse : Payoff::linear;
    listing.terms = terms;
    listing.underlying = row.text(Column::underlying);
    listing.settlement = separator == std::string::npos ? listing.underlying : pair.substr(separator + 1);
    if (listing.underlying.empty()) {
      row.error(Column::underlying, "the coin is missing (the option has no price without it). Fill it in.");
    }
    read_chain_quote(row, listing);
    listing.time = time.value_or(UtcTime{});
    listing.terms_place = listing.quote_place = {file_, row.row_number()};
    if (time) { draft_.see_time(*time); }
    Listing& place = draft_.listing(name);
    if (place.is_quoted && listing.time < place.time) { return; }
    place = std::move(listing);
  }

  static void read_chain_quote(CheckedRow& row, Listing& listing) {
    using Column = ChainColumns;
    const auto optional = Presence::optional;
    Quote& quote = listing.quote;
    listing.is_quoted = true;
    quote.mark_iv = row.number(Column::mark_iv, NumberRule::positive, optional);
    quote.mark_price = row.number(Column::mark_price, NumberRule::not_negative, optional);
    quote.forward = row.number(Column::underlying_price, NumberRule::positive);
    quote.bid = order_price(row.number(Column::bid, NumberRule::not_negative, optional));
    quote.ask = order_price(row.number(Column::ask, NumberRule::not_negative, optional));
    quote.open_interest = row.number(Column::open_interest, NumberRule::not_negative, optional);
    quote.volume_24h = row.number(Column::volume, NumberRule::not_negative, optional);
    listing.index_price = row.number(Column::index_price, NumberRule::positive, optional);
    if (quote.mark_iv && *quote.mark_iv > 20.0) {
      row.error(Column::mark_iv,
                "this is above 20, that is 2000 % a year (it is probably in percent). Divide it by 100.");
    }
    if (!quote.mark_iv && !quote.mark_price) {
      row.error(Column::mark_price,
                "the option has neither mark_price nor mark_iv (it cannot be valued). Fill in one of them.");
    }
  }

  const std::vector<std::filesystem::path>& files_;
  MarketDraft draft_;
  std::size_t file_ = 0;
  std::uint64_t row_ = 0;  ///< records of the file so far, over all of its documents
};

}  // namespace
}  // namespace importers

Book import_deribit(const std::vector<std::filesystem::path>& files, Diagnostics& diagnostics) {
  if (files.empty()) { throw UsageError("no file to import was named. Name at least one."); }
  return importers::DeribitImport(files).run(diagnostics);
}

}  // namespace tailmargin
