// The difference of two expected shortfalls on the same paths, with its own standard error.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/executors/tail.hpp"

namespace tailmargin {

/// A tail and the losses that have a share in its ES.
struct KnownTail {
  TailFigures figures{};
  std::vector<TailLoss<double>> losses;  ///< those above the VaR, or with it
};

struct TailChange {
  double es = 0.0;                 ///< after less before
  double es_standard_error = 0.0;  ///< of the difference
  double overlap = 0.0;            ///< weight of the paths in both tails, over that of the tail before
};

/// From the influence values psi of both tails (docs/methodology.md, section 6), path by path:
///   s.e. = sqrt(sum w^2 (psi_after - psi_before)^2) / W
/// or, where paths come in replicates, from the spread of the replicates' sums of w (psi_after - psi_before).
/// Off the union of the tails psi_after - psi_before is the same on every path, so only their losses are needed.
/// @param weights  [path] or null for ones
TailChange compare_tails(const TailRule& rule, const KnownTail& before, const KnownTail& after,
                         const std::uint32_t* weights);

}  // namespace tailmargin
