// The parts of the scenario plan. Each fills its tables and reports what cannot be.
#pragma once

#include "host/prepare/prepared_run.hpp"

namespace tailmargin {

/// The regime chain in steps of a model.
struct RegimeChain {
  std::vector<std::vector<double>> transition;  ///< [from][to] of one step
  std::vector<double> stationary;               ///< [regime] shares of time in the long run; empty if not unique
  std::vector<double> start;                    ///< [regime] law of the first step
};

/// Empty tables where there is no chain: why goes to diagnostics.
RegimeChain regime_chain(const Model& model, Diagnostics& diagnostics);

/// Start and transitions of the regime chain, as bounds.
void prepare_chain(const Model& model, ScenarioPlan& plan, Diagnostics& diagnostics);

/// Tail classes, tail scales, reversion, drifts and correlated shocks of a step in every regime.
void prepare_step_laws(const Book& book, const Model& model, ScenarioPlan& plan, Diagnostics& diagnostics);

/// Correlated normals from independent ones (plan.shared, plan.num_draws), and plan.shocks from those, given the
/// standard deviations of a step (plan.step_sd).
void prepare_correlations(const Book& book, const Model& model, ScenarioPlan& plan, Diagnostics& diagnostics);

/// Jump processes with their sampling intensities; adds the compensation of their means to the drifts.
void prepare_jumps(const Book& book, const Model& model, ScenarioPlan& plan, Diagnostics& diagnostics);

/// Importance weight of every path, a fixed-point likelihood ratio with this many units for one. Empty if no process is
/// sampled more often than it happens.
inline constexpr double weight_unit = 1048576.0;
/// [path][regime] grid steps of each path in each regime.
std::vector<std::uint16_t> count_regime_steps(const ScenarioPlan& plan, const PointPlan& points, std::uint64_t seed,
                                              std::uint64_t num_paths);

std::vector<std::uint32_t> sample_weights(const ScenarioPlan& plan, const PointPlan& points, std::uint64_t seed,
                                          std::uint64_t num_paths);

/// Largest expected number of jumps of a step: beyond, the limit of max_jumps_per_step would be felt.
inline constexpr double max_expected_jumps = 1.0;

/// Largest expected number of extra jumps over the horizon that sampling may add to a regime: beyond, weights of paths
/// without jumps would leave their range and the sample would lose its worth.
inline constexpr double max_extra_jumps = 3.0;

}  // namespace tailmargin
