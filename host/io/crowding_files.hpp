// What a run says of crowding.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tailmargin/crowding.hpp"
#include "tailmargin/engine.hpp"

namespace tailmargin {

/// crowding.csv: margins of every account with and without.
void write_crowding(const std::vector<AccountMargin>& margins, const std::filesystem::path& folder);

/// An account's row of crowding.csv. @throws InputError, FileError
CrowdedFigures read_crowding(const std::filesystem::path& file, const std::string& account);

/// liquidations.bin: what is liquidated on every path, for join_liquidations(). Every account must have its mark.
void write_liquidations(const PathLiquidations& liquidations, const std::filesystem::path& folder);

/// @throws FileError if it cannot be read, or is no such file or not whole
PathLiquidations read_liquidations(const std::filesystem::path& file);

}  // namespace tailmargin
