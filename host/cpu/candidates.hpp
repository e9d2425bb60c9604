// The worst losses of every account of a batch so far: what may still be in its tail.
#pragma once

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <vector>

#include "host/backends/backend.hpp"
#include "host/cpu/cpu_kernels.hpp"
#include "host/cpu/near_tails.hpp"
#include "host/cpu/sort_tail.hpp"

namespace tailmargin::cpu {

/// Memory that is handed out piece by piece and taken back all at once.
class Arena {
 public:
  /// From now on memory is handed out anew.
  void reset() { chunk_ = used_ = taken_ = 0; }

  /// Bytes handed out since.
  std::uint64_t taken() const { return taken_; }

  /// Aligned to 64 bytes if all pieces are multiples of that. Threads may call it.
  std::byte* take(std::size_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (;; ++chunk_, used_ = 0) {
      if (chunk_ == chunks_.size()) { chunks_.emplace_back(std::max(bytes, chunk_bytes)); }
      if (used_ + bytes <= chunks_[chunk_].size()) { break; }
    }
    used_ += bytes;
    taken_ += bytes;
    return chunks_[chunk_].data() + (used_ - bytes);
  }

 private:
  static constexpr std::size_t chunk_bytes = std::size_t{32} << 20;

  std::mutex mutex_;
  std::vector<LargeBuffer<std::byte>> chunks_;
  std::size_t chunk_ = 0, used_ = 0;
  std::uint64_t taken_ = 0;
};

/// What passes leave each other: having pages cleared takes as long as filling them.
struct Workspace {
  Arena candidates;
  LargeBuffer<std::byte> cube;

  /// Memory for a pass's columns, with whatever was left in it.
  template <class Real>
  Real* columns(std::size_t size) {
    if (cube.size() < size * sizeof(Real)) {
      cube = {};
      cube = LargeBuffer<std::byte>(size * sizeof(Real));
    }
    return reinterpret_cast<Real*>(cube.data());
  }
};

/// Which losses can be forgotten: those behind others that surely make up the tail. Without weights that is a number of
/// losses, the same for all accounts. With weights it is a weight: an account whose worst paths are heavy keeps few,
/// one whose worst paths are light keeps many, and its buffer grows.
template <class Real>
class CandidatePool {
 public:
  /// @param weights  [path], or null for ones
  /// @param sigmas   of TailReach
  /// @param arena    memory for the candidates, which nobody else may take from meanwhile; null: only finish() is
  /// called
  CandidatePool(const TailRule& rule, std::uint64_t num_paths, const std::uint32_t* weights, double sigmas,
                Arena* arena = nullptr)
      : weights_(weights),
        arena_(arena),
        reach_{weights == nullptr ? rule.num_tail - 1.0 : larger(rule.tail_weight + rule.rank_spread, rule.fit_weight),
               static_cast<double>(num_paths), sigmas, 0} {
    // With weights: the number that paths of mean weight would make, and some. That is for planning; an account starts
    // with less and gets what its own paths ask for (foretold_room).
    const double mean = rule.weight_sum > 0.0 ? rule.weight_square_sum / rule.weight_sum : 1.0;
    const double expected = weights == nullptr ? rule.num_tail : 1.5 * reach_.weight / mean + 2.0;
    const auto kept = static_cast<std::uint32_t>(std::min(expected, static_cast<double>(rule.num_tail)));
    capacity_ = (kept + kept / 2 + 4 * lanes) / 16 * 16;  // whole, so that every array starts aligned
    reach_.max_slack_count = 4 * capacity_;
    first_capacity_ = weights == nullptr ? capacity_ : std::min(capacity_, 20 * lanes);
  }

  const TailReach& reach() const { return reach_; }

  /// What an account's candidates take: as the batches before show, else a guess that is rather too high.
  std::uint64_t bytes_per_account() const {
    const std::uint64_t planned = capacity_ * item_bytes;
    const std::uint64_t guess = weights_ == nullptr ? planned : light_tails * planned;
    return candidates_.empty() ? guess : std::max<std::uint64_t>({most_taken_, taken_per_account(), 1});
  }

  /// What is known of an account before its first path, USD.
  struct Prospect {
    double rounding_scale = 0.0;
    double lowest = -double(infinity<float>());  ///< losses up to this are not kept
  };

  void start(const std::vector<Prospect>& accounts) {
    if (!candidates_.empty()) { most_taken_ = std::max(most_taken_, taken_per_account()); }
    candidates_.resize(accounts.size());
    arena_->reset();
    for (std::uint64_t a = 0; a < accounts.size(); ++a) {
      candidates_[a] = lay_out(first_capacity_);
      const double scale = accounts[a].rounding_scale;
      candidates_[a].rounding_scale = static_cast<Real>(scale);
      candidates_[a].threshold = static_cast<Real>(accounts[a].lowest);
      // In double nothing comes after.
      candidates_[a].slack = static_cast<Real>(sizeof(Real) == sizeof(float) ? near_slack * scale : 0.0);
    }
  }

  Candidates<Real>* data() { return candidates_.data(); }
  Candidates<Real>& operator[](std::uint64_t account) { return candidates_[account]; }

  /// More room for an account. Threads may call it.
  static void grow(void* pool, Candidates<Real>* candidates, std::uint32_t capacity) {
    static_cast<CandidatePool*>(pool)->grow(*candidates, capacity);
  }

  /// The paths that may be in the tail once losses are computed in double: those down to the slack below its end.
  /// Empty if not all of them were kept.
  NearPaths near_paths(const Candidates<Real>& candidates, const std::vector<TailLoss<Real>>& tail) const {
    NearPaths near;
    const Real lowest = tail.back().loss - candidates.slack;
    if (candidates.slack == Real(0) || !(candidates.threshold < lowest)) { return near; }
    near.slack = double(candidates.slack);
    for (std::uint32_t i = 0; i < candidates.count; ++i) {
      if (!(candidates.losses[i] >= lowest)) { continue; }
      near.paths.push_back(candidates.paths[i]);
      near.losses.push_back(static_cast<float>(candidates.losses[i]));
    }
    return near;
  }

  /// An account's tail, worst first, no more of it than is needed.
  /// @param tail  filled
  /// @return whether the losses kept reach as far as the tail does
  bool finish(const Candidates<Real>& candidates, std::vector<TailLoss<Real>>& tail) const {
    sort_tail(candidates.losses, candidates.paths, candidates.count, tail);
    const bool reaches = cut(tail);
    return reaches || candidates.count == reach_.num_paths;
  }

 private:
  static double larger(double a, double b) { return a > b ? a : b; }
  static constexpr std::uint64_t item_bytes = sizeof(Real) + sizeof(std::uint32_t);
  static constexpr std::uint64_t light_tails = 4;  // tails of light paths are three to four times as long as planned

  std::uint64_t taken_per_account() const { return arena_->taken() / candidates_.size(); }

  Candidates<Real> lay_out(std::uint32_t capacity) {
    capacity = (capacity + 15) / 16 * 16;  // so that every array starts aligned
    auto* losses = reinterpret_cast<Real*>(arena_->take(capacity * item_bytes));
    auto* paths = reinterpret_cast<std::uint32_t*>(losses + capacity);
    return {losses, paths, nullptr, 0, capacity, -infinity<Real>(), 0, 0};
  }

  void grow(Candidates<Real>& candidates, std::uint32_t capacity) {
    const Candidates<Real> old = candidates;
    candidates = lay_out(capacity);
    std::copy(old.losses, old.losses + old.count, candidates.losses);
    std::copy(old.paths, old.paths + old.count, candidates.paths);
    candidates.count = old.count;
    candidates.threshold = old.threshold;
    candidates.slack = old.slack;
    candidates.rounding_scale = old.rounding_scale;
  }

  /// Drops what lies beyond the reach. Returns whether the rest reaches it.
  bool cut(std::vector<TailLoss<Real>>& tail) const {
    double sum = 0.0;
    for (std::size_t i = 0; i < tail.size(); ++i) {
      sum += weights_ == nullptr ? 1.0 : double(weights_[tail[i].path]);
      if (sum > reach_.weight) {
        tail.resize(i + 1);
        return true;
      }
    }
    return false;
  }

  const std::uint32_t* weights_;
  Arena* arena_;
  TailReach reach_;
  std::uint32_t capacity_ = 0, first_capacity_ = 0;
  std::uint64_t most_taken_ = 0;  // bytes an account, the most of the batches before this one
  std::vector<Candidates<Real>> candidates_;
};

}  // namespace tailmargin::cpu
