// The regime chain: its start and its transitions per step, as integer bounds.
#include <algorithm>
#include <cmath>

#include "host/prepare/markov_root.hpp"
#include "host/prepare/matching.hpp"
#include "host/prepare/scenario_laws.hpp"

namespace tailmargin {
namespace {

/// Cumulative probabilities as 31-bit bounds; the last one is never read.
void append_bounds(const std::vector<double>& probabilities, std::vector<std::uint32_t>& bounds) {
  double cumulative = 0.0;
  for (const double probability : probabilities) {
    cumulative += probability;
    bounds.push_back(static_cast<std::uint32_t>(std::min(cumulative, 1.0) * 2147483648.0));
  }
}

/// Solves pi (A - I) = 0, sum pi = 1 by Gaussian elimination with partial pivoting; empty if not unique.
std::vector<double> stationary_distribution(const std::vector<std::vector<double>>& transition) {
  const std::size_t n = transition.size();
  std::vector<std::vector<double>> m(n, std::vector<double>(n + 1, 0.0));
  for (std::size_t to = 0; to < n; ++to) {
    for (std::size_t from = 0; from < n; ++from) { m[to][from] = transition[from][to] - (to == from ? 1.0 : 0.0); }
  }
  for (std::size_t c = 0; c <= n; ++c) { m[n - 1][c] = 1.0; }
  for (std::size_t c = 0; c < n; ++c) {
    std::size_t best = c;
    for (std::size_t r = c + 1; r < n; ++r) {
      if (std::fabs(m[r][c]) > std::fabs(m[best][c])) { best = r; }
    }
    if (!(std::fabs(m[best][c]) > 1e-12)) { return {}; }
    std::swap(m[c], m[best]);
    for (std::size_t r = 0; r < n; ++r) {
      if (r == c) { continue; }
      const double factor = m[r][c] / m[c][c];
      for (std::size_t i = c; i <= n; ++i) { m[r][i] = math::fma(-factor, m[c][i], m[r][i]); }
    }
  }
  std::vector<double> pi(n);
  for (std::size_t r = 0; r < n; ++r) { pi[r] = std::max(0.0, m[r][n] / m[r][r]); }
  return pi;
}

/// Largest change of a probability that a repair of the chain may make.
constexpr double max_chain_change = 0.02;

/// The transitions of one step; a model with one regime needs none.
std::vector<std::vector<double>> step_transitions(const Model& model, Diagnostics& diagnostics) {
  if (model.regimes.size() == 1) { return {{1.0}}; }
  const StepTransition step = transition_for_step(model.transition, model.transition_hours, model.step_hours);
  if (step.match == ChainMatch::none) {
    diagnostics.error(model_source(model), model_line(model, "chain.transition"), "chain.transition", "",
                      "no chain moves by this matrix in chain.transition_hours and has a law for one step: " +
                          step.reason + ". Give the matrix for the step, or another one.");
  } else if (step.match == ChainMatch::repaired) {
    const std::string change = short_number(step.largest_change);
    if (step.largest_change > max_chain_change) {
      diagnostics.error(
          model_source(model), model_line(model, "chain.transition"), "chain.transition", "",
          "no chain in continuous time has this matrix, and the nearest moves one of its probabilities by " + change +
              " (more than 0.02: it would be another chain). Give the matrix for the step.");
    } else {
      diagnostics.warning(model_source(model), model_line(model, "chain.transition"), "chain.transition", "",
                          "no chain in continuous time has this matrix; the nearest rates that are not negative were "
                          "taken, which moves one of its probabilities by " +
                              change + ".");
    }
  }
  return step.matrix;
}

}  // namespace

RegimeChain regime_chain(const Model& model, Diagnostics& diagnostics) {
  RegimeChain chain;
  chain.transition = step_transitions(model, diagnostics);
  if (chain.transition.empty()) { return chain; }
  chain.stationary = stationary_distribution(chain.transition);
  chain.start = model.start == StartKind::stationary ? chain.stationary : model.start_probabilities;
  if (chain.start.empty()) {
    diagnostics.error(model_source(model), model_line(model, "chain.start"), "chain.start", "stationary",
                      "the chain has no unique stationary distribution (some regimes cannot reach each other). Give "
                      "start as a list of probabilities.");
  }
  return chain;
}

void prepare_chain(const Model& model, ScenarioPlan& plan, Diagnostics& diagnostics) {
  const RegimeChain chain = regime_chain(model, diagnostics);
  append_bounds(chain.start, plan.start_bounds);
  for (const std::vector<double>& row : chain.transition) { append_bounds(row, plan.transition_bounds); }
}

}  // namespace tailmargin
