#include "host/cli/model_view.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "host/prepare/matching.hpp"
#include "host/prepare/regime_correlations.hpp"
#include "host/prepare/scenario_laws.hpp"

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

void view_chain(ModelView& view, Diagnostics& diagnostics) {
  RegimeChain chain = regime_chain(*view.model, diagnostics);
  for (std::size_t k = 0; k < chain.transition.size(); ++k) {
    const double leave = 1.0 - chain.transition[k][k];
    view.length_hours.push_back(leave > 0.0 ? view.model->step_hours / leave : std::numeric_limits<double>::infinity());
  }
  view.step_transition = std::move(chain.transition);
  view.shares = std::move(chain.stationary);
  view.start = std::move(chain.start);
}

/// Two underlyings of each class, the first and the last of its names: underlying 2 c and 2 c + 1.
Book two_of_each(const std::vector<UnderlyingClass>& classes) {
  Book book;
  for (const UnderlyingClass& alike : classes) {
    for (const std::string& name : {alike.names.front(), alike.names.back()}) {
      book.underlyings.push_back({name, 1.0, {}, {}});
    }
  }
  return book;
}

Matrix correlations_of_prices(const Regime& regime, const ModelView& view) {
  const RegimeCorrelations correlations(regime, *view.model, two_of_each(view.classes));
  Matrix rho;
  for (std::uint32_t a = 0; a < view.classes.size(); ++a) {
    const bool is_alone = view.classes[a].names.size() == 1 && !view.classes[a].is_rest;
    rho.emplace_back();
    for (std::uint32_t b = 0; b < view.classes.size(); ++b) {
      const Factor first{2 * a, FactorKind::price}, second{2 * b + 1, FactorKind::price};
      rho.back().push_back(a == b && is_alone ? 1.0 : correlations.factors(first, second));
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
