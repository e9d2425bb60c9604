// From the summed shortfalls of paths to figures.
#pragma once

#include <string>
#include <vector>

#include "host/backends/backend.hpp"
#include "tailmargin/exchange.hpp"

namespace tailmargin {

/// Sum of the weights of the paths; exact below 2^53.
double weight_sum(const std::vector<std::uint32_t>& weights, std::uint64_t num_paths);

/// The sums of the paths, with what it takes to add other parts and to make statistics.
/// @param tables  of serialise_tables()
PathShortfalls path_shortfalls(const PreparedRun& run, const Shortfalls& shortfalls, const std::string& tables);

/// [path] weights of the worst paths: those beyond the 99 % quantile of the sum, at least one. All others have weight
/// 0.
std::vector<std::uint32_t> worst_paths(const PathShortfalls& paths);

/// An account's sum over the worst paths.
struct NamedShortfall {
  std::string account;
  AccountShortfall sum;
};

/// Adds the parts of accounts to a summary.
/// @param weights   of worst_paths()
/// @param accounts  those with a shortfall there, of any number of parts of the book, in any order
void add_largest_parts(const std::vector<std::uint32_t>& weights, std::vector<NamedShortfall> accounts,
                       ExchangeShortfall& summary);

}  // namespace tailmargin
