#include "kernels/cuda/pipeline/plans.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/cuda/errors.hpp"
#include "kernels/cuda/kernels/tile_pnl.hpp"

namespace tailmargin {
namespace {

constexpr double path_share = 0.6;  // of free memory; the rest is for accounts
constexpr std::uint64_t most_chunk_paths = 1u
                                           << 22;  // more would only take memory; a launch counts its tiles in 32 bits
constexpr std::uint32_t default_sample_paths = 8192;  // in double 64 KB of shared memory, with weights 96 KB
/// So many that a tile is filled for many accounts, so few that their sums stay in the second-level cache: 512 bytes
/// of each account in each block.
constexpr std::uint32_t default_carried_accounts = 512;

std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) { return (value + unit - 1) / unit * unit; }

std::uint64_t clamp_count(double value, std::uint64_t low, std::uint64_t high) {
  return static_cast<std::uint64_t>(std::clamp(value, static_cast<double>(low), static_cast<double>(high)));
}

}  // namespace

PathPlan plan_paths(std::uint64_t num_paths, std::uint64_t bytes_per_path, std::uint64_t free_bytes,
                    const PipelineOptions& options) {
  const auto budget = static_cast<std::uint64_t>(path_share * static_cast<double>(free_bytes));
  const std::uint64_t affordable = budget / bytes_per_path / path_padding * path_padding;
  if (affordable == 0) { throw OutOfDeviceMemory(path_padding * bytes_per_path, free_bytes); }
  const std::uint64_t wanted = options.paths_per_chunk == 0 ? num_paths : options.paths_per_chunk;
  return {num_paths, std::min({round_up(std::min(wanted, num_paths), path_padding), affordable, most_chunk_paths})};
}

TileShape plan_tile_shape(std::uint32_t num_slices, std::uint32_t warps, std::uint32_t max_shared_bytes,
                          const PipelineOptions& options) {
  const std::uint32_t fixed = TilePnl<float>::fixed_shared_bytes(warps);
  const std::uint32_t fitting = max_shared_bytes <= fixed ? 0 : (max_shared_bytes - fixed) / tile_bytes_per_column;
  TileShape shape{};
  shape.max_columns = std::max(1u, fitting);  // the device refuses what it cannot launch
  if (options.tile_columns != 0) { shape.max_columns = std::min(shape.max_columns, options.tile_columns); }
  shape.warps = warps;
  shape.max_carried = options.carried_accounts == 0 ? default_carried_accounts : options.carried_accounts;
  shape.num_slices = num_slices;
  return shape;
}

SelectionPlan plan_selection(const TailRule& rule, const std::vector<std::uint32_t>& weights, std::uint64_t num_paths,
                             std::uint64_t first_chunk_paths, std::uint32_t most_sample_paths,
                             const PipelineOptions& options) {
  const double reach = std::max(rule.tail_weight + rule.rank_spread, rule.fit_weight);
  const std::uint64_t wanted =
      round_up(options.sample_paths == 0 ? default_sample_paths : options.sample_paths, path_padding);
  SelectionPlan plan{};
  plan.reach = static_cast<std::uint64_t>(reach);
  plan.sample_paths = static_cast<std::uint32_t>(std::min(wanted, first_chunk_paths));
  if (plan.sample_paths > most_sample_paths) { plan.sample_paths = most_sample_paths / path_padding * path_padding; }

  std::uint64_t sample_weight = plan.sample_paths, heaviest = 1;
  if (!weights.empty()) {
    sample_weight = std::accumulate(weights.begin(), weights.begin() + plan.sample_paths, std::uint64_t{0});
    heaviest = *std::max_element(weights.begin(), weights.end());
  }
  const double paths = static_cast<double>(num_paths), sample = plan.sample_paths;
  const double share = std::min(1.0, reach / rule.weight_sum);
  const double expected = share * static_cast<double>(sample_weight);
  const double typical = rule.weight_square_sum / rule.weight_sum;  // weight of a path, by weight
  const double deviation = std::sqrt(expected * typical * (1.0 - share) * (1.0 - sample / paths));
  // One path more than the tail needs: the pivot itself is not above the pivot.
  plan.pivot_target = clamp_count(
      std::floor(expected + options.pivot_sigmas * deviation) + 1.0 + static_cast<double>(heaviest), 1, sample_weight);

  // The number of sample paths beyond the pivot, were they the lightest of the run.
  const double beyond = static_cast<double>(plan.pivot_target) * rule.num_tail / reach;
  const double kept = paths / sample * (beyond + 6.0 * std::sqrt(beyond));
  const std::uint64_t least = std::min<std::uint64_t>(num_paths, plan.reach / heaviest + 2);
  plan.capacity = static_cast<std::uint32_t>(options.candidate_capacity == 0
                                                 ? clamp_count(std::ceil(kept), least, num_paths)
                                                 : std::max<std::uint64_t>(options.candidate_capacity, least));
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
