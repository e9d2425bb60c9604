// Kernel of step 5: on which paths accounts fall short. Apart from AddShortfalls, whose registers it would not fit.
#pragma once

#include "kernels/cuda/kernel.hpp"
#include "kernels/executors/account_pnl.hpp"
#include "kernels/executors/shortfall.hpp"

namespace tailmargin {

/// One thread per path, which meets the accounts in order; a warp owns the words of its 32 paths.
template <class Real>
struct MarkShortPaths {
  static constexpr std::uint32_t max_threads = 128;

  AccountsPayload<Real> accounts;
  const double* equity;  ///< [account] USD
  std::uint64_t num_accounts;
  CubeView<Real> cube;  ///< at the first path
  std::uint64_t num_paths;
  const std::uint32_t* weights;     ///< [path] 0: left out; null: none is
  std::uint32_t* words;             ///< [account][32 paths of the run], at the first path; a bit each; zero before
  std::uint64_t words_per_account;  ///< of the whole run

  template <class Context>
  TM_DEVICE void operator()(Context& context) const {
    const std::uint64_t path = context.block() * max_threads + context.thread();
    const bool counts = path < num_paths && (weights == nullptr || weights[path] != 0);
    if (context.ballot(counts) == 0) { return; }
    // Lanes without a path of their own go along on the last one.
    const CubeView<Real> own = cube.at(path < num_paths ? path : num_paths - 1);
    for (std::uint64_t account = 0; account < num_accounts; ++account) {
      Real pnl;
      account_pnl<1>(accounts, account, own, &pnl);
      const bool lacks = counts && shortfall_cents(static_cast<double>(-pnl), equity[account]) != 0;
      const std::uint32_t lacking = context.ballot(lacks);
      if (lacking != 0 && context.lane() == 0) { words[account * words_per_account + path / warp_size] = lacking; }
    }
  }
};

}  // namespace tailmargin
