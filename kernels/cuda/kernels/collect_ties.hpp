// Kernel of step 4: completes the tails that end within a run of equal losses.
#pragma once

#include "kernels/cuda/kernels/tile_pnl.hpp"

namespace tailmargin {

/// P&L of one account on the first path of the cube, from the cube itself: for the few accounts that need a few paths.
/// @param slot  within the chunk
template <class Real>
TM_DEVICE Real account_pnl_on_path(const AccountTiles<Real>& in, const AccountChunk& chunk, std::uint32_t slot,
                                   const CubeView<Real>& cube) {
  PathPack<1, Real> pnl{};
  for (std::uint32_t s = 0; s < cube.num_slices; ++s) {
    PnlSum<1, Real> sum;
    for (std::uint32_t p = 0; p < chunk.num_pieces; ++p) {
      const std::uint32_t* columns = in.columns + in.pieces[chunk.first_piece + p].first;
      const std::uint32_t* row = in.rows + chunk.first_row + p * chunk.num_slots + slot;
      for (std::uint32_t q = row[0]; q < row[1]; ++q) {
        for (const PositionEntry<Real>& position : in.quads[q].entry) {
          sum.add(position, {cube.slice(s)[columns[position.column.column() / paths_per_tile<Real>] * cube.stride]});
        }
      }
    }
    pnl = s == 0 ? sum.total : lower_of(pnl, sum.total);
  }
  return pnl.lane[0];
}

/// One block per listed slot. Walks the paths upwards and appends those whose loss equals the pivot, until the tail
/// is complete: among equal losses the tail takes the smallest path numbers. A loss that very many paths share, such as
/// the premium of a book of long options, is met early, so the walk is short where it would hurt most.
template <class Real>
struct CollectTies {
  static constexpr std::uint32_t max_threads = 128;
  static constexpr std::uint32_t warps = max_threads / warp_size;

  AccountTiles<Real> accounts;
  const std::uint32_t* slots;        ///< [block] a slot whose row holds all losses above the pivot
  const std::uint32_t* slot_chunks;  ///< [block] its chunk
  CubeView<Real> cube;               ///< paths from first_path on
  std::uint32_t first_path;
  std::uint64_t num_paths;
  const Real* pivot;  ///< [slot]
  TailRows rows;
  TailCounts counts;  ///< above: grows by the ties appended
  TailReach reach;
  std::uint64_t* tail_weight;  ///< [slot] of the losses in the row; grows likewise

  static constexpr std::uint32_t shared_bytes() {
    return 2 * warps * static_cast<std::uint32_t>(sizeof(std::uint64_t) + sizeof(std::uint32_t));
  }

  template <class Context>
  TM_DEVICE void operator()(Context& context) const {
    const std::uint32_t slot = slots[context.block()];
    auto* warp_sums = context.template shared<std::uint64_t>();
    auto* warp_counts = reinterpret_cast<std::uint32_t*>(warp_sums + 2 * warps);
    std::uint32_t count = counts.above[slot];
    std::uint64_t weight = tail_weight[slot];
    std::uint32_t turn = 0;  // two sets of sums in turn, so that a round needs no barrier at its end
    for (std::uint64_t base = 0; base < num_paths && count < rows.capacity && !reach.complete(weight, count);
         base += max_threads, turn ^= 1u) {
      const std::uint64_t path = base + context.thread();
      const bool tie = path < num_paths && loss_on(context, slot, path) == pivot[slot];
      const Position at = position_in_block(context, tie, warp_counts + turn * warps);
      const bool kept = tie && count + at.before < rows.capacity;
      const std::uint32_t number = first_path + static_cast<std::uint32_t>(path);
      if (kept) { rows.row<TailKey<Real>>(slot)[count + at.before] = tail_key(TailLoss<Real>{pivot[slot], number}); }
      const std::uint64_t more = !kept ? 0 : reach.weights == nullptr ? 1 : reach.weights[number];
      weight += block_sum(context, more, warp_sums + turn * warps);
      count = at.all < rows.capacity - count ? count + at.all : rows.capacity;
    }
    // Every thread has read them before the first one writes.
    context.sync();
    if (context.thread() == 0) {
      counts.above[slot] = count;
      tail_weight[slot] = weight;
    }
  }

 private:
  struct Position {
    std::uint32_t before, all;
  };

  template <class Context>
  TM_DEVICE Real loss_on(const Context& context, std::uint32_t slot, std::uint64_t path) const {
    const AccountChunk& chunk = accounts.chunks[slot_chunks[context.block()]];
    return -account_pnl_on_path(accounts, chunk, slot - chunk.first_slot, cube.at(path));
  }

  /// How many threads before this one have a tie, and how many in all.
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
