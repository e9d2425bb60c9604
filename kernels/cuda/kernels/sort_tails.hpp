// Kernel of step 4: sorts the candidates of each account and says whether they hold its tail.
#pragma once

#include "kernels/cuda/kernels/tail_rows.hpp"

namespace tailmargin {

/// One block per slot. Keys are integers and all different, so any correct sort gives the same result. Rows of up to
/// shared_keys keys are sorted in shared memory, longer ones where they are.
template <class Real>
struct SortTails {
  static constexpr std::uint32_t max_threads = 256;
  static constexpr std::uint32_t warps = max_threads / warp_size;
  using Key = TailKey<Real>;

  const std::uint32_t* slots;  ///< [block] slot; null: block i takes slot i
  TailRows rows;               ///< keys; complete rows become TailLoss, worst first
  TailCounts counts;
  TailReach reach;
  std::uint32_t shared_keys;
  std::uint32_t* tail_size;    ///< [slot] losses in the row; 0: the tail is not complete
  std::uint64_t* tail_weight;  ///< [slot] their weight, complete or not

  static std::uint32_t shared_bytes(std::uint32_t shared_keys) {
    return static_cast<std::uint32_t>(warps * sizeof(std::uint64_t) + gapped(shared_keys) * sizeof(Key));
  }

  template <class Context>
  TM_DEVICE void operator()(Context& context) const {
    const std::uint64_t slot = slots == nullptr ? context.block() : slots[context.block()];
    const std::uint32_t count = counts.above[slot];
    if (count > rows.capacity) {
      if (context.thread() == 0) { tail_size[slot] = 0; }
      return;
    }
    auto* warp_sums = context.template shared<std::uint64_t>();
    Key* row = rows.row<Key>(slot);
    const std::uint64_t weight = reach.weights == nullptr ? count : row_weight(context, row, count, warp_sums);
    const bool complete = reach.complete(weight, count);
    if (context.thread() == 0) {
      tail_size[slot] = complete ? count : 0;
      tail_weight[slot] = weight;
    }
    if (!complete) { return; }
    if (count > shared_keys) {
      sort(context, row, count);
      unpack(context, row, row, count);
      return;
    }
    const SharedKeys keys{reinterpret_cast<Key*>(warp_sums + warps)};
    for (std::uint32_t i = context.thread(); i < count; i += max_threads) { keys[i] = row[i]; }
    context.sync();
    sort(context, keys, count);
    unpack(context, keys, row, count);
  }

 private:
  template <class Context>
  TM_DEVICE std::uint64_t row_weight(Context& context, const Key* row, std::uint32_t count,
                                     std::uint64_t* warp_sums) const {
    std::uint64_t weight = 0;
    for (std::uint32_t i = context.thread(); i < count; i += max_threads) {
      weight += reach.weights[static_cast<std::uint32_t>(row[i])];
    }
    return block_sum(context, weight, warp_sums);
  }

  /// Keys in shared memory with a gap after every 128 bytes, so that threads that read neighbouring groups of keys do
  /// not meet in one bank.
  struct SharedKeys {
    Key* data;
    TM_HD Key& operator[](std::uint32_t i) const { return data[gapped(i)]; }
  };

  TM_HD static std::uint32_t gapped(std::uint32_t i) { return i + i / (128 / sizeof(Key)); }

  /// Rounds of comparisons between two barriers: their keys stay in registers.
  static constexpr int most_rounds = sizeof(Key) == 8 ? 3 : 2;

  /// Bitonic, every comparison upwards, so that a row of any length behaves like one filled up with largest keys.
  template <class Context, class Keys>
  TM_DEVICE static void sort(Context& context, const Keys& keys, std::uint32_t count) {
    int rounds = 0;  // of a merge after the first
    for (std::uint32_t size = 2; size < 2 * count; size *= 2, ++rounds) {
      mirror(context, keys, count, size);
      std::uint32_t distance = size / 4;
      if (rounds % most_rounds == 1) {
        shift<1>(context, keys, count, distance);
        distance >>= 1;
      } else if (rounds % most_rounds == 2) {
        shift<2>(context, keys, count, distance);
        distance >>= 2;
      }
      for (; distance > 0; distance >>= most_rounds) { shift<most_rounds>(context, keys, count, distance); }
    }
  }

  /// First round of a merge: the n-th key of the lower half with the n-th last of the upper.
  template <class Context, class Keys>
  TM_DEVICE static void mirror(Context& context, const Keys& keys, std::uint32_t count, std::uint32_t size) {
    for (std::uint32_t pair = context.thread();; pair += max_threads) {
      const std::uint32_t offset = pair & (size / 2 - 1), low = 2 * (pair - offset) + offset;
      if (low >= count) { break; }
      const std::uint32_t high = low + size - 1 - 2 * offset;
      if (high < count) { put_in_order(keys[low], keys[high]); }
    }
    context.sync();
  }

  /// The next rounds: keys `distance` apart, half of that, and so on.
  template <int rounds, class Context, class Keys>
  TM_DEVICE static void shift(Context& context, const Keys& keys, std::uint32_t count, std::uint32_t distance) {
    constexpr std::uint32_t width = 1u << rounds;
    const std::uint32_t stride = distance >> (rounds - 1);
    for (std::uint32_t group = context.thread();; group += max_threads) {
      const std::uint32_t offset = group & (stride - 1), first = width * (group - offset) + offset;
      if (first >= count) { break; }
      Key held[width];
      TM_LANES
      for (std::uint32_t i = 0; i < width; ++i) {
        held[i] = first + i * stride < count ? keys[first + i * stride] : ~Key(0);
      }
      order_held<width / 2, width>(held);
      TM_LANES
      for (std::uint32_t i = 0; i < width; ++i) {
        if (first + i * stride < count) { keys[first + i * stride] = held[i]; }
      }
    }
    context.sync();
  }

  template <std::uint32_t distance, std::uint32_t width>
  TM_DEVICE static void order_held(Key* held) {
    TM_LANES
    for (std::uint32_t i = 0; i < width; ++i) {
      if ((i & distance) == 0) { put_in_order(held[i], held[i + distance]); }
    }
    if constexpr (distance > 1) { order_held<distance / 2, width>(held); }
  }

  TM_DEVICE static void put_in_order(Key& low, Key& high) {
    const Key a = low, b = high;
    if (b < a) {
      low = b;
      high = a;
    }
  }

  /// Each thread may overwrite the keys it reads, and no others.
  template <class Context, class Keys>
  TM_DEVICE static void unpack(const Context& context, const Keys& keys, Key* row, std::uint32_t count) {
    static_assert(sizeof(TailLoss<Real>) == sizeof(Key), "the tail takes the place of its keys");
    for (std::uint32_t i = context.thread(); i < count; i += max_threads) {
      const TailLoss<Real> tail = tail_loss<Real>(keys[i]);
      __builtin_memcpy(row + i, &tail, sizeof tail);
    }
  }
};

}  // namespace tailmargin
