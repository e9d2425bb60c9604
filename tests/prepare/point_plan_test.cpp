// Sobol points: the published sequence, what scrambling keeps of it, and the principal components.
#include "host/prepare/point_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "host/prepare/correlation_matrix.hpp"
#include "tests/prepare/sobol_points.hpp"
#include "tests/support/small_model.hpp"

namespace tailmargin::test {
namespace {

constexpr std::uint32_t replicates = PointSet::num_replicates;

TEST(SobolNumbers, GiveThePublishedSequence) {
  for (std::uint32_t axis = 0; axis < max_axes; ++axis) {
    const std::vector<std::uint32_t> directions = sobol_directions(axis);
    for (const SobolPoint& point : sobol_points) {
      std::uint32_t word = 0;
      for (std::uint32_t bit = 0; bit < 32; ++bit) { word ^= (point.number >> bit) % 2 == 1 ? directions[bit] : 0u; }
      EXPECT_EQ(word, point.word[axis]) << "axis " << axis << ", point " << point.number;
    }
  }
}

std::uint32_t word_of(const PointPlan& plan, std::uint32_t axis, std::uint64_t path) {
  std::uint32_t word;
  point_words<1>(plan.view(), axis, path, &word);
  return word;
}

PointPlan points_of(Sampler sampler, std::uint64_t seed, std::uint32_t factors = 7) {
  return prepare_points(SmallModel(6, factors).run.scenarios, sampler, seed);
}

// Each replicate is a digital net in every axis: any 2^m points in a row that begin at a multiple of 2^m have one word
// in each of 2^m equal intervals.
TEST(Points, OfAReplicateFallOneInEachInterval) {
  const PointPlan plan = points_of(Sampler::sobol, 5);
  ASSERT_EQ(plan.num_axes, 12u);
  for (std::uint32_t axis = 0; axis < plan.num_axes; ++axis) {
    for (const std::uint32_t replicate : {0u, 3u, replicates - 1}) {
      for (const std::uint32_t first : {0u, 256u, 1792u}) {
        std::set<std::uint32_t> cells;
        for (std::uint32_t n = first; n < first + 256; ++n) {
          cells.insert(word_of(plan, axis, n * replicates + replicate) >> 24);
        }
        EXPECT_EQ(cells.size(), 256u) << "axis " << axis << ", replicate " << replicate << ", from " << first;
      }
    }
  }
}

// The first two axes together are a net with 16 x 16 cells of one point each, also after scrambling (Sobol's t = 0).
TEST(Points, OfTwoAxesFallOneInEachSquare) {
  const PointPlan plan = points_of(Sampler::stratified, 6);
  for (std::uint32_t replicate = 0; replicate < replicates; ++replicate) {
    std::set<std::uint32_t> cells;
    for (std::uint32_t n = 0; n < 256; ++n) {
      const std::uint64_t path = n * replicates + replicate;
      cells.insert((word_of(plan, 0, path) >> 28 << 4) | word_of(plan, 1, path) >> 28);
    }
    EXPECT_EQ(cells.size(), 256u) << replicate;
  }
}

TEST(Points, DependOnSeedAndReplicate) {
  const PointPlan a = points_of(Sampler::sobol, 1), b = points_of(Sampler::sobol, 2);

  EXPECT_NE(a.directions, b.directions);
  EXPECT_NE(a.shifts, b.shifts);
  EXPECT_EQ(a.components, b.components);
  const std::set<std::uint32_t> shifts(a.shifts.begin(), a.shifts.end());
  EXPECT_EQ(shifts.size(), std::size_t{a.num_axes} * replicates);
}

TEST(Points, LanesDoNotChangeAWord) {
  const PointPlan plan = points_of(Sampler::sobol, 3);
  for (const std::uint64_t first : {0ull, 37ull, 16'383ull, 0xfffffff0ull}) {
    std::uint32_t words[64];
    point_words<64>(plan.view(), 4, first, words);
    for (std::uint64_t l = 0; l < 64; ++l) { EXPECT_EQ(words[l], word_of(plan, 4, first + l)) << first + l; }
  }
}

TEST(Points, PlainHasNone) {
  const PointPlan plan = points_of(Sampler::plain, 1);

  EXPECT_EQ(plan.num_axes, 0u);
  EXPECT_EQ(plan.num_replicates(), 0u);
  EXPECT_TRUE(plan.directions.empty() && plan.shifts.empty() && plan.components.empty());
}

TEST(Points, StratifiedHasNoSums) {
  const PointPlan plan = points_of(Sampler::stratified, 1);

  EXPECT_EQ(plan.num_axes, static_cast<std::uint32_t>(PointAxis::first_sum));
  EXPECT_TRUE(plan.components.empty());
}

double dot(const double* a, const double* b, std::size_t size) {
  double sum = 0.0;
  for (std::size_t j = 0; j < size; ++j) { sum += a[j] * b[j]; }
  return sum;
}

constexpr std::uint32_t size = 20;

/// Covariance over all regimes of what the draws do.
SquareMatrix draw_covariance(const SmallModel& model) {
  SquareMatrix out(size);
  for (std::uint32_t f = 0; f < size; ++f) {
    for (std::uint32_t i = 0; i <= f; ++i) {
      for (std::uint32_t j = 0; j <= f; ++j) {
        for (std::uint32_t k = 0; k < 3; ++k) {
          out(i, j) +=
              model.loading[SmallModel::packed(f, i) * 3 + k] * model.loading[SmallModel::packed(f, j) * 3 + k];
        }
      }
    }
  }
  return out;
}

/// Variance along a direction.
double along(const SquareMatrix& covariance, const double* direction) {
  double sum = 0.0;
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < size; ++j) { sum += direction[i] * covariance(i, j) * direction[j]; }
  }
  return sum;
}

TEST(PrincipalComponents, AreOrthonormalAndTheFirstIsTheLargestEigenvector) {
  constexpr std::uint32_t count = 8;
  const SmallModel model(6, size);
  const SquareMatrix covariance = draw_covariance(model);

  const std::vector<double> found = principal_components(model.run.scenarios, count);

  ASSERT_EQ(found.size(), std::size_t{count} * size);
  for (std::size_t a = 0; a < count; ++a) {
    for (std::size_t b = 0; b <= a; ++b) {
      EXPECT_NEAR(dot(&found[a * size], &found[b * size], size), a == b ? 1.0 : 0.0, 1e-12) << a << ' ' << b;
    }
  }
  const double largest = symmetric_eigen(covariance).values.back();  // by Jacobi's method
  EXPECT_GT(along(covariance, found.data()), 0.99 * largest);
  EXPECT_LE(along(covariance, found.data()), largest * (1.0 + 1e-9));
}

// All of them are a basis: nothing of the variance is left. Half of them explain most of it.
TEST(PrincipalComponents, ExplainTheVariance) {
  const SmallModel model(6, size);
  const SquareMatrix covariance = draw_covariance(model);
  const std::vector<double> found = principal_components(model.run.scenarios, 59);

  ASSERT_EQ(found.size(), std::size_t{size} * size);
  double all = 0.0, half = 0.0, trace = 0.0;
  for (std::size_t a = 0; a < size; ++a) {
    all += along(covariance, &found[a * size]);
    half += a < size / 2 ? along(covariance, &found[a * size]) : 0.0;
    trace += covariance(a, a);
  }
  EXPECT_NEAR(all, trace, 1e-9 * trace);
  EXPECT_GT(half, 0.55 * trace);
}

TEST(PrincipalComponents, OfDrawsThatMoveNothingAreNone) {
  SmallModel still(6, 2);
  for (double& c : still.run.scenarios.shocks.coefficients) { c = 0.0; }
  EXPECT_TRUE(principal_components(still.run.scenarios, 59).empty());
}

}  // namespace
}  // namespace tailmargin::test
