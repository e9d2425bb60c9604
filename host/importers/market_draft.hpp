// A market while it is put together from a venue's documents: instruments by name, each with what was found of it.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/domain/validate/problem_log.hpp"
#include "tailmargin/book.hpp"

namespace tailmargin::importers {

/// Where something was read.
struct Place {
  std::size_t file = 0;
  std::uint64_t row = 0;
};

/// An instrument as a venue lists and quotes it. Names stand for the ids of its terms.
struct Listing {
  std::optional<Instrument> terms;
  std::string underlying, settlement;
  Place terms_place;

  bool is_quoted = false;
  Quote quote;  ///< open interest and volume in contracts
  UtcTime time;
  std::optional<double> index_price;
  std::optional<double> volume_usd;
  std::optional<double> funding_rate_8h;
  Place quote_place;
};

class MarketDraft {
 public:
  /// @param files  as the user named them; diagnostics carry these names
  MarketDraft(std::string name, const std::vector<std::filesystem::path>& files);

  ProblemLog& problems(std::size_t file) { return problems_[file]; }
  Listing& listing(const std::string& name) { return listings_[name]; }
  std::map<std::string, Listing>& listings() { return listings_; }

  /// The newest time seen is the market's.
  void see_time(UtcTime time);

  /// The market, sorted; usable only if the diagnostics hold no error. Rules: docs/import.md.
  Book finish(Diagnostics& diagnostics);

 private:
  void drop_unusable();
  void make_underlyings(Book& book);
  void unite_forwards();
  void complete_vols();
  void fill_from_neighbours(std::vector<std::pair<const std::string, Listing>*>& options);
  std::optional<double> index_price_of(const std::string& underlying) const;
  std::optional<double> funding_of(const std::string& underlying) const;
  void add_instruments(Book& book) const;
  double years_left(const Listing& listing) const;

  std::string name_;
  std::optional<UtcTime> as_of_;
  std::vector<ProblemLog> problems_;  ///< [file]
  std::map<std::string, Listing> listings_;
};

/// Lower median; values must not be empty.
double median_of(std::vector<double> values);

inline constexpr const char* numeraire = "USD";

/// Whether prices in this currency are prices in dollars, near enough to fill a gap.
bool is_dollar(const std::string& currency);

}  // namespace tailmargin::importers
