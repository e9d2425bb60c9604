// On which paths accounts fall short: sets of paths, a bit each, so that what happens to two of them on the same path
// can be told.
#pragma once

#include <cstdint>
#include <vector>

#include "host/backends/backend.hpp"
#include "host/engine/account_margins.hpp"

namespace tailmargin {

/// Paths of a run.
using PathSet = std::vector<std::uint64_t>;  // [word], see path_words()

/// Whether an account lacks a cent or more on some path.
bool can_fall_short(const TailFigures& figures, double equity_usd);

/// Finds them by a pass over all paths, in the precision of each account's tail.
/// @param tails     of `accounts`
/// @param selected  of `accounts`, rising
/// @param observations  of this run, or null
/// @return [selected]
std::vector<PathSet> find_short_paths(Backend& backend, const PreparedRun& run, const AccountPlan& accounts,
                                      const AccountTails& tails, const std::vector<std::uint64_t>& selected,
                                      const RunConfig& config, const Observations* observations);

/// Sum of the weights of the paths that are in `paths` and not in `others`; exact.
/// @param others   empty: nothing is left out
/// @param weights  [path]; empty: all one
std::uint64_t weight_outside(const PathSet& paths, const PathSet& others, const std::vector<std::uint32_t>& weights);

/// Adds paths to a set, which may be empty yet.
void add_paths(const PathSet& paths, PathSet& to);

}  // namespace tailmargin
