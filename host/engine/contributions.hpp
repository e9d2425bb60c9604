// What every holding of every account adds to the account's ES: explain's shares, for a whole book at once.
#pragma once

#include <vector>

#include "host/engine/account_margins.hpp"
#include "tailmargin/engine.hpp"

namespace tailmargin {

/// Sums of a batch of accounts may take so much. Each batch revalues every column again.
inline constexpr std::uint64_t contribution_batch_bytes = std::uint64_t{256} << 20;

/// @throws UsageError if the configuration's backend has prices of its own
void check_contributions(const RunConfig& config);

/// Shares of the holdings of all accounts of a run, with the bits that explain_account() gives them. Goes over the
/// scenarios once more on the host: the losses of every backend but the reference are those of the cpu backend.
/// @param tails  of run.accounts: where each tail begins
/// @return [account], positions in the book's order, then the balances that move
/// @throws Interrupted
std::vector<std::vector<HoldingShare>> find_contributions(const PreparedRun& run, const Book& book,
                                                          const AccountTails& tails, const RunConfig& config,
                                                          std::uint64_t batch_bytes = contribution_batch_bytes);

}  // namespace tailmargin
