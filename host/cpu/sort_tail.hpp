// Sorts the losses of a tail, worst first.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "kernels/executors/tail_key.hpp"

namespace tailmargin::cpu {

/// Sorts keys by their upper half, digit by digit from the lowest of them: thousands of short keys, which comparing
/// would take three times as long. Equal ones keep their order. A digit that all keys share is passed over.
inline void sort_by_upper_half(std::vector<std::uint64_t>& keys, std::vector<std::uint64_t>& spare) {
  constexpr std::size_t digits = 4;
  spare.resize(keys.size());
  std::array<std::array<std::uint32_t, 256>, digits> counts{};
  for (const std::uint64_t key : keys) {
    for (std::size_t digit = 0; digit < digits; ++digit) { ++counts[digit][key >> (32 + 8 * digit) & 255]; }
  }
  for (std::size_t digit = 0; digit < digits; ++digit) {
    std::uint32_t place = 0;
    bool shared = false;
    for (std::uint32_t& count : counts[digit]) {
      shared |= count == keys.size();
      const std::uint32_t here = count;
      count = place;
      place += here;
    }
    if (shared) { continue; }
    for (const std::uint64_t key : keys) { spare[counts[digit][key >> (32 + 8 * digit) & 255]++] = key; }
    keys.swap(spare);
  }
}

/// The losses in the order of worse().
/// @param losses  [count] of rising paths, so that keeping the order of equal losses is all that ties need
inline void sort_tail(const float* losses, const std::uint32_t* paths, std::size_t count,
                      std::vector<TailLoss<float>>& tail) {
  thread_local std::vector<std::uint64_t> keys, spare;
  keys.resize(count);
  for (std::size_t i = 0; i < count; ++i) { keys[i] = tail_key(TailLoss<float>{losses[i], paths[i]}); }
  sort_by_upper_half(keys, spare);
  tail.resize(count);
  std::transform(keys.begin(), keys.end(), tail.begin(), [](std::uint64_t key) { return tail_loss<float>(key); });
}

inline void sort_tail(const double* losses, const std::uint32_t* paths, std::size_t count,
                      std::vector<TailLoss<double>>& tail) {
  tail.resize(count);
  for (std::size_t i = 0; i < count; ++i) { tail[i] = {losses[i], paths[i]}; }
  std::sort(tail.begin(), tail.end(), [](const TailLoss<double>& a, const TailLoss<double>& b) { return worse(a, b); });
}

}  // namespace tailmargin::cpu
