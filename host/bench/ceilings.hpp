// What the machine can do at most, measured in the run that quotes fractions of it: datasheets give rates no loop
// reaches, and clocks move.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tailmargin/engine.hpp"

namespace tailmargin::bench {

/// Rates of the units that bound the stages, all threads or the whole device together.
///   cpu:  operations = fused multiply-adds on floats; tile_words = floats read from the second-level cache, where the
///         tile of prices lies; tail_words = floats read from the first-level cache
///   cuda: operations = the same; tile_words = 32-bit words read from shared memory; tail_words = words copied, counted
///         once read and once written
struct Ceilings {
  double operations = 0.0, tile_words = 0.0, tail_words = 0.0;  ///< per second; 0: not measured
  std::vector<std::pair<std::string, double>> measured;         ///< every rate by its name, for the report
};

/// Of the backend that `config` and `backend` (as RunResult names it) chose. The reference has none.
Ceilings measure_ceilings(const std::string& backend, const RunConfig& config);

}  // namespace tailmargin::bench
