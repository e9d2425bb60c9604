// Step 5: what accounts lack beyond their equity. In whole cents, so that sums are exact in any order and parts of a
// book add up to the whole.
#pragma once

#include "kernels/math/host_device.hpp"

namespace tailmargin {

inline constexpr double cents_per_usd = 100.0;

/// max(0, loss - equity) to the nearest cent; less than half a cent is none.
/// @param loss    USD, of an account on a path
/// @param equity  USD; loss - equity is finite and below 9e16
TM_HD std::int64_t shortfall_cents(double loss, double equity) {
  const double cents = (loss - equity) * cents_per_usd + 0.5;
  return cents >= 1.0 ? static_cast<std::int64_t>(cents) : 0;
}

/// Shortfalls of accounts on one path, cents: their sum, the largest one and the second largest.
struct PathShortfall {
  std::int64_t sum, largest, second;

  TM_HD void add(std::int64_t cents) {
    sum += cents;
    rank(cents);
  }
  /// Those of other accounts.
  TM_HD void add(const PathShortfall& other) {
    sum += other.sum;
    rank(other.largest);
    rank(other.second);
  }

 private:
  TM_HD void rank(std::int64_t cents) {
    if (cents > largest) {
      second = largest;
      largest = cents;
    } else if (cents > second) {
      second = cents;
    }
  }
};

/// Shortfalls of one account over paths. Their weighted sum has up to 96 bits, so it is kept as two numbers that add up
/// separately: low + 2^32 high, in cents.
struct AccountShortfall {
  std::uint64_t weight;  ///< of the paths on which it falls short
  std::uint64_t low, high;

  TM_HD void add(std::uint32_t path_weight, std::int64_t cents) {
    const std::uint64_t lower = std::uint64_t(path_weight) * (std::uint64_t(cents) & 0xffffffffu);
    weight += path_weight;
    low += lower & 0xffffffffu;
    high += (lower >> 32) + std::uint64_t(path_weight) * (std::uint64_t(cents) >> 32);
  }
  TM_HD void add(const AccountShortfall& other) {
    weight += other.weight;
    low += other.low;
    high += other.high;
  }
  /// Sum of weight times shortfall, USD.
  TM_HD double weighted_usd() const { return (double(high) * 4294967296.0 + double(low)) / cents_per_usd; }
};

}  // namespace tailmargin
