// Liquidations of parts of a book, added up.
#pragma once

#include "tailmargin/crowding.hpp"

namespace tailmargin {

/// @throws UsageError if they are of different scenarios
void check_same_paths(const PathLiquidations& a, const PathLiquidations& b);

}  // namespace tailmargin
