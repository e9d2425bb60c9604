// Shortfalls that the tail of an account already tells.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "host/backends/backend.hpp"

namespace tailmargin::cpu {

/// Room for the lists of all accounts of a pass. Who finds none is left to a pass over all paths, which gives the same
/// numbers.
class ShortfallRoom {
 public:
  bool take(std::uint64_t entries) {
    if (taken_.fetch_add(entries) + entries <= most_entries) { return true; }
    taken_.fetch_sub(entries);  // a shorter list may still fit
    return false;
  }

 private:
  static constexpr std::uint64_t most_entries = (std::uint64_t{512} << 20) / 12;  // 512 MiB
  std::atomic<std::uint64_t> taken_{0};
};

/// Whether every path on which the account falls short is one of the tail's, or it never does.
/// @param tail  worst first; every loss above the last one's is in it
template <class Real>
bool tells_shortfalls(const std::vector<TailLoss<Real>>& tail, double equity_usd) {
  return !tail.empty() && static_cast<double>(tail.back().loss) <= equity_usd;
}

/// @param tail  that tells shortfalls
template <class Real>
TailShortfalls list_shortfalls(std::uint64_t account, const std::vector<TailLoss<Real>>& tail, double equity_usd) {
  TailShortfalls out;
  out.account = account;
  for (const TailLoss<Real>& loss : tail) {
    const std::int64_t cents = shortfall_cents(static_cast<double>(loss.loss), equity_usd);
    if (cents == 0) { break; }
    out.paths.push_back(loss.path);
    out.cents.push_back(cents);
  }
  return out;
}

}  // namespace tailmargin::cpu
