// Kernel of step 4: the pivot of each account, the loss at a given rank among its sampled losses.
#pragma once

#include "kernels/cuda/kernel.hpp"
#include "kernels/executors/tail_key.hpp"

namespace tailmargin {

/// One block per slot. Finds the loss bit by bit: the largest value with fewer than `rank` values below it.
/// Integer counts only, so the order in which the sample was appended does not matter.
template <class Real>
struct SelectPivot {
  static constexpr std::uint32_t max_threads = 256;
  static constexpr std::uint32_t warps = max_threads / warp_size;
  using Rank = LossRank<Real>;

  const TailKey<Real>* sample;  ///< [slot][sample_size] in any order
  std::uint32_t sample_size;
  std::uint32_t rank;  ///< 1 .. sample_size
  Real* pivot;         ///< [slot]

  static std::uint32_t shared_bytes(std::uint32_t sample_size) {
    return static_cast<std::uint32_t>(sample_size * sizeof(Rank) + 2 * warps * sizeof(std::uint32_t));
  }

  template <class Context>
  TM_DEVICE void operator()(Context& context) const {
    Rank* values = context.template shared<Rank>();
    auto* warp_counts = reinterpret_cast<std::uint32_t*>(values + sample_size);
    const TailKey<Real>* keys = sample + context.block() * sample_size;
    for (std::uint32_t i = context.thread(); i < sample_size; i += max_threads) {
      values[i] = static_cast<Rank>(keys[i] >> 32);
    }
    context.sync();
    Rank found = 0;
    for (std::uint32_t bit = 8 * sizeof(Rank); bit-- > 0;) {
      const Rank candidate = found | (Rank(1) << bit);
      // Two sets of counts in turn, so that one barrier a round is enough.
      if (count_below(context, values, candidate, warp_counts + (bit & 1u) * warps) < rank) { found = candidate; }
    }
    if (context.thread() == 0) { pivot[context.block()] = loss_of_rank<Real>(found); }
  }

 private:
  /// Number of values below `limit`, the same in every thread.
  template <class Context>
  TM_DEVICE std::uint32_t count_below(Context& context, const Rank* values, Rank limit,
                                      std::uint32_t* warp_counts) const {
    std::uint32_t mine = 0;
    for (std::uint32_t i = context.thread(); i < sample_size; i += max_threads) { mine += values[i] < limit ? 1u : 0u; }
    const std::uint32_t bits = 32u - leading_zeros(sample_size / max_threads + 1u);
    const std::uint32_t in_warp = warp_sum(context, mine, bits);
    if (context.lane() == 0) { warp_counts[context.warp()] = in_warp; }
    context.sync();
    std::uint32_t sum = 0;
    for (std::uint32_t w = 0; w < warps; ++w) { sum += warp_counts[w]; }
    return sum;
  }

  TM_DEVICE static std::uint32_t leading_zeros(std::uint32_t x) {
#if defined(__CUDA_ARCH__)
    return static_cast<std::uint32_t>(__clz(static_cast<int>(x)));
#else
    return static_cast<std::uint32_t>(__builtin_clz(x));
#endif
  }
};

}  // namespace tailmargin
