#include "tailmargin/whatif.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "host/engine/account_margins.hpp"
#include "host/engine/hedge_size.hpp"
#include "host/engine/kept_scenarios.hpp"
#include "host/engine/margin_terms.hpp"
#include "host/engine/tail_change.hpp"
#include "host/prepare/closing.hpp"
#include "host/prepare/narrow.hpp"
#include "host/prepare/prepare_run.hpp"
#include "host/prepare/trades.hpp"

namespace tailmargin {
namespace {

/// Hedges are sought up to this many times the size of the account.
constexpr double largest_hedge_ratio = 100.0;

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void check_names(const Book& book, AccountId account, const std::vector<InstrumentId>& instruments) {
  if (account >= book.accounts.size()) { throw UsageError("there is no such account in the book"); }
  for (const InstrumentId instrument : instruments) {
    if (instrument >= book.instruments.size()) { throw UsageError("there is no such instrument in the book"); }
  }
}

/// One contract of one column, and nothing else.
AccountPlan one_contract(std::uint32_t column) {
  AccountPlan plan;
  plan.offsets = {0, 1};
  plan.columns = {{column | PositionColumn::last_flag}};
  plan.quantities = {1.0};
  return plan;
}

RunConfig with_tail_paths(RunConfig config) {
  config.keep_tail_paths = true;
  return config;
}

/// All contracts of an instrument.
double position_in(InstrumentId instrument, const Holdings& held) {
  double quantity = 0.0;
  for (const Position& p : held.positions) { quantity += p.instrument == instrument ? p.quantity : 0.0; }
  return quantity;
}

/// Prepares a run in which nothing moves that is out of scope.
PreparedRun prepare_scope(const Book& book, const Model& model, const RunConfig& config,
                          const std::optional<WhatIfScope>& scope) {
  PreparedRun run = prepare_run(book, model, config.num_paths, config.seed, config.sampler);
  if (!scope) { return run; }
  check_names(book, scope->account, scope->instruments);
  Holdings reached = holdings_of(book, scope->account);
  for (const InstrumentId i : scope->instruments) { reached.positions.push_back({scope->account, i, 1.0, {}}); }
  run.scenarios = narrow_scenarios(std::move(run.scenarios), moving_underlyings(book, reached));
  return run;
}

/// The configuration of an answer: only preparing shows progress.
RunConfig without_progress(RunConfig config) {
  config.progress = nullptr;
  return config;
}

}  // namespace

class WhatIf::State {
 public:
  State(const Book& book, const Model& model, const RunConfig& config, const std::optional<WhatIfScope>& scope)
      : book_(book),
        model_(model),
        config_(without_progress(with_tail_paths(config))),
        backend_(make_backend_for_one(config, notes_)),
        run_(prepare_scope(book, model, config, scope)),
        rule_(make_tail_rule(run_)) {
    stages_.push_back({"prepare", seconds_since(start_)});
    KeptScenarios::Options options = {{&choose_kernels(parse_isa(config.isa)), config.threads, {}, config.stop}};
    if (config.progress) {
      options.progress = [&config](double fraction) { config.progress("scenarios", fraction); };
    }
    const auto simulate_start = Clock::now();
    scenarios_ = std::make_unique<KeptScenarios>(run_, options);
    stages_.push_back({"simulate", seconds_since(simulate_start)});
    if (scenarios_->observations() == nullptr) {
      notes_.push_back("the scenarios do not fit the memory kept for them: each answer simulates again");
    } else if (backend_->name() == "reference") {
      notes_.push_back("the reference backend simulates again for each answer");
    }
    if (model_.terms) {
      const auto terms_start = Clock::now();
      terms_ = std::make_unique<TermsEngine>(run_, book_, model_, config_, true);
      stages_.push_back({"terms", seconds_since(terms_start)});
    }
    scenario_part_ = first_paths(run_, run_.num_paths);
  }

  Holdings holdings(AccountId account, const std::vector<Trade>& trades) const {
    std::vector<InstrumentId> traded;
    for (const Trade& trade : trades) { traded.push_back(trade.instrument); }
    check_names(book_, account, traded);
    Holdings out = holdings_of(book_, account);
    for (const Trade& trade : trades) {
      if (!std::isfinite(trade.quantity) || trade.quantity == 0.0) {
        throw UsageError("the quantity of a trade in " + book_.instruments[trade.instrument].name +
                         " must be a number other than zero");
      }
    }
    for (const Trade& trade : trades) { apply_trade(book_, run_.columns, account, trade, out); }
    check_scope(out);
    return out;
  }

  /// Margins of the account with either holdings.
  WhatIfMargins compare(AccountId account, const Holdings& before, const Holdings& after) const {
    const std::vector<std::string> names(2, book_.accounts[account]);
    const AccountPlan accounts = plan(names, {&before, &after});
    NarrowColumns narrow = narrow_columns(run_.columns, accounts);
    PreparedRun run = scenario_part_;
    run.columns = std::move(narrow.columns);
    const AccountTails tails = find_tails(*backend_, run, narrow.accounts, config_, scenarios_->observations());
    std::vector<AccountMargin> margins = make_margins(names, model_, narrow.accounts, tails);
    if (terms_) { terms_->add_terms(*backend_, accounts, margins); }
    margins[1].equity_usd = margins[0].equity_usd;  // trades at mark; summed in another order they differ in rounding
    const TailChange change =
        compare_tails(rule_, {tails.figures(0), tails.tail(0)}, {tails.figures(1), tails.tail(1)}, weights());
    return {std::move(margins[0]), std::move(margins[1]), change.es, change.es_standard_error, change.overlap};
  }

  std::vector<Hedge> find_hedges(AccountId account, const std::vector<Trade>& trades,
                                 const std::vector<InstrumentId>& instruments) const {
    check_names(book_, account, instruments);
    const Holdings held = holdings(account, trades);
    Holdings hedged = held;
    for (const InstrumentId i : instruments) { hedged.positions.push_back({account, i, 1.0, {}}); }
    check_scope(hedged);
    const AccountPlan all = plan({book_.accounts[account]}, {&held});
    const NarrowColumns narrow = narrow_columns(run_.columns, all);
    const PathPnl pnl = scenarios_->pnl(narrow.columns, narrow.accounts);
    std::vector<Hedge> hedges;
    for (const InstrumentId instrument : instruments) {
      hedges.push_back(find_hedge(account, held, pnl, all.rounding_scale_usd.front(), instrument));
    }
    std::stable_sort(hedges.begin(), hedges.end(),
                     [](const Hedge& a, const Hedge& b) { return a.cut_usd > b.cut_usd; });
    return hedges;
  }

  const Backend& backend() const { return *backend_; }
  const PreparedRun& run() const { return run_; }
  const std::vector<std::string>& notes() const { return notes_; }
  const std::vector<StageTime>& stages() const { return stages_; }

 private:
  /// What does not move would be a margin of zero.
  void check_scope(const Holdings& held) const {
    const std::optional<std::vector<UnderlyingId>>& moved = run_.scenarios.moved;
    const std::vector<UnderlyingId> needed = moving_underlyings(book_, held);
    if (moved && !std::includes(moved->begin(), moved->end(), needed.begin(), needed.end())) {
      throw UsageError("the account or an instrument is out of the scope that was prepared");
    }
  }

  AccountPlan plan(const std::vector<std::string>& names, const std::vector<const Holdings*>& held) const {
    Holdings rows;
    for (AccountId a = 0; a < held.size(); ++a) {
      for (Position position : held[a]->positions) {
        position.account = a;
        rows.positions.push_back(position);
      }
      for (CollateralBalance balance : held[a]->collateral) {
        balance.account = a;
        rows.collateral.push_back(balance);
      }
    }
    Diagnostics diagnostics;
    AccountPlan out = prepare_accounts(book_, {names, rows.positions, rows.collateral}, run_.columns, diagnostics);
    if (diagnostics.has_errors()) { throw InputError(std::move(diagnostics)); }
    return out;
  }

  Hedge find_hedge(AccountId account, const Holdings& held, const PathPnl& pnl, double size_usd,
                   InstrumentId instrument) const {
    const double same_size = size_usd / run_.columns.column_scale_usd[run_.columns.instrument_column[instrument]];
    const bool at_once = run_.columns.closing_step.empty() || !(same_size > 0.0);
    const HedgeSize size =
        at_once ? hedge_size(pnl, same_size, instrument) : closing_hedge_size(account, held, same_size, instrument);
    Hedge out;
    out.instrument = instrument;
    out.quantity = size.quantity;
    out.at_limit = size.at_limit;
    out.notional_usd = std::fabs(size.quantity) * notional_usd(book_, instrument);
    Holdings hedged = held;
    if (size.quantity != 0.0) { apply_trade(book_, run_.columns, account, {instrument, size.quantity}, hedged); }
    out.margins = compare(account, held, hedged);
    out.cut_usd = out.margins.before.initial_margin_usd - out.margins.after.initial_margin_usd;
    if (size.quantity != 0.0) {
      out.cut_per_contract = out.cut_usd / std::fabs(size.quantity);
      out.cut_per_notional = out.cut_usd / out.notional_usd;
    }
    return out;
  }

  /// @param same_size  contracts as large as the account
  HedgeSize hedge_size(const PathPnl& pnl, double same_size, InstrumentId instrument) const {
    const NarrowColumns one = narrow_columns(run_.columns, one_contract(run_.columns.instrument_column[instrument]));
    const PathPnl contract = scenarios_->pnl(one.columns, one.accounts);
    return find_hedge_size(HedgedEs(rule_, weights(), pnl, contract), largest_hedge_ratio * same_size);
  }

  /// The same where contracts close at several times: from stretch to stretch as long as the ES falls, either way.
  HedgeSize closing_hedge_size(AccountId account, const Holdings& held, double same_size,
                               InstrumentId instrument) const {
    const HedgeSize bought = walk_hedge(account, held, same_size, instrument, 1.0),
                    sold = walk_hedge(account, held, same_size, instrument, -1.0);
    return sold.es < bought.es ? sold : bought;
  }

  HedgeSize walk_hedge(AccountId account, const Holdings& held, double same_size, InstrumentId instrument,
                       double direction) const {
    const double start = position_in(instrument, held), largest = largest_hedge_ratio * same_size;
    for (double position = start;;) {
      const double quantity = position - start, left = largest - std::fabs(quantity);
      const ClosingStretch stretch = closing_stretch(run_.columns, instrument, position, direction);
      const double length = std::min(std::fabs(stretch.end - position), left);
      const double unit = direction * std::min(length, same_size);
      const PathPnl pnl = pnl_with(account, held, {instrument, quantity});
      const PathPnl contract = pnl_of_contract(pnl, pnl_with(account, held, {instrument, quantity + unit}), unit);
      const HedgedEs hedged(rule_, weights(), pnl, contract);
      const HedgedEs::Tangent here = hedged.at(0.0);
      if (!(here.es > 0.0) || !(here.slope * direction < 0.0)) { return {quantity, here.es, false}; }
      const HedgeSize more = find_hedge_size(hedged, length);
      const bool to_the_end = !(length < left * (1.0 - 1e-9));  // nothing but rounding left
      if (!more.at_limit || to_the_end) { return {quantity + more.quantity, more.es, more.at_limit}; }
      position = stretch.end;
    }
  }

  PathPnl pnl_with(AccountId account, Holdings held, const Trade& trade) const {
    if (trade.quantity != 0.0) { apply_trade(book_, run_.columns, account, trade, held); }
    const NarrowColumns narrow = narrow_columns(run_.columns, plan({book_.accounts[account]}, {&held}));
    return scenarios_->pnl(narrow.columns, narrow.accounts);
  }

  /// Of one contract, from the P&L without and with `quantity` of them.
  static PathPnl pnl_of_contract(const PathPnl& without, PathPnl with, double quantity) {
    for (std::size_t s = 0; s < with.size(); ++s) {
      for (std::size_t p = 0; p < with[s].size(); ++p) { with[s][p] = (with[s][p] - without[s][p]) / quantity; }
    }
    return with;
  }

  const std::uint32_t* weights() const { return run_.path_weights.empty() ? nullptr : run_.path_weights.data(); }

  Clock::time_point start_ = Clock::now();
  std::vector<std::string> notes_;
  std::vector<StageTime> stages_;
  const Book& book_;
  Model model_;
  RunConfig config_;
  std::unique_ptr<Backend> backend_;
  PreparedRun run_;
  TailRule rule_;
  PreparedRun scenario_part_;  // the run without columns and accounts
  std::unique_ptr<KeptScenarios> scenarios_;
  std::unique_ptr<TermsEngine> terms_;  // null if the model has none
};

WhatIf::WhatIf(const Book& book, const Model& model, const RunConfig& config, const std::optional<WhatIfScope>& scope) {
  check_config(config);
  state_ = std::make_unique<State>(book, model, config, scope);
}
WhatIf::~WhatIf() = default;
WhatIf::WhatIf(WhatIf&&) noexcept = default;

WhatIfMargins WhatIf::evaluate(AccountId account, const std::vector<Trade>& trades) const {
  return state_->compare(account, state_->holdings(account, {}), state_->holdings(account, trades));
}

std::vector<Hedge> WhatIf::find_hedges(AccountId account, const std::vector<Trade>& trades,
                                       const std::vector<InstrumentId>& instruments) const {
  return state_->find_hedges(account, trades, instruments);
}

std::string WhatIf::backend() const { return state_->backend().name(); }
std::string WhatIf::device() const { return state_->backend().device(); }
const std::vector<std::string>& WhatIf::notes() const { return state_->notes(); }
const std::vector<StageTime>& WhatIf::stages() const { return state_->stages(); }
const std::vector<Diagnostic>& WhatIf::warnings() const { return state_->run().warnings; }
std::uint64_t WhatIf::num_factors() const { return state_->run().scenarios.factors.size(); }
std::uint64_t WhatIf::num_steps() const { return state_->run().scenarios.num_steps; }

}  // namespace tailmargin
