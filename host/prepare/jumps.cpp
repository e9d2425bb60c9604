// Jump processes: sampled intensities, effects on factors, and the drift that keeps prices' means.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "host/prepare/matching.hpp"
#include "host/prepare/prepare_run.hpp"
#include "host/prepare/scenario_laws.hpp"

namespace tailmargin {
namespace {

constexpr double inverse_sqrt_two_pi = 0.39894228040143267794;

/// E[exp(a Y)] over a size that is a function of a standard normal, by Simpson's rule over 8 deviations either side.
template <class Size>
double mean_over_normal(double a, double max, Size size) {
  constexpr int intervals = 4096;
  constexpr double low = -8.0, width = 16.0 / intervals;
  double sum = 0.0;
  for (int i = 0; i <= intervals; ++i) {
    const double z = low + i * width;
    const double y = std::clamp(size(z), -max, max);
    const double weight = i == 0 || i == intervals ? 1.0 : i % 2 == 1 ? 4.0 : 2.0;
    sum = math::fma(weight, math::exp(a * y - 0.5 * z * z), sum);
  }
  return sum * inverse_sqrt_two_pi * width / 3.0;
}

/// E[exp(a min(Y, max))] for Y exponential with a mean: the part below the cut in closed form, the rest at it.
double mean_over_exponential(double a, double mean, double max) {
  const double cut = max / mean, rate = 1.0 - a * mean;
  const double below = std::fabs(rate) < 1e-12 ? cut : -math::expm1(-rate * cut) / rate;
  return below + math::exp(-rate * cut);
}

/// E[exp(a Y)] of a rule's size.
double mean_growth(const JumpRule& rule, double a) {
  switch (rule.law) {
    case JumpLaw::fixed: return math::exp(a * std::clamp(rule.location, -rule.max, rule.max));
    case JumpLaw::normal:
      return mean_over_normal(a, rule.max, [&](double z) { return rule.location + rule.scale * z; });
    case JumpLaw::lognormal:
      return mean_over_normal(a, rule.max, [&](double z) { return rule.location * math::exp(rule.scale * z); });
    case JumpLaw::exponential: return mean_over_exponential(a, rule.location, rule.max);
  }
  return 1.0;
}

/// Mean growths that were asked for before: coins that are alike share rules and changes.
class MeanGrowths {
 public:
  double find(const JumpRule& rule, double a) {
    const auto [found, is_new] = known_.try_emplace({&rule, a}, 0.0);
    if (is_new) { found->second = mean_growth(rule, a); }
    return found->second;
  }

 private:
  std::map<std::pair<const JumpRule*, double>, double> known_;
};

/// How far many jumps may take a factor that prices are exponentials of, in logs: as far as a single one may
/// (model files: change x max), so that diffusion and two factors of a contract still fit into the range of float.
constexpr double max_jump_reach = 20.0;

/// Chance that a path is beyond its reach: less than one in a run of 10^9 paths.
constexpr double beyond_reach = 1e-12;

/// Jumps of one kind of size over the horizon, as one factor feels them.
struct JumpLoad {
  const JumpRule* rule = nullptr;
  double change = 0.0;  ///< of the factor, by a size of 1
  double events = 0.0;  ///< expected number of them in the regime that has most
};

/// Bounds on the sum of a factor's jumps by Chernoff's inequality: for every a > 0 the sum is above
///   reach(a) = (sum of events (E[exp(a change Y)] - 1) + ln(1 / beyond)) / a
/// with a chance below `beyond`, whatever the path of regimes.
class ReachFinder {
 public:
  explicit ReachFinder(MeanGrowths& growths) : growths_(growths) {}

  /// Whether jumps and the drift they bring stay within the limit on one side: up (+1) or down (-1).
  /// @param drift  over the horizon, towards that side
  bool stays(const std::vector<JumpLoad>& loads, double side, double drift) {
    const double limit = max_jump_reach - std::max(drift, 0.0);
    return limit >= 0.0 &&
           (stays_within(loads, side, Law::largest, limit) || stays_within(loads, side, Law::exact, limit));
  }

 private:
  enum class Law { largest, exact };  ///< sizes all at their cut, which is quick to bound, or as they are

  /// Whether a bound is within the limit.
  bool stays_within(const std::vector<JumpLoad>& loads, double side, Law law, double limit) {
    for (double a = 0.25; a < 40.0; a *= 1.25) {
      double sum = -math::log(beyond_reach);
      for (const JumpLoad& load : loads) {
        sum += load.events * std::max(growth(load, side * a, law) - 1.0, 0.0);  // below 1: at most 0 in any regime
      }
      if (sum / a <= limit) { return true; }
    }
    return false;
  }

  /// E[exp(a change Y)], or a bound of it.
  double growth(const JumpLoad& load, double a, Law law) {
    const JumpRule& rule = *load.rule;
    const double slope = a * load.change;
    if (std::fabs(slope) * rule.max > 600.0) { return std::numeric_limits<double>::infinity(); }
    if (law == Law::largest) { return math::exp(std::fabs(slope) * rule.max); }
    return growths_.find(rule, slope);
  }

  MeanGrowths& growths_;
};

/// Whether contracts' prices are exponentials of a kind of factor. Kinds of smiles are cut on the path instead.
bool moves_prices(FactorKind kind) {
  switch (kind) {
    case FactorKind::price:
    case FactorKind::carry:
    case FactorKind::premium:
    case FactorKind::carry_slope:
    case FactorKind::dislocation: return true;
    case FactorKind::vol:
    case FactorKind::term:
    case FactorKind::skew:
    case FactorKind::butterfly: break;
  }
  return false;
}

class JumpBuilder {
 public:
  JumpBuilder(const Book& book, const Model& model, ScenarioPlan& plan, Diagnostics& diagnostics)
      : book_(book),
        model_(model),
        plan_(plan),
        diagnostics_(diagnostics),
        taken_(plan.factors.size() * plan.num_regimes, 0.0) {}

  void build() {
    for (const JumpRule& rule : model_.jumps) {
      if (rule.scope == JumpScope::market) {
        add_process(rule, no_underlying);
      } else {
        for (UnderlyingId u = 0; u < book_.underlyings.size(); ++u) { add_process(rule, u); }
      }
    }
    if (plan_.processes.empty()) { return; }
    for (std::size_t k = 0; k < plan_.num_regimes; ++k) { set_bounds(k); }
    check_reaches();
  }

 private:
  /// A process with its effects on one underlying, or on all; none if it moves nothing in this book.
  void add_process(const JumpRule& rule, UnderlyingId only) {
    JumpPlan process;
    process.law = rule.law;
    process.location = rule.location;
    process.scale = rule.scale;
    process.max = rule.max;
    process.rule = static_cast<std::uint32_t>(&rule - model_.jumps.data());
    process.only = only;
    process.first_effect = static_cast<std::uint32_t>(plan_.effect_factors.size());
    process.log_multiple = math::log(rule.sample_multiple);
    for (std::uint32_t f = 0; f < plan_.factors.size(); ++f) {
      const Factor& factor = plan_.factors[f];
      if (only != no_underlying && factor.underlying != only) { continue; }
      const JumpEffect* effect = first_match(rule.effects, book_.underlyings[factor.underlying].name, model_);
      const double change = effect == nullptr ? 0.0 : effect->change[static_cast<std::size_t>(factor.kind)];
      if (change == 0.0) { continue; }
      plan_.effect_factors.push_back(f);
      plan_.effect_changes.push_back(change);
      if (factor.kind == FactorKind::price) { compensate(rule, f, change); }
    }
    process.last_effect = static_cast<std::uint32_t>(plan_.effect_factors.size());
    if (process.last_effect == process.first_effect) { return; }
    plan_.processes.push_back(process);
    rules_.push_back(&rule);
  }

  /// Jumps of a price have a mean growth; the drift takes it back, so that the price keeps its mean.
  void compensate(const JumpRule& rule, std::uint32_t f, double change) {
    if (model_.drift != Drift::martingale) { return; }
    const double growth = growths_.find(rule, change) - 1.0;
    for (std::size_t k = 0; k < plan_.num_regimes; ++k) {
      const double taken = rule.per_year[k] * plan_.step_years * growth;
      plan_.drift[f * plan_.num_regimes + k] -= taken;
      taken_[f * plan_.num_regimes + k] += taken;
    }
  }

  /// How many jumps a step has in a regime (Poisson), and which process each is of.
  void set_bounds(std::size_t k) {
    std::vector<double> sampled;
    double total = 0.0, excess = 0.0;
    for (const JumpRule* rule : rules_) {
      const double happens = rule->per_year[k] * plan_.step_years;
      sampled.push_back(happens * rule->sample_multiple);
      total += sampled.back();
      excess += sampled.back() - happens;
    }
    plan_.excess_jumps.push_back(excess);
    check_intensity(k, total, excess);
    append_counts(total);
    double cumulative = 0.0;
    for (const double intensity : sampled) {
      cumulative += total > 0.0 ? intensity / total : 0.0;
      plan_.jump_bounds.push_back(static_cast<std::uint32_t>(std::min(cumulative, 1.0) * 2147483648.0));
    }
  }

  void append_counts(double mean) {
    double probability = math::exp(-mean), cumulative = probability;
    for (std::uint32_t n = 0; n < max_jumps_per_step; ++n) {
      plan_.jump_counts.push_back(static_cast<std::uint32_t>(std::min(cumulative, 1.0) * 2147483648.0));
      probability *= mean / (n + 1.0);
      cumulative += probability;
    }
  }

  /// Reports every rule that may take factors out of the range of float, with the first of them.
  void check_reaches() {
    ReachFinder finder(growths_);
    const std::vector<std::vector<JumpLoad>> loads = list_loads();
    std::set<const JumpRule*> reported;
    for (std::uint32_t f = 0; f < plan_.factors.size(); ++f) {
      const Factor& factor = plan_.factors[f];
      if (!moves_prices(factor.kind)) { continue; }
      if (loads[f].empty()) { continue; }
      double up = 0.0, down = 0.0;  // drift over the horizon of the regimes that have most
      for (std::size_t k = 0; k < plan_.num_regimes; ++k) {
        const double drift = -taken_[f * plan_.num_regimes + k] * plan_.num_steps;
        up = std::max(up, drift);
        down = std::max(down, -drift);
      }
      if (finder.stays(loads[f], 1.0, up) && finder.stays(loads[f], -1.0, down)) { continue; }
      const JumpRule& rule = largest_of(loads[f]);
      if (reported.insert(&rule).second) { report_reach(factor, rule); }
    }
  }

  /// [factor] the jumps that move it.
  std::vector<std::vector<JumpLoad>> list_loads() const {
    std::vector<std::vector<JumpLoad>> loads(plan_.factors.size());
    for (std::size_t p = 0; p < plan_.processes.size(); ++p) {
      const JumpRule& rule = *rules_[p];
      const double most = *std::max_element(rule.per_year.begin(), rule.per_year.end());
      const double events = most * rule.sample_multiple * plan_.step_years * plan_.num_steps;
      if (events == 0.0) { continue; }
      for (std::uint32_t e = plan_.processes[p].first_effect; e < plan_.processes[p].last_effect; ++e) {
        loads[plan_.effect_factors[e]].push_back({&rule, plan_.effect_changes[e], events});
      }
    }
    return loads;
  }

  /// The rule that moves a factor most.
  static const JumpRule& largest_of(const std::vector<JumpLoad>& loads) {
    const auto size = [](const JumpLoad& load) { return load.events * std::fabs(load.change) * load.rule->max; };
    return *std::max_element(loads.begin(), loads.end(), [&](const JumpLoad& a, const JumpLoad& b) {
              return size(a) < size(b);
            })->rule;
  }

  void report_reach(const Factor& factor, const JumpRule& worst) {
    const std::string path = path_of(worst);
    diagnostics_.error(
        model_source(model_), model_line(model_, path), path,
        book_.underlyings[factor.underlying].name + "." + to_string(factor.kind),
        "the jumps of a path, with the drift that keeps their mean, may move this by more than 20 in all "
        "(prices would leave the range of float); most of it comes from \"" +
            worst.name + "\". Lower its per_year, sample_multiple or size.max, or " + end_paths_sooner(model_) + ".");
  }

  /// Where a rule stands in the model file.
  std::string path_of(const JumpRule& rule) const {
    return item_of("jump", static_cast<std::size_t>(&rule - model_.jumps.data()));
  }

  void check_intensity(std::size_t k, double total, double excess) {
    const std::string field = "jump.per_year in regime " + model_.regimes[k].name;
    if (!(total <= max_expected_jumps)) {
      const JumpRule& most =
          rule_of_most([&](const JumpRule& rule) { return rule.per_year[k] * rule.sample_multiple; });
      diagnostics_.error(model_source(model_), model_line(model_, path_of(most) + ".per_year"), field,
                         short_number(total),
                         "more than one jump is sampled per step, over all underlyings (at most eight fit in a step); "
                         "most of them are of \"" +
                             most.name + "\". Lower per_year or sample_multiple, or shorten the step.");
    }
    if (!(excess * plan_.num_steps <= max_extra_jumps)) {
      const JumpRule& most =
          rule_of_most([&](const JumpRule& rule) { return rule.per_year[k] * (rule.sample_multiple - 1.0); });
      diagnostics_.error(model_source(model_), model_line(model_, path_of(most) + ".sample_multiple"), field,
                         short_number(excess * plan_.num_steps),
                         "sampling adds more than three jumps to a path (most paths would get next to no weight); most "
                         "of them are of \"" +
                             most.name + "\". Lower its sample_multiple.");
    }
  }

  /// The rule whose processes have most of something together.
  template <class Amount>
  const JumpRule& rule_of_most(Amount amount) const {
    std::map<const JumpRule*, double> sums;  // rules stand in one vector: their order is that of the file
    for (const JumpRule* rule : rules_) { sums[rule] += amount(*rule); }
    return *std::max_element(sums.begin(), sums.end(), [](const auto& a, const auto& b) {
              return a.second < b.second;
            })->first;
  }

  const Book& book_;
  const Model& model_;
  ScenarioPlan& plan_;
  Diagnostics& diagnostics_;
  MeanGrowths growths_;
  std::vector<const JumpRule*> rules_;  // [process]
  std::vector<double> taken_;           // [factor][regime] mean growth of jumps that the drift of a step takes back
};

}  // namespace

void prepare_jumps(const Book& book, const Model& model, ScenarioPlan& plan, Diagnostics& diagnostics) {
  JumpBuilder(book, model, plan, diagnostics).build();
}

std::vector<std::uint32_t> sample_weights(const ScenarioPlan& plan, const PointPlan& points, std::uint64_t seed,
                                          std::uint64_t num_paths) {
  const auto changed = [](const JumpPlan& process) { return process.log_multiple != 0.0; };
  if (std::none_of(plan.processes.begin(), plan.processes.end(), changed)) { return {}; }
  SimulatePayload in{};
  in.seed = seed;
  in.num_steps = plan.num_steps;
  in.num_regimes = plan.num_regimes;
  in.num_processes = static_cast<std::uint32_t>(plan.processes.size());
  in.start_bounds = plan.start_bounds.data();
  in.transition_bounds = plan.transition_bounds.data();
  in.jump_counts = plan.jump_counts.data();
  in.jump_bounds = plan.jump_bounds.data();
  in.points = points.view();

  constexpr int group = 64;
  std::vector<std::uint32_t> weights(num_paths);
  for (std::uint64_t first = 0; first < num_paths; first += group) {
    StepChoices<group> chain, counts;
    std::uint32_t regime[group] = {}, count[group], before[group] = {};
    double log_weight[group] = {};
    for (std::uint32_t step = 0; step < plan.num_steps; ++step) {
      advance_regimes<group>(in, first, step, chain, regime);
      count_jumps<group>(in, first, step, regime, counts, count);
      for (std::uint32_t l = 0; l < group; ++l) {
        log_weight[l] += plan.excess_jumps[regime[l]];
        for (std::uint32_t n = 0; n < count[l]; ++n) {
          const JumpNumber jump = {step, n, before[l]};
          log_weight[l] -= plan.processes[choose_jump(in, first + l, regime[l], jump).process].log_multiple;
        }
        before[l] += count[l];
      }
    }
    for (std::uint64_t l = 0; l < std::min<std::uint64_t>(group, num_paths - first); ++l) {
      weights[first + l] = static_cast<std::uint32_t>(std::max(1.0, math::exp(log_weight[l]) * weight_unit + 0.5));
    }
  }
  return weights;
}

}  // namespace tailmargin
