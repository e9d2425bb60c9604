// The parts of a book that its venues see.
#pragma once

#include <vector>

#include "host/engine/account_margins.hpp"
#include "tailmargin/venues.hpp"

namespace tailmargin {

/// Margins every account's part at every venue as an account of its own, on the run's own paths, and finds on which
/// paths parts fall short while the account as a whole does not.
/// @param book     of more than one venue; else nothing is returned
/// @param tails    of the run's accounts
/// @param margins  [account] with the run's own figures
/// @throws InputError, Interrupted
VenueMargins find_venue_margins(Backend& backend, const PreparedRun& run, const Book& book, const Model& model,
                                const AccountTails& tails, const RunConfig& config,
                                const std::vector<AccountMargin>& margins);

}  // namespace tailmargin
