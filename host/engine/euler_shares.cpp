#include "host/engine/euler_shares.hpp"

#include <algorithm>
#include <cmath>

namespace tailmargin {
namespace {

/// Fewest paths of the regression, if the tail has as many.
constexpr std::size_t min_band = 50;

double weight_of(const std::uint32_t* weights, std::uint32_t path) {
  return weights == nullptr ? 1.0 : static_cast<double>(weights[path]);
}

}  // namespace

EsPaths make_es_paths(const TailRule& rule, std::vector<TailLoss<double>> tail, TailLoss<double> at_var,
                      const std::uint32_t* all) {
  EsPaths out;
  out.losses = std::move(tail);
  double beyond = 0.0;
  for (const TailLoss<double>& loss : out.losses) {
    out.weights.push_back(weight_of(all, loss.path));
    beyond += out.weights.back();
  }
  out.in_es = out.weights;
  out.losses.push_back(at_var);
  out.weights.push_back(weight_of(all, at_var.path));
  out.in_es.push_back(rule.tail_weight - beyond);
  return out;
}

double mean_at_quantile(const EsPaths& paths, const std::vector<double>& losses) {
  const std::size_t tail = losses.size() - 1;
  const std::size_t band = std::min(tail, std::max(tail / 2, min_band));
  const double quantile = paths.losses.back().loss;
  if (band == 0) { return losses.back(); }
  double weight = 0.0, mean_l = 0.0, mean_x = 0.0;
  for (std::size_t i = tail - band; i < tail; ++i) {
    weight += paths.weights[i];
    mean_l += paths.weights[i] * (paths.losses[i].loss - quantile);
    mean_x += paths.weights[i] * losses[i];
  }
  mean_l /= weight;
  mean_x /= weight;
  double both = 0.0, squares = 0.0;
  for (std::size_t i = tail - band; i < tail; ++i) {
    const double l = paths.losses[i].loss - quantile - mean_l;
    both += paths.weights[i] * l * (losses[i] - mean_x);
    squares += paths.weights[i] * l * l;
  }
  return squares > 0.0 ? mean_x - both / squares * mean_l : mean_x;
}

EsShare es_share(const TailRule& rule, const EsPaths& paths, const std::vector<double>& losses) {
  double sum = 0.0;
  for (std::size_t i = 0; i < losses.size(); ++i) { sum += paths.in_es[i] * losses[i]; }
  EsShare out;
  out.usd = sum / rule.tail_weight;
  const double at_quantile = mean_at_quantile(paths, losses), elsewhere = at_quantile - out.usd;
  const double beyond = rule.weight_sum / rule.tail_weight;  // 1 / (1 - confidence)
  double squares = 0.0, counted = 0.0, sums[TailRule::max_replicates] = {};
  for (std::uint32_t r = 0; r < rule.num_replicates; ++r) { sums[r] = rule.replicate_weight[r] * elsewhere; }
  for (std::size_t i = 0; i + 1 < losses.size(); ++i) {
    const double weight = paths.weights[i], in_tail = beyond * (losses[i] - at_quantile);
    squares += weight * weight * (in_tail + elsewhere) * (in_tail + elsewhere);
    counted += weight * weight;
    if (rule.num_replicates != 0) { sums[paths.losses[i].path % rule.num_replicates] += weight * in_tail; }
  }
  squares += (rule.weight_square_sum - counted) * elsewhere * elsewhere;
  const double spread =
      rule.num_replicates != 0 ? ReplicateSums::spread(sums, rule.num_replicates) : std::sqrt(squares);
  out.se_usd = spread / rule.weight_sum;
  return out;
}

}  // namespace tailmargin
