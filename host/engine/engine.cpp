// The engine reads top to bottom as the data flow: prepare, tails in float, tails in double where float is not
// enough, margins.
#include "tailmargin/engine.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "host/backends/backend.hpp"
#include "host/estimators/control_variate.hpp"
#include "host/prepare/prepare_run.hpp"
#include "kernels/math/normal.hpp"

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

Isa parse_isa(const std::string& isa) {
  if (isa == "auto") { return Isa::automatic; }
  if (isa == "baseline") { return Isa::baseline; }
  if (isa == "avx2") { return Isa::avx2; }
  if (isa == "avx512") { return Isa::avx512; }
  throw UsageError("unknown instruction set '" + isa + "'. Use auto, baseline, avx2 or avx512.");
}

std::unique_ptr<Backend> make_backend(const RunConfig& config, RunResult& result) {
  const CpuOptions cpu = {config.threads, parse_isa(config.isa), config.paths_per_tile, config.accounts_per_batch};
  switch (config.backend) {
    case BackendChoice::reference: return make_reference_backend();
    case BackendChoice::cpu: return make_cpu_backend(cpu);
    case BackendChoice::cuda: return make_cuda_backend({0, config.accounts_per_batch});
    case BackendChoice::automatic: break;
  }
  const std::string reason = cuda_unavailable_reason();
  if (reason.empty()) { return make_cuda_backend({0, config.accounts_per_batch}); }
  result.notes.push_back("took the cpu backend: " + reason);
  return make_cpu_backend(cpu);
}

TailsRequest make_request(const RunConfig& config, Precision precision, const std::string& stage) {
  TailsRequest request;
  request.precision = precision;
  request.keep_paths = config.keep_tail_paths ? KeepTailPaths::yes : KeepTailPaths::no;
  if (config.progress) {
    request.progress = [&config, stage](double fraction) { config.progress(stage, fraction); };
  }
  request.stop = config.stop;
  return request;
}

void add_stage_seconds(const StageSeconds& seconds, RunResult& result) {
  result.stages.push_back({"simulate", seconds.simulate});
  result.stages.push_back({"revalue", seconds.revalue});
  result.stages.push_back({"pnl", seconds.pnl});
  result.stages.push_back({"tail", seconds.tail});
}

/// Accounts whose float error bound exceeds what docs/accuracy.md promises: their offsets cancel too much.
std::vector<std::uint64_t> find_inexact_accounts(const AccountPlan& accounts, const Tails& tails) {
  std::vector<std::uint64_t> found;
  for (std::uint64_t a = 0; a < tails.figures.size(); ++a) {
    if (needs_double(accounts.rounding_scale_usd[a], tails.figures[a].es)) { found.push_back(a); }
  }
  return found;
}

/// The hints of some accounts, numbered as they are in the list.
ExactHints select_hints(ExactHints&& hints, const std::vector<std::uint64_t>& accounts) {
  ExactHints out = std::move(hints);
  std::vector<NearPaths> near;
  for (NearPaths& paths : out.near) {
    const auto found = std::lower_bound(accounts.begin(), accounts.end(), paths.account);
    if (found == accounts.end() || *found != paths.account) { continue; }
    near.push_back(std::move(paths));
    near.back().account = static_cast<std::uint64_t>(found - accounts.begin());
  }
  out.near = std::move(near);
  return out;
}

void copy_tail(const Tails& tails, std::uint64_t from, AccountMargin& margin) {
  const TailFigures& figures = tails.figures[from];
  // Adding zero turns -0 into 0.
  margin.var_usd = figures.var + 0.0;
  margin.var_se_usd = figures.var_standard_error + 0.0;
  margin.es_usd = figures.es + 0.0;
  margin.es_se_usd = figures.es_standard_error + 0.0;
  margin.worst_loss_usd = figures.worst_loss + 0.0;
  margin.worst_path = figures.worst_path;
  const TailFit& fit = figures.fit;
  margin.tail_fit = {fit.threshold + 0.0, fit.shape + 0.0, fit.scale + 0.0, fit.es + 0.0};
  if (!tails.path_offsets.empty()) {
    margin.tail_paths.assign(tails.tail_paths.begin() + static_cast<std::ptrdiff_t>(tails.path_offsets[from]),
                             tails.tail_paths.begin() + static_cast<std::ptrdiff_t>(tails.path_offsets[from + 1]));
  }
}

/// x with P(Z <= x) = p for p in [0.5, 1), by bisection: own arithmetic, as everything that enters a margin.
double normal_quantile(double p) {
  double low = 0.0, high = 9.0;
  for (int i = 0; i < 100 && p > 0.5; ++i) {
    const double middle = 0.5 * (low + high);
    (math::normal_cdf(middle) < p ? low : high) = middle;
  }
  return low;
}

std::vector<AccountMargin> make_margins(const Book& book, const Model& model, const AccountPlan& accounts,
                                        const Tails& tails, const std::vector<std::uint64_t>& inexact,
                                        const Tails& exact) {
  std::vector<AccountMargin> margins(book.accounts.size());
  for (std::uint64_t a = 0; a < margins.size(); ++a) {
    margins[a].account = book.accounts[a];
    margins[a].num_positions = accounts.num_positions[a];
    margins[a].gross_notional_usd = accounts.gross_notional_usd[a];
    margins[a].net_delta_usd = accounts.net_delta_usd[a];
    margins[a].equity_usd = accounts.equity_usd[a];
    copy_tail(tails, a, margins[a]);
  }
  for (std::uint64_t i = 0; i < inexact.size(); ++i) {
    copy_tail(exact, i, margins[inexact[i]]);
    margins[inexact[i]].exact_precision = true;
  }
  const double uplift = normal_quantile(model.uplift_confidence);
  for (AccountMargin& margin : margins) {
    if (!std::isfinite(margin.es_usd) || !std::isfinite(margin.es_se_usd) || !std::isfinite(margin.worst_loss_usd)) {
      throw std::runtime_error("the losses of account " + margin.account + " are not finite");
    }
    margin.initial_margin_usd = std::max(margin.es_usd + uplift * margin.es_se_usd, 0.0);
    margin.maintenance_margin_usd = model.maintenance_ratio * margin.initial_margin_usd;
  }
  return margins;
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
  if (config.num_paths == 0 || config.num_paths > 0xffffffffull) {
    throw UsageError("the number of paths must be between 1 and 4294967295");
  }
  RunResult result;
  StageTimer timer(result);
  const std::unique_ptr<Backend> backend = make_backend(config, result);
  PreparedRun run = prepare_run(book, model, config.num_paths, config.seed, config.sampler);
  run.fit_tails = config.fit_tails;
  result.prepared_tables = serialise_tables(run);
  timer.lap("prepare");

  Tails tails = backend->tails(run, run.accounts, make_request(config, Precision::single, "tails"));
  add_stage_seconds(tails.seconds, result);

  std::vector<std::uint64_t> inexact;
  Tails exact;
  if (backend->name() != "reference") { inexact = find_inexact_accounts(run.accounts, tails); }
  if (!inexact.empty()) {
    const ExactHints hints = select_hints(std::move(tails.hints), inexact);
    TailsRequest request = make_request(config, Precision::exact, "exact tails");
    request.hints = &hints;
    exact = backend->tails(run, select_accounts(run.accounts, inexact), request);
    const StageSeconds& s = exact.seconds;
    result.stages.push_back({"exact", s.simulate + s.revalue + s.pnl + s.tail});
    result.notes.push_back(std::to_string(inexact.size()) +
                           " accounts recomputed in double: their offsets cancel too much for float");
  }

  result.margins = make_margins(book, model, run.accounts, tails, inexact, exact);
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
  result.num_exact_accounts = inexact.size();
  result.position_paths = run.accounts.columns.size() * config.num_paths;
  result.warnings = run.warnings;
  return result;
}

}  // namespace tailmargin
