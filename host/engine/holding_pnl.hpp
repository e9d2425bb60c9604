// P&L of every holding of an account by itself, on chosen paths.
#pragma once

#include <cstdint>
#include <vector>

#include "host/backends/backend.hpp"
#include "host/cpu/host_loops.hpp"
#include "host/engine/path_story.hpp"

namespace tailmargin {

struct HoldingPnl {
  std::vector<std::uint32_t> slice;             ///< [path] the read time at which the account's loss falls
  std::vector<double> account_loss_usd;         ///< [path] of the whole account, summed as the run sums it
  std::vector<std::vector<double>> losses_usd;  ///< [holding][path] at that read time
  std::vector<float> observations;              ///< [path][row]
};

/// Revalues the holdings on the paths again, columns and quantities in the precision of the margin.
/// @param run       its columns are those the accounts are numbered by
/// @param accounts  the whole account first, then one per holding with that holding alone
HoldingPnl holding_pnl(const PreparedRun& run, const AccountPlan& accounts, const ObservedPaths& observed,
                       const std::vector<std::uint32_t>& paths, Precision precision, const cpu::Kernels& kernels,
                       int threads);

}  // namespace tailmargin
