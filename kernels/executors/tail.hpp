// Step 4: the tail. Weighted VaR and ES with standard errors from the sorted worst losses.
#pragma once

#include "kernels/math/elementary.hpp"

namespace tailmargin {

/// One scenario of an account's tail.
template <class Real>
struct TailLoss {
  Real loss;  ///< USD, positive is a loss
  std::uint32_t path;
};

/// The order of the tail: larger loss first, then smaller path number.
template <class Real>
TM_HD bool worse(const TailLoss<Real>& a, const TailLoss<Real>& b) {
  return a.loss > b.loss || (a.loss == b.loss && a.path < b.path);
}

/// Confidence level and path weights as the tail needs them. Weights are positive integers, so that sums
/// of weights are exact in any order; the mean weight need not be one.
struct TailRule {
  double tail_weight;        ///< (1 - confidence) * sum of weights
  double weight_sum;         ///< sum of weights
  double weight_square_sum;  ///< sum of squared weights
  double rank_spread;        ///< one standard deviation of the weight beyond the quantile
  double fit_weight;         ///< weight of the tail a generalised Pareto law is fitted to; 0: none is
  double stressed_weight;    ///< at most tail_weight: ES is also told of a tail of this weight; 0: it is not
  std::uint32_t num_tail;    ///< number of worst losses that surely reach tail_weight + rank_spread and fit_weight
  static constexpr std::uint32_t max_replicates = 16;
  std::uint32_t num_replicates = 0;  ///< 0: paths are independent; else path p is of replicate p % num_replicates
  double replicate_weight[max_replicates] = {};  ///< [replicate] sum of weights of its paths
};

/// A generalised Pareto law of the losses beyond a threshold: P(L > u + y | L > u) = (1 + shape y / scale)^(-1 /
/// shape).
struct TailFit {
  double threshold;  ///< u, USD
  double shape;      ///< above 0: heavier than exponential
  double scale;      ///< USD
  double es;         ///< expected shortfall of the law at the confidence level, USD
};

/// Tail figures of one account, USD.
struct TailFigures {
  double var;  ///< value at risk
  double var_standard_error;
  double es;  ///< expected shortfall
  double es_standard_error;
  double worst_loss;
  std::uint32_t worst_path;
  std::uint32_t tail_count;  ///< paths with a share in ES
  std::uint32_t var_path;    ///< the path at the quantile: the next one, in part in the tail
  TailFit fit;               ///< all zero unless rule.fit_weight asks for it
  double stressed_es;        ///< expected shortfall of rule.stressed_weight; 0 unless that asks for it
};

/// Fits the losses beyond rank rule.fit_weight by probability-weighted moments (Hosking and Wallis 1987): with
/// a0 = E[Y] and a1 = E[Y (1 - F(Y))] of the excess Y, shape = 2 - a0 / (a0 - 2 a1), scale = 2 a0 a1 / (a0 - 2 a1).
///   VaR = u + scale ((fit_weight / tail_weight)^shape - 1) / shape,  ES = (VaR + scale - shape u) / (1 - shape)
/// @param tail  [count] sorted by worse(); holds every path down to rank fit_weight, which is above 0
template <class Real>
TM_HD TailFit fit_tail(const TailRule& rule, const TailLoss<Real>* tail, std::uint32_t count,
                       const std::uint32_t* weights) {
  double cumulative = 0.0;
  std::uint32_t beyond = 0;
  for (; beyond + 1 < count; ++beyond) {
    const double weight = weights == nullptr ? 1.0 : double(weights[tail[beyond].path]);
    if (cumulative + weight > rule.fit_weight) { break; }
    cumulative += weight;
  }
  const double threshold = double(tail[beyond].loss);
  double passed = 0.0, mean = 0.0, weighted = 0.0;
  for (std::uint32_t i = 0; i < beyond; ++i) {
    const double weight = weights == nullptr ? 1.0 : double(weights[tail[i].path]);
    const double excess = weight * (double(tail[i].loss) - threshold);
    mean += excess;
    weighted = math::fma(excess, math::fma(0.5, weight, passed) / cumulative, weighted);
    passed += weight;
  }
  if (!(mean > 0.0)) { return {threshold, 0.0, 0.0, threshold}; }  // all the same
  mean /= cumulative;
  weighted /= cumulative;
  const double spread = mean - 2.0 * weighted;
  const double shape = 2.0 - mean / spread, scale = 2.0 * mean * weighted / spread;
  const double log_ratio = math::log(cumulative / rule.tail_weight);
  const bool exponential = shape < 1e-9 && shape > -1e-9;
  const double reach = exponential ? log_ratio : math::expm1(shape * log_ratio) / shape;
  const double var = math::fma(scale, reach, threshold);
  return {threshold, shape, scale, (var + scale - shape * threshold) / (1.0 - shape)};
}

/// What the paths of a replicate say: how far the weight beyond the quantile, and the influence on ES, are from what
/// they are in the whole sample. Replicates are independent, so their spread is the error of the whole, also where
/// paths within one are not.
struct ReplicateSums {
  double beyond[TailRule::max_replicates] = {}, influence[TailRule::max_replicates] = {};

  /// Standard deviation of the sum over all replicates of one of the two.
  TM_HD static double spread(const double* sums, std::uint32_t count) {
    double mean = 0.0, squares = 0.0;
    for (std::uint32_t r = 0; r < count; ++r) { mean += sums[r]; }
    mean /= count;
    for (std::uint32_t r = 0; r < count; ++r) { squares = math::fma(sums[r] - mean, sums[r] - mean, squares); }
    return math::sqrt(squares * count / (count - 1.0));
  }
};

/// @param tail  [tail_count] the paths beyond the quantile
template <class Real>
TM_HD ReplicateSums sum_replicates(const TailRule& rule, const TailLoss<Real>* tail, std::uint32_t tail_count,
                                   const std::uint32_t* weights, double quantile, double es) {
  ReplicateSums out;
  const double scale = rule.weight_sum / rule.tail_weight;  // 1 / (1 - confidence)
  for (std::uint32_t i = 0; i < tail_count; ++i) {
    const double weight = weights == nullptr ? 1.0 : double(weights[tail[i].path]);
    const std::uint32_t r = tail[i].path % rule.num_replicates;
    out.beyond[r] += weight;
    out.influence[r] = math::fma(weight * scale, double(tail[i].loss) - quantile, out.influence[r]);
  }
  for (std::uint32_t r = 0; r < rule.num_replicates; ++r) {
    out.beyond[r] = math::fma(-rule.replicate_weight[r], 1.0 / scale, out.beyond[r]);
    out.influence[r] = math::fma(rule.replicate_weight[r], quantile - es, out.influence[r]);
  }
  return out;
}

/// Sum over all paths of the square of weight times influence on ES: paths are independent.
/// @param tail  [tail_count] the paths beyond the quantile
template <class Real>
TM_HD double influence_squares(const TailRule& rule, const TailLoss<Real>* tail, std::uint32_t tail_count,
                               const std::uint32_t* weights, double quantile, double es) {
  const double beyond = rule.weight_sum / rule.tail_weight;  // 1 / (1 - confidence)
  double squares = 0.0, counted = 0.0;
  for (std::uint32_t i = 0; i < tail_count; ++i) {
    const double weight = weights == nullptr ? 1.0 : double(weights[tail[i].path]);
    const double influence = math::fma(double(tail[i].loss) - quantile, beyond, quantile - es);
    squares = math::fma(weight * influence, weight * influence, squares);
    counted = math::fma(weight, weight, counted);
  }
  return math::fma(rule.weight_square_sum - counted, (quantile - es) * (quantile - es), squares);
}

/// ES of the part of a sorted tail that weighs rule.stressed_weight.
template <class Real>
TM_HD double find_stressed_es(const TailRule& rule, const TailLoss<Real>* tail, std::uint32_t count,
                              const std::uint32_t* weights) {
  double cumulative = 0.0;
  std::uint32_t beyond = 0;  // paths beyond the quantile
  for (; beyond + 1 < count; ++beyond) {
    cumulative += weights == nullptr ? 1.0 : double(weights[tail[beyond].path]);
    if (cumulative > rule.stressed_weight) { break; }
  }
  const double quantile = double(tail[beyond].loss);
  double excess = 0.0;
  for (std::uint32_t i = 0; i < beyond; ++i) {
    const double weight = weights == nullptr ? 1.0 : double(weights[tail[i].path]);
    excess = math::fma(weight, double(tail[i].loss) - quantile, excess);
  }
  return quantile + excess / rule.stressed_weight;
}

/// VaR and ES of the sorted tail.
///   VaR  smallest loss q with weight{L > q} <= tail_weight
///   ES   q + sum of w (L - q)^+ / tail_weight       (Acerbi and Tasche 2002, any weights)
/// Standard error of ES from influence values psi = q + (L - q)^+ / (1 - confidence) - ES; of VaR from the
/// distance between the losses one standard deviation of rank either side. With replicates, from the spread between
/// their sums of psi, and of the weight beyond q.
/// @param tail     [count] sorted by worse(); holds every path down to rank tail_weight + rank_spread
/// @param weights  [path] or null for ones
template <class Real>
TM_HD TailFigures summarise_tail(const TailRule& rule, const TailLoss<Real>* tail, std::uint32_t count,
                                 const std::uint32_t* weights) {
  const double low_rank = rule.tail_weight - rule.rank_spread;
  const double high_rank = rule.tail_weight + rule.rank_spread;
  double upper = double(tail[0].loss), quantile = double(tail[count - 1].loss), lower = quantile;
  double cumulative = 0.0;
  std::uint32_t tail_count = count, var_path = tail[count - 1].path;
  int passed = 0;  // how many of the three ranks have been reached
  for (std::uint32_t i = 0; i < count && passed < 3; ++i) {
    const double loss = double(tail[i].loss);
    cumulative += weights == nullptr ? 1.0 : double(weights[tail[i].path]);
    if (passed == 0 && cumulative > low_rank) {
      upper = loss;
      passed = 1;
    }
    if (passed == 1 && cumulative > rule.tail_weight) {
      quantile = loss;
      tail_count = i;
      var_path = tail[i].path;
      passed = 2;
    }
    if (passed == 2 && cumulative > high_rank) {
      lower = loss;
      passed = 3;
    }
  }
  double excess = 0.0;
  for (std::uint32_t i = 0; i < tail_count; ++i) {
    const double weight = weights == nullptr ? 1.0 : double(weights[tail[i].path]);
    excess = math::fma(weight, double(tail[i].loss) - quantile, excess);
  }
  const double es = quantile + excess / rule.tail_weight;
  TailFigures out;
  out.var = quantile;
  out.var_standard_error = 0.5 * (upper - lower);
  out.es = es;
  out.worst_loss = double(tail[0].loss);
  out.worst_path = tail[0].path;
  out.tail_count = tail_count;
  out.var_path = var_path;
  if (rule.num_replicates != 0) {
    const ReplicateSums sums = sum_replicates(rule, tail, tail_count, weights, quantile, es);
    out.es_standard_error = ReplicateSums::spread(sums.influence, rule.num_replicates) / rule.weight_sum;
    out.var_standard_error *= ReplicateSums::spread(sums.beyond, rule.num_replicates) / rule.rank_spread;
  } else {
    out.es_standard_error =
        math::sqrt(influence_squares(rule, tail, tail_count, weights, quantile, es)) / rule.weight_sum;
  }
  out.fit = rule.fit_weight > 0.0 ? fit_tail(rule, tail, count, weights) : TailFit{};
  out.stressed_es = rule.stressed_weight > 0.0 ? find_stressed_es(rule, tail, count, weights) : 0.0;
  return out;
}

/// How long each path stays in each regime.
struct RegimeSteps {
  const std::uint16_t* steps;  ///< [path][regime] grid steps; null: ES is not split
  std::uint32_t num_regimes;
  std::uint32_t num_steps;  ///< of a path
};

/// ES split by regime: the mean loss of the tail times the share of its path's steps in each. The parts add up to ES.
/// @param tail     as in summarise_tail(), which gave the figures
/// @param out      [regime] USD
template <class Real>
TM_HD void split_by_regime(const TailRule& rule, const TailLoss<Real>* tail, const TailFigures& figures,
                           const std::uint32_t* weights, const RegimeSteps& in, double* out) {
  for (std::uint32_t k = 0; k < in.num_regimes; ++k) { out[k] = 0.0; }
  double beyond = 0.0;
  for (std::uint32_t i = 0; i < figures.tail_count; ++i) {
    const double weight = weights == nullptr ? 1.0 : double(weights[tail[i].path]);
    const double loss = weight * double(tail[i].loss);
    const std::uint16_t* steps = in.steps + std::uint64_t(tail[i].path) * in.num_regimes;
    for (std::uint32_t k = 0; k < in.num_regimes; ++k) { out[k] = math::fma(loss, double(steps[k]), out[k]); }
    beyond += weight;
  }
  // The path at the quantile is in the tail in part.
  const double rest = (rule.tail_weight - beyond) * figures.var;
  const std::uint16_t* steps = in.steps + std::uint64_t(figures.var_path) * in.num_regimes;
  for (std::uint32_t k = 0; k < in.num_regimes; ++k) {
    out[k] = math::fma(rest, double(steps[k]), out[k]) / (rule.tail_weight * double(in.num_steps));
  }
}

}  // namespace tailmargin
