// Classes of like paths: by regimes, tail scales and jumps only, so that within each the driving normals keep their
// law.
#pragma once

#include <cstdint>
#include <vector>

#include "host/estimators/host_scenarios.hpp"

namespace tailmargin {

struct PathClasses {
  std::uint32_t count = 0;
  std::vector<std::uint16_t> of_path;  ///< [path]
  std::vector<double> weight;          ///< [class] of its paths together
  std::vector<double> mean;            ///< [class][factor] mean of the factor without shocks
  SparseTable loading;                 ///< factors from the driving normals: coefficients [entry][class]

  std::size_t num_factors() const { return loading.offsets.size() - 1; }
};

/// [factor] row of its last observation, or no_row.
inline constexpr std::uint32_t no_row = 0xffffffffu;
std::vector<std::uint32_t> last_rows(const ScenarioPlan& plan);

/// Paths without jumps are divided by the regime most of their variance falls into, then by their variance; those with
/// jumps by how far these move prices on average. Each division into pieces of like share of the variance, paths that
/// are the same together. Means and loadings are of each factor when last looked at.
PathClasses classify_paths(const HostScenarios& scenarios);

}  // namespace tailmargin
