// One market from two.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "host/domain/validate/text.hpp"
#include "host/importers/import_market.hpp"

namespace tailmargin {
namespace {

constexpr std::int64_t same_moment_seconds = 3600;

/// An instrument with names for ids, so that it can move between books.
struct Entry {
  Instrument instrument;
  std::string underlying, settlement;  ///< settlement empty: the numeraire
  Quote quote;
};

class MarketMerge {
 public:
  MarketMerge(const Book& older, const Book& newer) : older_(older), newer_(newer) {}

  Book run(Diagnostics& diagnostics) {
    for (const Book* book : {&older_, &newer_}) {
      for (const Underlying& underlying : book->underlyings) { add_underlying(underlying); }
      for (InstrumentId i = 0; i < book->instruments.size(); ++i) { add_instrument(*book, i); }
    }
    drop_expired(diagnostics);
    unite_forwards();
    return assemble();
  }

 private:
  static void keep(std::optional<double>& newer, const std::optional<double>& older) {
    if (!newer) { newer = older; }
  }

  void add_underlying(const Underlying& underlying) {
    const auto [place, is_new] = underlyings_.try_emplace(underlying.name, underlying);
    if (is_new) { return; }
    Underlying merged = underlying;
    const Underlying& before = place->second;
    // A stablecoin at exactly 1 was not quoted: what another source knows of it is better.
    const bool is_default = merged.index_price_usd == 1.0 && (merged.name == "USDT" || merged.name == "USDC");
    if (is_default) { merged.index_price_usd = before.index_price_usd; }
    keep(merged.adv_usd, before.adv_usd);
    keep(merged.funding_rate_8h, before.funding_rate_8h);
    // Two venues at one moment: the coin trades at least as much as on the larger of them.
    const bool same_moment = newer_.as_of.seconds - older_.as_of.seconds <= same_moment_seconds;
    if (same_moment && before.adv_usd) { merged.adv_usd = std::max(*merged.adv_usd, *before.adv_usd); }
    place->second = merged;
  }

  void add_instrument(const Book& book, InstrumentId i) {
    const Instrument& instrument = book.instruments[i];
    Entry entry{instrument, book.underlyings[instrument.underlying].name, "", book.quotes[i]};
    if (instrument.settlement != no_underlying) { entry.settlement = book.underlyings[instrument.settlement].name; }
    const auto [place, is_new] = entries_.try_emplace(instrument.name, entry);
    if (is_new) { return; }
    keep(entry.quote.open_interest, place->second.quote.open_interest);
    keep(entry.quote.volume_24h, place->second.quote.volume_24h);
    place->second = std::move(entry);
  }

  void drop_expired(Diagnostics& diagnostics) {
    std::map<UtcTime, std::vector<std::string>> dropped;
    std::erase_if(entries_, [&](const auto& item) {
      const Instrument& x = item.second.instrument;
      const bool expires = x.kind == InstrumentKind::future || x.kind == InstrumentKind::option;
      if (!expires || x.expiry > newer_.as_of) { return false; }
      dropped[x.expiry].push_back(item.first);
      return true;
    });
    for (const auto& [expiry, names] : dropped) {
      diagnostics.warning("instruments", 0, "expiry", format_utc_time(expiry),
                          std::to_string(names.size()) + " contract(s), " + names.front() +
                              " first, expired before the "
                              "new as_of, " +
                              format_utc_time(newer_.as_of) +
                              " (they have no value left to simulate). They "
                              "are dropped; drop positions in them too.");
    }
  }

  /// Options of one expiry share a forward: the newer one, also for options that only the older market has.
  void unite_forwards() {
    const auto key = [](const Entry& e) { return std::make_tuple(e.underlying, e.settlement, e.instrument.expiry); };
    std::map<std::tuple<std::string, std::string, UtcTime>, double> forwards;
    for (InstrumentId i = 0; i < newer_.instruments.size(); ++i) {
      const auto entry = entries_.find(newer_.instruments[i].name);
      if (entry != entries_.end() && newer_.quotes[i].forward) {
        forwards.emplace(key(entry->second), *newer_.quotes[i].forward);
      }
    }
    for (auto& [name, entry] : entries_) {
      const auto forward = forwards.find(key(entry));
      if (entry.instrument.kind == InstrumentKind::option && forward != forwards.end()) {
        entry.quote.forward = forward->second;
      }
    }
  }

  Book assemble() {
    Book book;
    book.as_of = newer_.as_of;
    std::map<std::string, UnderlyingId> ids;
    for (const auto& [name, underlying] : underlyings_) {
      ids.emplace(name, static_cast<UnderlyingId>(ids.size()));
      book.underlyings.push_back(underlying);
    }
    for (auto& [name, entry] : entries_) {
      entry.instrument.underlying = ids.at(entry.underlying);
      entry.instrument.settlement = entry.settlement.empty() ? no_underlying : ids.at(entry.settlement);
      book.instruments.push_back(std::move(entry.instrument));
      book.quotes.push_back(entry.quote);
    }
    return book;
  }

  const Book& older_;
  const Book& newer_;
  std::map<std::string, Underlying> underlyings_;
  std::map<std::string, Entry> entries_;
};

std::string joined_names(const std::string& a, const std::string& b) {
  if (a.empty() || a == b || a.find(b) != std::string::npos) { return a.empty() ? b : a; }
  return b.empty() ? a : a + " + " + b;
}

}  // namespace

Book merge_markets(const Book& existing, const Book& incoming, Diagnostics& diagnostics) {
  if (existing.numeraire != incoming.numeraire) {
    diagnostics.error("book.toml", 0, "numeraire", existing.numeraire,
                      "the market there counts in another currency than the imported one, " + incoming.numeraire +
                          " (their prices cannot be compared). Import into a new folder.");
    return existing;
  }
  if (std::abs(incoming.as_of.seconds - existing.as_of.seconds) > same_moment_seconds) {
    diagnostics.warning(
        "book.toml", 0, "as_of", format_utc_time(existing.as_of),
        "the market there and the imported one, of " + format_utc_time(incoming.as_of) +
            ", are more than an hour apart (prices of different times in one market make false offsets). "
            "Import all venues at one time.");
  }
  const bool incoming_is_newer = incoming.as_of >= existing.as_of;
  MarketMerge merge(incoming_is_newer ? existing : incoming, incoming_is_newer ? incoming : existing);
  Book book = merge.run(diagnostics);
  book.name = joined_names(existing.name, incoming.name);
  book.numeraire = existing.numeraire;
  book.insurance_fund_usd = existing.insurance_fund_usd ? existing.insurance_fund_usd : incoming.insurance_fund_usd;
  return book;
}

}  // namespace tailmargin
