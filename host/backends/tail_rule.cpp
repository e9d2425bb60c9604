#include <algorithm>
#include <cmath>
#include <numeric>

#include "host/backends/backend.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {
namespace {

/// How much more of the tail the fitted law sees than the expected shortfall does.
constexpr double fit_ratio = 4.0;

struct WeightSums {
  double sum = 0.0, squares = 0.0;
};

WeightSums sum_weights(const PathSample& sample) {
  const double paths = static_cast<double>(sample.num_paths);
  if (sample.weights.empty()) { return {paths, paths}; }
  if (sample.weights.size() != sample.num_paths) { throw UsageError("path weights need one entry per path"); }
  WeightSums sums;
  for (const std::uint32_t weight : sample.weights) {
    if (weight == 0) {
      throw UsageError("path weights must be positive (a path of weight 0 has no law). Leave it out.");
    }
    const double w = weight;
    sums.sum += w;
    sums.squares += w * w;
  }
  return sums;
}

/// Number of paths that surely weigh more than `reach` together, whichever they are: the lightest, one more for good.
std::uint32_t count_reaching(const PathSample& sample, double reach) {
  if (sample.weights.empty()) {
    return static_cast<std::uint32_t>(std::min(std::floor(reach) + 2.0, static_cast<double>(sample.num_paths)));
  }
  // The most of the lightest that do not weigh more, by halving: a sort of all weights takes longer than the tail of an
  // account does.
  std::vector<std::uint32_t> weights = sample.weights;
  std::size_t low = 0, high = weights.size();
  double sum = 0.0;  // of the lightest `low`
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    const auto at = [&](std::size_t i) { return weights.begin() + static_cast<std::ptrdiff_t>(i); };
    std::nth_element(at(low), at(middle), at(high));
    const double more = std::accumulate(at(low), at(middle + 1), 0.0);
    if (sum + more <= reach) {
      sum += more;
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return static_cast<std::uint32_t>(std::min(low + 2, weights.size()));
}

/// 1 - 0.99 is not 0.01: a product that should be whole is made whole.
double weight_beyond(double confidence, double weight_sum) {
  const double weight = (1.0 - confidence) * weight_sum;
  const double whole = std::nearbyint(weight);
  return std::fabs(weight - whole) < 1e-9 * weight_sum ? whole : weight;
}

/// @param fit  whether a law is fitted to the tail
TailRule make_rule(const PathSample& sample, double confidence, bool fit) {
  const WeightSums sums = sum_weights(sample);
  const double beyond = 1.0 - confidence;
  TailRule rule;
  rule.tail_weight = weight_beyond(confidence, sums.sum);
  rule.stressed_weight = 0.0;
  rule.weight_sum = sums.sum;
  rule.weight_square_sum = sums.squares;
  rule.rank_spread = math::sqrt(sums.squares * confidence * beyond);
  if (!has_tail(sample, confidence)) {
    throw UsageError("too few paths: the tail beyond the confidence level holds less than one path. Use at least " +
                     std::to_string(static_cast<std::uint64_t>(std::ceil(1.0 / beyond - 1e-9))) + " paths.");
  }
  static_assert(PointSet::num_replicates <= TailRule::max_replicates);
  rule.num_replicates = sample.num_replicates;
  for (std::uint64_t path = 0; rule.num_replicates != 0 && path < sample.num_paths; ++path) {
    rule.replicate_weight[path % rule.num_replicates] += sample.weights.empty() ? 1.0 : sample.weights[path];
  }
  rule.fit_weight = fit ? std::min(fit_ratio * rule.tail_weight, 0.5 * sums.sum) : 0.0;
  rule.num_tail = count_reaching(sample, std::max(rule.tail_weight + rule.rank_spread, rule.fit_weight));
  return rule;
}

}  // namespace

TailRule make_tail_rule(const PreparedRun& run) {
  TailRule rule =
      make_rule({run.num_paths, run.path_weights, run.points.num_replicates()}, run.confidence, run.fit_tails);
  if (run.stressed_confidence > 0.0) { rule.stressed_weight = weight_beyond(run.stressed_confidence, rule.weight_sum); }
  return rule;
}

bool has_tail(const PathSample& paths, double confidence) {
  return (1.0 - confidence) * static_cast<double>(paths.num_paths) >= 1.0 - 1e-9;
}

TailRule make_tail_rule(const PathSample& paths, double confidence) { return make_rule(paths, confidence, false); }

}  // namespace tailmargin
