// Scrambled Sobol points for the leading random numbers of a path.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/executors/point_set.hpp"
#include "tailmargin/sampler.hpp"

namespace tailmargin {

struct ScenarioPlan;

/// Points, prepared. Shapes and meanings as in PointSet.
struct PointPlan {
  Sampler sampler = Sampler::plain;
  std::uint32_t num_axes = 0, num_sums = 0;
  std::vector<std::uint32_t> directions, shifts;
  std::vector<double> components;

  /// The axes, pointing into this plan; without the components.
  PointSet view() const;
  /// How many independent parts the sample has: the standard error comes from the spread between them. 0: paths are
  /// independent themselves.
  std::uint32_t num_replicates() const { return num_axes == 0 ? 0 : PointSet::num_replicates; }
};

/// Axes there are numbers for.
inline constexpr std::uint32_t max_axes = 64;

/// [component][draw] orthonormal: the directions of the draws of a step along which most of the variance of all factors
/// lies, over all regimes. By orthogonal iteration: orthonormal to rounding, which is all that the law of a path needs;
/// how near they are to the principal directions decides about its noise only.
std::vector<double> principal_components(const ScenarioPlan& scenarios, std::uint32_t count);

/// Direction numbers of one axis of the Sobol sequence, the highest bit first: directions[b] is what bit b of a point's
/// number adds. Bratley and Fox (1988), numbers of Joe and Kuo (2008).
std::vector<std::uint32_t> sobol_directions(std::uint32_t axis);

/// Points of a seed: every axis scrambled by a random lower triangular matrix of bits (Matousek 1998), which gives the
/// variance of Owen's nested scrambling (Owen 2003), and a random shift for every replicate.
PointPlan prepare_points(const ScenarioPlan& scenarios, Sampler sampler, std::uint64_t seed);

}  // namespace tailmargin
