#include "host/cli/model_view.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "host/prepare/markov_root.hpp"
#include "host/prepare/matching.hpp"

namespace tailmargin {
namespace {

using Matrix = std::vector<std::vector<double>>;

constexpr double hours_per_year = 365.0 * 24.0;

/// Every match of a model, in the order of its rules.
std::vector<std::string> all_matches(const Model& model) {
  std::vector<std::string> found;
  for (const Regime& regime : model.regimes) {
    for (const VolRule& rule : regime.vols) found.push_back(rule.match);
    for (const UnderlyingCorrelation& rule : regime.underlyings) found.insert(found.end(), {rule.a, rule.b});
    for (const UnderlyingFactors& rule : regime.underlying_factors) found.push_back(rule.match);
    for (const CorrelationRule& rule : regime.correlations) {
      found.insert(found.end(), {rule.a.underlying, rule.b.underlying});
    }
  }
  for (const Reversion& rule : model.reversions) found.push_back(rule.match);
  for (const JumpRule& jump : model.jumps) {
    for (const JumpEffect& effect : jump.effects) found.push_back(effect.match);
  }
  return found;
}

std::vector<UnderlyingClass> classify(const Model& model, const std::vector<std::string>& underlyings, bool with_rest) {
  const std::vector<std::string> rules = all_matches(model);
  std::map<std::vector<bool>, std::size_t> number;  // what matches -> class
  std::vector<UnderlyingClass> classes;
  for (const std::string& name : underlyings) {
    std::vector<bool> matched;
    for (const std::string& match : rules) matched.push_back(matches(match, name, model));
    const auto [at, is_new] = number.try_emplace(matched, classes.size());
    if (is_new) classes.emplace_back();
    classes[at->second].names.push_back(name);
  }
  if (with_rest) classes.push_back({{""}, true});
  return classes;
}

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix c(a.size(), std::vector<double>(a.size(), 0.0));
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < a.size(); ++j) {
      for (std::size_t k = 0; k < a.size(); ++k) c[i][j] += a[i][k] * b[k][j];
    }
  }
  return c;
}

/// Long-run shares: rows of a high power of the chain that stays put half of the time (it has the same shares, and no
/// period). Empty if the rows differ.
std::vector<double> long_run_shares(const Matrix& transition) {
  constexpr int squarings = 64;
  Matrix power = transition;
  for (std::size_t i = 0; i < power.size(); ++i) {
    for (std::size_t j = 0; j < power.size(); ++j) power[i][j] = 0.5 * (power[i][j] + (i == j ? 1.0 : 0.0));
  }
  for (int i = 0; i < squarings; ++i) {
    power = product(power, power);
    for (std::vector<double>& row : power) {  // rounding would grow with the power
      double sum = 0.0;
      for (const double p : row) sum += p;
      for (double& p : row) p /= sum;
    }
  }
  for (const std::vector<double>& row : power) {
    for (std::size_t j = 0; j < row.size(); ++j) {
      if (std::abs(row[j] - power[0][j]) > 1e-9) return {};
    }
  }
  return power[0];
}

void view_chain(ModelView& view, Diagnostics& diagnostics) {
  const Model& model = *view.model;
  const StepTransition step = transition_for_step(model.transition, model.transition_hours, model.step_hours);
  if (step.match == ChainMatch::none) {
    diagnostics.error(model_source(model), 0, "chain.transition", "",
                      "no chain moves by this matrix in chain.transition_hours and has a law for one step: " +
                          step.reason + ". Give the matrix for the step, or another one.");
    return;
  }
  view.step_transition = step.matrix;
  view.shares = long_run_shares(step.matrix);
  view.start = model.start == StartKind::stationary ? view.shares : model.start_probabilities;
  if (view.start.empty()) {
    diagnostics.error(model_source(model), 0, "chain.start", "stationary",
                      "the chain has no unique stationary distribution (some regimes cannot reach each other). Give "
                      "start as a list of probabilities.");
  }
  for (std::size_t k = 0; k < step.matrix.size(); ++k) {
    const double leave = 1.0 - step.matrix[k][k];
    view.length_hours.push_back(leave > 0.0 ? model.step_hours / leave : std::numeric_limits<double>::infinity());
  }
}

/// Correlation of the prices of two different underlyings.
double correlation_of_prices(const Regime& regime, const Model& model, const std::string& a, const std::string& b) {
  const auto is_pair = [&](const std::string& x, const std::string& y) {
    return (matches(x, a, model) && matches(y, b, model)) || (matches(x, b, model) && matches(y, a, model));
  };
  for (const CorrelationRule& rule : regime.correlations) {
    if (rule.a.kind != FactorKind::price || rule.b.kind != FactorKind::price) continue;
    if (rule.same_underlying != SameUnderlying::yes && is_pair(rule.a.underlying, rule.b.underlying)) return rule.rho;
  }
  const UnderlyingFactors* of_a = first_match(regime.underlying_factors, a, model);
  const UnderlyingFactors* of_b = first_match(regime.underlying_factors, b, model);
  if (of_a && of_b) {
    const bool same_block = !of_a->block.empty() && of_a->block == of_b->block;
    return of_a->common * of_b->common + (same_block ? of_a->block_loading * of_b->block_loading : 0.0);
  }
  for (const UnderlyingCorrelation& rule : regime.underlyings) {
    if (is_pair(rule.a, rule.b)) return rule.rho;
  }
  return 0.0;
}

Matrix correlations_of_prices(const Regime& regime, const ModelView& view) {
  Matrix rho;
  for (const UnderlyingClass& a : view.classes) {
    rho.emplace_back();
    for (const UnderlyingClass& b : view.classes) {
      const bool is_alone = &a == &b && a.names.size() == 1 && !a.is_rest;
      rho.back().push_back(is_alone ? 1.0
                                    : correlation_of_prices(regime, *view.model, a.names.front(), b.names.back()));
    }
  }
  return rho;
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
double normal_density(double x) { return std::exp(-0.5 * x * x) / std::sqrt(8.0 * std::atan(1.0)); }

/// Mean of a size after the cut to [-max, max].
double mean_size(const JumpRule& jump) {
  const double max = jump.max, location = jump.location, scale = jump.scale;
  switch (jump.law) {
    case JumpLaw::fixed: break;
    case JumpLaw::normal: {
      if (scale == 0.0) break;
      const double low = (-max - location) / scale, high = (max - location) / scale;
      return -max * normal_cdf(low) + max * normal_cdf(-high) + location * (normal_cdf(high) - normal_cdf(low)) +
             scale * (normal_density(low) - normal_density(high));
    }
    case JumpLaw::lognormal: {
      if (scale == 0.0) break;
      const double cut = std::log(max / location) / scale;
      return location * std::exp(0.5 * scale * scale) * normal_cdf(cut - scale) + max * normal_cdf(-cut);
    }
    case JumpLaw::exponential: return -location * std::expm1(-max / location);
  }
  return std::clamp(location, -max, max);
}

double median_size(const JumpRule& jump) {
  const double median = jump.law == JumpLaw::exponential ? jump.location * std::log(2.0) : jump.location;
  return std::clamp(median, -jump.max, jump.max);
}

/// Chance of one or more events within the horizon: one less the mass of paths that have none, carried along the chain.
double chance_of_jump(const ModelView& view, const JumpRule& jump, double multiple) {
  const Model& model = *view.model;
  const auto num_steps = std::llround(model.horizon_hours / model.step_hours);
  const std::size_t num_regimes = model.regimes.size();
  std::vector<double> without = view.start;
  for (long long step = 0; step < num_steps; ++step) {
    std::vector<double> next(num_regimes, 0.0);
    for (std::size_t from = 0; from < num_regimes; ++from) {
      without[from] *= std::exp(-jump.per_year[from] * multiple * model.step_hours / hours_per_year);
      for (std::size_t to = 0; to < num_regimes; ++to) next[to] += without[from] * view.step_transition[from][to];
    }
    without = std::move(next);
  }
  double sum = 0.0;
  for (const double p : without) sum += p;
  return 1.0 - sum;
}

}  // namespace

std::vector<std::string> named_underlyings(const Model& model) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  const auto add = [&](const std::string& name) {
    if (!name.empty() && name != "*" && name.front() != '@' && seen.insert(name).second) names.push_back(name);
  };
  for (const std::string& match : all_matches(model)) add(match);
  for (const Group& group : model.groups) {
    for (const std::string& name : group.underlyings) add(name);
  }
  return names;
}

ModelView view_model(const Model& model, const std::vector<std::string>& underlyings, bool with_rest,
                     Diagnostics& diagnostics) {
  ModelView view;
  view.model = &model;
  view.classes = classify(model, underlyings, with_rest);
  view_chain(view, diagnostics);
  if (diagnostics.has_errors()) return view;
  for (const Regime& regime : model.regimes) view.price_correlation.push_back(correlations_of_prices(regime, view));
  for (const JumpRule& jump : model.jumps) {
    view.jumps.push_back({mean_size(jump), median_size(jump), chance_of_jump(view, jump, 1.0),
                          chance_of_jump(view, jump, jump.sample_multiple)});
  }
  return view;
}

std::string label_of(const UnderlyingClass& alike) {
  if (alike.is_rest) return "all others";
  const std::size_t more = alike.names.size() - 1;
  return alike.names.front() + (more == 0 ? "" : " +" + std::to_string(more));
}

}  // namespace tailmargin
