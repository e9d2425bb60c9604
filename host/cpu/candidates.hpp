// The worst losses of every account of a batch so far: what may still be in its tail.
#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

#include "host/cpu/cpu_kernels.hpp"
#include "host/cpu/sort_tail.hpp"

namespace tailmargin::cpu {

/// Which losses can be forgotten: those behind others that surely make up the tail. Without weights that is a number of
/// losses, the same for all accounts. With weights it is a weight: an account whose worst paths are heavy keeps few,
/// one whose worst paths are light keeps many, and its buffer grows.
template <class Real>
class CandidatePool {
 public:
  /// @param weights  [path], or null for ones
  CandidatePool(const TailRule& rule, const std::uint32_t* weights)
      : num_tail_(rule.num_tail),
        weights_(weights),
        reach_(larger(rule.tail_weight + rule.rank_spread, rule.fit_weight)) {
    // With weights: the number that paths of mean weight would make, and some.
    const double mean = rule.weight_sum > 0.0 ? rule.weight_square_sum / rule.weight_sum : 1.0;
    const double expected = weights == nullptr ? num_tail_ : 1.5 * reach_ / mean + 2.0;
    const auto kept = static_cast<std::uint32_t>(std::min(expected, static_cast<double>(num_tail_)));
    first_capacity_ = std::max(2 * kept, kept + 4 * lanes);
  }

  std::uint64_t bytes_per_account() const { return first_capacity_ * sizeof(TailLoss<Real>); }

  void start(std::uint64_t num_accounts) {
    buffers_.resize(num_accounts);
    candidates_.resize(num_accounts);
    for (std::uint64_t a = 0; a < num_accounts; ++a) {
      if (!buffers_[a]) {
        buffers_[a].reset(new TailLoss<Real>[first_capacity_]);
        candidates_[a].capacity = first_capacity_;
      }
      candidates_[a] = {buffers_[a].get(), 0, candidates_[a].capacity, -std::numeric_limits<Real>::infinity()};
    }
  }

  Candidates<Real>* data() { return candidates_.data(); }
  Candidates<Real>& operator[](std::uint64_t account) { return candidates_[account]; }

  /// Makes room for a lane group in a full buffer. Accounts do not share anything, so threads may call it.
  static void make_room(void* pool, Candidates<Real>* candidates) {
    auto* self = static_cast<CandidatePool*>(pool);
    self->prune(*candidates);
    if (2 * candidates->count > candidates->capacity) { self->grow(*candidates); }
  }

  /// Sorts what an account's tail is made of, worst first, and drops the rest.
  /// @return whether the losses kept reach as far as the tail does
  bool finish(Candidates<Real>& candidates, std::uint64_t num_paths) const {
    const bool enough = candidates.count >= std::min<std::uint64_t>(num_tail_, num_paths);
    prune(candidates);
    sort_tail(candidates.items, candidates.count);
    if (weights_ == nullptr) { return enough; }
    double sum = 0.0;
    for (std::uint32_t i = 0; i < candidates.count; ++i) { sum += weights_[candidates.items[i].path]; }
    return sum > reach_ || candidates.count == num_paths;
  }

 private:
  static double larger(double a, double b) { return a > b ? a : b; }
  static bool is_worse(const TailLoss<Real>& a, const TailLoss<Real>& b) { return worse(a, b); }

  void prune(Candidates<Real>& candidates) const {
    const std::uint32_t keep = weights_ == nullptr ? move_worst(candidates) : move_reaching(candidates);
    if (candidates.count <= keep) { return; }
    candidates.count = keep;
    candidates.threshold = candidates.items[keep - 1].loss;
  }

  /// Moves the worst num_tail to the front, the least of them last. Returns their number.
  std::uint32_t move_worst(Candidates<Real>& candidates) const {
    TailLoss<Real>* items = candidates.items;
    if (candidates.count > num_tail_) {
      std::nth_element(items, items + num_tail_ - 1, items + candidates.count, is_worse);
    }
    return num_tail_;
  }

  /// The same for the fewest of the worst that weigh more than the reach: halves the range in which their number lies.
  std::uint32_t move_reaching(Candidates<Real>& candidates) const {
    TailLoss<Real>* items = candidates.items;
    std::uint32_t low = 0, high = candidates.count;  // the worst `low` stand in front and do not reach
    double sum = 0.0;                                // of the worst `low`
    while (high - low > 1) {
      const std::uint32_t middle = low + (high - low) / 2;
      std::nth_element(items + low, items + middle, items + high, is_worse);
      double part = 0.0;
      for (std::uint32_t i = low; i < middle; ++i) { part += weights_[items[i].path]; }
      if (sum + part > reach_) {
        high = middle;
      } else {
        sum += part;
        low = middle;
      }
    }
    return high;
  }

  void grow(Candidates<Real>& candidates) {
    auto& buffer = buffers_[static_cast<std::size_t>(&candidates - candidates_.data())];
    std::unique_ptr<TailLoss<Real>[]> larger_buffer(new TailLoss<Real>[2 * std::size_t{candidates.capacity}]);
    std::copy(candidates.items, candidates.items + candidates.count, larger_buffer.get());
    buffer = std::move(larger_buffer);
    candidates.items = buffer.get();
    candidates.capacity *= 2;
  }

  std::uint32_t num_tail_;
  const std::uint32_t* weights_;
  double reach_;
  std::uint32_t first_capacity_ = 0;
  std::vector<std::unique_ptr<TailLoss<Real>[]>> buffers_;
  std::vector<Candidates<Real>> candidates_;
};

}  // namespace tailmargin::cpu
