#include "host/importers/market_draft.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>
#include <utility>

#include "host/domain/validate/text.hpp"
#include "host/importers/implied_vol.hpp"
#include "kernels/math/elementary.hpp"

namespace tailmargin::importers {
namespace {

constexpr double seconds_per_year = 365.0 * 86400.0;

bool is_option(const Listing& listing) { return listing.terms->kind == InstrumentKind::option; }

bool expires(const Listing& listing) { return is_option(listing) || listing.terms->kind == InstrumentKind::future; }

/// Options of one underlying, settlement and expiry share a forward.
auto expiry_key(const Listing& listing) {
  return std::make_tuple(listing.underlying, listing.settlement, listing.terms->expiry);
}

bool has_value(const Listing& listing) {
  return listing.quote.mark_price || (is_option(listing) && listing.quote.mark_iv);
}

/// USD value of the open interest, to choose the leading market.
double open_usd(const Listing& listing) {
  const bool usd_contract = listing.terms->payoff == Payoff::inverse && !is_option(listing);
  const double price = usd_contract ? 1.0 : listing.quote.mark_price.value_or(0.0);
  return listing.quote.open_interest.value_or(0.0) * listing.terms->contract_size * price;
}

}  // namespace

double median_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

bool is_dollar(const std::string& currency) {
  return currency == numeraire || currency == "USDT" || currency == "USDC";
}

MarketDraft::MarketDraft(std::string name, const std::vector<std::filesystem::path>& files) : name_(std::move(name)) {
  for (const std::filesystem::path& file : files) { problems_.emplace_back(file.generic_string()); }
}

void MarketDraft::see_time(UtcTime time) {
  if (!as_of_ || *as_of_ < time) { as_of_ = time; }
}

Book MarketDraft::finish(Diagnostics& diagnostics) {
  Book book;
  book.name = name_;
  book.numeraire = numeraire;
  const bool broken =
      std::any_of(problems_.begin(), problems_.end(), [](const ProblemLog& p) { return p.has_errors(); });
  if (!broken && !as_of_) {
    problems_[0].error(0, "", "",
                       "no document carries a time (the market's as_of is the newest one). Add one that "
                       "does, such as tickers or a book summary.");
  } else if (!broken) {
    book.as_of = *as_of_;
    drop_unusable();
    unite_forwards();
    complete_vols();
    make_underlyings(book);
    add_instruments(book);
    if (book.instruments.empty()) {
      problems_[0].error(0, "", "",
                         "no instrument with terms and a price was found (a market needs one). Import the "
                         "venue's prices, and its list of instruments with them.");
    }
  }
  for (ProblemLog& problems : problems_) { problems.append_to(diagnostics); }
  return book;
}

void MarketDraft::drop_unusable() {
  const auto drop_because = [this](const std::string& name, const Place& place, const char* reason) {
    problems_[place.file].warning(place.row, "instrument", name, reason);
    return true;
  };
  std::erase_if(listings_, [&](const auto& entry) {
    const auto& [name, listing] = entry;
    if (!listing.terms) {
      return drop_because(name, listing.quote_place,
                          "the instrument's terms are unknown (it cannot be valued). "
                          "It is left out; import the venue's list of instruments together with the prices.");
    }
    if (!listing.is_quoted) {
      return drop_because(name, listing.terms_place,
                          "the instrument is listed but no price was found (it cannot be "
                          "valued). It is left out; import prices together with the list.");
    }
    if (expires(listing) && listing.terms->expiry <= *as_of_) {
      return drop_because(name, listing.quote_place,
                          "the contract has expired by the newest time found (it has no "
                          "value left to simulate). It is left out.");
    }
    if (!has_value(listing)) {
      return drop_because(name, listing.quote_place,
                          "there is no mark price (the instrument cannot be valued). It is "
                          "left out.");
    }
    return false;
  });
}

double MarketDraft::years_left(const Listing& listing) const {
  return static_cast<double>(listing.terms->expiry.seconds - as_of_->seconds) / seconds_per_year;
}

/// One forward per expiry: the median. Venues quote it per option, seconds apart.
void MarketDraft::unite_forwards() {
  std::map<std::tuple<std::string, std::string, UtcTime>, std::vector<double>> quoted, from_futures;
  for (const auto& [name, listing] : listings_) {
    if (is_option(listing) && listing.quote.forward) { quoted[expiry_key(listing)].push_back(*listing.quote.forward); }
    if (listing.terms->kind == InstrumentKind::future && listing.quote.mark_price) {
      from_futures[expiry_key(listing)].push_back(*listing.quote.mark_price);
    }
  }
  for (auto& [name, listing] : listings_) {
    if (!is_option(listing)) {
      listing.quote.forward.reset();
      continue;
    }
    const auto options = quoted.find(expiry_key(listing)), futures = from_futures.find(expiry_key(listing));
    if (options != quoted.end()) {
      listing.quote.forward = median_of(options->second);
    } else if (futures != from_futures.end()) {
      listing.quote.forward = median_of(futures->second);
    } else {
      listing.quote.forward = index_price_of(listing.underlying);
    }
  }
}

void MarketDraft::complete_vols() {
  std::map<std::tuple<std::string, std::string, UtcTime>, std::vector<std::pair<const std::string, Listing>*>> expiries;
  for (auto& entry : listings_) {
    if (is_option(entry.second) && entry.second.quote.forward) { expiries[expiry_key(entry.second)].push_back(&entry); }
  }
  for (auto& [key, options] : expiries) {
    for (auto* entry : options) {
      Listing& option = entry->second;
      if (option.quote.mark_iv || !option.quote.mark_price) { continue; }
      const double unit = option.terms->payoff == Payoff::inverse ? 1.0 : *option.quote.forward;
      const auto total_vol = implied_total_vol_of(
          option.terms->option_type, option.terms->strike / *option.quote.forward, *option.quote.mark_price / unit);
      if (total_vol) { option.quote.mark_iv = *total_vol / math::sqrt(years_left(option)); }
    }
    fill_from_neighbours(options);
  }
}

/// Marks without time value say nothing of volatility: they take that of the nearest strike.
void MarketDraft::fill_from_neighbours(std::vector<std::pair<const std::string, Listing>*>& options) {
  std::vector<const std::pair<const std::string, Listing>*> known;
  for (const auto* entry : options) {
    if (entry->second.quote.mark_iv) { known.push_back(entry); }
  }
  for (auto* entry : options) {
    Listing& option = entry->second;
    if (option.quote.mark_iv || known.empty()) { continue; }
    const double log_strike = math::log(option.terms->strike);
    const auto nearest = *std::min_element(known.begin(), known.end(), [log_strike](const auto* a, const auto* b) {
      return std::abs(math::log(a->second.terms->strike) - log_strike) <
             std::abs(math::log(b->second.terms->strike) - log_strike);
    });
    option.quote.mark_iv = nearest->second.quote.mark_iv;
    problems_[option.quote_place.file].warning(option.quote_place.row, "mark_iv", "",
                                               entry->first + " has no volatility, and its price " +
                                                   shortest_number(*option.quote.mark_price) +
                                                   " has too little time value to tell one (the smile needs a value). "
                                                   "That of " +
                                                   nearest->first + " is used.");
  }
}

/// Inverse contracts name the index in USD; linear ones in their stablecoin, which comes close; then marks.
std::optional<double> MarketDraft::index_price_of(const std::string& underlying) const {
  std::vector<double> in_usd, in_stablecoin, marks, forwards;
  for (const auto& [name, listing] : listings_) {
    if (listing.underlying != underlying || !listing.terms) { continue; }
    const bool inverse = listing.terms->payoff == Payoff::inverse;
    const bool in_dollars = inverse || is_dollar(listing.settlement);
    if (!in_dollars) { continue; }
    if (listing.index_price) {
      (inverse || listing.settlement == numeraire ? in_usd : in_stablecoin).push_back(*listing.index_price);
    }
    if (!expires(listing) && listing.quote.mark_price) { marks.push_back(*listing.quote.mark_price); }
    if (is_option(listing) && listing.quote.forward) { forwards.push_back(*listing.quote.forward); }
    if (listing.terms->kind == InstrumentKind::future && listing.quote.mark_price) {
      forwards.push_back(*listing.quote.mark_price);
    }
  }
  for (const auto* prices : {&in_usd, &in_stablecoin, &marks, &forwards}) {
    if (!prices->empty()) { return median_of(*prices); }
  }
  return is_dollar(underlying) ? std::optional(1.0) : std::nullopt;
}

/// Of the perpetual with the largest open interest.
std::optional<double> MarketDraft::funding_of(const std::string& underlying) const {
  std::optional<double> rate;
  double largest = -1.0;
  for (const auto& [name, listing] : listings_) {
    if (listing.underlying != underlying || !listing.funding_rate_8h || open_usd(listing) <= largest) { continue; }
    rate = listing.funding_rate_8h;
    largest = open_usd(listing);
  }
  return rate;
}

void MarketDraft::make_underlyings(Book& book) {
  std::map<std::string, Place> names;
  std::map<std::string, double> volume_usd;
  for (const auto& [name, listing] : listings_) {
    names.emplace(listing.underlying, listing.quote_place);
    if (listing.settlement != numeraire) { names.emplace(listing.settlement, listing.quote_place); }
    if (listing.volume_usd && !is_option(listing)) { volume_usd[listing.underlying] += *listing.volume_usd; }
  }
  for (const auto& [name, place] : names) {
    Underlying underlying{name, 0.0, {}, {}};
    if (const auto price = index_price_of(name)) {
      underlying.index_price_usd = *price;
    } else {
      problems_[place.file].error(place.row, "index_price", name,
                                  "no document has a price of this coin in dollars (its "
                                  "instruments cannot be valued). Add its index price, perpetual or spot market.");
    }
    if (const auto volume = volume_usd.find(name); volume != volume_usd.end()) { underlying.adv_usd = volume->second; }
    underlying.funding_rate_8h = funding_of(name);
    book.underlyings.push_back(std::move(underlying));
  }
}

void MarketDraft::add_instruments(Book& book) const {
  const auto id = [&book](const std::string& name) {
    const auto found = std::lower_bound(book.underlyings.begin(), book.underlyings.end(), name,
                                        [](const Underlying& u, const std::string& n) { return u.name < n; });
    return static_cast<UnderlyingId>(found - book.underlyings.begin());
  };
  for (const auto& [name, listing] : listings_) {
    Instrument instrument = *listing.terms;
    instrument.name = name;
    instrument.underlying = id(listing.underlying);
    instrument.settlement = listing.settlement == numeraire ? no_underlying : id(listing.settlement);
    book.instruments.push_back(std::move(instrument));
    book.quotes.push_back(listing.quote);
  }
}

}  // namespace tailmargin::importers
