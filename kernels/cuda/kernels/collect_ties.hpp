// Kernel of step 4: completes the tails that end within a run of equal losses.
#pragma once

#include "kernels/cuda/kernels/account_pnl_pack.hpp"
#include "kernels/executors/tail_key.hpp"

namespace tailmargin {

/// One block per listed slot. Walks the paths upwards and appends those whose loss equals the pivot, until the tail
/// is full: among equal losses the tail takes the smallest path numbers. A loss that very many paths share, such as
/// the premium of a book of long options, is met early, so the walk is short where it would hurt most.
template <class Real>
struct CollectTies {
  static constexpr std::uint32_t max_threads = 256;
  static constexpr std::uint32_t warps = max_threads / warp_size;

  AccountTable<Real> accounts;
  const std::uint32_t* listed_slot;  ///< [block]
  CubeView<Real> cube;               ///< paths from first_path on
  std::uint32_t first_path;
  std::uint64_t num_paths;
  const Real* pivot;               ///< [slot]
  const std::uint32_t* num_above;  ///< [slot] keys that are there already, fewer than num_tail
  std::uint32_t num_tail;
  std::uint32_t capacity;    ///< at least num_tail
  TailKey<Real>* keys;       ///< [slot][capacity]
  std::uint32_t* num_found;  ///< [block] ties appended so far, carried from chunk to chunk of paths

  static constexpr std::uint32_t shared_bytes() {
    return 2 * warps * static_cast<std::uint32_t>(sizeof(std::uint32_t));
  }

  template <class Context>
  TM_DEVICE void operator()(Context& context) const {
    const std::uint64_t slot = listed_slot[context.block()];
    const std::uint32_t wanted = num_tail - num_above[slot];
    TailKey<Real>* out = keys + slot * capacity + num_above[slot];
    const Real threshold = pivot[slot];
    std::uint32_t found = num_found[context.block()];
    std::uint32_t round = 0;
    for (std::uint64_t base = 0; base < num_paths && found < wanted; base += max_threads, ++round) {
      const std::uint64_t path = base + context.thread();
      const bool tie = path < num_paths && loss_on(slot, path) == threshold;
      const Position at =
          position_in_block(context, tie, context.template shared<std::uint32_t>() + (round & 1u) * warps);
      if (tie && found + at.before < wanted) {
        out[found + at.before] = tail_key(TailLoss<Real>{threshold, first_path + static_cast<std::uint32_t>(path)});
      }
      found += at.all;
    }
    // Every thread has read num_found before the first one writes it.
    context.sync();
    if (context.thread() == 0) { num_found[context.block()] = found; }
  }

 private:
  struct Position {
    std::uint32_t before, all;
  };

  TM_DEVICE Real loss_on(std::uint64_t slot, std::uint64_t path) const {
    return -account_pnl_pack<1>(accounts, slot, cube.at(path)).lane[0];
  }

  /// How many threads before this one have a tie, and how many in all. One barrier, as counts are used in turn.
  template <class Context>
  TM_DEVICE Position position_in_block(Context& context, bool tie, std::uint32_t* warp_counts) const {
    const std::uint32_t mask = context.ballot(tie);
    if (context.lane() == 0) { warp_counts[context.warp()] = count_bits(mask); }
    context.sync();
    Position at{rank_in_warp(context, mask), 0};
    for (std::uint32_t w = 0; w < warps; ++w) {
      at.before += w < context.warp() ? warp_counts[w] : 0u;
      at.all += warp_counts[w];
    }
    return at;
  }
};

}  // namespace tailmargin
