// What a run over a book with several venues says of them.
#pragma once

#include <filesystem>

#include "tailmargin/venues.hpp"

namespace tailmargin {

/// venues.csv, a row per account and venue, and venue_accounts.csv, a row per account. Nothing for a book with one
/// venue.
void write_venues(const VenueMargins& venues, const std::filesystem::path& folder);

}  // namespace tailmargin
