#include "kernels/cuda/pipeline/plans.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/cuda/errors.hpp"
#include "kernels/cuda/kernels/filter_pnl.hpp"

namespace tailmargin {
namespace {

constexpr double path_share = 0.6;                    // of free memory; the rest is for accounts
constexpr std::uint32_t default_sample_paths = 8192;  // in double 64 KB of shared memory; sm_75 has a little less

std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) { return (value + unit - 1) / unit * unit; }

std::uint32_t clamp_count(double value, std::uint64_t low, std::uint64_t high) {
  return static_cast<std::uint32_t>(std::clamp(value, static_cast<double>(low), static_cast<double>(high)));
}

}  // namespace

PathPlan plan_paths(std::uint64_t num_paths, std::uint64_t bytes_per_path, std::uint64_t free_bytes,
                    const PipelineOptions& options) {
  const auto budget = static_cast<std::uint64_t>(path_share * static_cast<double>(free_bytes));
  const std::uint64_t affordable = budget / bytes_per_path / path_padding * path_padding;
  if (affordable == 0) { throw OutOfDeviceMemory(path_padding * bytes_per_path, free_bytes); }
  const std::uint64_t wanted = options.paths_per_chunk == 0 ? num_paths : options.paths_per_chunk;
  return {num_paths, std::min(round_up(std::min(wanted, num_paths), path_padding), affordable)};
}

SelectionPlan plan_selection(std::uint64_t num_paths, std::uint32_t num_tail, std::uint64_t first_chunk_paths,
                             const PipelineOptions& options) {
  SelectionPlan plan{};
  plan.num_tail = static_cast<std::uint32_t>(std::min<std::uint64_t>(num_tail, num_paths));
  const std::uint32_t wanted = options.sample_paths == 0 ? default_sample_paths : options.sample_paths;
  plan.sample_paths = static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, first_chunk_paths));

  const double paths = static_cast<double>(num_paths), sample = plan.sample_paths, tail = plan.num_tail;
  const double expected = sample * tail / paths;
  const double deviation = std::sqrt(expected * (1.0 - tail / paths) * (1.0 - sample / paths));
  // One more than the tail needs: the pivot itself is not above the pivot.
  plan.pivot_rank = clamp_count(std::ceil(expected + options.pivot_sigmas * deviation) + 1.0, 1, plan.sample_paths);

  const double rank = plan.pivot_rank;
  const double kept = paths / sample * (rank + 6.0 * std::sqrt(rank));
  plan.capacity = options.candidate_capacity == 0 ? clamp_count(std::ceil(kept), plan.num_tail, num_paths)
                                                  : std::max(options.candidate_capacity, plan.num_tail);
  return plan;
}

std::vector<AccountBatch> plan_batches(const AccountPlan& accounts, const BatchLimits& limits) {
  std::vector<AccountBatch> batches;
  const std::uint64_t num_accounts = accounts.offsets.empty() ? 0 : accounts.offsets.size() - 1;
  std::uint64_t first = 0, bytes = 0;
  for (std::uint64_t a = 0; a < num_accounts; ++a) {
    const std::uint64_t positions = accounts.offsets[a + 1] - accounts.offsets[a];
    const std::uint64_t more = limits.bytes_per_account + positions * limits.bytes_per_position;
    if (a > first && (bytes + more > limits.bytes || a - first >= limits.max_accounts)) {
      batches.push_back({first, a});
      first = a;
      bytes = 0;
    }
    bytes += more;
  }
  if (first < num_accounts) { batches.push_back({first, num_accounts}); }
  return batches;
}

}  // namespace tailmargin
