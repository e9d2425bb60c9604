#include "host/engine/stress_scenarios.hpp"

#include <algorithm>
#include <cmath>

#include "host/engine/account_margins.hpp"
#include "host/prepare/model_variants.hpp"
#include "host/prepare/prepare_run.hpp"

namespace tailmargin {
namespace {

/// Fewer would leave the stressed confidence next to no tail.
constexpr std::uint64_t min_paths = 10'000;
/// More scenarios than this are simulated when needed, each by itself.
constexpr std::uint64_t most_kept_bytes = std::uint64_t{1} << 30;

bool is_wanted(StressScenario scenario, const MarginTerms& terms) {
  switch (scenario) {
    case StressScenario::own: return true;
    case StressScenario::crisis_start:
      return terms.crisis_start_weight > 0.0 || terms.anti_procyclical == AntiProcyclical::stressed;
    case StressScenario::long_run_start: return terms.anti_procyclical == AntiProcyclical::floor;
    case StressScenario::perfect:
    case StressScenario::independent: return terms.dependence_weight > 0.0;
  }
  return false;
}

Model variant(StressScenario scenario, const Model& model) {
  switch (scenario) {
    case StressScenario::own: break;
    case StressScenario::crisis_start: return with_start_in(model, model.terms->crisis_regime);
    case StressScenario::long_run_start: return with_long_run_start(model);
    case StressScenario::perfect: return with_dependence(model, UnderlyingDependence::perfect);
    case StressScenario::independent: return with_dependence(model, UnderlyingDependence::independent);
  }
  return model;
}

}  // namespace

std::uint64_t stress_paths(const MarginTerms& terms, std::uint64_t num_paths) {
  const auto part = static_cast<std::uint64_t>(terms.paths_share * static_cast<double>(num_paths));
  return std::min(num_paths, std::max(min_paths, part));
}

StressScenarios::StressScenarios(const PreparedRun& run, const Book& book, const Model& model, const RunConfig& config,
                                 bool keep) {
  const MarginTerms& terms = *model.terms;
  const std::uint64_t num_paths = stress_paths(terms, config.num_paths);
  const auto prepare = [&](const Model& variant) {
    return std::make_unique<Scenario>(Scenario{prepare_variant(run, book, variant, num_paths), {}});
  };
  for (std::size_t s = 0; s < num_stress_scenarios; ++s) {
    const auto scenario = static_cast<StressScenario>(s);
    if (!is_wanted(scenario, terms)) { continue; }
    scenarios_[s] = prepare(variant(scenario, model));
    const bool stressed = scenario == StressScenario::perfect || scenario == StressScenario::independent;
    if (stressed) { scenarios_[s]->plan.confidence = terms.stressed_confidence; }
    if (scenario == StressScenario::own) { scenarios_[s]->plan.stressed_confidence = terms.stressed_confidence; }
  }
  for (const Regime& regime : model.regimes) {
    correlations_.push_back(prepare(with_correlations_of(model, regime.name)));
  }
  if (keep) { simulate({&choose_kernels(parse_isa(config.isa)), config.threads, {}, config.stop}); }
}

/// As many together as have common draws.
void StressScenarios::simulate(const SimulateOptions& options) {
  std::vector<Scenario*> left;
  std::uint64_t bytes = 0;
  const auto add = [&](const std::unique_ptr<Scenario>& scenario) {
    if (scenario == nullptr) { return; }
    left.push_back(scenario.get());
    bytes += KeptScenarios::bytes(scenario->plan);
  };
  for (const auto& scenario : scenarios_) { add(scenario); }
  for (const auto& scenario : correlations_) { add(scenario); }
  if (bytes > most_kept_bytes) { return; }
  while (!left.empty()) {
    const auto common = [&](const Scenario* s) { return have_common_draws(left.front()->plan, s->plan); };
    const auto others = std::stable_partition(left.begin(), left.end(), common);
    const auto last = others - left.begin() > max_models ? left.begin() + max_models : others;
    std::vector<const PreparedRun*> runs;
    for (auto s = left.begin(); s != last; ++s) { runs.push_back(&(*s)->plan); }
    std::vector<Observations> simulated = simulate_together(runs, options);
    for (std::size_t i = 0; i < simulated.size(); ++i) { left[i]->kept = std::move(simulated[i]); }
    left.erase(left.begin(), last);
  }
}

}  // namespace tailmargin
