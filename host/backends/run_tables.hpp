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

/// [column] whether any of the accounts holds it.
inline std::vector<char> held_columns(const AccountPlan& accounts, std::uint32_t num_columns) {
  std::vector<char> held(num_columns, 0);
  for (const PositionColumn& column : accounts.columns) { held[column.column()] = 1; }
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

/// Where the step tables lie: in host or device memory.
struct ScenarioPointers {
  const std::uint32_t* start_bounds;
  const std::uint32_t* transition_bounds;
  const float* drift;
  const float* loading;
  const Observation* observations;
};

inline SimulatePayload make_simulate_payload(const PreparedRun& run, const ScenarioPointers& at) {
  const ScenarioPlan& plan = run.scenarios;
  SimulatePayload payload{};
  payload.seed = run.seed;
  payload.num_steps = plan.num_steps;
  payload.num_regimes = plan.num_regimes;
  payload.num_factors = static_cast<std::uint32_t>(plan.factors.size());
  payload.num_observations = static_cast<std::uint32_t>(plan.observations.size());
  payload.start_bounds = at.start_bounds;
  payload.transition_bounds = at.transition_bounds;
  payload.drift = at.drift;
  payload.loading = at.loading;
  payload.observations = at.observations;
  return payload;
}

}  // namespace tailmargin
