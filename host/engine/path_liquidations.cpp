#include <algorithm>
#include <functional>

#include "host/engine/path_liquidations.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {
namespace {

std::int64_t add_cents(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) {
    throw UsageError(
        "the liquidations of these parts add up to more than 9e16 USD on a path (exact sums hold no more). Look for a "
        "part with wrong quantities.");
  }
  return sum;
}

}  // namespace

void check_same_paths(const PathLiquidations& a, const PathLiquidations& b) {
  if (a.scenarios != b.scenarios || a.num_paths != b.num_paths || a.accounts.size() != b.accounts.size() ||
      a.delta_cents.size() != b.delta_cents.size()) {
    throw UsageError(
        "these liquidations are not of the same paths (their sums would mean nothing). Run all parts with the same "
        "market, model, seed, sampler and number of paths.");
  }
}

PathLiquidations join_liquidations(const std::vector<PathLiquidations>& parts) {
  if (parts.empty()) { throw UsageError("there are no liquidations to join. Name at least one part."); }
  PathLiquidations out = parts.front();
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const PathLiquidations& part = parts[i];
    check_same_paths(out, part);
    out.num_accounts += part.num_accounts;
    std::transform(part.accounts.begin(), part.accounts.end(), out.accounts.begin(), out.accounts.begin(),
                   std::plus<>());
    std::transform(part.delta_cents.begin(), part.delta_cents.end(), out.delta_cents.begin(), out.delta_cents.begin(),
                   add_cents);
  }
  return out;
}

}  // namespace tailmargin
