// Kernel of step 3, fused with the filter of step 4: account P&L on every path, of which only the losses beyond a
// pivot are kept. A warp takes one account on one tile of neighbouring paths; a block takes several accounts on the
// same tile, so that their cube rows meet in the L1 cache.
#pragma once

#include "kernels/cuda/kernels/account_pnl_pack.hpp"
#include "kernels/executors/tail_key.hpp"

namespace tailmargin {

/// Paths per lane: 8 bytes of every cube row. Wider loads waste fewer broadcasts of positions, narrower ones let more
/// rows stay in L1.
template <class Real>
inline constexpr int paths_per_lane = static_cast<int>(8 / sizeof(Real));

/// Paths a warp takes at once. Path chunks are padded to whole tiles of either precision.
template <class Real>
inline constexpr std::uint32_t paths_per_tile = warp_size* paths_per_lane<Real>;
inline constexpr std::uint32_t path_padding = 64;

template <class Real>
struct FilterPnl {
  static constexpr std::uint32_t max_threads = 256;
  static constexpr std::uint32_t warps = max_threads / warp_size;
  static constexpr std::uint32_t slots_per_block = 32 * warps;

  AccountTable<Real> accounts;
  const std::uint32_t* slot_account;  ///< [slot] account of the batch; null: slot i is account i
  std::uint32_t num_slots;
  CubeView<Real> cube;  ///< paths from first_path on; the stride is a multiple of path_padding
  std::uint32_t first_path;
  std::uint64_t num_paths;   ///< the rest of the last tile is padding
  const Real* pivot;         ///< [slot] keep losses above; null: keep all
  std::uint32_t capacity;    ///< room per slot; beyond it losses are counted, not stored
  TailKey<Real>* keys;       ///< [slot][capacity] losses above the pivot, in any order
  std::uint32_t* num_above;  ///< [slot]
  std::uint32_t* num_ties;   ///< [slot] losses equal to the pivot: only counted, there can be very many

  static std::uint64_t num_blocks(std::uint64_t num_slots, std::uint64_t num_paths) {
    return div_up(num_slots, slots_per_block) * div_up(num_paths, paths_per_tile<Real>);
  }

  template <class Context>
  TM_DEVICE void operator()(Context& context) const {
    const std::uint64_t slot_blocks = div_up(num_slots, slots_per_block);
    const std::uint64_t tile = context.block() / slot_blocks;
    const std::uint64_t first_slot = (context.block() - tile * slot_blocks) * slots_per_block;
    const std::uint64_t end_slot = first_slot + slots_per_block < num_slots ? first_slot + slots_per_block : num_slots;
    for (std::uint64_t slot = first_slot + context.warp(); slot < end_slot; slot += warps) {
      filter_slot(context, slot, tile * paths_per_tile<Real> + context.lane() * paths_per_lane<Real>);
    }
  }

 private:
  TM_HD static constexpr std::uint64_t div_up(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

  template <class Context>
  TM_DEVICE void filter_slot(Context& context, std::uint64_t slot, std::uint64_t lane_path) const {
    constexpr int width = paths_per_lane<Real>;
    const std::uint64_t account = slot_account == nullptr ? slot : slot_account[slot];
    const auto pnl = account_pnl_pack<width>(accounts, account, cube.at(lane_path));
    const Real threshold = pivot == nullptr ? Real(0) : pivot[slot];
    for (int l = 0; l < width; ++l) {
      const std::uint64_t path = lane_path + static_cast<std::uint64_t>(l);
      const Real loss = -pnl.lane[l];
      const bool inside = path < num_paths;
      const bool above = inside && (pivot == nullptr || loss > threshold);
      append(context, slot, above, {loss, first_path + static_cast<std::uint32_t>(path)});
      const std::uint32_t ties = context.ballot(inside && pivot != nullptr && loss == threshold);
      if (ties != 0u && context.lane() == 0) { context.atomic_add(num_ties + slot, count_bits(ties)); }
    }
  }

  /// One atomic per warp; the order of the keys does not matter, they are sorted later.
  template <class Context>
  TM_DEVICE void append(Context& context, std::uint64_t slot, bool above, const TailLoss<Real>& tail) const {
    const std::uint32_t mask = context.ballot(above);
    if (mask == 0u) { return; }
    std::uint32_t start = 0;
    if (context.lane() == 0) { start = context.atomic_add(num_above + slot, count_bits(mask)); }
    start = context.broadcast(start, 0);
    const std::uint64_t place = std::uint64_t(start) + rank_in_warp(context, mask);
    if (above && place < capacity) { keys[slot * capacity + place] = tail_key(tail); }
  }
};

}  // namespace tailmargin
