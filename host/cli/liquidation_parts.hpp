// Liquidations of the parts of a book, from the files that a user names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tailmargin/crowding.hpp"
#include "tailmargin/diagnostics.hpp"
#include "tailmargin/model.hpp"

namespace tailmargin {

/// A number of every parameter that margins come from; that of a model without its name, date and source.
std::uint64_t model_number(const Model& model);

/// The sum of the liquidations of parts; none without files, or if anything is wrong with one, which goes to
/// diagnostics.
/// @param model  of the run whose prices they are to move
std::optional<PathLiquidations> read_liquidation_parts(const std::vector<std::string>& files, const Model& model,
                                                       Diagnostics& diagnostics);

}  // namespace tailmargin
