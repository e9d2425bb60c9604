// Simulated prices of a model, without a book: what it implies for underlyings.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tailmargin/diagnostics.hpp"
#include "tailmargin/model.hpp"

namespace tailmargin {

/// Log changes of index prices from now.
struct PricePaths {
  std::vector<std::vector<std::vector<float>>> log_change;  ///< [read][underlying][path]
  std::vector<std::uint32_t> weights;                       ///< [path]; empty: all alike
};

/// Simulates the index prices of `underlyings` (in rising order, no name twice) with a run's own kernels.
/// @param steps  grid steps to read them at, rising, 1 to the model's last
/// Problems of the model go to diagnostics, the result is empty then.
PricePaths simulate_prices(const Model& model, const std::vector<std::string>& underlyings,
                           const std::vector<std::uint32_t>& steps, std::uint64_t num_paths, std::uint64_t seed,
                           Diagnostics& diagnostics);

}  // namespace tailmargin
