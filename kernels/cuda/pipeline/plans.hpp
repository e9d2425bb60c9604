// How a run is cut into pieces that fit the device. Nothing here can change a result, only the time it takes.
#pragma once

#include <cstdint>
#include <vector>

#include "host/prepare/prepared_run.hpp"

namespace tailmargin {

/// 0: chosen. Tests set them to reach every branch on small books.
struct PipelineOptions {
  std::uint64_t accounts_per_batch = 0;
  std::uint64_t paths_per_chunk = 0;  ///< rounded up to whole tiles
  std::uint32_t sample_paths = 0;
  std::uint32_t candidate_capacity = 0;  ///< per account; at least the tail is kept
  double pivot_sigmas = 6.0;             ///< how sure the pivot must be to leave the whole tail above it
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

/// Sizes of the tail selection, the same for all accounts.
struct SelectionPlan {
  std::uint32_t num_tail;      ///< losses that are sorted and summarised
  std::uint32_t sample_paths;  ///< the first paths of the run
  std::uint32_t pivot_rank;    ///< the pivot is this worst loss of the sample
  std::uint32_t capacity;      ///< losses above the pivot that are kept
};

/// The sample is part of the run and its paths are alike, so ranks in it foretell ranks in the run, whatever the
/// distribution: the number of sample paths among the num_tail worst is hypergeometric. A wrong guess costs time only.
SelectionPlan plan_selection(std::uint64_t num_paths, std::uint32_t num_tail, std::uint64_t first_chunk_paths,
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
