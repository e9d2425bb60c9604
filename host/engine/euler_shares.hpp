// Euler contributions to an expected shortfall, with standard errors.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/executors/tail.hpp"
#include "tailmargin/explain.hpp"

namespace tailmargin {

/// The paths an ES is the mean of: those beyond the quantile, worst first, then the one at it.
struct EsPaths {
  std::vector<TailLoss<double>> losses;  ///< [path], USD
  std::vector<double> weights;           ///< [path] the whole weight of each
  std::vector<double> in_es;             ///< [path] the part of it that is in the ES; they add up to rule.tail_weight
};

/// @param tail   the losses above the VaR, or with it, worst first
/// @param all    [path of the run] weights or null for ones
EsPaths make_es_paths(const TailRule& rule, std::vector<TailLoss<double>> tail, TailLoss<double> at_var,
                      const std::uint32_t* all);

/// The share of something in the ES: its mean loss with the tail's weights. Its standard error from influence values
///   psi = (x - m) 1{L > VaR} / (1 - confidence) + m - share,   m = E[x | L = VaR]
/// (docs/methodology.md, section on explanations).
/// @param losses  [path] of that thing alone on the paths, USD
EsShare es_share(const TailRule& rule, const EsPaths& paths, const std::vector<double>& losses);

/// m above: the weighted regression line of x on L over the half of the tail that is nearest to the quantile (at least
/// 50 paths, as far as there are as many), at the quantile. Where all losses there are the same, the mean.
double mean_at_quantile(const EsPaths& paths, const std::vector<double>& losses);

}  // namespace tailmargin
