// Binance USDT-margined futures: JSON of the public API (exchangeInfo, ticker/24hr, premiumIndex, openInterest,
// fundingInfo) and daily tables of perpetuals.
#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>

#include "host/domain/validate/text.hpp"
#include "host/importers/import_market.hpp"
#include "host/importers/market_draft.hpp"
#include "host/importers/venue_files.hpp"
#include "host/io/table_reader.hpp"

namespace tailmargin {
namespace importers {
namespace {

constexpr auto unknown_document =
    "this is none of the documents known here (exchangeInfo, ticker/24hr, premiumIndex, openInterest and fundingInfo "
    "of "
    "the USDT-margined futures are read). Drop the file or download one of those.";

struct DayColumns {
  enum : std::size_t { date, symbol, close, high, low, volume, open_coins, open_usdt, funding_sum, num_funding };
};

const TableSpec& day_table() {
  static const TableSpec table{"perpetuals of a day",
                               {{"date", ColumnType::text},
                                {"symbol", ColumnType::text},
                                {"close_usdt", ColumnType::number},
                                {"high", ColumnType::number, Presence::optional},
                                {"low", ColumnType::number, Presence::optional},
                                {"volume_usdt", ColumnType::number, Presence::optional},
                                {"open_interest_coins", ColumnType::number, Presence::optional},
                                {"open_interest_usdt", ColumnType::number, Presence::optional},
                                {"funding_rate_sum_day", ColumnType::number, Presence::optional},
                                {"n_funding", ColumnType::number, Presence::optional}}};
  return table;
}

struct BaseCoin {
  std::string name;
  double multiplier = 1.0;
};

/// 1000PEPE is a thousand PEPE, 1MBABYDOGE a million BABYDOGE; 1INCH is a coin.
BaseCoin base_coin(std::string_view base) {
  struct Prefix {
    std::string_view text;
    double multiplier;
  };
  static constexpr std::array<Prefix, 4> prefixes = {{{"1000000", 1e6}, {"10000", 1e4}, {"1000", 1e3}, {"1M", 1e6}}};
  for (const Prefix& prefix : prefixes) {
    if (base.size() > prefix.text.size() && base.starts_with(prefix.text)) {
      return {std::string(base.substr(prefix.text.size())), prefix.multiplier};
    }
  }
  return {std::string(base), 1.0};
}

/// BTCUSDT_260327 expires on that day at 08:00Z.
std::optional<UtcTime> expiry_of(std::string_view suffix) {
  if (suffix.size() != 6) { return std::nullopt; }
  return parse_utc_time("20" + std::string(suffix.substr(0, 2)) + "-" + std::string(suffix.substr(2, 2)) + "-" +
                        std::string(suffix.substr(4, 2)) + "T08:00:00Z");
}

std::string to_name(std::string_view text) { return std::string(text); }

class BinanceImport {
 public:
  BinanceImport(const std::vector<std::filesystem::path>& files, const BinanceOptions& options)
      : files_(files), options_(options), draft_("binance", files) {}

  Book run(Diagnostics& diagnostics) {
    for (file_ = 0; file_ < files_.size(); ++file_) {
      row_ = 0;
      const FileKind kind = kind_of_file(files_[file_], problems());
      if (kind == FileKind::table) { read_day_table(); }
      if (kind != FileKind::json) { continue; }
      read_documents(files_[file_], problems(), [this](const Json& document) { read_document(document); });
    }
    for (auto& [symbol, listing] : draft_.listings()) { settle(symbol, listing); }
    keep_largest();
    return draft_.finish(diagnostics);
  }

 private:
  ProblemLog& problems() { return draft_.problems(file_); }

  void read_document(const Json& document) {
    if (document.is_array()) {
      for (const Json& element : document) { read_document(element); }
    } else if (!document.is_object()) {
      problems().error(++row_, "", document.dump(), unknown_document);
    } else if (document.contains("symbols") && document["symbols"].is_array()) {
      for (const Json& symbol : document["symbols"]) {
        if (symbol.is_object()) { read_terms(JsonRow(symbol, ++row_, problems())); }
      }
    } else if (document.contains("symbol")) {
      read_record(JsonRow(document, ++row_, problems()));
    } else if (document.contains("code") && document.contains("msg")) {
      problems().error(row_, "msg", document["msg"].dump(-1, ' ', false, Json::error_handler_t::replace),
                       "the venue answered with an error (the document holds no prices). Download it again.");
    } else {
      problems().error(++row_, "", "", unknown_document);
    }
  }

  std::string symbol_of(const JsonRow& row) {
    const std::string symbol = row.text("symbol");
    if (symbol.empty()) {
      row.error("symbol", "this is not a name (records are told apart by it). Correct it or drop the record.");
    }
    return symbol;
  }

  void read_terms(const JsonRow& row) {
    const std::string symbol = symbol_of(row);
    if (symbol.empty()) { return; }
    const std::string status = row.text("status");
    if (!status.empty() && status != "TRADING") { return; }  // its old price, if any, is then left out with a warning
    const std::string base = row.text("baseAsset"), margin = row.text("marginAsset"), type = row.text("contractType");
    if (base.empty()) {
      row.error("baseAsset",
                "the coin is missing (the contract has no price without it). Correct it or drop the record.");
      return;
    }
    Instrument terms;
    terms.name = symbol;
    terms.kind = type.empty() || type.ends_with("PERPETUAL") ? InstrumentKind::perpetual : InstrumentKind::future;
    if (terms.kind == InstrumentKind::future) {
      const auto expiry = row.time_ms("deliveryDate");
      if (!expiry && !row.has("deliveryDate")) {
        row.error("deliveryDate", "the expiry is missing (the future cannot be valued). Add it or drop the record.");
      }
      terms.expiry = expiry.value_or(UtcTime{});
    }
    const std::string quote = row.text("quoteAsset");
    set_terms(draft_.listing(symbol), terms, base, margin.empty() ? (quote.empty() ? "USDT" : quote) : margin);
    draft_.listing(symbol).terms_place = {file_, row.row()};
    has_list_ = true;
  }

  static void set_terms(Listing& listing, Instrument terms, std::string_view base, std::string settlement) {
    const BaseCoin coin = base_coin(base);
    terms.contract_size = coin.multiplier;
    listing.terms = terms;
    listing.underlying = coin.name;
    listing.settlement = std::move(settlement);
  }

  void read_record(const JsonRow& row) {
    const std::string symbol = symbol_of(row);
    if (symbol.empty()) { return; }
    Listing& listing = draft_.listing(symbol);
    if (row.has("lastPrice")) {
      read_ticker(row, listing);
    } else if (row.has("markPrice")) {
      read_premium_index(row, listing);
    } else if (row.has("openInterest")) {
      listing.quote.open_interest = row.number("openInterest", NumberRule::not_negative);
      see(row.time_ms("time"), listing);
    } else if (row.has("fundingIntervalHours")) {
      funding_hours_[symbol] = row.number("fundingIntervalHours", NumberRule::positive).value_or(8.0);
    } else {
      row.error("symbol", unknown_document);
    }
  }

  void see(std::optional<UtcTime> time, Listing& listing) {
    if (!time) { return; }
    draft_.see_time(*time);
    listing.time = std::max(listing.time, *time);
  }

  void quoted(const JsonRow& row, Listing& listing) {
    listing.is_quoted = true;
    listing.quote_place = {file_, row.row()};
  }

  void read_ticker(const JsonRow& row, Listing& listing) {
    see(row.time_ms("closeTime"), listing);
    quoted(row, listing);
    const auto last = row.number("lastPrice", NumberRule::not_negative);
    // The mark price of premiumIndex is the better one; a last price of 0 means it never traded.
    if (!listing.quote.mark_price && last && *last > 0.0) { listing.quote.mark_price = last; }
    listing.quote.volume_24h = row.number("volume", NumberRule::not_negative);
    listing.volume_usd = row.number("quoteVolume", NumberRule::not_negative);
  }

  void read_premium_index(const JsonRow& row, Listing& listing) {
    const auto time = row.time_ms("time");
    see(time, listing);
    quoted(row, listing);
    const auto mark = row.number("markPrice", NumberRule::not_negative);
    const auto index = row.number("indexPrice", NumberRule::not_negative);
    if (mark && *mark > 0.0) { listing.quote.mark_price = mark; }
    if (index && *index > 0.0) { listing.index_price = index; }
    listing.funding_rate_8h = row.number("lastFundingRate", NumberRule::any);
  }

  /// Terms from the symbol where no list was given; prices of a thousand coins to prices of one.
  void settle(const std::string& symbol, Listing& listing) {
    if (!listing.terms && !has_list_) { set_terms_from_symbol(symbol, listing); }
    if (!listing.terms) { return; }
    const double multiplier = listing.terms->contract_size;
    if (listing.quote.mark_price) { *listing.quote.mark_price /= multiplier; }
    if (listing.index_price) { *listing.index_price /= multiplier; }
    const auto hours = funding_hours_.find(symbol);
    if (hours != funding_hours_.end() && listing.funding_rate_8h) { *listing.funding_rate_8h *= 8.0 / hours->second; }
  }

  static void set_terms_from_symbol(const std::string& symbol, Listing& listing) {
    Instrument terms;
    terms.name = symbol;
    terms.kind = InstrumentKind::perpetual;
    std::string_view pair = symbol;
    if (const std::size_t separator = pair.find('_'); separator != std::string_view::npos) {
      const auto expiry = expiry_of(pair.substr(separator + 1));
      if (!expiry) { return; }
      terms.kind = InstrumentKind::future;
      terms.expiry = *expiry;
      pair = pair.substr(0, separator);
    }
    for (const std::string_view settlement : {"USDT", "USDC"}) {
      if (!pair.ends_with(settlement) || pair.size() == settlement.size()) { continue; }
      set_terms(listing, terms, pair.substr(0, pair.size() - settlement.size()), to_name(settlement));
    }
  }

  void keep_largest() {
    if (!options_.top) { return; }
    struct Ranked {
      double open_usdt;
      std::string symbol;
    };
    std::vector<Ranked> ranked;
    for (const auto& [symbol, listing] : draft_.listings()) {
      if (!listing.terms || !listing.is_quoted) { continue; }
      const double contract = listing.quote.mark_price.value_or(0.0) * listing.terms->contract_size;
      ranked.push_back({listing.quote.open_interest.value_or(0.0) * contract, symbol});
    }
    std::sort(ranked.begin(), ranked.end(), [](const Ranked& a, const Ranked& b) {
      return a.open_usdt != b.open_usdt ? a.open_usdt > b.open_usdt : a.symbol < b.symbol;
    });
    ranked.resize(std::min(ranked.size(), *options_.top));
    std::erase_if(draft_.listings(), [&ranked](const auto& entry) {
      return std::none_of(ranked.begin(), ranked.end(), [&](const Ranked& r) { return r.symbol == entry.first; });
    });
  }

  void read_day_table() {
    const std::string header = header_of(files_[file_]);
    if (header.find("symbol") == std::string::npos || header.find("close_usdt") == std::string::npos) {
      problems().error(0, "", header.substr(0, 80),
                       "this is neither JSON nor a table of perpetuals (its header has no "
                       "columns symbol and close_usdt). Drop the file or give the right one.");
      return;
    }
    read_table(files_[file_], day_table(), problems(), [this](const RowBatch& batch) {
      for (std::size_t i = 0; i < batch.num_rows; ++i) {
        CheckedRow row(day_table(), batch, i, problems());
        read_day_row(row);
      }
    });
  }

  void read_day_row(CheckedRow& row) {
    using Column = DayColumns;
    const auto optional = Presence::optional;
    const std::string symbol(row.text(Column::symbol));
    if (symbol.empty()) {
      row.error(Column::symbol, "the name is missing (contracts are told apart by it). Fill it in or drop the row.");
      return;
    }
    const auto midnight = parse_utc_time(std::string(row.text(Column::date)) + "T00:00:00Z");
    if (!midnight) { row.error(Column::date, "this is not a date (dates look like 2026-03-01). Correct it."); }
    const UtcTime time{midnight.value_or(UtcTime{}).seconds + 86400};  // prices are of the day's end
    if (midnight) { draft_.see_time(time); }
    Listing listing;
    listing.is_quoted = true;
    listing.time = time;
    listing.quote_place = {file_, row.row_number()};
    Quote& quote = listing.quote;
    quote.mark_price = row.number(Column::close, NumberRule::positive);
    listing.volume_usd = row.number(Column::volume, NumberRule::not_negative, optional);
    if (listing.volume_usd && quote.mark_price) { quote.volume_24h = *listing.volume_usd / *quote.mark_price; }
    quote.open_interest = row.number(Column::open_coins, NumberRule::not_negative, optional);
    if (const auto open_usdt = row.number(Column::open_usdt, NumberRule::not_negative, optional);
        open_usdt && !quote.open_interest && quote.mark_price) {
      quote.open_interest = *open_usdt / *quote.mark_price;
    }
    // A day has three times eight hours, however often funding was paid.
    if (const auto sum = row.number(Column::funding_sum, NumberRule::any, optional)) {
      listing.funding_rate_8h = *sum / 3.0;
    }
    Listing& place = draft_.listing(symbol);
    if (place.is_quoted && listing.time < place.time) { return; }
    listing.terms = place.terms;
    listing.underlying = place.underlying;
    listing.settlement = place.settlement;
    place = std::move(listing);
  }

  const std::vector<std::filesystem::path>& files_;
  const BinanceOptions& options_;
  MarketDraft draft_;
  std::size_t file_ = 0;
  std::uint64_t row_ = 0;  ///< records of the file so far, over all of its documents
  bool has_list_ = false;  ///< an exchangeInfo was read: what it does not list is not traded
  std::map<std::string, double> funding_hours_;
};

}  // namespace
}  // namespace importers

Book import_binance(const std::vector<std::filesystem::path>& files, const BinanceOptions& options,
                    Diagnostics& diagnostics) {
  if (files.empty()) { throw UsageError("no file to import was named. Name at least one."); }
  return importers::BinanceImport(files, options).run(diagnostics);
}

}  // namespace tailmargin
