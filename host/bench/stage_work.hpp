// The work of each stage of a run, and how fast it could go at most.
#pragma once

#include <array>
#include <string>

#include "host/bench/ceilings.hpp"
#include "host/prepare/prepared_run.hpp"

namespace tailmargin::bench {

/// One stage: how much is done, in its unit, and the rate at which the unit that bounds it would do it.
///   simulate  factor-steps      arithmetic: operations per factor-step of this run's tables
///   revalue   values            arithmetic: operations per value, rows and smiles included
///   pnl       position-paths    one float of the tile per position and path
///   tail      losses            two words (loss, path) per loss with a share in the tail's figures
struct StageWork {
  std::string stage, unit;
  double work = 0.0;
  double per_unit = 0.0;  ///< operations or words for one unit of work
  double ceiling = 0.0;   ///< units of work per second; 0: not known
};

/// Simulate, revalue, pnl, tail. The second pass in double of accounts whose offsets cancel is not in it.
std::array<StageWork, 4> stage_work(const PreparedRun& run, const Ceilings& ceilings);

}  // namespace tailmargin::bench
