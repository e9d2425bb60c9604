// An account's loss as a quadratic of the factors' changes, fitted where its tail is.
#pragma once

#include <cstdint>
#include <vector>

#include "host/estimators/path_classes.hpp"
#include "host/estimators/quadratic_excess.hpp"

namespace tailmargin {

/// loss = constant + sum of slope[i] x_i + sum over pairs (i, j <= i) of curve x_i x_j, x the changes of the factors
/// when last looked at. Pairs are within an underlying.
struct AccountQuadratic {
  std::vector<std::uint32_t> factors;          ///< that the account depends on
  std::vector<std::uint32_t> pair_offsets{0};  ///< [i + 1] into pair_other
  std::vector<std::uint32_t> pair_other;       ///< [pair] j <= i, positions in factors
  double constant = 0.0;
  std::vector<double> slope;  ///< [i]
  std::vector<double> curve;  ///< [pair]
};

/// Paths apart from the sample: what is learnt from them leaves the sample's expectations alone.
struct PilotPaths {
  PreparedRun run;              ///< the run, with other random numbers
  std::vector<double> factors;  ///< [factor][path] when last looked at
};

/// The run with a seed of its own and a quarter of its paths, within bounds.
PilotPaths make_pilot(const PreparedRun& run, const HostLoops& loops);

/// What is known of an account from the pilot.
struct PilotFit {
  AccountQuadratic quadratic;
  std::vector<double> thresholds;  ///< losses of the quadratic that the tail, and parts of it, lie beyond
};

/// Least squares of the account's loss on the factors, their squares and products, over the pilot: mostly over its
/// worst losses.
std::vector<PilotFit> fit_quadratics(const PilotPaths& pilot, const AccountPlan& accounts, const HostLoops& loops);

/// The law of an account's quadratic in one class: factors from normals by the class's loadings, then principal axes.
QuadraticLaw quadratic_law(const AccountQuadratic& quadratic, const PathClasses& classes, std::uint32_t in_class);

}  // namespace tailmargin
