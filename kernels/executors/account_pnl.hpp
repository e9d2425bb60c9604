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

/// What the sums need to know of a type that holds neighbouring paths. Here: of one number. An instruction set's own
/// vectors (host/cpu/lane_vector.hpp) bring a specialisation, `+`, fma() and smaller().
template <class V>
struct LaneTraits {
  using Real = V;
  static constexpr int width = 1;
  TM_HD static V load(const V* at) { return *at; }
  TM_HD static V broadcast(V x) { return x; }
  TM_HD static void fetch(const V*) {}  // says what will be loaded soon
};

/// P&L of one account at one read time on N vectors of neighbouring paths: fused multiply-adds in instrument order
/// within an underlying, underlyings added in order. A zero-position account has P&L 0.
/// @param cube  [column][path], stride between columns
template <int N, class V, class Real = typename LaneTraits<V>::Real>
TM_HD void slice_pnl(const AccountsPayload<Real>& in, std::uint64_t account, const Real* cube, std::uint64_t stride,
                     V* total) {
  using math::fma;
  const V zero = LaneTraits<V>::broadcast(Real(0));
  TM_UNROLL
  for (int n = 0; n < N; ++n) { total[n] = zero; }
  constexpr std::uint64_t ahead = 4;
  const std::uint64_t end = in.offsets[account + 1];
  for (std::uint64_t p = in.offsets[account]; p < end;) {
    V partial[N];
    TM_UNROLL
    for (int n = 0; n < N; ++n) { partial[n] = zero; }
    bool last = false;
    for (; !last && p < end; ++p) {
      const V quantity = LaneTraits<V>::broadcast(in.quantities[p]);
      const Real* column = cube + in.columns[p].column() * stride;
      LaneTraits<V>::fetch(cube + in.columns[p + ahead < end ? p + ahead : p].column() * stride);
      last = in.columns[p].last_of_underlying();
      TM_UNROLL
      for (int n = 0; n < N; ++n) {
        partial[n] = fma(quantity, LaneTraits<V>::load(column + n * LaneTraits<V>::width), partial[n]);
      }
    }
    TM_UNROLL
    for (int n = 0; n < N; ++n) { total[n] = total[n] + partial[n]; }
  }
}

/// P&L of one account on N vectors of neighbouring paths: the lowest over the read times.
template <int N, class V, class Real = typename LaneTraits<V>::Real>
TM_HD void account_pnl(const AccountsPayload<Real>& in, std::uint64_t account, const CubeView<Real>& cube, V* pnl) {
  using math::smaller;
  slice_pnl<N>(in, account, cube.data, cube.stride, pnl);
  for (std::uint32_t s = 1; s < cube.num_slices; ++s) {
    V other[N];
    slice_pnl<N>(in, account, cube.slice(s), cube.stride, other);
    TM_UNROLL
    for (int n = 0; n < N; ++n) { pnl[n] = smaller(pnl[n], other[n]); }
  }
}

}  // namespace tailmargin
