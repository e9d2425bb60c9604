// Wrong-way risk is a difference of two expected shortfalls on the same paths: of the account as it is, and of its
// positions alone, which is what is left to move when balances are cash.
#include "host/engine/collateral_figures.hpp"

#include "host/engine/collateral_rules.hpp"
#include "host/engine/stress_scenarios.hpp"
#include "host/prepare/narrow.hpp"

namespace tailmargin {
namespace {

bool moves(const CollateralBalance& balance) { return balance.asset != no_underlying && balance.amount != 0.0; }

/// The accounts with balances or debts that move, rising.
std::vector<std::uint64_t> accounts_with_moving_balances(const HoldingsView& held) {
  std::vector<std::uint64_t> found;
  for (const CollateralBalance& balance : held.collateral) {
    if (moves(balance) && (found.empty() || found.back() != balance.account)) { found.push_back(balance.account); }
  }
  return found;
}

/// Expected shortfalls of accounts on a part of the paths: [account].
std::vector<EsFigure> expected_shortfalls(Backend& backend, const PreparedRun& part, const ColumnPlan& columns,
                                          const AccountPlan& accounts, const RunConfig& config,
                                          const Observations* observations) {
  NarrowColumns narrow = narrow_columns(columns, accounts);
  PreparedRun run = part;
  run.columns = std::move(narrow.columns);
  const AccountTails tails = find_tails(backend, run, narrow.accounts, config, observations);
  std::vector<EsFigure> out;
  for (std::uint64_t a = 0; a + 1 < accounts.offsets.size(); ++a) {
    const TailFigures& figures = tails.figures(a);
    out.push_back({figures.es + 0.0, figures.es_standard_error + 0.0});  // adding zero turns -0 into 0
  }
  return out;
}

AccountPlan positions_alone(const Book& market, const HoldingsView& held, const ColumnPlan& columns,
                            const std::vector<std::uint64_t>& selected) {
  Diagnostics diagnostics;
  const AccountPlan all = prepare_accounts(market, {held.accounts, held.positions, {}}, columns, diagnostics);
  if (diagnostics.has_errors()) { throw InputError(std::move(diagnostics)); }
  return select_accounts(all, selected);
}

std::vector<WrongWayFigures> find_wrong_way(Backend& backend, const PreparedRun& run, const Book& market,
                                            const HeldAccounts& accounts, const Model& model, const RunConfig& config,
                                            const Observations* first_observations,
                                            const std::vector<AccountMargin>& margins) {
  const std::vector<std::uint64_t> owners = accounts_with_moving_balances(accounts.held);
  if (owners.empty()) { return {}; }
  const PreparedRun part = first_paths(run, stress_paths(model.terms.value_or(MarginTerms{}), run.num_paths));
  Observations simulated;
  if (first_observations == nullptr && !model.terms && backend.reads_observations()) {  // two passes read them
    const SimulateOptions options = {&choose_kernels(parse_isa(config.isa)), config.threads, {}, config.stop};
    simulated = std::move(simulate_together({&part}, options).front());
    first_observations = &simulated;
  }
  const auto es_of = [&](const AccountPlan& plan) {
    return expected_shortfalls(backend, part, run.columns, plan, silent(config), first_observations);
  };
  const std::vector<EsFigure> fixed = es_of(positions_alone(market, accounts.held, run.columns, owners));
  std::vector<EsFigure> moving;
  if (!model.terms) { moving = es_of(select_accounts(accounts.accounts, owners)); }
  std::vector<WrongWayFigures> out;
  for (std::size_t i = 0; i < owners.size(); ++i) {
    const AccountMargin& margin = margins[owners[i]];
    // The terms computed the account as it is, on the same paths.
    out.push_back({margin.account, model.terms ? margin.terms.own : moving[i], fixed[i]});
  }
  return out;
}

}  // namespace

std::vector<WrongWayFigures> add_collateral(Backend& backend, const PreparedRun& run, const Book& market,
                                            const HeldAccounts& accounts, const Model& model, const RunConfig& config,
                                            const Observations* first_observations,
                                            std::vector<AccountMargin>& margins) {
  const CollateralRules rules(market, model, run.columns);
  for (const CollateralBalance& balance : accounts.held.collateral) {
    CollateralFigures& figures = margins[balance.account].collateral;
    figures.haircut_usd += rules.value(balance).haircut_usd;
    figures.depeg_loss_usd -= rules.depeg_gain_usd(balance);
  }
  for (const Position& position : accounts.held.positions) {
    margins[position.account].collateral.depeg_loss_usd -= rules.depeg_gain_usd(position);
  }
  std::vector<WrongWayFigures> wrong_way =
      find_wrong_way(backend, run, market, accounts, model, config, first_observations, margins);
  const std::vector<std::uint64_t> owners = accounts_with_moving_balances(accounts.held);
  for (std::size_t i = 0; i < owners.size(); ++i) {
    margins[owners[i]].collateral.wrong_way_usd = wrong_way[i].wrong_way_usd();
  }
  return wrong_way;
}

}  // namespace tailmargin
