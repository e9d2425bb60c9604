// What balances do to the safety of accounts: haircuts, broken pegs, wrong-way risk.
#pragma once

#include <vector>

#include "host/engine/account_margins.hpp"
#include "host/prepare/prepare_run.hpp"
#include "tailmargin/collateral.hpp"

namespace tailmargin {

/// Accounts, what they hold, and the same as rows over columns.
struct HeldAccounts {
  HoldingsView held;
  const AccountPlan& accounts;
};

/// Fills the collateral figures of margins that have all others, and tells what wrong-way risk was made from.
/// @param run      with the book's columns; its own accounts are not looked at
/// @param first_observations  of the run's first stress_paths(), for a backend that reads them; null: not kept
/// @param margins  [account]
/// @throws Interrupted
std::vector<WrongWayFigures> add_collateral(Backend& backend, const PreparedRun& run, const Book& market,
                                            const HeldAccounts& accounts, const Model& model, const RunConfig& config,
                                            const Observations* first_observations,
                                            std::vector<AccountMargin>& margins);

}  // namespace tailmargin
