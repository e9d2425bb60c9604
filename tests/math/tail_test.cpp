// VaR, ES and their standard errors against the sort-based oracle and closed forms.
#include "kernels/executors/tail.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/math/normal.hpp"
#include "kernels/math/philox.hpp"
#include "tests/oracle/tail_oracle.hpp"

namespace tailmargin::test {
namespace {

/// Losses, their weights and a confidence level, with what summarise_tail wants to know of them.
struct Sample {
  std::vector<double> losses;
  std::vector<std::uint32_t> weights;  ///< empty: ones
  double confidence = 0.99;

  double weight(std::size_t i) const { return weights.empty() ? 1.0 : static_cast<double>(weights[i]); }
  TailRule rule() const {
    TailRule out{};
    for (std::size_t i = 0; i < losses.size(); ++i) {
      out.weight_sum += weight(i);
      out.weight_square_sum += weight(i) * weight(i);
    }
    out.tail_weight = (1.0 - confidence) * out.weight_sum;
    out.rank_spread = std::sqrt(confidence * (1.0 - confidence) * out.weight_square_sum);
    out.num_tail = static_cast<std::uint32_t>(losses.size());
    return out;
  }
  std::vector<double> oracle_weights() const {
    std::vector<double> out;
    for (std::size_t i = 0; i < losses.size(); ++i) { out.push_back(weight(i)); }
    return out;
  }
};

template <class Real = double>
std::vector<TailLoss<Real>> sorted_tail(const std::vector<double>& losses, std::size_t count) {
  std::vector<TailLoss<Real>> tail;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    tail.push_back({static_cast<Real>(losses[i]), static_cast<std::uint32_t>(i)});
  }
  std::partial_sort(tail.begin(), tail.begin() + static_cast<std::ptrdiff_t>(count), tail.end(), worse<Real>);
  tail.resize(count);
  return tail;
}

TailFigures summarise(const Sample& sample, std::size_t count) {
  const auto tail = sorted_tail(sample.losses, count);
  return summarise_tail(sample.rule(), tail.data(), static_cast<std::uint32_t>(count),
                        sample.weights.empty() ? nullptr : sample.weights.data());
}

void expect_like_oracle(const Sample& sample, const char* what) {
  const TailRule rule = sample.rule();
  const oracle::Tail expected =
      oracle::tail(sample.losses, sample.oracle_weights(), rule.tail_weight, rule.rank_spread);

  const TailFigures got = summarise(sample, sample.losses.size());

  const double scale = 1e-12 * (std::fabs(expected.worst_loss) + 1.0);
  EXPECT_EQ(got.var, expected.var) << what;
  EXPECT_NEAR(got.es, expected.es, scale) << what;
  EXPECT_NEAR(got.es_standard_error, expected.es_standard_error, scale) << what;
  EXPECT_NEAR(got.var_standard_error, 0.5 * (expected.var_high - expected.var_low), scale) << what;
  EXPECT_EQ(got.worst_loss, expected.worst_loss) << what;
  EXPECT_EQ(got.worst_path, expected.worst_path) << what;
  const std::vector<std::uint32_t> order = oracle::worst_first(sample.losses);
  EXPECT_EQ(got.var_path, order[std::min<std::size_t>(got.tail_count, order.size() - 1)]) << what;
  EXPECT_EQ(sample.losses[got.var_path], got.var) << what;
}

/// Heavy-tailed losses from Philox words.
std::vector<double> rough_losses(std::size_t n, std::uint64_t seed) {
  std::vector<double> out;
  for (std::uint64_t b = 0; out.size() < n; ++b) {
    for (const std::uint32_t word : math::philox4x32_10(seed, b, 11).word) {
      const double z = static_cast<double>(math::normal_from_word(word));
      if (out.size() < n) { out.push_back(100.0 * z * std::fabs(z) - 3.0); }
    }
  }
  return out;
}

std::vector<std::uint32_t> rough_weights(std::size_t n) {
  std::vector<std::uint32_t> out;
  for (std::size_t i = 0; i < n; ++i) { out.push_back(static_cast<std::uint32_t>(1 + (i * 2654435761u) % 1000)); }
  return out;
}

TEST(TailOrder, LargerLossThenSmallerPath) {
  EXPECT_TRUE(worse(TailLoss<double>{2.0, 9}, TailLoss<double>{1.0, 1}));
  EXPECT_FALSE(worse(TailLoss<double>{1.0, 1}, TailLoss<double>{2.0, 9}));
  EXPECT_TRUE(worse(TailLoss<double>{1.0, 1}, TailLoss<double>{1.0, 2}));
  EXPECT_FALSE(worse(TailLoss<double>{1.0, 2}, TailLoss<double>{1.0, 1}));
  EXPECT_FALSE(worse(TailLoss<double>{1.0, 2}, TailLoss<double>{1.0, 2}));
}

TEST(Tail, IsByHand) {
  // ten losses, worst two and a half of them: (10 + 9 + 8 / 2) / 2.5
  Sample sample;
  for (int i = 1; i <= 10; ++i) { sample.losses.push_back(i); }
  sample.confidence = 0.75;

  const TailFigures got = summarise(sample, 10);

  EXPECT_EQ(got.var, 8.0);
  EXPECT_DOUBLE_EQ(got.es, 23.0 / 2.5);
  EXPECT_EQ(got.worst_loss, 10.0);
  EXPECT_EQ(got.worst_path, 9u);
  EXPECT_EQ(got.tail_count, 2u);
  EXPECT_EQ(got.var_path, 7u);
}

TEST(Tail, WeightsAreByHand) {
  // weights 1, 2, 3, 4 on losses 40, 30, 20, 10; the worst 2.5 of 10: 40 + 1.5 * 30
  const Sample sample{{40, 30, 20, 10}, {1, 2, 3, 4}, 0.75};

  const TailFigures got = summarise(sample, 4);

  EXPECT_EQ(got.var, 30.0);
  EXPECT_EQ(got.var_path, 1u);
  EXPECT_DOUBLE_EQ(got.es, (40.0 + 1.5 * 30.0) / 2.5);
}

TEST(Tail, MeetsTheOracle) {
  for (const std::size_t n : {100u, 1000u, 12345u}) {
    for (const double confidence : {0.9, 0.975, 0.99}) {
      const Sample plain{rough_losses(n, n), {}, confidence};
      const Sample weighted{rough_losses(n, n + 1), rough_weights(n), confidence};

      expect_like_oracle(plain, "unweighted");
      expect_like_oracle(weighted, "weighted");
    }
  }
}

TEST(Tail, MeetsTheOracleWhenTheTailIsNoWholeNumberOfPaths) {
  for (const double confidence : {0.9895, 0.9876543, 0.9901234}) {
    expect_like_oracle({rough_losses(1007, 5), {}, confidence}, "unweighted");
    expect_like_oracle({rough_losses(1007, 5), rough_weights(1007), confidence}, "weighted");
  }
}

TEST(Tail, TiesMeetTheOracle) {
  Sample sample{rough_losses(2000, 8), {}, 0.99};
  for (double& loss : sample.losses) { loss = std::fmin(std::round(loss / 50.0) * 50.0, 400.0); }  // capped, in steps

  expect_like_oracle(sample, "unweighted");
  sample.weights = rough_weights(2000);
  expect_like_oracle(sample, "weighted");
}

TEST(Tail, EqualLossesHaveNoSpread) {
  const Sample sample{std::vector<double>(500, 7.25), {}, 0.99};

  const TailFigures got = summarise(sample, 500);

  EXPECT_EQ(got.var, 7.25);
  EXPECT_EQ(got.es, 7.25);
  EXPECT_EQ(got.es_standard_error, 0.0);
  EXPECT_EQ(got.var_standard_error, 0.0);
  EXPECT_EQ(got.worst_path, 0u);
}

TEST(Tail, NeedsOnlyTheTailItIsPromised) {
  const Sample sample{rough_losses(20'000, 3), {}, 0.99};
  const TailRule rule = sample.rule();
  const auto needed = static_cast<std::size_t>(rule.tail_weight + rule.rank_spread) + 2;

  const TailFigures all = summarise(sample, sample.losses.size());
  const TailFigures part = summarise(sample, needed);

  EXPECT_EQ(part.var, all.var);
  EXPECT_EQ(part.es, all.es);
  EXPECT_EQ(part.es_standard_error, all.es_standard_error);
  EXPECT_EQ(part.var_standard_error, all.var_standard_error);
  EXPECT_EQ(part.tail_count, all.tail_count);
}

TEST(Tail, ShortTailGivesItsLastLoss) {
  // fewer losses than the rule needs: figures stay finite and ordered
  const Sample sample{rough_losses(1000, 4), {}, 0.9};

  const TailFigures got = summarise(sample, 20);

  const auto tail = sorted_tail(sample.losses, 20);
  EXPECT_EQ(got.var, tail.back().loss);
  EXPECT_GE(got.es, got.var);
  EXPECT_EQ(got.tail_count, 20u);
  EXPECT_TRUE(std::isfinite(got.es_standard_error));
}

TEST(Tail, OneLossIsItsOwnTail) {
  const TailFigures got = summarise({{-3.5}, {}, 0.99}, 1);

  EXPECT_EQ(got.var, -3.5);
  EXPECT_EQ(got.es, -3.5);
  EXPECT_EQ(got.worst_loss, -3.5);
}

TEST(Tail, FloatLossesGiveTheSameAsTheirDoubles) {
  Sample sample{rough_losses(3000, 12), {}, 0.99};
  for (double& loss : sample.losses) { loss = static_cast<double>(static_cast<float>(loss)); }
  const auto narrow = sorted_tail<float>(sample.losses, 3000);

  const TailFigures from_float = summarise_tail(sample.rule(), narrow.data(), 3000u, nullptr);
  const TailFigures from_double = summarise(sample, 3000);

  EXPECT_EQ(from_float.es, from_double.es);
  EXPECT_EQ(from_float.var, from_double.var);
  EXPECT_EQ(from_float.es_standard_error, from_double.es_standard_error);
}

TEST(Tail, EsIsAtLeastVarAndAtMostTheWorst) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const TailFigures got = summarise({rough_losses(777, seed), {}, 0.98}, 777);

    EXPECT_GE(got.es, got.var) << seed;
    EXPECT_LE(got.es, got.worst_loss) << seed;
  }
}

TEST(Tail, ScalesAndShiftsWithTheLosses) {
  const Sample sample{rough_losses(4000, 21), {}, 0.99};
  Sample moved = sample;
  for (double& loss : moved.losses) { loss = 4.0 * loss + 10.0; }

  const TailFigures before = summarise(sample, 4000);
  const TailFigures after = summarise(moved, 4000);

  EXPECT_NEAR(after.es, 4.0 * before.es + 10.0, 1e-9);
  EXPECT_NEAR(after.var, 4.0 * before.var + 10.0, 1e-9);
  EXPECT_NEAR(after.es_standard_error, 4.0 * before.es_standard_error, 1e-9);
  EXPECT_NEAR(after.var_standard_error, 4.0 * before.var_standard_error, 1e-9);
}

/// n uniform numbers of (0, 1), the midpoints of the cells their words fall in.
std::vector<std::uint32_t> words(std::size_t n, std::uint64_t seed) {
  std::vector<std::uint32_t> out;
  for (std::uint64_t b = 0; out.size() < n; ++b) {
    for (const std::uint32_t word : math::philox4x32_10(seed, b, 0).word) { out.push_back(word); }
  }
  return out;
}

std::vector<double> normal_losses(std::size_t n, std::uint64_t seed) {
  std::vector<double> out;
  for (const std::uint32_t word : words(n, seed)) { out.push_back(static_cast<double>(math::normal_from_word(word))); }
  return out;
}

/// Student's t with four degrees of freedom by inversion (Shaw 2006, closed form).
std::vector<double> t4_losses(std::size_t n, std::uint64_t seed) {
  std::vector<double> out;
  for (const std::uint32_t word : words(n, seed)) {
    const double p = (static_cast<double>(word) + 0.5) / 4294967296.0;
    const double root = std::sqrt(4.0 * p * (1.0 - p));
    const double q = std::cos(std::acos(root) / 3.0) / root;
    out.push_back((p < 0.5 ? -2.0 : 2.0) * std::sqrt(q - 1.0));
  }
  return out;
}

TEST(Tail, MeetsTheNormalAndStudentClosedForms) {
  // VaR and ES at 99 %: N(0,1) 2.326347874, 2.665214220; t4 3.746947, 5.220584
  const TailFigures normal = summarise({normal_losses(1'000'000, 77), {}, 0.99}, 11'000);
  const TailFigures student = summarise({t4_losses(1'000'000, 78), {}, 0.99}, 11'000);

  EXPECT_NEAR(normal.var, 2.326347874, 3.0 * normal.var_standard_error);
  EXPECT_NEAR(normal.es, 2.665214220, 3.0 * normal.es_standard_error);
  EXPECT_NEAR(student.var, 3.746947, 3.0 * student.var_standard_error);
  EXPECT_NEAR(student.es, 5.220584, 3.0 * student.es_standard_error);
  EXPECT_LT(normal.es_standard_error, 0.01);
  EXPECT_LT(student.es_standard_error, 0.06);
}

TEST(Tail, StandardErrorsAreTheSpreadOfRepeats) {
  constexpr int repeats = 200;
  constexpr std::size_t n = 20'000;
  double es = 0.0, es_squares = 0.0, es_claimed = 0.0, var = 0.0, var_squares = 0.0, var_claimed = 0.0;
  for (int r = 0; r < repeats; ++r) {
    const TailFigures got = summarise({normal_losses(n, 1000u + static_cast<std::uint64_t>(r)), {}, 0.99}, 300);
    es += got.es;
    es_squares += got.es * got.es;
    es_claimed += got.es_standard_error;
    var += got.var;
    var_squares += got.var * got.var;
    var_claimed += got.var_standard_error;
  }
  const auto spread = [&](double sum, double squares) {
    return std::sqrt((squares - sum * sum / repeats) / (repeats - 1));
  };

  // a standard deviation of 200 draws is itself known to 1 / sqrt(2 * 199) = 5 %; four of those
  EXPECT_NEAR(spread(es, es_squares) / (es_claimed / repeats), 1.0, 0.2);
  EXPECT_NEAR(spread(var, var_squares) / (var_claimed / repeats), 1.0, 0.2);
}

/// The quantiles of a generalised Pareto law at the middles of n cells of probability, beyond a threshold of 100.
std::vector<double> pareto_quantiles(double shape, double scale, int n) {
  std::vector<double> losses;
  for (int i = 0; i < n; ++i) {
    const double survival = (i + 0.5) / n;
    losses.push_back(100.0 +
                     (shape == 0.0 ? -scale * std::log(survival) : scale / shape * (std::pow(survival, -shape) - 1.0)));
  }
  return losses;
}

// 20,000 losses, of which the 4,000 worst follow the law: shape, scale and ES come back, heavy, exponential or bounded.
TEST(TailFit, FindsTheLawOfThePoints) {
  for (const double shape : {0.25, 0.0, -0.3}) {
    Sample sample;
    sample.losses = pareto_quantiles(shape, 7.0, 4'000);
    sample.losses.resize(20'000, 50.0);
    TailRule rule = sample.rule();
    rule.tail_weight = 200.0;
    rule.fit_weight = 4'000.0;
    const auto tail = sorted_tail(sample.losses, sample.losses.size());

    const TailFit fit = fit_tail(rule, tail.data(), 4'000, nullptr);  // the threshold is the last of them

    EXPECT_NEAR(fit.threshold, 100.0, 0.01);
    EXPECT_NEAR(fit.shape, shape, 0.01);
    EXPECT_NEAR(fit.scale, 7.0, 0.05);
    const double var = 100.0 + (shape == 0.0 ? 7.0 * std::log(20.0) : 7.0 / shape * (std::pow(20.0, shape) - 1.0));
    const double es = (var + 7.0 - shape * 100.0) / (1.0 - shape);
    EXPECT_NEAR(fit.es, es, 0.005 * es);
  }
}

// By hand: excesses 3, 1, weights 2 and 1 (3 in all): a0 = 7/3, a1 = (6 * 1/3 + 1 * 5/6) / 3 = 17/18,
// shape = 2 - a0 / (a0 - 2 a1) = -13/4, scale = 2 a0 a1 / (a0 - 2 a1) = 119/12.
TEST(TailFit, ByHandWithWeights) {
  const TailLoss<double> tail[] = {{8.0, 2}, {6.0, 0}, {5.0, 1}, {1.0, 3}};
  const std::uint32_t weights[] = {1, 4, 2, 9};
  TailRule rule{};
  rule.tail_weight = 1.5;
  rule.fit_weight = 3.0;
  rule.weight_sum = 16.0;

  const TailFit fit = fit_tail(rule, tail, 4, weights);

  EXPECT_EQ(fit.threshold, 5.0);
  EXPECT_NEAR(fit.shape, -3.25, 1e-12);
  EXPECT_NEAR(fit.scale, 119.0 / 12.0, 1e-12);
  const double var = 5.0 + 119.0 / 12.0 * (std::pow(2.0, -3.25) - 1.0) / -3.25;
  EXPECT_NEAR(fit.es, (var + 119.0 / 12.0 + 3.25 * 5.0) / 4.25, 1e-12);
}

// Excesses 3 and 0: a0 = 3/2, a1 = 3/8, so the shape is 0 without rounding; VaR = 5 + 3/2 ln 2, ES 3/2 above it.
TEST(TailFit, ExponentialByHand) {
  const TailLoss<double> tail[] = {{8.0, 0}, {5.0, 1}, {5.0, 2}};
  TailRule rule{};
  rule.tail_weight = 1.0;
  rule.fit_weight = 2.0;

  const TailFit fit = fit_tail(rule, tail, 3, nullptr);

  EXPECT_EQ(fit.shape, 0.0);
  EXPECT_EQ(fit.scale, 1.5);
  EXPECT_NEAR(fit.es, 6.5 + 1.5 * std::log(2.0), 1e-12);
}

TEST(TailFit, EqualLossesHaveNoTail) {
  const TailLoss<double> tail[] = {{5.0, 0}, {5.0, 1}, {5.0, 2}};
  TailRule rule{};
  rule.tail_weight = 1.0;
  rule.fit_weight = 2.0;

  const TailFit fit = fit_tail(rule, tail, 3, nullptr);

  EXPECT_EQ(fit.es, 5.0);
  EXPECT_EQ(fit.shape, 0.0);
}

}  // namespace
}  // namespace tailmargin::test
