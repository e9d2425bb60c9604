// How far a tail reaches: its rule by hand, tails of weighted paths against the sort-based oracle, margins on top.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "host/backends/backend.hpp"
#include "host/prepare/prepare_run.hpp"
#include "tests/oracle/tail_oracle.hpp"
#include "tests/support/small_book.hpp"
#include "tests/support/small_model.hpp"

namespace tailmargin::test {
namespace {

PreparedRun run_of(std::uint64_t num_paths, double confidence) {
  PreparedRun run;
  run.num_paths = num_paths;
  run.confidence = confidence;
  return run;
}

TEST(TailRule, ByHand) {
  const TailRule rule = make_tail_rule(run_of(1'000, 0.99));

  EXPECT_EQ(rule.tail_weight, 10.0);  // though 1 - 0.99 is more than 0.01 in double
  EXPECT_EQ(rule.weight_sum, 1'000.0);
  EXPECT_EQ(rule.weight_square_sum, 1'000.0);
  EXPECT_NEAR(rule.rank_spread, std::sqrt(9.9), 1e-12);  // of a binomial number
  EXPECT_EQ(rule.fit_weight, 0.0);
  EXPECT_EQ(rule.num_tail, 15u);  // 13.15 is passed by 14, one more for good
}

// 500 paths of weight 1 and 500 of weight 3.
TEST(TailRule, ByHandWithWeights) {
  PreparedRun run = run_of(1'000, 0.99);
  for (std::uint32_t p = 0; p < 1'000; ++p) { run.path_weights.push_back(p % 2 == 0 ? 1 : 3); }

  const TailRule rule = make_tail_rule(run);

  EXPECT_EQ(rule.tail_weight, 20.0);
  EXPECT_EQ(rule.weight_sum, 2'000.0);
  EXPECT_EQ(rule.weight_square_sum, 5'000.0);
  EXPECT_NEAR(rule.rank_spread, std::sqrt(5'000.0 * 0.99 * 0.01), 1e-12);
  EXPECT_EQ(rule.num_tail, 29u);  // 27.04 is passed by 28 of the light ones, one more for good
}

TEST(TailRule, FitReachesFourTimesAsFarButNotBeyondHalf) {
  PreparedRun run = run_of(1'000, 0.99);
  run.fit_tails = true;
  EXPECT_EQ(make_tail_rule(run).fit_weight, 40.0);
  EXPECT_EQ(make_tail_rule(run).num_tail, 42u);

  run.confidence = 0.8;
  EXPECT_EQ(make_tail_rule(run).fit_weight, 500.0);
}

/// One coin, and two accounts: one holds it, one owes it.
BookMaker long_and_short() {
  BookMaker maker;
  const UnderlyingId coin = maker.underlying("BTC", 100.0);
  maker.deposit(maker.account("long"), coin, 1.0);
  maker.deposit(maker.account("short"), coin, -1.0);
  return maker;
}

/// ES at tail_weight of the generalised Pareto law fitted to the losses beyond fit_weight (Hosking and Wallis 1987),
/// from all losses sorted.
double fitted_es(const std::vector<double>& losses, const std::vector<std::uint32_t>& weights, double tail_weight,
                 double fit_weight) {
  std::vector<std::size_t> order(losses.size());
  for (std::size_t i = 0; i < order.size(); ++i) { order[i] = i; }
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return losses[a] > losses[b]; });
  double total = 0.0;
  std::size_t beyond = 0;
  while (total + weights[order[beyond]] <= fit_weight) { total += weights[order[beyond++]]; }
  const double threshold = losses[order[beyond]];
  double a0 = 0.0, a1 = 0.0, passed = 0.0;
  for (std::size_t i = 0; i < beyond; ++i) {
    const double share = weights[order[i]] / total, excess = losses[order[i]] - threshold;
    a0 += share * excess;
    a1 += share * excess * (passed + 0.5 * share);  // share: what is worse than the middle of this one
    passed += share;
  }
  const double shape = 2.0 - a0 / (a0 - 2.0 * a1), scale = 2.0 * a0 * a1 / (a0 - 2.0 * a1);
  const double var = threshold + scale / shape * (std::pow(total / tail_weight, shape) - 1.0);
  return (var + scale - shape * threshold) / (1.0 - shape);
}

// Falls are heavy, rises light, so one account's tail is few paths and the other's many; the factor between them
// decides how often buffers are pruned and how far they grow.
TEST(WeightedTails, MeetTheOracleWhereTailsAreOfHeavyOrOfLightPaths) {
  constexpr std::uint64_t num_paths = 20'000;
  for (const std::uint32_t heavy : {1u, 3u, 100u}) {
    PreparedRun run = prepare_run(long_and_short().book(), gaussian_model(1.0, {price_only("*", 0.8)}), num_paths, 11);
    const SimulateTables tables(run);
    const Scenarios paths = simulate<64>(tables.payload(), num_paths);
    const auto last_row = static_cast<std::uint32_t>(run.scenarios.observations.size() - 1);
    std::vector<double> losses[2], weights;
    for (std::uint64_t p = 0; p < num_paths; ++p) {
      const auto x = static_cast<double>(paths.value(last_row, p));
      losses[0].push_back(-100.0 * std::expm1(x));
      losses[1].push_back(100.0 * std::expm1(x));
      run.path_weights.push_back(x < 0.0 ? heavy : 1);
      weights.push_back(run.path_weights.back());
    }

    for (const bool fit : {true, false}) {
      run.fit_tails = fit;
      const TailRule rule = make_tail_rule(run);
      for (const auto& backend : {make_cpu_backend({}), make_reference_backend()}) {
        const Tails tails = backend->tails(run, run.accounts, {});

        for (std::size_t a = 0; a < 2; ++a) {
          SCOPED_TRACE(backend->name() + ", weight " + std::to_string(heavy) + (a == 0 ? ", long" : ", short"));
          const TailFigures& ours = tails.figures[a];
          const oracle::Tail expected = oracle::tail(losses[a], weights, rule.tail_weight, rule.rank_spread);
          const double rounding = 1e-4;  // of P&L in float, USD
          EXPECT_NEAR(ours.var, expected.var, rounding);
          EXPECT_NEAR(ours.es, expected.es, rounding);
          EXPECT_NEAR(ours.var_standard_error, 0.5 * (expected.var_high - expected.var_low), rounding);
          EXPECT_NEAR(ours.es_standard_error, expected.es_standard_error, rounding);
          const double es = fit ? fitted_es(losses[a], run.path_weights, rule.tail_weight, rule.fit_weight) : 0.0;
          EXPECT_NEAR(ours.fit.es, es, 10.0 * rounding);
        }
      }
    }
  }
}

TEST(Uplift, IsTheNormalQuantileTimesTheErrorOfEs) {
  Model model = gaussian_model(1.0, {price_only("*", 0.8)});
  model.maintenance_ratio = 0.75;
  RunConfig config;
  config.num_paths = 2'000;
  config.backend = BackendChoice::cpu;
  // Standard normal quantiles, Abramowitz and Stegun, table 26.5.
  for (const auto& [confidence, quantile] : {std::pair{0.5, 0.0}, std::pair{0.8, 0.8416212336},
                                             std::pair{0.95, 1.6448536270}, std::pair{0.99, 2.3263478740}}) {
    model.uplift_confidence = confidence;
    for (const AccountMargin& m : run_margin(long_and_short().book(), model, config).margins) {
      EXPECT_GT(m.es_se_usd, 0.0);
      EXPECT_NEAR(m.initial_margin_usd, m.es_usd + quantile * m.es_se_usd, 1e-9 * m.es_usd) << confidence;
      EXPECT_NEAR(m.maintenance_margin_usd, 0.75 * m.initial_margin_usd, 1e-12 * m.es_usd) << confidence;
    }
  }
}

// A thousandth of these weights is made whole, which leaves it a little less than the mean weight.
TEST(TailRule, OnePathBeyondTheLevelIsEnough) {
  std::vector<std::uint32_t> weights(1'000, 1u << 20);
  weights[0] -= 600;

  EXPECT_NO_THROW(make_tail_rule(PathSample{weights.size(), weights, 0}, 0.999));
  weights.pop_back();
  EXPECT_THROW(make_tail_rule(PathSample{weights.size(), weights, 0}, 0.999), UsageError);
}

}  // namespace
}  // namespace tailmargin::test
