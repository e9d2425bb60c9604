// Means, quantiles and expected shortfalls of numbers that every path of a run has.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "host/engine/shortfall_statistics.hpp"

namespace tailmargin {

/// The `count` largest values with their paths, by worse().
inline std::vector<TailLoss<double>> worst_first(const std::vector<double>& values, std::size_t count) {
  std::vector<TailLoss<double>> order(values.size());
  for (std::size_t path = 0; path < values.size(); ++path) {
    order[path] = {values[path], static_cast<std::uint32_t>(path)};
  }
  count = std::min(count, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [](const TailLoss<double>& a, const TailLoss<double>& b) { return worse(a, b); });
  order.resize(count);
  return order;
}

/// Statistics of values of the paths, with the weights and the kind of sample that a run has. Reads the weights of
/// `paths`, which must outlive it.
class PathStatistics {
 public:
  explicit PathStatistics(const PathShortfalls& paths)
      : sample_{paths.sum.size(), paths.weights, paths.num_replicates},
        weight_sum_(weight_sum(paths.weights, paths.sum.size())) {}

  double weight(std::size_t path) const { return sample_.weights.empty() ? 1.0 : sample_.weights[path]; }
  double all_weights() const { return weight_sum_; }

  /// Whether a path or more lies beyond the level.
  bool reaches(double confidence) const { return has_tail(sample_, confidence); }

  TailRule rule(double confidence) const { return make_tail_rule(sample_, confidence); }

  TailFigures tail(double confidence, const std::vector<double>& values) const {
    const TailRule at = rule(confidence);
    const std::vector<TailLoss<double>> worst = worst_first(values, at.num_tail);
    return summarise_tail(at, worst.data(), static_cast<std::uint32_t>(worst.size()), weights());
  }

  /// Weighted mean; its standard error from the deviations of paths, or of replicates where these are independent.
  template <class Function>
  PathEstimate mean(const std::vector<double>& values, Function function) const {
    double sum = 0.0;
    for (std::size_t p = 0; p < values.size(); ++p) { sum += weight(p) * function(values[p]); }
    const double mean = sum / weight_sum_;
    double squares = 0.0, replicates[TailRule::max_replicates] = {};
    for (std::size_t p = 0; p < values.size(); ++p) {
      const double deviation = weight(p) * (function(values[p]) - mean);
      squares += deviation * deviation;
      if (sample_.num_replicates != 0) { replicates[p % sample_.num_replicates] += deviation; }
    }
    const double spread =
        sample_.num_replicates == 0 ? math::sqrt(squares) : ReplicateSums::spread(replicates, sample_.num_replicates);
    return {mean, spread / weight_sum_};
  }

 private:
  const std::uint32_t* weights() const { return sample_.weights.empty() ? nullptr : sample_.weights.data(); }

  PathSample sample_;
  double weight_sum_;
};

}  // namespace tailmargin
