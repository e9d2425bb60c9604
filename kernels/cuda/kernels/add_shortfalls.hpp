// Kernel of step 5: shortfalls of accounts on every path.
#pragma once

#include "kernels/cuda/kernel.hpp"
#include "kernels/executors/account_pnl.hpp"
#include "kernels/executors/shortfall.hpp"

namespace tailmargin {

/// One thread per path, which owns the path's sums and meets the accounts in order; all lanes of a warp read the same
/// position and neighbouring paths. Sums of accounts are integers, added by atomics in whatever order.
template <class Real>
struct AddShortfalls {
  static constexpr std::uint32_t max_threads = 128;

  AccountsPayload<Real> accounts;
  const double* equity;  ///< [account] USD
  std::uint64_t num_accounts;
  CubeView<Real> cube;  ///< at the first path
  std::uint64_t num_paths;
  const std::uint32_t* weights;  ///< [path] 0: left out; null: all are 1
  PathShortfall* paths;          ///< [path] added to
  AccountShortfall* sums;        ///< [account] added to

  template <class Context>
  TM_DEVICE void operator()(Context& context) const {
    const std::uint64_t path = context.block() * max_threads + context.thread();
    const std::uint32_t weight = path >= num_paths ? 0 : weights == nullptr ? 1 : weights[path];
    if (context.ballot(weight != 0) == 0) { return; }
    // Lanes without a path of their own go along on the last one.
    const CubeView<Real> own = cube.at(path < num_paths ? path : num_paths - 1);
    PathShortfall sum{};
    for (std::uint64_t account = 0; account < num_accounts; ++account) {
      Real pnl;
      account_pnl<1>(accounts, account, own, &pnl);
      const std::int64_t cents = weight == 0 ? 0 : shortfall_cents(static_cast<double>(-pnl), equity[account]);
      if (context.ballot(cents != 0) == 0) { continue; }
      sum.add(cents);
      add_to_account(context, account, weight, cents);
    }
    if (weight != 0) { paths[path].add(sum); }
  }

 private:
  /// One set of atomics per warp.
  template <class Context>
  TM_DEVICE void add_to_account(Context& context, std::uint64_t account, std::uint32_t weight,
                                std::int64_t cents) const {
    AccountShortfall own{};
    if (cents != 0) { own.add(weight, cents); }
    const AccountShortfall all{warp_sum_wide(context, own.weight), warp_sum_wide(context, own.low),
                               warp_sum_wide(context, own.high)};
    if (context.lane() != 0) { return; }
    context.atomic_add(&sums[account].weight, all.weight);
    context.atomic_add(&sums[account].low, all.low);
    context.atomic_add(&sums[account].high, all.high);
  }
};

}  // namespace tailmargin
