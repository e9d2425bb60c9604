// What a run says of all accounts together.
#pragma once

#include <filesystem>
#include <string>

#include "tailmargin/crowding.hpp"
#include "tailmargin/exchange.hpp"

namespace tailmargin {

/// The text of exchange.json.
/// @param crowding  null: nothing is said of it
std::string exchange_json(const ExchangeShortfall& exchange, const CrowdingReport* crowding = nullptr);

/// exchange.json. Returns the file written.
std::filesystem::path write_exchange(const ExchangeShortfall& exchange, const std::filesystem::path& folder,
                                     const CrowdingReport* crowding = nullptr);

/// shortfalls.bin: the summed shortfall of every path, for join_shortfalls().
void write_shortfalls(const PathShortfalls& shortfalls, const std::filesystem::path& folder);

/// @throws FileError if it cannot be read, or is no such file or not whole
PathShortfalls read_shortfalls(const std::filesystem::path& file);

}  // namespace tailmargin
