// Which of an account's losses so far can still be in its tail. Included by the loops of an instruction set: in an
// unnamed namespace, raw pointers only.
#pragma once

#include "host/cpu/cpu_kernels.hpp"
#include "kernels/executors/tail_key.hpp"
#include "tailmargin/accuracy.hpp"

namespace tailmargin::cpu {
namespace {

/// Losses kept in the end over those that reach: foretold thresholds leave a margin for chance.
constexpr double spare_room = 1.35;

/// Weight of the losses that a condition picks. Integers below 2^53, so exact.
template <class Real, class Picks>
TM_HD double weight_of(const Candidates<Real>& candidates, const Picks& picks) {
  const Real* losses = candidates.losses;
  if (candidates.weights == nullptr) {
    std::uint32_t count = 0;
    for (std::uint32_t i = 0; i < candidates.count; ++i) { count += picks(losses[i]) ? 1u : 0u; }
    return count;
  }
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < candidates.count; ++i) { sum += picks(losses[i]) ? candidates.weights[i] : 0u; }
  return static_cast<double>(sum);
}

/// Bit patterns within a thousandth or so of a loss.
template <class Real>
inline constexpr LossRank<Real> about = LossRank<Real>(1) << (sizeof(Real) == sizeof(float) ? 13 : 42);

/// The largest loss v such that the losses from v on weigh more than `reach`, which all together do; or, where it need
/// not be the largest, one below it by `tolerance` bit patterns at most. Halves the range of bit patterns in which it
/// lies: some twenty passes over a short array, each of them a few vectors.
template <class Real>
Real reaching_loss(const Candidates<Real>& candidates, double reach, LossRank<Real> tolerance = 0) {
  Real worst = candidates.losses[0], least = worst;
  for (std::uint32_t i = 1; i < candidates.count; ++i) {
    worst = math::larger(worst, candidates.losses[i]);
    least = math::smaller(least, candidates.losses[i]);
  }
  LossRank<Real> low = loss_rank(worst), high = loss_rank(least);
  while (high - low > tolerance) {
    const LossRank<Real> middle = low + (high - low) / 2;
    const Real value = loss_of_rank<Real>(middle);
    if (weight_of(candidates, [value](Real loss) { return loss >= value; }) > reach) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  const Real value = loss_of_rank<Real>(high);
  return value == Real(0) ? -Real(0) : value;  // as losses have it (loss_rank)
}

/// Drops the losses below a value. Of those equal to it, the ones of the first paths stay until they weigh more than
/// `equal_weight`. The rest keeps its order.
template <class Real>
void keep_from(Candidates<Real>& candidates, Real value, double equal_weight) {
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < candidates.count; ++i) {
    const Real loss = candidates.losses[i];
    candidates.losses[kept] = loss;
    candidates.paths[kept] = candidates.paths[i];
    double weight = 1.0;
    if (candidates.weights != nullptr) {
      const std::uint32_t own = candidates.weights[i];
      candidates.weights[kept] = own;
      weight = own;
    }
    const bool equal = loss == value;
    kept += (loss > value) | (equal & (equal_weight >= 0.0)) ? 1u : 0u;
    equal_weight -= equal ? weight : 0.0;
  }
  candidates.count = kept;
}

/// From which loss on to keep, where the tail reaches down to `value` at least. For an account that may need double
/// that is a little lower (host/cpu/near_tails.hpp).
template <class Real>
Real lowest_kept(const Candidates<Real>& candidates, Real value) {
  const bool may_need_double = candidates.rounding_scale > Real(accuracy::max_gross_to_tail) * value;
  return may_need_double ? value - candidates.slack : value;
}

/// Keeps the losses from a value on, equals included. The threshold never falls: what it kept out is gone.
template <class Real>
void keep_all_from(Candidates<Real>& candidates, Real value) {
  keep_from(candidates, value, double(infinity<float>()));
  const Real below = loss_of_rank<Real>(loss_rank(value) + 1);
  candidates.threshold = math::larger(candidates.threshold, below);
}

template <class Real>
std::uint32_t count_from(const Candidates<Real>& candidates, Real value) {
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < candidates.count; ++i) { count += candidates.losses[i] >= value ? 1u : 0u; }
  return count;
}

/// Keeps the fewest of the worst losses that weigh more than the reach: the others surely are no part of the tail.
template <class Real>
void keep_reaching(const TailReach& reach, Candidates<Real>& candidates) {
  if (!(weight_of(candidates, [](Real) { return true; }) > reach.weight)) { return; }
  const Real value = reaching_loss(candidates, reach.weight);
  const Real lowest = lowest_kept(candidates, value);
  if (lowest < value) {
    if (count_from(candidates, lowest) <= reach.max_slack_count) { return keep_all_from(candidates, lowest); }
    candidates.slack = Real(0);
  }
  keep_from(candidates, value, reach.weight - weight_of(candidates, [value](Real loss) { return loss > value; }));
  candidates.threshold = value;
}

/// Raises the threshold to where the paths so far foretell the tail of all paths to begin, and some standard deviations
/// below. Paths are alike, so what part of the reach falls among the first is known but for chance. Whether it was
/// enough is seen at the end (CandidatePool::finish).
template <class Real>
void raise_threshold(const TailReach& reach, std::uint64_t paths_so_far, Candidates<Real>& candidates) {
  const double part = reach.weight * (static_cast<double>(paths_so_far) / reach.num_paths);
  double sum = 0.0, squares = 0.0;
  for (std::uint32_t i = 0; i < candidates.count; ++i) {
    const double weight = candidates.weights == nullptr ? 1.0 : double(candidates.weights[i]);
    sum += weight;
    squares += weight * weight;
  }
  if (candidates.count == 0) { return; }
  const double typical = squares / sum;  // weight of a path in the tail
  // Bernstein's bound of a sum of rare weights.
  const double spread = reach.sigmas * math::sqrt(part * typical) + reach.sigmas * reach.sigmas / 3.0 * typical;
  if (!(sum > part + spread)) { return; }
  const Real value = reaching_loss(candidates, part + spread, about<Real>);
  Real lowest = lowest_kept(candidates, value);
  const double left = reach.num_paths / static_cast<double>(paths_so_far);
  if (lowest < value && paths_so_far >= 1024 && count_from(candidates, lowest) * left > reach.max_slack_count) {
    candidates.slack = Real(0);  // now, before room is made for them
    lowest = value;
  }
  if (lowest > candidates.threshold) { keep_all_from(candidates, lowest); }
}

/// More room for an account whose buffer will not hold what comes until thresholds are foretold again, at four times
/// the paths: then for all it will keep in the end, as the weights of its tail so far foretell it. 0: there is room, or
/// equal losses fill it, which make_room() drops.
template <class Real>
std::uint32_t foretold_room(const TailReach& reach, std::uint64_t paths_so_far, const Candidates<Real>& candidates) {
  const double left = reach.num_paths / static_cast<double>(paths_so_far);
  const double next = candidates.count * math::smaller(left, 4.0) + 2.0 * lanes;
  if (next <= candidates.capacity || paths_so_far < 4096) { return 0; }
  const double weight = weight_of(candidates, [](Real) { return true; });
  const double last = spare_room * reach.weight * (candidates.count / weight);
  if (next > 2.0 * last + 2.0 * lanes) { return 0; }
  return static_cast<std::uint32_t>(math::smaller(math::larger(next, last), reach.num_paths)) + 2 * lanes;
}

}  // namespace
}  // namespace tailmargin::cpu
