// Sorts the losses of a tail, worst first.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "kernels/executors/tail_key.hpp"

namespace tailmargin::cpu {

/// By digits of eight bits, from the lowest: thousands of short keys, which comparing would take three times as long.
/// A digit that all keys share is passed over.
inline void sort_keys(std::vector<std::uint64_t>& keys, std::vector<std::uint64_t>& spare) {
  spare.resize(keys.size());
  std::array<std::array<std::uint32_t, 256>, 8> counts{};
  for (const std::uint64_t key : keys) {
    for (std::size_t digit = 0; digit < 8; ++digit) { ++counts[digit][key >> (8 * digit) & 255]; }
  }
  for (std::size_t digit = 0; digit < 8; ++digit) {
    std::uint32_t place = 0;
    bool shared = false;
    for (std::uint32_t& count : counts[digit]) {
      shared |= count == keys.size();
      const std::uint32_t here = count;
      count = place;
      place += here;
    }
    if (shared) { continue; }
    for (const std::uint64_t key : keys) { spare[counts[digit][key >> (8 * digit) & 255]++] = key; }
    keys.swap(spare);
  }
}

/// Sorts by worse().
inline void sort_tail(TailLoss<float>* items, std::size_t count) {
  thread_local std::vector<std::uint64_t> keys, spare;
  keys.resize(count);
  std::transform(items, items + count, keys.begin(), [](const TailLoss<float>& item) { return tail_key(item); });
  sort_keys(keys, spare);
  std::transform(keys.begin(), keys.end(), items, [](std::uint64_t key) { return tail_loss<float>(key); });
}

inline void sort_tail(TailLoss<double>* items, std::size_t count) {
  std::sort(items, items + count, [](const TailLoss<double>& a, const TailLoss<double>& b) { return worse(a, b); });
}

}  // namespace tailmargin::cpu
