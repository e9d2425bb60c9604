// Expected shortfall of every account with less noise: its delta-gamma quadratic as control variate, on the scenarios
// that all accounts share.
#pragma once

#include <atomic>
#include <functional>
#include <vector>

#include "host/estimators/controlled_tail.hpp"
#include "host/estimators/host_scenarios.hpp"

namespace tailmargin {

struct ControlVariateOptions {
  HostLoops loops;
  std::uint64_t accounts_per_batch = 0;           ///< 0: chosen from memory
  std::function<void(double fraction)> progress;  ///< called now and then from one thread; may be empty
  const std::atomic<bool>* stop = nullptr;        ///< when it turns true Interrupted is thrown
};

/// For every account and class of paths (PathClasses) a quadratic Q of the driving normals is fitted to the loss. Then
///   1{class} ((Q - x)^+ - E[(Q - x)^+])
/// has mean zero, whatever Q: given regimes, tail scales and jumps the driving normals are standard normals. What the
/// sample has of it is noise, and is taken out of the excess over the value at risk. Runs on the host in double,
/// whatever the backend; sums go over paths in order: the same bits for any number of threads.
std::vector<ControlledFigures> control_tails(const PreparedRun& run, const ControlVariateOptions& options);

}  // namespace tailmargin
