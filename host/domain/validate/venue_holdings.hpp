// What accounts hold venue by venue.
#pragma once

#include <cstdint>
#include <vector>

#include "host/domain/validate/holdings.hpp"
#include "host/domain/validate/name_table.hpp"
#include "tailmargin/book.hpp"

namespace tailmargin {

/// A row of positions as a book has it.
Position position_of(const Holding& holding);

/// The rows of a book by venue; nothing if they name one venue only.
/// @param account_rank  [account of a row] -> rank by name
/// @param venues        of the rows
VenueHoldings holdings_by_venue(const std::vector<Holding>& positions, const std::vector<Holding>& collateral,
                                const std::vector<std::uint32_t>& account_rank, const NameTable& venues);

}  // namespace tailmargin
