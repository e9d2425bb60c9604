// What backends take from a prepared run: step tables in float, and the columns a set of accounts needs.
#pragma once

#include <algorithm>
#include <iterator>
#include <type_traits>
#include <vector>

#include "host/prepare/prepared_run.hpp"

namespace tailmargin {

template <class Real>
const ColumnTables<Real>& column_tables(const ColumnPlan& plan) {
  if constexpr (std::is_same_v<Real, float>) {
    return plan.single;
  } else {
    return plan.exact;
  }
}

/// [slice][column] whether any of the accounts holds it.
inline std::vector<char> held_columns(const AccountPlan& accounts, const ColumnPlan& plan) {
  std::vector<char> held(plan.cube_columns(), 0);
  for (const PositionColumn& column : accounts.columns) {
    for (std::uint32_t s = 0; s < plan.num_slices; ++s) { held[s * plan.num_columns + column.column()] = 1; }
  }
  return held;
}

/// The columns that are held: nothing reads the others, so they are not filled.
template <class Column>
std::vector<Column> only_held(const std::vector<Column>& columns, const std::vector<char>& held) {
  std::vector<Column> out;
  std::copy_if(columns.begin(), columns.end(), std::back_inserter(out),
               [&](const Column& c) { return held[c.out] != 0; });
  return out;
}

/// The step tables are kept in double; kernels read float.
inline std::vector<float> to_float(const std::vector<double>& values) {
  std::vector<float> out(values.size());
  std::transform(values.begin(), values.end(), out.begin(), [](double v) { return static_cast<float>(v); });
  return out;
}

inline std::vector<JumpProcess> jump_processes(const ScenarioPlan& plan) {
  std::vector<JumpProcess> out;
  for (const JumpPlan& p : plan.processes) {
    out.push_back({static_cast<std::uint32_t>(p.law), static_cast<float>(p.location), static_cast<float>(p.scale),
                   static_cast<float>(p.max), p.first_effect, p.last_effect});
  }
  return out;
}

inline std::vector<JumpEffectEntry> jump_effects(const ScenarioPlan& plan) {
  std::vector<JumpEffectEntry> out;
  for (std::size_t e = 0; e < plan.effect_factors.size(); ++e) {
    out.push_back({plan.effect_factors[e], static_cast<float>(plan.effect_changes[e])});
  }
  return out;
}

/// The draws of a step that are read, in the blocks that make them.
inline std::vector<DrawBlock> draw_blocks(const ScenarioPlan& plan) {
  std::vector<DrawBlock> out;
  const auto add = [&](std::uint32_t draw) {
    if (out.empty() || out.back().number != draw / 4) { out.push_back({draw / 4, 0}); }
    out.back().read |= 1u << draw % 4;
  };
  if (plan.read_draws) {
    for (const std::uint32_t draw : *plan.read_draws) { add(draw); }
  } else {
    for (std::uint32_t draw = 0; draw < plan.num_draws; ++draw) { add(draw); }
  }
  return out;
}

/// The factors that move.
inline std::vector<std::uint32_t> moved_factors(const ScenarioPlan& plan) {
  std::vector<std::uint32_t> out;
  for (std::uint32_t f = 0; f < plan.factors.size(); ++f) {
    if (!plan.moved || std::binary_search(plan.moved->begin(), plan.moved->end(), plan.factors[f].underlying)) {
      out.push_back(f);
    }
  }
  return out;
}

/// The numbers of a simulation's arguments, without the tables.
inline SimulatePayload step_counts(const PreparedRun& run) {
  const ScenarioPlan& plan = run.scenarios;
  SimulatePayload out{};
  out.seed = run.seed;
  out.num_steps = plan.num_steps;
  out.num_regimes = plan.num_regimes;
  out.num_factors = static_cast<std::uint32_t>(plan.factors.size());
  out.num_moved = static_cast<std::uint32_t>(moved_factors(plan).size());
  out.num_draws = plan.num_draws;
  out.num_blocks = static_cast<std::uint32_t>(draw_blocks(plan).size());
  out.num_shared = static_cast<std::uint32_t>(plan.shared.offsets.size() - 1);
  out.num_classes = plan.num_classes;
  out.num_processes = static_cast<std::uint32_t>(plan.processes.size());
  out.steps_per_mixing = plan.steps_per_mixing;
  out.num_observations = static_cast<std::uint32_t>(plan.observations.size());
  out.score_keep = static_cast<float>(plan.score_keep);
  out.score_fresh = static_cast<float>(math::sqrt(1.0 - plan.score_keep * plan.score_keep));
  out.points.num_axes = run.points.num_axes;
  out.points.num_sums = run.points.num_sums;
  return out;
}

/// A run's step tables in the types kernels read, each in a `Buffer<T>` (std::vector, or memory of a device).
template <template <class> class Buffer>
struct StepTables {
  template <class Make>
  StepTables(const PreparedRun& run, Make make) : StepTables(run, run.scenarios, make) {}

  /// Arguments of the simulation, pointing into the tables.
  SimulatePayload payload() const {
    SimulatePayload out = counts_;
    out.start_bounds = start_bounds_.data();
    out.transition_bounds = transition_bounds_.data();
    out.shared = {shared_offsets_.data(), shared_inputs_.data(), shared_coefficients_.data()};
    out.shocks = {shock_offsets_.data(), shock_inputs_.data(), shock_coefficients_.data()};
    out.blocks = blocks_.data();
    out.moved = moved_.data();
    out.keep = keep_.data();
    out.drift = drift_.data();
    out.scale_drift = scale_drift_.data();
    out.tail_class = tail_class_.data();
    out.scale_pieces = scale_pieces_.data();
    out.jump_counts = jump_counts_.data();
    out.jump_bounds = jump_bounds_.data();
    out.processes = processes_.data();
    out.effects = effects_.data();
    out.observations = observations_.data();
    out.points.directions = directions_.data();
    out.points.shifts = shifts_.data();
    out.points.components = components_.data();
    return out;
  }

 private:
  template <class Make>
  StepTables(const PreparedRun& run, const ScenarioPlan& plan, Make make)
      : counts_(step_counts(run)),
        start_bounds_(make(plan.start_bounds)),
        transition_bounds_(make(plan.transition_bounds)),
        shared_offsets_(make(plan.shared.offsets)),
        shared_inputs_(make(plan.shared.inputs)),
        shock_offsets_(make(plan.shocks.offsets)),
        shock_inputs_(make(plan.shocks.inputs)),
        tail_class_(make(plan.tail_class)),
        jump_counts_(make(plan.jump_counts)),
        jump_bounds_(make(plan.jump_bounds)),
        shared_coefficients_(make(to_float(plan.shared.coefficients))),
        shock_coefficients_(make(to_float(plan.shocks.coefficients))),
        blocks_(make(draw_blocks(plan))),
        moved_(make(moved_factors(plan))),
        keep_(make(to_float(plan.keep))),
        drift_(make(to_float(plan.drift))),
        scale_drift_(make(to_float(plan.scale_drift))),
        scale_pieces_(make(to_float(plan.scale_pieces))),
        processes_(make(jump_processes(plan))),
        effects_(make(jump_effects(plan))),
        observations_(make(plan.observations)),
        directions_(make(run.points.directions)),
        shifts_(make(run.points.shifts)),
        components_(make(to_float(run.points.components))) {}

  SimulatePayload counts_;  // without the pointers
  Buffer<std::uint32_t> start_bounds_, transition_bounds_, shared_offsets_, shared_inputs_, shock_offsets_,
      shock_inputs_, tail_class_, jump_counts_, jump_bounds_;
  Buffer<float> shared_coefficients_, shock_coefficients_;
  Buffer<DrawBlock> blocks_;
  Buffer<std::uint32_t> moved_;
  Buffer<float> keep_, drift_, scale_drift_, scale_pieces_;
  Buffer<JumpProcess> processes_;
  Buffer<JumpEffectEntry> effects_;
  Buffer<Observation> observations_;
  Buffer<std::uint32_t> directions_, shifts_;
  Buffer<float> components_;
};

}  // namespace tailmargin
