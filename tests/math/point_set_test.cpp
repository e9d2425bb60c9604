// Choices from one uniform number, and sums of draws that are given beforehand.
#include "kernels/executors/point_set.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/math/philox.hpp"

namespace tailmargin::test {
namespace {

// 2^20 numbers, evenly spaced: two choices after each other come as often as the product of their probabilities says.
TEST(SplitUniform, MakesIndependentChoicesFromOneNumber) {
  const std::uint32_t first[] = {429496730u, 1288490189u, 0x80000000u};  // 0.2, 0.4, 0.4
  const std::uint32_t second[] = {2147268900u, 0x80000000u};             // 0.9999, 0.0001
  constexpr std::uint32_t count = 1u << 20;
  std::vector<std::vector<double>> found(3, std::vector<double>(2, 0.0));
  double rest = 0.0;
  for (std::uint32_t i = 0; i < count; ++i) {
    double uniform = (i + 0.5) / count;
    const std::uint32_t a = split_uniform(first, 2, uniform), b = split_uniform(second, 1, uniform);
    found[a][b] += 1.0 / count;
    rest += uniform / count;
  }

  const double p[] = {0.2, 0.4, 0.4}, q[] = {0.9999, 0.0001};
  for (std::size_t a = 0; a < 3; ++a) {
    for (std::size_t b = 0; b < 2; ++b) { EXPECT_NEAR(found[a][b], p[a] * q[b], 2e-6) << a << ' ' << b; }
  }
  EXPECT_NEAR(rest, 0.5, 1e-4);
}

TEST(SplitUniform, CountsBoundsAtOrBelow) {
  const std::uint32_t bounds[] = {0u, 0x40000000u, 0x40000000u, 0x80000000u};  // probabilities 0, 1/2, 0, 1/2
  for (const auto& [uniform, choice] : {std::pair{1e-12, 1u}, std::pair{0.25, 1u}, std::pair{0.5 - 1e-12, 1u},
                                        std::pair{0.5, 3u}, std::pair{1.0 - 1e-12, 3u}}) {
    double left = uniform;
    EXPECT_EQ(split_uniform(bounds, 3, left), choice) << uniform;
    EXPECT_NEAR(left, choice == 1 ? 2.0 * uniform : 2.0 * uniform - 1.0, 1e-11);
  }
}

// What is left must stay below one, or a choice that has no probability could be made, and 0 / 0 follow.
TEST(SplitUniform, NeverReachesOne) {
  const std::uint32_t almost_certain[] = {0x7fffffffu, 0x80000000u}, certain[] = {0x80000000u, 0x80000000u};
  double uniform = 1.0 - 1.1102230246251565e-16;
  for (int i = 0; i < 200; ++i) {
    split_uniform(almost_certain, 1, uniform);
    ASSERT_LT(uniform, 1.0) << i;
    ASSERT_EQ(split_uniform(certain, 1, uniform), 0u) << i;
    ASSERT_TRUE(uniform >= 0.0 && uniform < 1.0) << i;
  }
}

class Bridge : public testing::Test {
 protected:
  static constexpr std::uint32_t steps = 5, draws = 2;

  /// The draws of a path with given sums: [step][draw].
  std::vector<float> path(std::uint64_t number, float first_sum, float second_sum) const {
    std::vector<float> out(steps * draws);
    float sums[draws] = {first_sum, second_sum};
    for (std::uint32_t s = 0; s < steps; ++s) {
      float* z = out.data() + s * draws;
      const auto words = math::philox4x32_10(3, s, number);
      for (std::uint32_t j = 0; j < draws; ++j) { z[j] = math::normal_from_word(words.word[j]); }
      bridge_block<1>(steps - s, {0, (1u << draws) - 1u}, z, sums, 1);
    }
    return out;
  }
};

TEST_F(Bridge, DrawsAddUpToTheSum) {
  for (std::uint64_t p = 0; p < 50; ++p) {
    const float given[] = {0.3f * static_cast<float>(p) - 7.0f, 1.0f};
    const std::vector<float> found = path(p, given[0], given[1]);
    for (std::uint32_t j = 0; j < draws; ++j) {
      double sum = 0.0;
      for (std::uint32_t s = 0; s < steps; ++s) { sum += static_cast<double>(found[s * draws + j]); }
      EXPECT_NEAR(sum, static_cast<double>(given[j]), 2e-6) << p;
    }
  }
}

// With a normal sum the draws are what they were: independent standard normals. 200,000 paths: the standard errors of
// variance and covariance are 0.0032 and 0.0022; four of them are allowed.
TEST_F(Bridge, DrawsOfANormalSumAreIndependentNormals) {
  constexpr std::uint64_t paths = 200'000;
  std::vector<std::vector<double>> moments(steps, std::vector<double>(steps, 0.0));
  for (std::uint64_t p = 0; p < paths; ++p) {
    const float sum = std::sqrt(5.0f) * math::normal_from_word(math::philox4x32_10(4, 99, p).word[0]);
    const std::vector<float> found = path(p, 0.0f, sum);
    for (std::uint32_t s = 0; s < steps; ++s) {
      for (std::uint32_t t = 0; t <= s; ++t) {
        moments[s][t] += static_cast<double>(found[s * draws + 1]) * static_cast<double>(found[t * draws + 1]) / paths;
      }
    }
  }

  for (std::uint32_t s = 0; s < steps; ++s) {
    for (std::uint32_t t = 0; t <= s; ++t) {
      EXPECT_NEAR(moments[s][t], s == t ? 1.0 : 0.0, s == t ? 0.013 : 0.009) << s << ' ' << t;
    }
  }
}

// Sums have the coordinate of the point along each component, and variance num_steps everywhere.
TEST(Sums, GoWhereThePointSays) {
  constexpr std::uint32_t draws = 3, steps = 4;
  const float components[] = {0.6f, 0.8f, 0.0f, -0.8f, 0.6f, 0.0f};
  const std::vector<std::uint32_t> directions(7 * 32, 0);
  std::vector<std::uint32_t> shifts(7 * PointSet::num_replicates, 0);
  for (std::uint32_t r = 0; r < PointSet::num_replicates; ++r) {
    shifts[5 * PointSet::num_replicates + r] = 0x10000000u * (r + 1) - 7u;
    shifts[6 * PointSet::num_replicates + r] = 0x05000000u * (r + 1);
  }
  const PointSet points = {7, 2, directions.data(), shifts.data(), components};
  constexpr std::uint32_t lanes = 16;
  float sum[4 * lanes];
  start_sums<lanes>(points, 5, 0, steps, draws, sum, lanes);

  for (std::uint32_t l = 0; l < lanes; ++l) {
    for (std::uint32_t i = 0; i < 2; ++i) {
      double along = 0.0;
      for (std::uint32_t j = 0; j < draws; ++j) {
        along += static_cast<double>(components[i * draws + j]) * static_cast<double>(sum[j * lanes + l]);
      }
      const std::uint32_t word = shifts[(5 + i) * PointSet::num_replicates + l];
      EXPECT_NEAR(along, 2.0 * static_cast<double>(math::normal_from_word(word)), 2e-6) << l << ' ' << i;
    }
    const auto words = math::philox4x32_10(5, math::rng_block(math::RngStream::horizon_sum, 0, 0), l);
    EXPECT_EQ(sum[2 * lanes + l], 2.0f * math::normal_from_word(words.word[2]));  // no component has it: random
  }
}

}  // namespace
}  // namespace tailmargin::test
