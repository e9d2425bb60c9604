// Step 3: account P&L. Sparse positions times columns, one order for every backend.
#pragma once

#include "kernels/math/host_device.hpp"

namespace tailmargin {

/// Column of a position, and whether it is the account's last one in its underlying.
struct PositionColumn {
  std::uint32_t packed;

  static constexpr std::uint32_t last_flag = 0x80000000u;
  TM_HD std::uint32_t column() const { return packed & ~last_flag; }
  TM_HD bool last_of_underlying() const { return (packed & last_flag) != 0u; }
};

/// Accounts as compressed rows; positions sorted by column, that is by underlying, then instrument.
template <class Real>
struct AccountsPayload {
  const std::uint64_t* offsets;   ///< [account + 1] into columns and quantities
  const PositionColumn* columns;  ///< [position]
  const Real* quantities;         ///< [position] contracts, signed
};

/// P&L of one contract of every column on neighbouring paths, at one or several read times (slices).
template <class Real>
struct CubeView {
  const Real* data;           ///< [slice][column][path]
  std::uint64_t stride;       ///< between columns
  std::uint32_t num_slices;   ///< at least 1
  std::uint32_t num_columns;  ///< of a slice

  /// The same from another path on.
  TM_HD CubeView at(std::uint64_t path) const { return {data + path, stride, num_slices, num_columns}; }
  TM_HD const Real* slice(std::uint32_t s) const { return data + std::uint64_t(s) * num_columns * stride; }
};

/// P&L of one account at one read time on lanes [0, W): fused multiply-adds in instrument order within an underlying,
/// underlyings added in order. A zero-position account has P&L 0.
/// @param cube  [column][lane], stride between columns
template <int W, class Real>
TM_HD void slice_pnl_lanes(const AccountsPayload<Real>& in, std::uint64_t account, const Real* cube,
                           std::uint64_t stride, Real* pnl) {
  Real partial[W];
  Real total[W];
  for (int l = 0; l < W; ++l) {
    total[l] = Real(0);
    partial[l] = Real(0);
  }
  const std::uint64_t end = in.offsets[account + 1];
  for (std::uint64_t p = in.offsets[account]; p < end; ++p) {
    const PositionColumn position = in.columns[p];
    const Real quantity = in.quantities[p];
    const Real* column = cube + position.column() * stride;
    TM_LANES
    for (int l = 0; l < W; ++l) { partial[l] = math::fma(quantity, column[l], partial[l]); }
    if (position.last_of_underlying()) {
      TM_LANES
      for (int l = 0; l < W; ++l) {
        total[l] += partial[l];
        partial[l] = Real(0);
      }
    }
  }
  for (int l = 0; l < W; ++l) { pnl[l] = total[l]; }
}

/// P&L of one account on lanes [0, W): the lowest over the read times.
template <int W, class Real>
TM_HD void account_pnl_lanes(const AccountsPayload<Real>& in, std::uint64_t account, const CubeView<Real>& cube,
                             Real* pnl) {
  slice_pnl_lanes<W>(in, account, cube.data, cube.stride, pnl);
  for (std::uint32_t s = 1; s < cube.num_slices; ++s) {
    Real other[W];
    slice_pnl_lanes<W>(in, account, cube.slice(s), cube.stride, other);
    TM_LANES
    for (int l = 0; l < W; ++l) { pnl[l] = math::smaller(pnl[l], other[l]); }
  }
}

}  // namespace tailmargin
