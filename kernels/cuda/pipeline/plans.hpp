// How a run is cut into pieces that fit the device. Nothing here can change a result, only the time it takes.
#pragma once

#include <cstdint>
#include <vector>

#include "host/backends/backend.hpp"
#include "kernels/cuda/pipeline/tile_plan.hpp"

namespace tailmargin {

/// 0: chosen. Tests set them to reach every branch on small books.
struct PipelineOptions {
  std::uint64_t accounts_per_batch = 0;
  std::uint64_t paths_per_chunk = 0;     ///< rounded up to whole tiles
  std::uint32_t sample_paths = 0;        ///< rounded up to whole tiles
  std::uint32_t candidate_capacity = 0;  ///< per account; at least what the tail needs without weights is kept
  double pivot_sigmas = 6.0;             ///< how sure the pivot must be to leave the whole tail above it
  std::uint32_t tile_columns = 0;        ///< of a piece
  std::uint32_t carried_accounts = 0;    ///< of a chunk whose sums are laid aside
};

/// Cut of the paths into chunks whose observations, market rows and cube lie on the device together.
struct PathPlan {
  std::uint64_t num_paths;
  std::uint64_t paths_per_chunk;  ///< a multiple of the tile; the last chunk may hold fewer paths

  std::uint64_t num_chunks() const { return (num_paths + paths_per_chunk - 1) / paths_per_chunk; }
  std::uint64_t first(std::uint64_t chunk) const { return chunk * paths_per_chunk; }
  std::uint64_t count(std::uint64_t chunk) const {
    const std::uint64_t left = num_paths - first(chunk);
    return left < paths_per_chunk ? left : paths_per_chunk;
  }
};

/// @throws OutOfDeviceMemory if not even one tile of paths fits
PathPlan plan_paths(std::uint64_t num_paths, std::uint64_t bytes_per_path, std::uint64_t free_bytes,
                    const PipelineOptions& options);

TileShape plan_tile_shape(std::uint32_t num_slices, std::uint32_t warps, std::uint32_t max_shared_bytes,
                          const PipelineOptions& options);

/// Sizes of the tail selection, the same for all accounts.
struct SelectionPlan {
  std::uint64_t reach;         ///< weight, whole part: a tail that weighs more is complete
  std::uint32_t sample_paths;  ///< the first paths of the run; whole tiles, or all paths
  std::uint64_t pivot_target;  ///< the sample weighs less than this beyond the pivot, and with it at least this
  std::uint32_t capacity;      ///< losses above the pivot that are kept
};

/// The sample is part of the run and its paths are alike, so weights in it foretell weights in the run, whatever the
/// distribution: without weights the number of sample paths in the tail is hypergeometric. A wrong guess costs time
/// only.
/// @param most_sample_paths  that a block can hold
SelectionPlan plan_selection(const TailRule& rule, const std::vector<std::uint32_t>& weights, std::uint64_t num_paths,
                             std::uint64_t first_chunk_paths, std::uint32_t most_sample_paths,
                             const PipelineOptions& options);

struct AccountBatch {
  std::uint64_t first, last;  ///< accounts [first, last)
  std::uint64_t num_accounts() const { return last - first; }
};

struct BatchLimits {
  std::uint64_t max_accounts;
  std::uint64_t bytes;  ///< for one batch
  std::uint64_t bytes_per_account;
  std::uint64_t bytes_per_position;
};

/// Accounts in order, at least one per batch.
std::vector<AccountBatch> plan_batches(const AccountPlan& accounts, const BatchLimits& limits);

}  // namespace tailmargin
