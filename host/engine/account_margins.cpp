#include "host/engine/account_margins.hpp"

#include <algorithm>
#include <cmath>

#include "host/engine/margin_sums.hpp"
#include "host/prepare/prepare_run.hpp"

namespace tailmargin {
namespace {

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

}  // namespace

void check_config(const RunConfig& config) {
  if (config.num_paths == 0 || config.num_paths > 0xffffffffull) {
    throw UsageError("the number of paths must be between 1 and 4294967295");
  }
}

RunConfig silent(RunConfig config) {
  config.keep_tail_paths = config.fit_tails = config.control_variate = config.contributions = false;
  config.progress = nullptr;
  return config;
}

Isa parse_isa(const std::string& isa) {
  if (isa == "auto") { return Isa::automatic; }
  if (isa == "baseline") { return Isa::baseline; }
  if (isa == "avx2") { return Isa::avx2; }
  if (isa == "avx512") { return Isa::avx512; }
  throw UsageError("unknown instruction set '" + isa + "'. Use auto, baseline, avx2 or avx512.");
}

std::unique_ptr<Backend> make_backend(const RunConfig& config, std::vector<std::string>& notes) {
  const CpuOptions cpu = {config.threads, parse_isa(config.isa), config.paths_per_tile, config.accounts_per_batch};
  switch (config.backend) {
    case BackendChoice::reference: return make_reference_backend();
    case BackendChoice::cpu: return make_cpu_backend(cpu);
    case BackendChoice::cuda: return make_cuda_backend({0, config.accounts_per_batch});
    case BackendChoice::automatic: break;
  }
  const std::string reason = cuda_unavailable_reason();
  if (reason.empty()) { return make_cuda_backend({0, config.accounts_per_batch}); }
  notes.push_back("took the cpu backend: " + reason);
  return make_cpu_backend(cpu);
}

std::unique_ptr<Backend> make_backend_for_one(RunConfig config, std::vector<std::string>& notes) {
  if (config.backend == BackendChoice::automatic) { config.backend = BackendChoice::cpu; }
  if (config.backend == BackendChoice::cuda) {
    make_backend(config, notes);  // fails where there is no device
    config.backend = BackendChoice::cpu;
    notes.push_back("took the cpu backend: one account is quicker there, and the margins have the same bits");
  }
  return make_backend(config, notes);
}

AccountTails find_tails(Backend& backend, const PreparedRun& run, const AccountPlan& accounts, const RunConfig& config,
                        const Observations* observations, ListShortfalls shortfalls,
                        const std::vector<double>* expected_var) {
  AccountTails out;
  TailsRequest request = make_request(config, Precision::single, "tails");
  request.observations = observations;
  request.list_shortfalls = shortfalls;
  request.expected_var = expected_var;
  out.single = backend.tails(run, accounts, request);
  if (backend.name() != "reference") { out.inexact = find_inexact_accounts(accounts, out.single); }
  ExactHints hints = select_hints(std::move(out.single.hints), out.inexact);
  if (out.inexact.empty()) {
    out.observations = std::move(hints.observations);
    return out;
  }
  request = make_request(config, Precision::exact, "exact tails");
  request.observations = observations;
  request.list_shortfalls = shortfalls;
  request.hints = &hints;
  out.exact = backend.tails(run, select_accounts(accounts, out.inexact), request);
  out.observations = std::move(hints.observations);
  return out;
}

const TailFigures& AccountTails::figures(std::uint64_t account) const {
  const auto [tails, place] = find(account);
  return tails->figures[place];
}

std::vector<double> AccountTails::regime_es(std::uint64_t account) const {
  const auto [tails, place] = find(account);
  const std::size_t regimes = tails->figures.empty() ? 0 : tails->regime_es.size() / tails->figures.size();
  const auto first = tails->regime_es.begin() + static_cast<std::ptrdiff_t>(place * regimes);
  std::vector<double> out(first, first + static_cast<std::ptrdiff_t>(regimes));
  for (double& es : out) { es += 0.0; }  // turns -0 into 0
  return out;
}

std::vector<TailLoss<double>> AccountTails::tail(std::uint64_t account) const {
  const auto [tails, place] = find(account);
  return tail_of(*tails, place);
}

std::pair<const Tails*, std::uint64_t> AccountTails::find(std::uint64_t account) const {
  const auto found = std::lower_bound(inexact.begin(), inexact.end(), account);
  if (found == inexact.end() || *found != account) { return {&single, account}; }
  return {&exact, static_cast<std::uint64_t>(found - inexact.begin())};
}

std::vector<AccountMargin> make_margins(const std::vector<std::string>& names, const Model& model,
                                        const AccountPlan& accounts, const AccountTails& tails) {
  std::vector<AccountMargin> margins(names.size());
  for (std::uint64_t a = 0; a < margins.size(); ++a) {
    margins[a].account = names[a];
    margins[a].num_positions = accounts.num_positions[a];
    margins[a].gross_notional_usd = accounts.gross_notional_usd[a];
    margins[a].net_delta_usd = accounts.net_delta_usd[a];
    margins[a].equity_usd = accounts.equity_usd[a];
    copy_tail(tails.single, a, margins[a]);
    margins[a].regime_es_usd = tails.regime_es(a);
  }
  for (std::uint64_t i = 0; i < tails.inexact.size(); ++i) {
    copy_tail(tails.exact, i, margins[tails.inexact[i]]);
    margins[tails.inexact[i]].exact_precision = true;
  }
  const double uplift = uplift_of(model);
  for (AccountMargin& margin : margins) {
    if (!std::isfinite(margin.es_usd) || !std::isfinite(margin.es_se_usd) || !std::isfinite(margin.worst_loss_usd)) {
      throw std::runtime_error("the losses of account " + margin.account + " are not finite");
    }
    margin.initial_margin_usd = sum_of(initial_margin_terms(margin, uplift));
    margin.maintenance_margin_usd = sum_of(maintenance_margin_terms(margin, model));
  }
  return margins;
}

}  // namespace tailmargin
