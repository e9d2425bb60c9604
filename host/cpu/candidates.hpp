// The worst losses of every account of a batch so far: what may still be in its tail.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include "host/backends/backend.hpp"
#include "host/cpu/cpu_kernels.hpp"
#include "host/cpu/near_tails.hpp"
#include "host/cpu/sort_tail.hpp"

namespace tailmargin::cpu {

/// Which losses can be forgotten: those behind others that surely make up the tail. Without weights that is a number of
/// losses, the same for all accounts. With weights it is a weight: an account whose worst paths are heavy keeps few,
/// one whose worst paths are light keeps many, and its buffer grows.
template <class Real>
class CandidatePool {
 public:
  /// @param weights  [path], or null for ones
  /// @param sigmas   of TailReach
  CandidatePool(const TailRule& rule, std::uint64_t num_paths, const std::uint32_t* weights, double sigmas)
      : weights_(weights),
        reach_{weights == nullptr ? rule.num_tail - 1.0 : larger(rule.tail_weight + rule.rank_spread, rule.fit_weight),
               static_cast<double>(num_paths), sigmas, 0} {
    // With weights: the number that paths of mean weight would make, and some.
    const double mean = rule.weight_sum > 0.0 ? rule.weight_square_sum / rule.weight_sum : 1.0;
    const double expected = weights == nullptr ? rule.num_tail : 1.5 * reach_.weight / mean + 2.0;
    const auto kept = static_cast<std::uint32_t>(std::min(expected, static_cast<double>(rule.num_tail)));
    capacity_ = (kept + kept / 2 + 4 * lanes) / 16 * 16;  // whole, so that every array starts aligned
    reach_.max_slack_count = 4 * capacity_;
  }

  const TailReach& reach() const { return reach_; }
  std::uint64_t bytes_per_account() const { return capacity_ * item_bytes(); }

  /// @param rounding_scale  [account] USD
  void start(const std::vector<double>& rounding_scale) {
    const std::uint64_t num_accounts = rounding_scale.size();
    grown_.clear();
    grown_.resize(num_accounts);
    candidates_.resize(num_accounts);
    if (num_accounts * bytes_per_account() > arena_.size()) {
      arena_ = LargeBuffer<std::byte>(num_accounts * bytes_per_account());
    }
    for (std::uint64_t a = 0; a < num_accounts; ++a) {
      candidates_[a] = lay_out(arena_.data() + a * bytes_per_account(), capacity_);
      candidates_[a].rounding_scale = static_cast<Real>(rounding_scale[a]);
      // In double nothing comes after.
      candidates_[a].slack = static_cast<Real>(sizeof(Real) == sizeof(float) ? near_slack * rounding_scale[a] : 0.0);
    }
  }

  Candidates<Real>* data() { return candidates_.data(); }
  Candidates<Real>& operator[](std::uint64_t account) { return candidates_[account]; }

  /// Twice the room for an account. Accounts do not share anything, so threads may call it.
  static void grow(void* pool, Candidates<Real>* candidates) { static_cast<CandidatePool*>(pool)->grow(*candidates); }

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
  std::uint64_t item_bytes() const { return sizeof(Real) + sizeof(std::uint32_t) * (weights_ == nullptr ? 1 : 2); }

  Candidates<Real> lay_out(std::byte* memory, std::uint32_t capacity) const {
    auto* losses = reinterpret_cast<Real*>(memory);
    auto* paths = reinterpret_cast<std::uint32_t*>(losses + capacity);
    return {losses, paths, weights_ == nullptr ? nullptr : paths + capacity, 0, capacity, -infinity<Real>(), 0, 0};
  }

  void grow(Candidates<Real>& old) {
    auto& memory = grown_[static_cast<std::size_t>(&old - candidates_.data())];
    std::unique_ptr<std::byte[]> larger_memory(new std::byte[2 * old.capacity * item_bytes()]);
    Candidates<Real> wide = lay_out(larger_memory.get(), 2 * old.capacity);
    std::copy(old.losses, old.losses + old.count, wide.losses);
    std::copy(old.paths, old.paths + old.count, wide.paths);
    if (weights_ != nullptr) { std::copy(old.weights, old.weights + old.count, wide.weights); }
    wide.count = old.count;
    wide.threshold = old.threshold;
    wide.slack = old.slack;
    wide.rounding_scale = old.rounding_scale;
    memory = std::move(larger_memory);
    old = wide;
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
  TailReach reach_;
  std::uint32_t capacity_ = 0;
  LargeBuffer<std::byte> arena_;
  std::vector<std::unique_ptr<std::byte[]>> grown_;
  std::vector<Candidates<Real>> candidates_;
};

}  // namespace tailmargin::cpu
