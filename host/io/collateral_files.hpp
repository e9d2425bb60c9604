// What a run says of the balances of accounts, beside the columns of the margins file.
#pragma once

#include <filesystem>
#include <vector>

#include "tailmargin/collateral.hpp"

namespace tailmargin {

/// wrong_way.csv: expected shortfalls with balances that move and with balances that do not. Nothing if no account has
/// any that move.
void write_wrong_way(const std::vector<WrongWayFigures>& accounts, const std::filesystem::path& folder);

}  // namespace tailmargin
