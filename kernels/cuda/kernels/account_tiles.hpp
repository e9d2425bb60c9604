// Accounts as step 3 reads them on a device: grouped so that the columns of a group meet in shared memory.
//
//   chunk   accounts of one group, the work of one block on one tile of paths
//   piece   columns of the group that fit into the tile together; most groups have one
//   row     the positions of one account in one piece
//   quad    16 bytes of positions, one load
//
// Accounts are numbered by slot, in the order in which chunks hold them. Rows are stored chunk by chunk, in a chunk
// piece by piece, and in a piece slot by slot, so that a warp reads one run of quads.
#pragma once

#include "kernels/cuda/kernel.hpp"
#include "kernels/executors/account_pnl.hpp"

namespace tailmargin {

/// Column and quantity side by side. The column is where it begins in the tile: its number within the piece times the
/// paths of a tile, so that an address takes one instruction.
template <class Real>
struct alignas(2 * sizeof(Real)) PositionEntry {
  PositionColumn column;
  Real quantity;
};

/// A row is filled up to whole quads with positions of quantity 0 in the row's last column: they add 0 after its sum.
template <class Real>
struct alignas(quad_bytes) PositionQuad {
  static constexpr std::uint32_t size = quad_bytes / sizeof(PositionEntry<Real>);
  PositionEntry<Real> entry[size];

  /// Whether one of the positions is the last of its underlying.
  TM_HD bool ends_underlying() const {
    std::uint32_t any = 0;
    for (const PositionEntry<Real>& position : entry) { any |= position.column.packed; }
    return PositionColumn{any}.last_of_underlying();
  }
};

struct ColumnPiece {
  std::uint32_t first, count;  ///< into AccountTiles::columns
};

struct AccountChunk {
  std::uint32_t first_slot, num_slots;
  std::uint32_t first_piece, num_pieces;
  std::uint32_t first_row;  ///< row of (piece, slot): first_row + piece * num_slots + slot - first_slot
  std::uint32_t first_run;  ///< warp w takes the chunk's slots [runs[first_run + w], runs[first_run + w + 1])
};

template <class Real>
struct AccountTiles {
  const AccountChunk* chunks;
  const ColumnPiece* pieces;
  const std::uint32_t* columns;  ///< of the cube, a piece's rising
  const std::uint32_t* runs;
  const std::uint32_t* rows;  ///< [row + 1] into quads
  const PositionQuad<Real>* quads;
};

/// W neighbouring paths, loaded at once.
template <int W, class Real>
struct alignas(W * sizeof(Real)) PathPack {
  Real lane[W];
};

/// P&L of an account at one read time while its positions pass: the operations of slice_pnl in its order, so the
/// same bits (a test holds them to each other). It can stop between two positions and go on later.
template <int W, class Real>
struct PnlSum {
  PathPack<W, Real> partial{}, total{};

  /// A position that is not the last of its underlying.
  TM_DEVICE void add_inside(const PositionEntry<Real>& position, const PathPack<W, Real>& column) {
    TM_LANES
    for (int l = 0; l < W; ++l) { partial.lane[l] = math::fma(position.quantity, column.lane[l], partial.lane[l]); }
  }

  TM_DEVICE void add(const PositionEntry<Real>& position, const PathPack<W, Real>& column) {
    add_inside(position, column);
    if (position.column.last_of_underlying()) {
      TM_LANES
      for (int l = 0; l < W; ++l) {
        total.lane[l] += partial.lane[l];
        partial.lane[l] = Real(0);
      }
    }
  }
};

/// The lower of two read times, path by path.
template <int W, class Real>
TM_DEVICE PathPack<W, Real> lower_of(const PathPack<W, Real>& a, const PathPack<W, Real>& b) {
  PathPack<W, Real> out;
  TM_LANES
  for (int l = 0; l < W; ++l) { out.lane[l] = math::smaller(a.lane[l], b.lane[l]); }
  return out;
}

}  // namespace tailmargin
