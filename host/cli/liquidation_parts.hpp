// Liquidations of the parts of a book, from the files that a user names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tailmargin/book.hpp"
#include "tailmargin/crowding.hpp"
#include "tailmargin/diagnostics.hpp"
#include "tailmargin/model.hpp"

namespace tailmargin {

/// A number of all that margins come from besides paths and holdings: every parameter of the model, not its name, date
/// and source; marks, quotes and daily volumes of the market.
std::uint64_t margins_number(const Model& model, const Book& market);

/// The sum of the liquidations of parts; none without files, or if anything is wrong with one, which goes to
/// diagnostics.
/// @param model, market  of the run whose prices they are to move
std::optional<PathLiquidations> read_liquidation_parts(const std::vector<std::string>& files, const Model& model,
                                                       const Book& market, Diagnostics& diagnostics);

}  // namespace tailmargin
