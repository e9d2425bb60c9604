// The formulas of a what-if on made-up losses: the change of a tail against all paths, the ES of a hedge as a function
// of its size.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "host/backends/backend.hpp"
#include "host/engine/hedge_size.hpp"
#include "host/engine/tail_change.hpp"

namespace tailmargin::test {
namespace {

constexpr std::uint32_t num_paths = 2'000;

PreparedRun run_of(bool weights) {
  PreparedRun run;
  run.num_paths = num_paths;
  run.confidence = 0.97;
  for (std::uint32_t p = 0; weights && p < num_paths; ++p) { run.path_weights.push_back(1 + p * 7 % 5); }
  return run;
}

const std::uint32_t* weights_of(const PreparedRun& run) {
  return run.path_weights.empty() ? nullptr : run.path_weights.data();
}

std::vector<double> normals(unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> out(num_paths);
  for (double& x : out) { x = normal(random); }
  return out;
}

/// VaR and ES by sorting all losses, with influence values of all paths.
struct Oracle {
  double var = 0.0, es = 0.0;
  std::vector<double> influence;
  std::vector<std::uint32_t> tail;  // worst first

  Oracle(const std::vector<double>& losses, const PreparedRun& run) {
    const auto weight = [&](std::uint32_t p) { return run.path_weights.empty() ? 1.0 : double(run.path_weights[p]); };
    double all = 0.0;
    for (std::uint32_t p = 0; p < num_paths; ++p) { all += weight(p); }
    std::vector<std::uint32_t> order(num_paths);
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return losses[a] > losses[b]; });
    const double beyond = (1.0 - run.confidence) * all;
    double sum = 0.0;
    for (const std::uint32_t p : order) {
      sum += weight(p);
      var = losses[p];
      if (sum > beyond + 1e-6) { break; }
      tail.push_back(p);
    }
    double excess = 0.0;
    for (std::uint32_t p = 0; p < num_paths; ++p) { excess += weight(p) * std::max(losses[p] - var, 0.0); }
    es = var + excess / beyond;
    for (std::uint32_t p = 0; p < num_paths; ++p) {
      influence.push_back(var + std::max(losses[p] - var, 0.0) / (1.0 - run.confidence) - es);
    }
  }

  KnownTail known(const std::vector<double>& losses) const {
    KnownTail out;
    out.figures.var = var;
    out.figures.es = es;
    for (const std::uint32_t p : tail) { out.losses.push_back({losses[p], p}); }
    return out;
  }
};

/// Losses before and after a trade that leaves part of the tail where it was.
struct Trade {
  std::vector<double> before = normals(1), after = normals(2);
  Oracle a, b;

  explicit Trade(const PreparedRun& run) : a(before, run), b(moved(), run) {}

 private:
  const std::vector<double>& moved() {
    for (std::uint32_t p = 0; p < num_paths; ++p) { after[p] = 0.7 * before[p] + 0.4 * after[p] + 0.1; }
    return after;
  }
};

TEST(TailChange, IsThatOfTheInfluenceValuesOfAllPaths) {
  for (const bool weights : {false, true}) {
    const PreparedRun run = run_of(weights);
    const Trade trade(run);
    const Oracle &a = trade.a, &b = trade.b;
    double squares = 0.0, all = 0.0, shared = 0.0, of_before = 0.0;
    for (std::uint32_t p = 0; p < num_paths; ++p) {
      const double weight = weights ? run.path_weights[p] : 1.0;
      squares += std::pow(weight * (b.influence[p] - a.influence[p]), 2);
      all += weight;
      const bool in_a = std::find(a.tail.begin(), a.tail.end(), p) != a.tail.end();
      const bool in_b = std::find(b.tail.begin(), b.tail.end(), p) != b.tail.end();
      if (in_a) { of_before += weight; }
      if (in_a && in_b) { shared += weight; }
    }

    const TailChange found =
        compare_tails(make_tail_rule(run), a.known(trade.before), b.known(trade.after), weights_of(run));

    EXPECT_DOUBLE_EQ(found.es, b.es - a.es);
    EXPECT_NEAR(found.es_standard_error, std::sqrt(squares) / all, 1e-12) << weights;
    EXPECT_DOUBLE_EQ(found.overlap, shared / of_before);
    EXPECT_GT(found.overlap, 0.2);
    EXPECT_LT(found.overlap, 0.9);
  }
}

TEST(TailChange, OfReplicatesHasTheSpreadOfTheirSums) {
  for (const bool weights : {false, true}) {
    const PreparedRun run = run_of(weights);
    const Trade trade(run);
    const Oracle &a = trade.a, &b = trade.b;
    TailRule rule = make_tail_rule(run);
    rule.num_replicates = 16;
    std::vector<double> sums(16);
    double all = 0.0, squares = 0.0;
    for (std::uint32_t p = 0; p < num_paths; ++p) {
      const double weight = weights ? run.path_weights[p] : 1.0;
      rule.replicate_weight[p % 16] += weight;
      sums[p % 16] += weight * (b.influence[p] - a.influence[p]);
      all += weight;
    }
    const double mean = std::accumulate(sums.begin(), sums.end(), 0.0) / 16.0;
    for (const double sum : sums) { squares += (sum - mean) * (sum - mean); }

    const TailChange found = compare_tails(rule, a.known(trade.before), b.known(trade.after), weights_of(run));

    EXPECT_NEAR(found.es_standard_error, std::sqrt(squares * 16.0 / 15.0) / all, 1e-12) << weights;
  }
}

TEST(TailChange, OfTailsWithoutACommonPath) {
  const PreparedRun run = run_of(false);
  std::vector<double> before(num_paths, 0.0), after(num_paths, 0.0);
  for (std::uint32_t p = 0; p < 80; ++p) { before[p] = after[num_paths - 1 - p] = 1.0 + p; }
  const Oracle a(before, run), b(after, run);

  EXPECT_EQ(compare_tails(make_tail_rule(run), a.known(before), b.known(after), nullptr).overlap, 0.0);
}

/// Two read times, an account and a contract that hedges a part of it.
struct Hedged {
  PreparedRun run;
  PathPnl account, contract;
  TailRule rule;
  explicit Hedged(bool weights) : run(run_of(weights)), account{normals(3), normals(4)}, contract(account) {
    const std::vector<double> noise = normals(5);
    for (std::size_t s = 0; s < 2; ++s) {
      for (std::uint32_t p = 0; p < num_paths; ++p) { contract[s][p] = 0.02 * account[s][p] + 0.01 * noise[p]; }
    }
    rule = make_tail_rule(run);
  }
  HedgedEs es() const { return {rule, weights_of(run), account, contract}; }
  double by_sorting(double quantity) const {
    std::vector<double> losses(num_paths);
    for (std::uint32_t p = 0; p < num_paths; ++p) {
      losses[p] = std::max(-(account[0][p] + quantity * contract[0][p]), -(account[1][p] + quantity * contract[1][p]));
    }
    return Oracle(losses, run).es;
  }
};

TEST(HedgedEs, IsTheEsAndItsTangentsLieBelow) {
  for (const bool weights : {false, true}) {
    const Hedged hedged(weights);
    for (const double q : {-80.0, -30.0, 0.0, 10.0}) {
      const HedgedEs::Tangent tangent = hedged.es().at(q);
      EXPECT_NEAR(tangent.es, hedged.by_sorting(q), 1e-12 * (1.0 + std::fabs(q)));
      for (const double other : {-100.0, -40.0, -1.0, 0.0, 7.0, 50.0}) {
        const double line = tangent.es + tangent.slope * (other - q);
        EXPECT_LE(line, hedged.by_sorting(other) + 1e-9) << weights << " " << q << " " << other;
      }
      const double h = 1e-7;
      EXPECT_NEAR(tangent.slope, (hedged.by_sorting(q + h) - hedged.by_sorting(q - h)) / (2.0 * h), 1e-5) << q;
    }
  }
}

TEST(HedgeSize, IsTheMinimum) {
  for (const bool weights : {false, true}) {
    const Hedged hedged(weights);

    const HedgeSize found = find_hedge_size(hedged.es(), 1e6);

    EXPECT_NEAR(found.es, hedged.by_sorting(found.quantity), 1e-10);
    EXPECT_FALSE(found.at_limit);
    double least = hedged.by_sorting(0.0);
    for (double q = -100.0; q <= 100.0; q += 0.25) { least = std::min(least, hedged.by_sorting(q)); }
    EXPECT_LE(found.es, least + 1e-9);
    EXPECT_LT(found.es, 0.9 * hedged.by_sorting(0.0));
    EXPECT_LT(found.quantity, 0.0);
  }
}

// The opposite of a fraction of the account: a kink at ES zero, met exactly.
TEST(HedgeSize, OfAnOppositeIsExact) {
  Hedged hedged(true);
  for (std::size_t s = 0; s < 2; ++s) {
    for (std::uint32_t p = 0; p < num_paths; ++p) { hedged.account[s][p] = 1.375 * hedged.contract[s][p]; }
  }

  const HedgeSize found = find_hedge_size(hedged.es(), 1e6);

  EXPECT_EQ(found.quantity, -1.375);
  EXPECT_EQ(found.es, 0.0);
}

// A contract that always gains lowers every loss: the search must end at the largest size.
TEST(HedgeSize, StopsAtTheLargest) {
  Hedged hedged(false);
  for (std::vector<double>& slice : hedged.contract) { std::fill(slice.begin(), slice.end(), 0.5); }

  const HedgeSize found = find_hedge_size(hedged.es(), 300.0);

  EXPECT_EQ(found.quantity, 300.0);
  EXPECT_TRUE(found.at_limit);
}

TEST(HedgeSize, IsZeroWhereNothingCanBeLowered) {
  Hedged hedged(false);
  for (std::vector<double>& slice : hedged.contract) { std::fill(slice.begin(), slice.end(), 0.0); }
  EXPECT_EQ(find_hedge_size(hedged.es(), 300.0).quantity, 0.0) << "a contract that never moves";

  Hedged gaining(false);
  for (std::vector<double>& slice : gaining.account) { std::fill(slice.begin(), slice.end(), 2.0); }
  EXPECT_EQ(find_hedge_size(gaining.es(), 300.0).quantity, 0.0) << "an account that cannot lose";
}

}  // namespace
}  // namespace tailmargin::test
