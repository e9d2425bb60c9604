// Losses of a set of accounts on tiles of paths, in one precision: prices of the columns they hold, then the accounts,
// a few at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "host/backends/large_buffer.hpp"
#include "host/cpu/held_columns.hpp"
#include "host/prepare/narrow.hpp"

namespace tailmargin {

template <class Real>
class AccountLosses {
 public:
  /// What a tile is computed in.
  struct Scratch {
    LargeBuffer<Real> market, cube, losses;
  };

  /// @param columns  must outlive this
  AccountLosses(const ColumnPlan& columns, const AccountPlan& accounts)
      : narrow_(narrow_columns(columns, accounts)),
        columns_(narrow_.accounts, narrow_.columns),
        quantities_(narrow_.accounts.quantities.begin(), narrow_.accounts.quantities.end()) {}
  AccountLosses(const AccountLosses&) = delete;             // its columns point into itself
  AccountLosses& operator=(const AccountLosses&) = delete;  // likewise

  std::uint64_t num_accounts() const { return narrow_.accounts.offsets.size() - 1; }
  std::uint32_t cube_columns() const { return narrow_.columns.cube_columns(); }
  double equity_usd(std::uint64_t account) const { return narrow_.accounts.equity_usd[account]; }

  Scratch make_scratch(std::size_t tile_width) const {
    return {LargeBuffer<Real>(columns_.market_rows() * tile_width), LargeBuffer<Real>(cube_columns() * tile_width),
            LargeBuffer<Real>(at_once * tile_width)};
  }

  /// Calls take(account, losses [lane]) for every account, in order.
  /// @param obs  of the tile
  template <class Take>
  void for_each(const cpu::Kernels& kernels, const cpu::Tile& tile, const float* obs, Scratch& scratch,
                Take take) const {
    columns_.revalue(kernels, tile, obs, scratch.market.data(), scratch.cube.data());
    for (std::uint64_t first = 0; first < num_accounts(); first += at_once) {
      const std::uint64_t last = std::min(first + at_once, num_accounts());
      compute(kernels, tile, first, last, scratch);
      for (std::uint64_t a = first; a < last; ++a) { take(a, scratch.losses.data() + (a - first) * tile.width); }
    }
  }

 private:
  /// Accounts whose losses on a tile are in the first-level cache together.
  static constexpr std::uint64_t at_once = 8;

  void compute(const cpu::Kernels& kernels, const cpu::Tile& tile, std::uint64_t first, std::uint64_t last,
               Scratch& scratch) const {
    const AccountPlan& accounts = narrow_.accounts;
    const cpu::LossesOf<Real> task = {{accounts.offsets.data(), accounts.columns.data(), quantities_.data()},
                                      first,
                                      last,
                                      narrow_.columns.num_slices,
                                      narrow_.columns.num_columns};
    cpu::losses_of(kernels, task, tile, scratch.cube.data(), scratch.losses.data(), tile.width);
  }

  NarrowColumns narrow_;
  HeldColumns<Real> columns_;
  std::vector<Real> quantities_;
};

}  // namespace tailmargin
