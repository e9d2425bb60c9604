// Shortfalls of accounts on all paths of a run.
#pragma once

#include "host/backends/backend.hpp"
#include "host/cpu/cpu_kernels.hpp"

namespace tailmargin {

/// See Backend::shortfalls. Uses the threads of the caller's arena.
/// @param paths_per_tile  0: chosen
Shortfalls shortfall_pass(const PreparedRun& run, const AccountPlan& accounts, const ShortfallsRequest& request,
                          const cpu::Kernels& kernels, std::uint32_t paths_per_tile);

}  // namespace tailmargin
