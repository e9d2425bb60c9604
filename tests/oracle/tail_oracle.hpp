// VaR and ES by their definitions on the whole sorted sample. Shares nothing with the code it judges.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

namespace tailmargin::oracle {

struct Tail {
  double var, es, es_standard_error;
  double var_low, var_high;  ///< quantiles `spread` of weight further out and further in
  double worst_loss;
  std::uint32_t worst_path;
};

/// Positions of the losses, largest first, equal ones by their number.
inline std::vector<std::uint32_t> worst_first(const std::vector<double>& losses) {
  std::vector<std::uint32_t> order(losses.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return losses[a] > losses[b]; });
  return order;
}

/// The smallest loss with at most `weight` of weight strictly beyond it.
inline double loss_with_weight_beyond(const std::vector<double>& losses, const std::vector<double>& weights,
                                      const std::vector<std::uint32_t>& order, double weight) {
  double best = losses[order.front()];
  double beyond = 0.0;
  for (std::size_t i = 0; i < order.size();) {
    const double loss = losses[order[i]];
    if (beyond > weight) { break; }
    best = loss;
    for (; i < order.size() && losses[order[i]] == loss; ++i) { beyond += weights[order[i]]; }
  }
  return best;
}

/// ES as the weighted mean of the worst `tail_weight`, the last loss taken in part (Acerbi and Tasche 2002).
/// Its standard error from the influence values of every loss.
inline Tail tail(const std::vector<double>& losses, const std::vector<double>& weights, double tail_weight,
                 double spread) {
  const auto order = worst_first(losses);
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  Tail out{};
  out.worst_path = order.front();
  out.worst_loss = losses[order.front()];
  out.var = loss_with_weight_beyond(losses, weights, order, tail_weight);
  out.var_high = loss_with_weight_beyond(losses, weights, order, tail_weight - spread);
  out.var_low = loss_with_weight_beyond(losses, weights, order, tail_weight + spread);
  double left = tail_weight, sum = 0.0;
  for (const std::uint32_t i : order) {
    const double taken = std::min(left, weights[i]);
    sum += taken * losses[i];
    left -= taken;
    if (left <= 0.0) { break; }
  }
  out.es = sum / tail_weight;
  double squares = 0.0;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    const double influence = out.var + std::max(losses[i] - out.var, 0.0) * total / tail_weight - out.es;
    squares += weights[i] * weights[i] * influence * influence;
  }
  out.es_standard_error = std::sqrt(squares) / total;
  return out;
}

}  // namespace tailmargin::oracle
