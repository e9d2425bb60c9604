// Step 3 for one account on one path: its loss, the read time at which it falls, and what each holding lost then.
#pragma once

#include "kernels/executors/account_pnl.hpp"

namespace tailmargin {

/// An account, and each of its holdings as an account of its own.
template <class Real>
struct HoldingsPayload {
  AccountsPayload<Real> accounts;
  std::uint64_t account;  ///< its holdings are the accounts behind it
  std::uint64_t num_holdings;
  std::uint32_t num_slices, num_columns;  ///< of the cube
};

/// Of a whole account, summed as the pass over all paths sums it.
struct AccountLoss {
  double usd;
  std::uint32_t slice;  ///< the read time at which the account's P&L is lowest, the first of them
};

template <class Real>
TM_HD AccountLoss worst_loss(const HoldingsPayload<Real>& in, const CubeView<Real>& path) {
  Real lowest;
  slice_pnl<1>(in.accounts, in.account, path.data, path.stride, &lowest);
  std::uint32_t worst = 0;
  for (std::uint32_t s = 1; s < path.num_slices; ++s) {
    Real pnl;
    slice_pnl<1>(in.accounts, in.account, path.slice(s), path.stride, &pnl);
    if (!(pnl < lowest)) { continue; }
    lowest = pnl;
    worst = s;
  }
  return {-double(lowest), worst};
}

/// What each holding loses at one read time. Products and sums in double, so that the losses of the holdings add up to
/// the account's but for its own rounding.
/// @param columns  [column] of one path, at that time
/// @param losses   [holding] USD
template <class Real>
TM_HD void slice_losses(const HoldingsPayload<Real>& in, const Real* columns, std::uint64_t stride, double* losses) {
  const std::uint64_t* offsets = in.accounts.offsets + in.account + 1;
  std::uint64_t p = offsets[0];
  for (std::uint64_t h = 0; h < in.num_holdings; ++h) {
    double pnl = 0.0;
    for (; p < offsets[h + 1]; ++p) {
      pnl += double(in.accounts.quantities[p]) * double(columns[in.accounts.columns[p].column() * stride]);
    }
    losses[h] = -pnl;
  }
}

/// @param path    [slice][column] of one path
/// @param losses  [holding] USD, at the read time at which the account's loss falls
template <class Real>
TM_HD AccountLoss holding_losses(const HoldingsPayload<Real>& in, const CubeView<Real>& path, double* losses) {
  const AccountLoss whole = worst_loss(in, path);
  slice_losses(in, path.slice(whole.slice), path.stride, losses);
  return whole;
}

}  // namespace tailmargin
