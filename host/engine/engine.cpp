// The engine reads top to bottom as the data flow: prepare, tails in float, tails in double where float is not
// enough, margins, shortfalls of all accounts together, prices moved by liquidations.
#include "tailmargin/engine.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "host/backends/backend.hpp"
#include "host/engine/account_margins.hpp"
#include "host/engine/collateral_figures.hpp"
#include "host/engine/contributions.hpp"
#include "host/engine/crowding.hpp"
#include "host/engine/exchange_shortfall.hpp"
#include "host/engine/margin_terms.hpp"
#include "host/engine/venue_margins.hpp"
#include "host/estimators/control_variate.hpp"
#include "host/prepare/prepare_run.hpp"
#include "host/prepare/scenario_laws.hpp"

namespace tailmargin {
namespace {

class StageTimer {
 public:
  explicit StageTimer(RunResult& result) : result_(result) {}
  void restart() { last_ = std::chrono::steady_clock::now(); }
  void lap(const std::string& stage) {
    const auto now = std::chrono::steady_clock::now();
    result_.stages.push_back({stage, std::chrono::duration<double>(now - last_).count()});
    last_ = now;
  }

 private:
  RunResult& result_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

void add_stage_seconds(const StageSeconds& seconds, RunResult& result) {
  result.stages.push_back({"simulate", seconds.simulate});
  result.stages.push_back({"revalue", seconds.revalue});
  result.stages.push_back({"pnl", seconds.pnl});
  result.stages.push_back({"tail", seconds.tail});
}

/// Fills the controlled figures of every account.
void add_control_variates(const PreparedRun& run, const RunConfig& config, std::vector<AccountMargin>& margins) {
  ControlVariateOptions options;
  options.loops = {&choose_kernels(parse_isa(config.isa)), config.threads};
  options.accounts_per_batch = config.accounts_per_batch;
  if (config.progress) {
    options.progress = [&config](double fraction) { config.progress("control variates", fraction); };
  }
  options.stop = config.stop;
  const std::vector<ControlledFigures> figures = control_tails(run, options);
  for (std::size_t a = 0; a < figures.size(); ++a) {
    const ControlledFigures& f = figures[a];
    if (!std::isfinite(f.controlled_es) || !std::isfinite(f.controlled_standard_error)) {
      throw std::runtime_error("the control variate of account " + margins[a].account + " is not finite");
    }
    margins[a].controlled_es = {f.es + 0.0, f.es_standard_error + 0.0, f.controlled_es + 0.0,
                                f.controlled_standard_error + 0.0};
  }
}

std::vector<SmileReport> report_smiles(const Book& book, const ColumnPlan& columns) {
  std::vector<SmileReport> reports;
  for (const SmileFit& fit : columns.fits) {
    const FitError& error = fit.error;
    reports.push_back({book.underlyings[fit.underlying].name,
                       fit.settlement == no_underlying ? "USD" : book.underlyings[fit.settlement].name, fit.expiry,
                       error.num_quotes, error.rms_vol, error.near_rms_vol, error.worst_vol, error.butterfly_marks,
                       error.calendar_marks});
  }
  return reports;
}

}  // namespace

RunResult run_margin(const Book& book, const Model& model, const RunConfig& config) {
  check_config(config);
  if (config.contributions) { check_contributions(config); }
  RunResult result;
  StageTimer timer(result);
  const std::unique_ptr<Backend> backend = make_backend(config, result.notes);
  PreparedRun run = prepare_run(book, model, config.num_paths, config.seed, config.sampler);
  run.fit_tails = config.fit_tails;
  if (model.terms) { run.regime_steps = count_regime_steps(run.scenarios, run.points, run.seed, run.num_paths); }
  result.prepared_tables = serialise_tables(run);
  result.warnings = run.warnings;
  std::optional<CrowdingStudy> crowding;  // refuses early what it cannot do
  if (model.crowding) { crowding.emplace(run, book, model, config, result.prepared_tables); }
  timer.lap("prepare");

  AccountTails tails = find_tails(*backend, run, run.accounts, config, nullptr, ListShortfalls::yes);
  add_stage_seconds(tails.single.seconds, result);
  if (!tails.inexact.empty()) {
    const StageSeconds& s = tails.exact.seconds;
    result.stages.push_back({"exact", s.simulate + s.revalue + s.pnl + s.tail});
    result.notes.push_back(std::to_string(tails.inexact.size()) +
                           " accounts recomputed in double: their offsets cancel too much for float");
  }

  result.margins = make_margins(book.accounts, model, run.accounts, tails);
  if (config.contributions) {
    timer.restart();
    result.contributions = find_contributions(run, book, tails, config);
    timer.lap("contributions");
  }
  std::optional<TermsEngine> terms;
  if (model.terms) {
    timer.restart();
    terms.emplace(run, book, model, config, backend->reads_observations());
    terms->add_terms(*backend, run.accounts, result.margins);
    timer.lap("terms");
  }
  timer.restart();
  const HoldingsView held = {book.accounts, book.positions, book.collateral};
  result.wrong_way = add_collateral(*backend, run, book, {held, run.accounts}, model, config,
                                    terms ? terms->own_observations() : nullptr, result.margins);
  terms.reset();
  timer.lap("collateral");
  add_exchange_shortfall(*backend, run, tails, config, book.insurance_fund_usd, result);
  timer.lap("shortfall");
  if (!book.by_venue.empty()) {
    result.venues = find_venue_margins(*backend, run, book, model, tails, config, result.margins);
    timer.lap("venues");
  }
  if (crowding) {
    crowding->add_to(result, *backend, tails);
    timer.lap("crowding");
  }
  if (config.control_variate) {
    timer.restart();
    add_control_variates(run, config, result.margins);
    timer.lap("control");
  }
  result.backend = backend->name();
  result.device = backend->device();
  result.num_factors = run.scenarios.factors.size();
  result.num_steps = run.scenarios.num_steps;
  result.smiles = report_smiles(book, run.columns);
  result.num_columns = run.columns.num_columns;
  result.num_exact_accounts = tails.inexact.size();
  result.position_paths = run.accounts.columns.size() * config.num_paths;
  return result;
}

}  // namespace tailmargin
