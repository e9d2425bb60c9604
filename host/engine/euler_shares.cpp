#include "host/engine/euler_shares.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tailmargin {
namespace {

double weight_of(const std::uint32_t* weights, std::uint32_t path) {
  return weights == nullptr ? 1.0 : static_cast<double>(weights[path]);
}

}  // namespace

EsPaths make_es_paths(const TailRule& rule, std::vector<TailLoss<double>> tail, const TailFigures& figures,
                      const std::uint32_t* all) {
  EsPaths out;
  out.losses = std::move(tail);
  double beyond = 0.0;
  for (const TailLoss<double>& loss : out.losses) {
    out.weights.push_back(weight_of(all, loss.path));
    beyond += out.weights.back();
  }
  out.in_es = out.weights;
  out.losses.push_back({figures.var, figures.var_path});
  out.weights.push_back(weight_of(all, figures.var_path));
  out.in_es.push_back(rule.tail_weight - beyond);
  out.es = figures.es;
  out.order.resize(out.losses.size());
  std::iota(out.order.begin(), out.order.end(), 0u);
  std::sort(out.order.begin(), out.order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return out.losses[a].path < out.losses[b].path; });
  return out;
}

EulerShares::EulerShares(const TailRule& rule, std::size_t count, double quantile, double es)
    : rule_(&rule), count_(count), quantile_(quantile), es_(es), sums_(num_sums(rule) * count) {}

void EulerShares::add(const Path& path, const double* losses) {
  const double w = path.weight;
  const std::uint32_t replicates = rule_->num_replicates;
  const std::uint32_t replicate = replicates != 0 ? path.path % replicates : 0;
  double* sum = row(first_weighted + replicate);
  for (std::size_t i = 0; i < count_; ++i) { sum[i] += w * losses[i]; }
  if (replicates == 0) {
    // From the first loss on, so that the squares of a thing that hardly changes keep their digits.
    if (num_added_ == 0) { std::copy_n(losses, count_, row(origin)); }
    double *first = row(origin), *once = row(linear), *twice = row(quadratic);
    for (std::size_t i = 0; i < count_; ++i) {
      const double off = w * (losses[i] - first[i]);
      once[i] += w * off;
      twice[i] += off * off;
    }
  }
  if (path.loss <= es_) {
    const double excess = path.loss - quantile_, wd = w * excess;
    double *once = row(near_losses), *products = row(near_products);
    for (std::size_t i = 0; i < count_; ++i) {
      once[i] += w * losses[i];
      products[i] += wd * losses[i];
    }
    near_weight_ += w;
    near_excess_ += wd;
    near_squares_ += wd * excess;
  }
  ++num_added_;
  weight_ += w;
  squares_ += w * w;
  replicate_weight_[replicate] += w;
}

void EulerShares::add_at_quantile(const double* losses) { std::copy_n(losses, count_, row(at_quantile)); }

double EulerShares::mean_at_quantile(std::size_t thing) const {
  if (near_weight_ == 0.0) { return row(at_quantile)[thing]; }
  const double mean = row(near_losses)[thing] / near_weight_, excess = near_excess_ / near_weight_;
  const double squares = near_squares_ - near_excess_ * excess;
  if (!(squares > 1e-12 * near_squares_)) { return mean; }  // the rest is rounding
  return mean - (row(near_products)[thing] - near_excess_ * mean) / squares * excess;
}

EsShare EulerShares::share(std::size_t thing) const {
  double sum = (rule_->tail_weight - weight_) * row(at_quantile)[thing];
  for (std::uint32_t r = 0; r < std::max(rule_->num_replicates, 1u); ++r) { sum += row(first_weighted + r)[thing]; }
  EsShare out;
  out.usd = sum / rule_->tail_weight + 0.0;  // turns -0 into 0
  const double mean = mean_at_quantile(thing);
  out.se_usd = spread(thing, mean, mean - out.usd) / rule_->weight_sum;
  return out;
}

/// Of the sum of w psi over all paths.
/// @param mean       m
/// @param elsewhere  psi of a path that is not in the tail
double EulerShares::spread(std::size_t thing, double mean, double elsewhere) const {
  const double beyond = rule_->weight_sum / rule_->tail_weight;  // 1 / (1 - confidence)
  if (rule_->num_replicates != 0) {
    double sums[TailRule::max_replicates] = {};
    for (std::uint32_t r = 0; r < rule_->num_replicates; ++r) {
      sums[r] = rule_->replicate_weight[r] * elsewhere +
                beyond * (row(first_weighted + r)[thing] - mean * replicate_weight_[r]);
    }
    return ReplicateSums::spread(sums, rule_->num_replicates);
  }
  // In the tail psi = beyond y + rest with y = x less the first.
  const double rest = beyond * (row(origin)[thing] - mean) + elsewhere;
  const double in_tail =
      beyond * beyond * row(quadratic)[thing] + 2.0 * beyond * rest * row(linear)[thing] + rest * rest * squares_;
  return std::sqrt(std::max(in_tail, 0.0) + (rule_->weight_square_sum - squares_) * elsewhere * elsewhere);
}

namespace {

EulerShares add_up(const TailRule& rule, const EsPaths& paths, const std::vector<double>& losses) {
  EulerShares shares(rule, 1, paths.losses.back().loss, paths.es);
  for (const std::uint32_t i : paths.order) {
    if (i + 1 == losses.size()) {
      shares.add_at_quantile(&losses[i]);
    } else {
      shares.add({paths.losses[i].path, static_cast<std::uint32_t>(paths.weights[i]), paths.losses[i].loss},
                 &losses[i]);
    }
  }
  return shares;
}

}  // namespace

EsShare es_share(const TailRule& rule, const EsPaths& paths, const std::vector<double>& losses) {
  return add_up(rule, paths, losses).share(0);
}

double mean_at_quantile(const TailRule& rule, const EsPaths& paths, const std::vector<double>& losses) {
  return add_up(rule, paths, losses).mean_at_quantile(0);
}

}  // namespace tailmargin
