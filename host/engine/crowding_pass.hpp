// Sums over the accounts of what is liquidated and what is short, path by path, from losses on kept scenarios. All of
// them integers, so they are the same however paths and accounts are cut.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/engine/account_margins.hpp"
#include "host/estimators/host_scenarios.hpp"
#include "tailmargin/book.hpp"

namespace tailmargin {

/// What liquidating an account adds to the sums: [account] rows of (underlying, cents).
struct LiquidatedDeltas {
  std::vector<std::uint64_t> offsets{0};     ///< [account + 1]
  std::vector<UnderlyingId> underlyings;     ///< rising within an account
  std::vector<std::int64_t> cents;           ///< net delta of its positions, as net_delta_usd has it; not 0
  std::vector<std::int64_t> notional_cents;  ///< [account] gross notional
};

/// @param names  [account], for messages
/// @throws InputError if the accounts hold too much for exact sums
LiquidatedDeltas liquidated_deltas(const Book& book, const ColumnPlan& columns, const AccountPlan& accounts,
                                   const std::vector<std::string>& names);

struct CrowdingSums {
  std::vector<std::uint64_t> liquidated;           ///< [path] accounts
  std::vector<std::int64_t> delta_cents;           ///< [underlying][path] that they held
  std::vector<std::int64_t> short_notional_cents;  ///< [path] gross notional of the accounts that fall short
  std::vector<std::uint64_t> liquidation_weight;   ///< [account] of the paths on which it is liquidated
  Shortfalls shortfalls;
};

/// Where accounts are liquidated and where they are short.
struct CrowdingRule {
  const std::vector<double>& liquidation_loss_usd;  ///< [account] a loss above it is a liquidation
  const LiquidatedDeltas& deltas;
  std::size_t num_underlyings;
};

/// Of all accounts of a run. Those whose worst loss tells that they never are either are left out.
/// @param tails         of the same scenarios: says the worst losses, and which accounts are computed in double
/// @param observations  of the run, perhaps with moved prices
CrowdingSums crowding_sums(const PreparedRun& run, const AccountTails& tails, const CrowdingRule& rule,
                           const Observations& observations, const HostLoops& loops, const RunConfig& config);

}  // namespace tailmargin
