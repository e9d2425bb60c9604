// Kernels of step 4 around the sort: which tails are complete, their figures, their paths.
#pragma once

#include "kernels/cuda/kernel.hpp"
#include "kernels/executors/tail_key.hpp"

namespace tailmargin {

/// How the tail of an account is completed after the filter.
enum class TailRoute : std::uint8_t {
  candidates,  ///< enough losses lie above the pivot
  ties,        ///< the tail ends among losses equal to the pivot
  whole_row,   ///< the pivot was too high, or the buffer too small: keep every loss of the account
};

TM_HD TailRoute tail_route(std::uint32_t num_above, std::uint32_t num_ties, std::uint32_t num_tail,
                           std::uint32_t capacity) {
  if (num_above > capacity) { return TailRoute::whole_row; }
  if (num_above >= num_tail) { return TailRoute::candidates; }
  return num_above + num_ties >= num_tail ? TailRoute::ties : TailRoute::whole_row;
}

/// Marks the keys to sort: [begin, end) of each slot, empty where the whole row is needed first.
struct MarkSegments {
  const std::uint32_t* num_above;  ///< [slot]
  const std::uint32_t* num_ties;   ///< [slot]
  std::uint32_t num_tail;
  std::uint32_t capacity;
  std::int64_t* begins;  ///< [slot]
  std::int64_t* ends;    ///< [slot]

  TM_DEVICE void operator()(std::uint32_t, std::uint64_t slot) const {
    const auto begin = static_cast<std::int64_t>(slot * capacity);
    std::uint32_t count = 0;
    switch (tail_route(num_above[slot], num_ties[slot], num_tail, capacity)) {
      case TailRoute::candidates: count = num_above[slot]; break;
      case TailRoute::ties: count = num_tail; break;
      case TailRoute::whole_row: break;
    }
    begins[slot] = begin;
    ends[slot] = begin + count;
  }
};

/// Sorted keys back into losses and paths, num_tail of each slot.
template <class Real>
struct UnpackTails {
  const TailKey<Real>* keys;  ///< [slot][capacity] sorted
  const std::int64_t* begins;
  const std::int64_t* ends;
  std::uint32_t num_tail;
  TailLoss<Real>* tails;  ///< [slot][num_tail]

  TM_DEVICE void operator()(std::uint32_t slot, std::uint64_t rank) const {
    if (begins[slot] == ends[slot]) { return; }
    tails[std::uint64_t(slot) * num_tail + rank] =
        tail_loss<Real>(keys[static_cast<std::uint64_t>(begins[slot]) + rank]);
  }
};

/// Figures of each slot, one thread each: the sums have a fixed order.
template <class Real>
struct SummariseTails {
  static constexpr std::uint32_t max_threads = 64;  // few accounts must still spread over the device

  const TailLoss<Real>* tails;  ///< [slot][rule.num_tail]
  const std::int64_t* begins;
  const std::int64_t* ends;
  TailRule rule;
  const std::uint32_t* weights;  ///< [path] or null
  TailFigures* figures;          ///< [slot]
  std::uint32_t num_slots;

  template <class Context>
  TM_DEVICE void operator()(Context& context) const {
    const std::uint64_t slot = context.block() * max_threads + context.thread();
    if (slot >= num_slots || begins[slot] == ends[slot]) { return; }
    figures[slot] = summarise_tail(rule, tails + slot * rule.num_tail, rule.num_tail, weights);
  }
};

/// Paths with a share in ES, worst first, joined.
template <class Real>
struct GatherTailPaths {
  const TailLoss<Real>* tails;   ///< [slot][num_tail]
  const std::uint64_t* offsets;  ///< [slot + 1] into paths
  std::uint32_t num_tail;
  std::uint32_t* paths;

  TM_DEVICE void operator()(std::uint32_t slot, std::uint64_t rank) const {
    if (rank >= offsets[slot + 1] - offsets[slot]) { return; }
    paths[offsets[slot] + rank] = tails[std::uint64_t(slot) * num_tail + rank].path;
  }
};

}  // namespace tailmargin
