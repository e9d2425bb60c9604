// Euler shares of an ES and their standard errors, on samples whose law is known.
#include "host/engine/euler_shares.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace tailmargin::test {
namespace {

/// Two things that lose jointly normal amounts: x = (sd[0] z0, sd[1] (rho z0 + sqrt(1 - rho^2) z1)).
struct Gaussian {
  double sd[2] = {3.0, 2.0}, rho = -0.4;

  double covariance(int i, int j) const { return i == j ? sd[i] * sd[i] : rho * sd[0] * sd[1]; }
  double variance() const { return covariance(0, 0) + 2.0 * covariance(0, 1) + covariance(1, 1); }
};

/// Losses of both on all paths, weights, and the tail rule of the whole.
struct Sample {
  std::vector<double> x[2];
  std::vector<std::uint32_t> weights;  ///< empty: ones
  TailRule rule{};
  std::vector<TailLoss<double>> order;

  void finish(double confidence, std::uint32_t replicates) {
    for (std::uint32_t p = 0; p < x[0].size(); ++p) {
      const double w = weights.empty() ? 1.0 : weights[p];
      order.push_back({x[0][p] + x[1][p], p});
      rule.weight_sum += w;
      rule.weight_square_sum += w * w;
      if (replicates != 0) { rule.replicate_weight[p % replicates] += w; }
    }
    rule.num_replicates = replicates;
    rule.tail_weight = (1.0 - confidence) * rule.weight_sum;
    rule.rank_spread = std::sqrt(rule.weight_square_sum * confidence * (1.0 - confidence));
    rule.num_tail = static_cast<std::uint32_t>(order.size());
    std::sort(order.begin(), order.end(), worse<double>);
  }

  const std::uint32_t* weight_data() const { return weights.empty() ? nullptr : weights.data(); }
  TailFigures figures() const {
    return summarise_tail(rule, order.data(), static_cast<std::uint32_t>(order.size()), weight_data());
  }
  EsPaths paths() const {
    const TailFigures f = figures();
    return make_es_paths(rule, {order.begin(), order.begin() + f.tail_count}, f, weight_data());
  }
  std::vector<double> on(const EsPaths& paths, const std::vector<double>& losses) const {
    std::vector<double> out;
    for (const TailLoss<double>& l : paths.losses) { out.push_back(losses[l.path]); }
    return out;
  }
};

Sample draw(const Gaussian& law, std::size_t n, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  Sample out;
  for (std::size_t i = 0; i < n; ++i) {
    const double z0 = normal(random), z1 = normal(random);
    out.x[0].push_back(law.sd[0] * z0);
    out.x[1].push_back(law.sd[1] * (law.rho * z0 + std::sqrt(1.0 - law.rho * law.rho) * z1));
  }
  return out;
}

/// Every eighth path is drawn from a wider law and weighs its likelihood ratio, which is bounded; the mixture is
/// sampled.
Sample draw_weighted(const Gaussian& law, std::size_t n, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  Sample out;
  for (std::size_t i = 0; i < n; ++i) {
    const double wide = i % 8 == 0 ? 2.0 : 1.0;
    const double z0 = wide * normal(random), z1 = wide * normal(random), r = z0 * z0 + z1 * z1;
    const double ratio = 1.0 / (7.0 / 8.0 + 1.0 / 8.0 * std::exp(r / 2.0 - r / 8.0) / 4.0);
    out.x[0].push_back(law.sd[0] * z0);
    out.x[1].push_back(law.sd[1] * (law.rho * z0 + std::sqrt(1.0 - law.rho * law.rho) * z1));
    out.weights.push_back(static_cast<std::uint32_t>(std::max(1.0, ratio * 1048576.0)));
  }
  return out;
}

TEST(EsShares, AddUpToTheEsAndTheWholeHasItsError) {
  for (const std::uint32_t replicates : {0u, 16u}) {
    for (const bool weighted : {false, true}) {
      Sample sample = weighted ? draw_weighted({}, 4'000, 3) : draw({}, 4'000, 3);
      sample.finish(0.97, replicates);
      const TailFigures figures = sample.figures();
      const EsPaths paths = sample.paths();

      const EsShare a = es_share(sample.rule, paths, sample.on(paths, sample.x[0])),
                    b = es_share(sample.rule, paths, sample.on(paths, sample.x[1]));
      std::vector<double> all;
      for (const TailLoss<double>& l : paths.losses) { all.push_back(l.loss); }
      const EsShare whole = es_share(sample.rule, paths, all);

      EXPECT_NEAR(a.usd + b.usd, figures.es, 1e-12 * figures.es) << replicates << weighted;
      EXPECT_NEAR(whole.usd, figures.es, 1e-12 * figures.es) << replicates << weighted;
      EXPECT_NEAR(whole.se_usd, figures.es_standard_error, 1e-9 * figures.es) << replicates << weighted;
      EXPECT_NEAR(std::accumulate(paths.in_es.begin(), paths.in_es.end(), 0.0), sample.rule.tail_weight, 1e-6);
      EXPECT_GE(paths.in_es.back(), 0.0);
      EXPECT_LE(paths.in_es.back(), paths.weights.back());
    }
  }
}

TEST(EsShares, AreTheGaussianOnes) {
  const Gaussian law;
  Sample sample = draw(law, 400'000, 11);
  sample.finish(0.99, 0);
  const EsPaths paths = sample.paths();
  const double es_of_unit = 2.665214220345806, quantile_of_unit = 2.3263478740408408;  // N(0, 1) at 0.99
  const double sd = std::sqrt(law.variance());

  for (int i = 0; i < 2; ++i) {
    const EsShare share = es_share(sample.rule, paths, sample.on(paths, sample.x[i]));
    const double beta = (law.covariance(i, 0) + law.covariance(i, 1)) / law.variance();

    EXPECT_NEAR(share.usd, es_of_unit * beta * sd, 4.0 * share.se_usd) << i;
    EXPECT_NEAR(mean_at_quantile(sample.rule, paths, sample.on(paths, sample.x[i])), quantile_of_unit * beta * sd,
                8.0 * law.sd[i] / std::sqrt(2'000.0))  // a regression on 2,000 paths, at its end: twice the error
        << i;
    // Given L the share's x is normal with variance c = cov_ii - beta^2 var; psi has the variance
    // (c + beta^2 Var(L | tail) + (m - share)^2 a) / (1 - a) with Var(L | tail) = sd^2 (1 + q e - e^2).
    const double c = law.covariance(i, i) - beta * beta * law.variance();
    const double of_tail = law.variance() * (1.0 + quantile_of_unit * es_of_unit - es_of_unit * es_of_unit);
    const double off = beta * sd * (es_of_unit - quantile_of_unit);
    const double error = std::sqrt((c + beta * beta * of_tail + 0.99 * off * off) / 0.01 / 400'000.0);
    EXPECT_NEAR(share.se_usd, error, 0.05 * error) << i;
  }
}

TEST(EsShares, StandardErrorIsTheSpreadOverSeeds) {
  constexpr int repeats = 400;
  for (const bool weighted : {false, true}) {
    double sum[2] = {}, squares[2] = {}, errors[2] = {};
    for (int r = 0; r < repeats; ++r) {
      Sample sample = weighted ? draw_weighted({}, 5'000, 100 + r) : draw({}, 5'000, 100 + r);
      sample.finish(0.99, 0);
      const EsPaths paths = sample.paths();
      for (int i = 0; i < 2; ++i) {
        const EsShare share = es_share(sample.rule, paths, sample.on(paths, sample.x[i]));
        sum[i] += share.usd;
        squares[i] += share.usd * share.usd;
        errors[i] += share.se_usd * share.se_usd;
      }
    }
    for (int i = 0; i < 2; ++i) {
      const double spread = std::sqrt((squares[i] - sum[i] * sum[i] / repeats) / (repeats - 1));
      const double error = std::sqrt(errors[i] / repeats);
      // The spread of 400 has a standard deviation of 3.5 % itself.
      EXPECT_NEAR(error / spread, 1.0, 0.12) << i << (weighted ? ", weighted" : "");
    }
  }
}

TEST(EsShares, TailOfLessThanAPath) {
  Sample sample;
  sample.x[0] = {1.0, 5.0, 2.0};
  sample.x[1] = {0.0, 1.0, 0.0};
  sample.finish(0.9, 0);
  const EsPaths paths = sample.paths();

  const EsShare share = es_share(sample.rule, paths, sample.on(paths, sample.x[0]));

  EXPECT_EQ(paths.losses.size(), 1u);
  EXPECT_DOUBLE_EQ(share.usd, 5.0);
  EXPECT_EQ(share.se_usd, 0.0);
}

// The worse half of the tail may be another world: only the line through the half near the quantile counts.
TEST(EsShares, MeanAtTheQuantileRestsOnTheHalfNearIt) {
  Sample sample;
  for (int i = 0; i < 1'000; ++i) {
    const double loss = 1'000.0 - i, x = i < 200 ? -7.0 * loss : 2.0 * loss + 5.0;
    sample.x[0].push_back(x);
    sample.x[1].push_back(loss - x);
  }
  sample.finish(0.6, 0);
  const EsPaths paths = sample.paths();

  EXPECT_EQ(paths.losses.size(), 401u);
  EXPECT_NEAR(mean_at_quantile(sample.rule, paths, sample.on(paths, sample.x[0])), 2.0 * paths.losses.back().loss + 5.0,
              1e-9);
}

TEST(EsShares, EqualLossesHaveTheirMean) {
  Sample sample;
  for (int i = 0; i < 100; ++i) {
    sample.x[0].push_back(i % 2);
    sample.x[1].push_back(3.0 - i % 2);
  }
  sample.finish(0.5, 0);
  const EsPaths paths = sample.paths();

  EXPECT_DOUBLE_EQ(mean_at_quantile(sample.rule, paths, sample.on(paths, sample.x[0])), 0.5);
  EXPECT_DOUBLE_EQ(es_share(sample.rule, paths, sample.on(paths, sample.x[0])).usd, 0.5);
}

}  // namespace
}  // namespace tailmargin::test
