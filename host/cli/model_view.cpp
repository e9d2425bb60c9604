#include "host/cli/model_view.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "host/prepare/matching.hpp"
#include "host/prepare/model_names.hpp"
#include "host/prepare/prepare_run.hpp"
#include "host/prepare/scenario_laws.hpp"

namespace tailmargin {
namespace {

using Matrix = ModelView::Matrix;

constexpr double hours_per_year = 365.0 * 24.0;

constexpr const char* any_further = "(any further)";  // a second one of those no rule names

/// Correlations below the second digit are not told apart.
constexpr double told_apart = 0.005;

std::vector<UnderlyingClass> classify(const Model& model, const std::vector<std::string>& underlyings, bool with_rest) {
  const std::vector<NameReference> rules = rule_references(model);
  std::map<std::vector<bool>, std::size_t> number;  // what matches -> class
  std::vector<UnderlyingClass> classes;
  for (const std::string& name : underlyings) {
    std::vector<bool> matched;
    for (const NameReference& rule : rules) matched.push_back(matches(rule.match, name, model));
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

/// The correlations of a step in one regime, read from the tables a run draws its paths with.
class StepCorrelations {
 public:
  StepCorrelations(const ScenarioPlan& plan, std::size_t regime, const std::vector<UnderlyingClass>& classes,
                   const Book& book)
      : plan_(plan), regime_(regime) {
    std::map<std::string, UnderlyingId> ids;
    for (const Underlying& underlying : book.underlyings) {
      ids.emplace(underlying.name, static_cast<UnderlyingId>(ids.size()));
    }
    for (const UnderlyingClass& alike : classes) {
      first_.push_back(directions_of(ids.at(alike.is_rest ? any_other : alike.names.front())));
      last_.push_back(directions_of(ids.at(alike.is_rest ? any_further : alike.names.back())));
    }
  }

  /// Of two factors of one underlying.
  double within(std::size_t alike, std::size_t kind, std::size_t other) const {
    return cosine(first_[alike][kind], first_[alike][other]);
  }
  /// Of two underlyings, one of each class: the first of a's and the last of b's.
  double between(std::size_t a, std::size_t kind_a, std::size_t b, std::size_t kind_b) const {
    return cosine(first_[a][kind_a], last_[b][kind_b]);
  }

 private:
  using Direction = std::vector<double>;  // [draw] of unit length; empty: the factor does not move

  std::vector<Direction> directions_of(UnderlyingId underlying) const {
    std::vector<Direction> found(num_factor_kinds);
    for (std::uint32_t f = 0; f < plan_.factors.size(); ++f) {
      if (plan_.factors[f].underlying == underlying) found[std::size_t(plan_.factors[f].kind)] = direction_of(f);
    }
    return found;
  }

  Direction direction_of(std::uint32_t f) const {
    Direction draws(plan_.num_draws, 0.0);
    for (std::uint32_t s = plan_.shocks.offsets[f]; s < plan_.shocks.offsets[f + 1]; ++s) {
      const std::uint32_t row = plan_.shocks.inputs[s];
      const double shock = plan_.shocks.coefficients[s * plan_.num_regimes + regime_];
      for (std::uint32_t e = plan_.shared.offsets[row]; e < plan_.shared.offsets[row + 1]; ++e) {
        draws[plan_.shared.inputs[e]] += shock * plan_.shared.coefficients[e * plan_.num_regimes + regime_];
      }
    }
    const double length = std::sqrt(std::inner_product(draws.begin(), draws.end(), draws.begin(), 0.0));
    if (!(length > 0.0)) return {};
    for (double& x : draws) x /= length;
    return draws;
  }

  static double cosine(const Direction& a, const Direction& b) {
    if (a.empty() || b.empty()) return std::numeric_limits<double>::quiet_NaN();
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  }

  const ScenarioPlan& plan_;
  std::size_t regime_;
  std::vector<std::vector<Direction>> first_, last_;  // [class][kind]
};

Matrix prices_together(const StepCorrelations& step, std::size_t num_classes) {
  Matrix rho(num_classes, std::vector<double>(num_classes));
  for (std::size_t a = 0; a < num_classes; ++a) {
    for (std::size_t b = 0; b < num_classes; ++b) rho[a][b] = step.between(a, 0, b, 0);
  }
  return rho;
}

Matrix kinds_together(const StepCorrelations& step, std::size_t alike) {
  Matrix rho(num_factor_kinds, std::vector<double>(num_factor_kinds));
  for (std::size_t i = 0; i < num_factor_kinds; ++i) {
    for (std::size_t j = 0; j < num_factor_kinds; ++j) rho[i][j] = step.within(alike, i, j);
  }
  return rho;
}

/// Pairs of factors of two underlyings that are not the product of kinds and prices. A class of one name has no two.
std::vector<CorrelationException> find_exceptions(const StepCorrelations& step, const ModelView& view,
                                                  std::size_t regime) {
  std::vector<CorrelationException> found;
  for (std::size_t a = 0; a < view.classes.size(); ++a) {
    for (std::size_t b = a; b < view.classes.size(); ++b) {
      if (a == b && view.classes[a].names.size() == 1 && !view.classes[a].is_rest) continue;
      for (std::size_t i = 0; i < num_factor_kinds; ++i) {
        for (std::size_t j = a == b ? i : 0; j < num_factor_kinds; ++j) {
          const double rho = step.between(a, i, b, j);
          const double product = view.price_correlation[regime][a][b] * view.kind_correlation[regime][a][i][j];
          if (std::abs(rho - product) <= told_apart || std::isnan(rho - product)) continue;
          found.push_back({a, b, static_cast<FactorKind>(i), static_cast<FactorKind>(j), rho, product});
        }
      }
    }
  }
  return found;
}

/// Reads from a run's own tables how factors move together.
void view_correlations(ModelView& view, const Book& book, Diagnostics& diagnostics) {
  const ScenarioPlan plan = prepare_scenarios(book, *view.model, diagnostics);
  if (diagnostics.has_errors()) return;
  view.repairs = plan.repairs;
  const auto& regimes = view.model->regimes;
  const bool is_product =
      std::all_of(regimes.begin(), regimes.end(), [](const Regime& regime) { return regime.correlations.empty(); });
  for (std::size_t k = 0; k < regimes.size(); ++k) {
    const StepCorrelations step(plan, k, view.classes, book);
    view.price_correlation.push_back(prices_together(step, view.classes.size()));
    view.kind_correlation.emplace_back();
    for (std::size_t c = 0; c < view.classes.size(); ++c) view.kind_correlation[k].push_back(kinds_together(step, c));
    view.exceptions.push_back(is_product ? std::vector<CorrelationException>{} : find_exceptions(step, view, k));
  }
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
  for (const NameReference& rule : rule_references(model)) add(rule.match);
  for (const Group& group : model.groups) {
    for (const std::string& name : group.underlyings) add(name);
  }
  return names;
}

Book book_of_everything(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  Book book;
  for (const std::string& name : names) {
    Instrument option, perpetual;
    option.kind = InstrumentKind::option;
    perpetual.kind = InstrumentKind::perpetual;
    option.underlying = perpetual.underlying = static_cast<UnderlyingId>(book.underlyings.size());
    book.underlyings.push_back({name, 1.0, {}, {}});
    book.instruments.insert(book.instruments.end(), {option, perpetual});
  }
  return book;
}

namespace {

ModelView view_classes(const Model& model, std::vector<UnderlyingClass> classes, const Book& book,
                       Diagnostics& diagnostics) {
  ModelView view;
  view.model = &model;
  view.classes = std::move(classes);
  Diagnostics twice;  // the chain's problems: the scenarios have them as well
  view_chain(view, twice);
  view_correlations(view, book, diagnostics);
  if (diagnostics.has_errors()) return view;
  for (const JumpRule& jump : model.jumps) {
    view.jumps.push_back({mean_size(jump), median_size(jump), chance_of_jump(view, jump, 1.0),
                          chance_of_jump(view, jump, jump.sample_multiple)});
  }
  return view;
}

}  // namespace

ModelView view_model(const Model& model, const Book& book, Diagnostics& diagnostics) {
  std::vector<std::string> names;
  for (const Underlying& underlying : book.underlyings) names.push_back(underlying.name);
  return view_classes(model, classify(model, names, false), book, diagnostics);
}

ModelView view_model(const Model& model, const std::vector<std::string>& underlyings, bool with_rest,
                     Diagnostics& diagnostics) {
  std::vector<std::string> names = underlyings;
  if (with_rest) names.insert(names.end(), {any_other, any_further});
  return view_classes(model, classify(model, underlyings, with_rest), book_of_everything(names), diagnostics);
}

std::string label_of(const UnderlyingClass& alike) {
  if (alike.is_rest) return "all others";
  const std::size_t more = alike.names.size() - 1;
  return alike.names.front() + (more == 0 ? "" : " +" + std::to_string(more));
}

}  // namespace tailmargin
