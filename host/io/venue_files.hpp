// What a run over a book with several venues says of them.
#pragma once

#include <filesystem>
#include <string>

#include "tailmargin/venues.hpp"

namespace tailmargin {

/// venues.csv, a row per account and venue, and venue_accounts.csv, a row per account. Nothing for a book with one
/// venue.
void write_venues(const VenueMargins& venues, const std::filesystem::path& folder);

/// An account's row of venue_accounts.csv. @throws InputError, FileError
AccountVenues read_venue_account(const std::filesystem::path& file, const std::string& account);

}  // namespace tailmargin
