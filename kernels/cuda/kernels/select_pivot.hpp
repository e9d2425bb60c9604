// Kernel of step 4: the pivot of each account, a loss of the sample beyond which the tail surely lies; and the
// candidates of the sample.
#pragma once

#include "kernels/cuda/kernels/tail_rows.hpp"

namespace tailmargin {

/// One block per slot. Finds the loss bit by bit: the least loss beyond which the sample weighs less than `target`.
/// Then the row, which held the sample's losses, gets the keys of those above. Integer sums only.
template <class Real>
struct SelectPivot {
  static constexpr std::uint32_t max_threads = 256;
  static constexpr std::uint32_t warps = max_threads / warp_size;
  using Rank = LossRank<Real>;

  TailRows rows;
  std::uint32_t sample_size;     ///< the first paths of the run
  const std::uint32_t* weights;  ///< [path] or null for ones
  std::uint64_t target;          ///< 1 .. weight of the sample
  Real* pivot;                   ///< [slot]
  TailCounts counts;             ///< 0 before the launch

  /// Ranks, sums of warps twice, and with weights those.
  static std::uint32_t shared_bytes(std::uint32_t sample_size, bool weighted) {
    const std::size_t per_path = sizeof(Rank) + (weighted ? sizeof(std::uint32_t) : 0);
    return static_cast<std::uint32_t>(2 * warps * sizeof(std::uint64_t) + sample_size * per_path);
  }

  /// Paths whose ranks and weights a block's shared memory holds.
  static std::uint32_t most_sample_paths(std::uint32_t max_shared_bytes) {
    const std::uint32_t fixed = shared_bytes(0, true);
    return max_shared_bytes <= fixed ? 0 : (max_shared_bytes - fixed) / (shared_bytes(1, true) - fixed);
  }

  template <class Context>
  TM_DEVICE void operator()(Context& context) const {
    auto* warp_sums = context.template shared<std::uint64_t>();
    auto* ranks = reinterpret_cast<Rank*>(warp_sums + 2 * warps);
    auto* sample_weights = weights == nullptr ? nullptr : reinterpret_cast<std::uint32_t*>(ranks + sample_size);
    const Real* losses = rows.row<Real>(context.block());
    for (std::uint32_t i = context.thread(); i < sample_size; i += max_threads) {
      ranks[i] = loss_rank(losses[i]);
      if (weights != nullptr) { sample_weights[i] = weights[i]; }
    }
    context.sync();
    Rank found = 0;
    for (std::uint32_t bit = 8 * sizeof(Rank); bit-- > 0;) {
      const Rank candidate = found | (Rank(1) << bit);
      const std::uint64_t weight = weight_below(ranks, sample_weights, candidate, context.thread());
      if (block_sum(context, weight, warp_sums + (bit & 1u) * warps) < target) { found = candidate; }
    }
    if (context.thread() == 0) { pivot[context.block()] = loss_of_rank<Real>(found); }
    append(context, ranks, found);
  }

 private:
  /// Of the thread's share of the sample.
  TM_DEVICE std::uint64_t weight_below(const Rank* ranks, const std::uint32_t* sample_weights, Rank limit,
                                       std::uint32_t thread) const {
    std::uint64_t weight = 0;
    for (std::uint32_t i = thread; i < sample_size; i += max_threads) {
      if (ranks[i] < limit) { weight += sample_weights == nullptr ? 1u : sample_weights[i]; }
    }
    return weight;
  }

  template <class Context>
  TM_DEVICE void append(Context& context, const Rank* ranks, Rank found) const {
    const std::uint64_t slot = context.block();
    for (std::uint32_t i = context.thread(); i < sample_size; i += max_threads) {
      if (ranks[i] == found) { context.atomic_add(counts.ties + slot, 1); }
      if (ranks[i] >= found) { continue; }
      const std::uint32_t place = context.atomic_add(counts.above + slot, 1);
      if (place < rows.capacity) {
        rows.row<TailKey<Real>>(slot)[place] = tail_key(TailLoss<Real>{loss_of_rank<Real>(ranks[i]), i});
      }
    }
  }
};

}  // namespace tailmargin
