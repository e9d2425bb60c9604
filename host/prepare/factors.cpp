// Which factors there are, the time grid, and the plan of the scenarios put together from its parts.
#include <cmath>

#include "host/prepare/closing.hpp"
#include "host/prepare/matching.hpp"
#include "host/prepare/model_names.hpp"
#include "host/prepare/prepare_run.hpp"
#include "host/prepare/scenario_laws.hpp"

namespace tailmargin {
namespace {

/// [underlying][kind] whether a listed instrument depends on it.
std::vector<std::array<bool, num_factor_kinds>> used_kinds(const Book& book) {
  std::vector<std::array<bool, num_factor_kinds>> used(book.underlyings.size());
  const auto use = [&](UnderlyingId u, FactorKind kind) { used[u][static_cast<std::size_t>(kind)] = true; };
  for (UnderlyingId u = 0; u < used.size(); ++u) { use(u, FactorKind::price); }
  for (const Instrument& instrument : book.instruments) {
    const UnderlyingId u = instrument.underlying;
    use(u, FactorKind::dislocation);
    const bool option = instrument.kind == InstrumentKind::option;
    if (option) {
      for (const FactorKind kind : {FactorKind::vol, FactorKind::term, FactorKind::skew, FactorKind::butterfly}) {
        use(u, kind);
      }
    }
    if (option || instrument.kind == InstrumentKind::future) {
      use(u, FactorKind::carry);
      use(u, FactorKind::carry_slope);
    }
    if (instrument.kind == InstrumentKind::perpetual) { use(u, FactorKind::premium); }
  }
  return used;
}

/// Whether the model ever moves a kind of an underlying: by diffusion in some regime, by a jump, or to a level.
bool is_moved(const std::string& underlying, std::size_t kind, const Model& model) {
  for (const Regime& regime : model.regimes) {
    const VolRule* rule = first_match(regime.vols, underlying, model);
    if (rule != nullptr && rule->vol[kind] > 0.0) { return true; }
  }
  for (const JumpRule& jump : model.jumps) {
    const JumpEffect* effect = first_match(jump.effects, underlying, model);
    if (effect != nullptr && effect->change[kind] != 0.0) { return true; }
  }
  for (const Reversion& rule : model.reversions) {
    if (static_cast<std::size_t>(rule.kind) == kind && matches(rule.match, underlying, model)) {
      return rule.level != 0.0;  // the first match counts
    }
  }
  return false;
}

/// Underlyings carry only the factors their instruments need and the model moves; a price each has. What is listed
/// decides, not what is held, so that accounts can be split over runs without moving a draw.
std::vector<Factor> list_factors(const Book& book, const Model& model) {
  const std::vector<std::array<bool, num_factor_kinds>> used = used_kinds(book);
  std::vector<Factor> factors;
  for (UnderlyingId u = 0; u < used.size(); ++u) {
    for (std::size_t kind = 0; kind < num_factor_kinds; ++kind) {
      const bool price = kind == static_cast<std::size_t>(FactorKind::price);
      if (used[u][kind] && (price || is_moved(book.underlyings[u].name, kind, model))) {
        factors.push_back({u, static_cast<FactorKind>(kind)});
      }
    }
  }
  return factors;
}

}  // namespace

TimeGrid time_grid(const Model& model) {
  TimeGrid grid;
  grid.horizon_seconds = std::llround(model.horizon_hours * 3600.0);
  grid.step_seconds = std::llround(model.step_hours * 3600.0);
  grid.horizon_steps = static_cast<std::uint32_t>(grid.horizon_seconds / grid.step_seconds);
  grid.num_steps = grid.horizon_steps;
  if (model.closing && !model.closing->hours.empty()) { grid.num_steps = steps_of(model.closing->hours.back(), grid); }
  return grid;
}

std::uint32_t steps_of(double hours, const TimeGrid& grid) {
  return static_cast<std::uint32_t>(std::llround(hours * 3600.0) / grid.step_seconds);
}

ScenarioPlan prepare_scenarios(const Book& book, const Model& model, Diagnostics& diagnostics) {
  ScenarioPlan plan;
  const TimeGrid grid = time_grid(model);
  check_closing(model, diagnostics);
  if (diagnostics.has_errors()) { return plan; }  // the grid has no meaning
  check_names(book, model, diagnostics);
  check_collateral_names(book, model, diagnostics);
  plan.factors = list_factors(book, model);
  plan.num_steps = grid.num_steps;
  plan.num_regimes = static_cast<std::uint32_t>(model.regimes.size());
  plan.step_years = static_cast<double>(grid.step_seconds) / seconds_per_year;
  prepare_chain(model, plan, diagnostics);
  prepare_step_laws(book, model, plan, diagnostics);
  if (!diagnostics.has_errors()) { prepare_jumps(book, model, plan, diagnostics); }
  return plan;
}

}  // namespace tailmargin
