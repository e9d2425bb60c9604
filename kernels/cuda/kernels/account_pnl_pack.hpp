// Account P&L as the device reads it: positions in one array, a few neighbouring paths per load.
#pragma once

#include "kernels/cuda/kernel.hpp"
#include "kernels/executors/account_pnl.hpp"

namespace tailmargin {

/// Column and quantity side by side and aligned: one broadcast load per position.
template <class Real>
struct alignas(2 * sizeof(Real)) PositionEntry {
  PositionColumn column;
  Real quantity;
};

/// Accounts of a batch as compressed rows.
template <class Real>
struct AccountTable {
  const std::uint64_t* offsets;  ///< [account + 1] into positions
  const PositionEntry<Real>* positions;
};

/// W neighbouring paths, loaded at once.
template <int W, class Real>
struct alignas(W * sizeof(Real)) PathPack {
  Real lane[W];
};

/// The same operations in the same order as slice_pnl, so the same bits (a test holds them to each other).
/// A version of its own because that one's loads cannot be joined: nothing tells the compiler they are aligned.
/// @param cube  [column] at the first of the W paths, aligned to the pack; stride a multiple of W
template <int W, class Real>
TM_DEVICE PathPack<W, Real> slice_pnl_pack(const AccountTable<Real>& in, std::uint64_t account, const Real* cube,
                                           std::uint64_t stride) {
  PathPack<W, Real> partial{};
  PathPack<W, Real> total{};
  const PositionEntry<Real>* end = in.positions + in.offsets[account + 1];
  for (const PositionEntry<Real>* p = in.positions + in.offsets[account]; p < end; ++p) {
    const PositionEntry<Real> position = *p;
    const auto column = *reinterpret_cast<const PathPack<W, Real>*>(cube + position.column.column() * stride);
    TM_LANES
    for (int l = 0; l < W; ++l) { partial.lane[l] = math::fma(position.quantity, column.lane[l], partial.lane[l]); }
    if (position.column.last_of_underlying()) {
      TM_LANES
      for (int l = 0; l < W; ++l) {
        total.lane[l] += partial.lane[l];
        partial.lane[l] = Real(0);
      }
    }
  }
  return total;
}

/// P&L of one account on W neighbouring paths: the lowest over the read times, as account_pnl has it.
/// @param cube  at the first of the W paths
template <int W, class Real>
TM_DEVICE PathPack<W, Real> account_pnl_pack(const AccountTable<Real>& in, std::uint64_t account,
                                             const CubeView<Real>& cube) {
  PathPack<W, Real> pnl = slice_pnl_pack<W>(in, account, cube.data, cube.stride);
  for (std::uint32_t s = 1; s < cube.num_slices; ++s) {
    const PathPack<W, Real> other = slice_pnl_pack<W>(in, account, cube.slice(s), cube.stride);
    TM_LANES
    for (int l = 0; l < W; ++l) { pnl.lane[l] = math::smaller(pnl.lane[l], other.lane[l]); }
  }
  return pnl;
}

}  // namespace tailmargin
