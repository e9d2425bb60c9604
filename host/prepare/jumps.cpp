// Jump processes: sampled intensities, effects on factors, and the drift that keeps prices' means.
#include <algorithm>
#include <cmath>
#include <string>

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

class JumpBuilder {
 public:
  JumpBuilder(const Book& book, const Model& model, ScenarioPlan& plan, Diagnostics& diagnostics)
      : book_(book), model_(model), plan_(plan), diagnostics_(diagnostics) {}

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
  }

 private:
  /// A process with its effects on one underlying, or on all; none if it moves nothing in this book.
  void add_process(const JumpRule& rule, UnderlyingId only) {
    JumpPlan process;
    process.law = rule.law;
    process.location = rule.location;
    process.scale = rule.scale;
    process.max = rule.max;
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
    const double growth = mean_growth(rule, change) - 1.0;
    for (std::size_t k = 0; k < plan_.num_regimes; ++k) {
      plan_.drift[f * plan_.num_regimes + k] -= rule.per_year[k] * plan_.step_years * growth;
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

  void check_intensity(std::size_t k, double total, double excess) {
    const std::string field = "jump.per_year in regime " + model_.regimes[k].name;
    if (!(total <= max_expected_jumps)) {
      diagnostics_.error(model_source(model_), 0, field, std::to_string(total),
                         "more than one jump is sampled per step, over all underlyings (at most eight fit in a step). "
                         "Lower per_year or sample_multiple, or shorten the step.");
    }
    if (!(excess * plan_.num_steps <= max_extra_jumps)) {
      diagnostics_.error(
          model_source(model_), 0, field, std::to_string(excess * plan_.num_steps),
          "sampling adds more than three jumps to a path (most paths would get next to no weight). Lower "
          "sample_multiple.");
    }
  }

  const Book& book_;
  const Model& model_;
  ScenarioPlan& plan_;
  Diagnostics& diagnostics_;
  std::vector<const JumpRule*> rules_;  // [process]
};

}  // namespace

void prepare_jumps(const Book& book, const Model& model, ScenarioPlan& plan, Diagnostics& diagnostics) {
  JumpBuilder(book, model, plan, diagnostics).build();
}

std::vector<std::uint32_t> sample_weights(const ScenarioPlan& plan, std::uint64_t seed, std::uint64_t num_paths) {
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

  constexpr int group = 64;
  std::vector<std::uint32_t> weights(num_paths);
  for (std::uint64_t first = 0; first < num_paths; first += group) {
    math::PhiloxBlock chain_words[group], count_words[group];
    std::uint32_t regime[group] = {}, count[group];
    double log_weight[group] = {};
    for (std::uint32_t step = 0; step < plan.num_steps; ++step) {
      advance_regimes<group>(in, first, step, chain_words, regime);
      count_jumps<group>(in, first, step, regime, count_words, count);
      for (std::uint32_t l = 0; l < group; ++l) {
        log_weight[l] += plan.excess_jumps[regime[l]];
        for (std::uint32_t n = 0; n < count[l]; ++n) {
          log_weight[l] -= plan.processes[jump_process(in, first + l, step, regime[l], n)].log_multiple;
        }
      }
    }
    for (std::uint64_t l = 0; l < std::min<std::uint64_t>(group, num_paths - first); ++l) {
      weights[first + l] = static_cast<std::uint32_t>(std::max(1.0, math::exp(log_weight[l]) * weight_unit + 0.5));
    }
  }
  return weights;
}

}  // namespace tailmargin
