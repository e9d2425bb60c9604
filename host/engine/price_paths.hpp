// Simulated factors of a model, without accounts: what it implies for underlyings.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/prepare/prepared_run.hpp"
#include "tailmargin/diagnostics.hpp"
#include "tailmargin/model.hpp"

namespace tailmargin {

/// Log changes of index prices from now.
struct PricePaths {
  std::vector<std::vector<std::vector<float>>> log_change;  ///< [read][underlying][path]
  std::vector<std::uint32_t> weights;                       ///< [path]; empty: all alike
};

/// Changes of all factors at the horizon.
struct FactorPaths {
  std::vector<Factor> factors;             ///< sorted by underlying, then kind
  std::vector<std::vector<float>> change;  ///< [factor][path] as FactorKind says
  std::vector<std::uint32_t> weights;      ///< [path]; empty: all alike
};

/// Simulates what a run with this listing would. Problems of the model go to diagnostics, the result is empty then.
FactorPaths simulate_factors(const Book& book, const Model& model, std::uint64_t num_paths, std::uint64_t seed,
                             Diagnostics& diagnostics);

/// Simulates the index prices of `underlyings` (in rising order, no name twice) with a run's own kernels.
/// @param steps  grid steps to read them at, rising, 1 to the model's last
/// Problems of the model go to diagnostics, the result is empty then.
PricePaths simulate_prices(const Model& model, const std::vector<std::string>& underlyings,
                           const std::vector<std::uint32_t>& steps, std::uint64_t num_paths, std::uint64_t seed,
                           Diagnostics& diagnostics);

}  // namespace tailmargin
