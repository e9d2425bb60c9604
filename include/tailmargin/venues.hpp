// One book over several venues, each of which sees and margins its own part alone. Formulas: docs/methodology.md,
// "Several venues".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tailmargin {

/// What one account holds at one venue, margined as if it were all; one row of venues.csv. USD unless named otherwise.
struct VenueMargin {
  std::string account;
  std::string venue;  ///< empty: rows of the book that name none
  std::uint32_t num_positions = 0;
  double gross_notional_usd = 0.0;
  double equity_usd = 0.0;  ///< there
  double es_usd = 0.0, es_se_usd = 0.0;
  double margin_usd = 0.0;             ///< ES with its uplift, at least 0; without the model's terms
  double shortfall_probability = 0.0;  ///< that the loss there exceeds the equity there
  /// That it does on a path on which the account as a whole does not fall short: what would pay lies elsewhere.
  double stranded_probability = 0.0;
};

/// One account over its venues; one row of venue_accounts.csv.
struct AccountVenues {
  std::string account;
  std::uint32_t num_venues = 0;
  double venue_margins_usd = 0.0;        ///< sum of the venues' margins
  double consolidated_margin_usd = 0.0;  ///< of the account as a whole, on the same basis
  double stranded_probability = 0.0;     ///< that any part falls short and the account as a whole does not

  /// Hedges that no venue sees.
  double hidden_offset_usd() const { return venue_margins_usd - consolidated_margin_usd; }
};

struct VenueMargins {
  std::vector<VenueMargin> parts;       ///< by (account, venue)
  std::vector<AccountVenues> accounts;  ///< by account, all of the book; empty if it has one venue
};

}  // namespace tailmargin
