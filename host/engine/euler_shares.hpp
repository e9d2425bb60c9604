// Euler contributions to an expected shortfall, with standard errors.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/executors/tail.hpp"
#include "tailmargin/holding_share.hpp"

namespace tailmargin {

/// The paths an ES is the mean of: those beyond the quantile, worst first, then the one at it.
struct EsPaths {
  std::vector<TailLoss<double>> losses;  ///< [path], USD
  std::vector<double> weights;           ///< [path] the whole weight of each
  std::vector<double> in_es;             ///< [path] the part of it that is in the ES; they add up to rule.tail_weight
  std::vector<std::uint32_t> order;      ///< places of the above by rising path number
  double es = 0.0;                       ///< as the run has it
};

/// @param tail   the losses above the VaR, or with it, worst first
/// @param all    [path of the run] weights or null for ones
EsPaths make_es_paths(const TailRule& rule, std::vector<TailLoss<double>> tail, const TailFigures& figures,
                      const std::uint32_t* all);

/// The shares of several things in one ES: the mean loss of each with the tail's weights. Standard errors from
/// influence values
///   psi = (x - m) 1{L > VaR} / (1 - confidence) + m - share,   m = E[x | L = VaR]
/// (docs/methodology.md, section on explanations). Paths are added one by one, by rising number: sums in one order,
/// whoever adds them.
class EulerShares {
 public:
  /// @param count  things
  /// @param quantile, es  of the whole, USD
  EulerShares(const TailRule& rule, std::size_t count, double quantile, double es);

  /// A path beyond the quantile.
  struct Path {
    std::uint32_t path, weight;
    double loss;  ///< of the whole, USD
  };
  /// @param losses  [thing] USD
  void add(const Path& path, const double* losses);
  /// The path at the quantile.
  void add_at_quantile(const double* losses);

  /// When all paths were added.
  EsShare share(std::size_t thing) const;
  /// m above: the weighted regression line of x on L over the near paths, those of the tail that lose no more than the
  /// ES, at the quantile. Where all losses there are the same, the mean; without such paths x at the quantile.
  double mean_at_quantile(std::size_t thing) const;

  std::size_t count() const { return count_; }

  /// Memory of the sums of a thing.
  static std::size_t bytes(const TailRule& rule) { return num_sums(rule) * sizeof(double); }

 private:
  /// Sums of a thing's losses x with the weights w of paths beyond the quantile, d the excess of the whole.
  enum Sum : std::size_t {
    near_losses,  ///< w x over the near paths
    near_products,
    at_quantile,    ///< x at the quantile
    first_weighted  ///< w x, of each replicate; of all if there are none, and then what errors take besides:
  };
  enum Plain : std::size_t { weighted = first_weighted, origin, linear, quadratic, num_plain };
  static std::size_t num_sums(const TailRule& rule) {
    return rule.num_replicates != 0 ? first_weighted + rule.num_replicates : num_plain;
  }

  const double* row(std::size_t sum) const { return sums_.data() + sum * count_; }
  double* row(std::size_t sum) { return sums_.data() + sum * count_; }
  double spread(std::size_t thing, double mean, double elsewhere) const;

  const TailRule* rule_;
  std::size_t count_;
  double quantile_, es_;
  std::vector<double> sums_;  // [sum][thing]
  std::uint64_t num_added_ = 0;
  double weight_ = 0.0, squares_ = 0.0;  // of all paths beyond the quantile
  double near_weight_ = 0.0, near_excess_ = 0.0, near_squares_ = 0.0;
  double replicate_weight_[TailRule::max_replicates] = {};
};

/// The share of one thing.
/// @param losses  [path] of that thing alone on the paths, USD
EsShare es_share(const TailRule& rule, const EsPaths& paths, const std::vector<double>& losses);

double mean_at_quantile(const TailRule& rule, const EsPaths& paths, const std::vector<double>& losses);

}  // namespace tailmargin
