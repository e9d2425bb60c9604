// Kernel of step 1: one thread per path.
#pragma once

#include "kernels/cuda/kernel.hpp"
#include "kernels/executors/simulate.hpp"

namespace tailmargin {

struct SimulatePaths {
  static constexpr std::uint32_t max_threads = 128;
  static constexpr std::uint32_t min_blocks = 4;  // up to 128 registers a thread, so that nothing is spilled

  SimulatePayload in;
  std::uint64_t first_path;
  std::uint64_t num_paths;       ///< paths of this launch
  float* observations;           ///< [row][path - first_path]
  std::uint64_t stride;          ///< between rows of observations
  float* scratch;                ///< null: the rows lie in shared memory; else [row][thread]
  std::uint32_t scratch_stride;  ///< threads the scratch has room for

  template <class Context>
  TM_DEVICE void operator()(Context& context) const {
    const std::uint64_t path = context.block() * context.block_size() + context.thread();
    if (path >= num_paths) { return; }
    // [row][thread]: neighbouring threads touch neighbouring banks.
    const std::uint32_t lane_stride = scratch == nullptr ? context.block_size() : scratch_stride;
    float* rows = scratch == nullptr ? context.template shared<float>() + context.thread() : scratch + path;
    simulate_lanes<1>(in, first_path + path, rows, lane_stride, observations + path, stride, nullptr);
  }
};

/// Bytes of shared memory or scratch a thread of SimulatePaths needs.
inline std::uint32_t simulate_bytes_per_thread(const SimulatePayload& in) {
  return scratch_rows(in) * static_cast<std::uint32_t>(sizeof(float));
}

/// Largest block whose rows fit into shared memory; 0 if not even one warp does.
inline std::uint32_t simulate_block_size(const SimulatePayload& in, std::uint32_t max_shared_bytes) {
  for (std::uint32_t threads = SimulatePaths::max_threads; threads >= warp_size; threads /= 2) {
    if (std::uint64_t(threads) * simulate_bytes_per_thread(in) <= max_shared_bytes) { return threads; }
  }
  return 0;
}

}  // namespace tailmargin
