// Kernels of step 4 after the sort: figures of each account, and its paths.
#pragma once

#include "kernels/cuda/kernels/tail_rows.hpp"

namespace tailmargin {

/// Figures of each slot, one thread each: the sums have a fixed order.
template <class Real>
struct SummariseTails {
  static constexpr std::uint32_t max_threads = 64;  // few accounts must still spread over the device

  const std::uint32_t* slots;  ///< [i] slot; null: the i-th is slot i
  std::uint32_t num_slots;
  TailRows rows;                   ///< sorted tails
  const std::uint32_t* tail_size;  ///< [slot] 0: nothing to summarise
  TailRule rule;
  const std::uint32_t* weights;  ///< [path] or null
  TailFigures* figures;          ///< [slot]

  template <class Context>
  TM_DEVICE void operator()(Context& context) const {
    const std::uint64_t i = context.block() * max_threads + context.thread();
    if (i >= num_slots) { return; }
    const std::uint64_t slot = slots == nullptr ? i : slots[i];
    if (tail_size[slot] == 0) { return; }
    figures[slot] = summarise_tail(rule, rows.row<TailLoss<Real>>(slot), tail_size[slot], weights);
  }
};

/// ES of each slot split by regime, one thread each.
template <class Real>
struct SplitTails {
  static constexpr std::uint32_t max_threads = 64;

  const std::uint32_t* slots;  ///< [i] slot; null: the i-th is slot i
  std::uint32_t num_slots;
  TailRows rows;                   ///< sorted tails
  const std::uint32_t* tail_size;  ///< [slot] 0: nothing to split
  TailRule rule;
  const std::uint32_t* weights;  ///< [path] or null
  const TailFigures* figures;    ///< [slot]
  RegimeSteps regimes;
  double* regime_es;  ///< [slot][regime]

  template <class Context>
  TM_DEVICE void operator()(Context& context) const {
    const std::uint64_t i = context.block() * max_threads + context.thread();
    if (i >= num_slots) { return; }
    const std::uint64_t slot = slots == nullptr ? i : slots[i];
    if (tail_size[slot] == 0) { return; }
    split_by_regime(rule, rows.row<TailLoss<Real>>(slot), figures[slot], weights, regimes,
                    regime_es + slot * regimes.num_regimes);
  }
};

/// Paths with a share in ES, worst first, joined.
template <class Real>
struct GatherTailPaths {
  TailRows rows;                 ///< sorted tails
  const std::uint64_t* offsets;  ///< [slot + 1] into paths
  std::uint32_t* paths;

  TM_DEVICE void operator()(std::uint32_t slot, std::uint64_t rank) const {
    if (rank >= offsets[slot + 1] - offsets[slot]) { return; }
    paths[offsets[slot] + rank] = rows.row<TailLoss<Real>>(slot)[rank].path;
  }
};

}  // namespace tailmargin
