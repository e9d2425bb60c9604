// What every holding of every account adds to the account's ES: explain's shares, for a whole book at once.
#pragma once

#include <vector>

#include "host/backends/backend.hpp"
#include "host/engine/account_margins.hpp"
#include "tailmargin/engine.hpp"

namespace tailmargin {

/// The configuration with which a run finds its tails: if its contributions are asked for, tail paths of all accounts
/// are kept for them, as far as memory allows.
RunConfig keeping_tails(const PreparedRun& run, RunConfig config);

/// Tails and sums of a batch of accounts may take so much. Each batch revalues every column again.
inline constexpr std::uint64_t contribution_batch_bytes = std::uint64_t{256} << 20;

/// Shares of the holdings of all accounts of a run, with the bits that explain_account() gives them. Goes over the
/// scenarios once more, and revalues what is held.
/// @param tails  of run.accounts. Without tail paths those are found again, some accounts at a time
/// @return [account], positions in the book's order, then the balances that move
std::vector<std::vector<HoldingShare>> find_contributions(Backend& backend, const PreparedRun& run, const Book& book,
                                                          const AccountTails& tails, const RunConfig& config,
                                                          std::uint64_t batch_bytes = contribution_batch_bytes);

}  // namespace tailmargin
