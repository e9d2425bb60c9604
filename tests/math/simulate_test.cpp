// Scenarios: lanes do not matter, the chain keeps its probabilities, steps keep their covariances.
#include "kernels/executors/simulate.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "tests/support/small_model.hpp"

namespace tailmargin::test {
namespace {

TEST(SelectRegime, CountsBoundsAtOrBelowTheUpperBits) {
  const std::uint32_t bounds[] = {100u, 200u, 0x80000000u};

  EXPECT_EQ(select_regime(bounds, 3, 0u), 0u);
  EXPECT_EQ(select_regime(bounds, 3, 199u), 0u);
  EXPECT_EQ(select_regime(bounds, 3, 200u), 1u);
  EXPECT_EQ(select_regime(bounds, 3, 399u), 1u);
  EXPECT_EQ(select_regime(bounds, 3, 400u), 2u);
  EXPECT_EQ(select_regime(bounds, 3, 0xffffffffu), 2u);
}

TEST(SelectRegime, CertainRegimeIsAlwaysChosen) {
  const std::uint32_t first[] = {0x80000000u, 0x80000000u, 0x80000000u};  // probabilities 1, 0, 0
  const std::uint32_t last[] = {0u, 0u, 0x80000000u};                     // probabilities 0, 0, 1

  for (const std::uint32_t word : {0u, 1u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    EXPECT_EQ(select_regime(first, 3, word), 0u) << word;
    EXPECT_EQ(select_regime(last, 3, word), 2u) << word;
  }
}

TEST(SelectRegime, OneRegimeIsAlwaysChosen) {
  const std::uint32_t bounds[] = {0u};

  EXPECT_EQ(select_regime(bounds, 1, 0u), 0u);
  EXPECT_EQ(select_regime(bounds, 1, 0xffffffffu), 0u);
}

TEST(SelectRegime, ImpossibleRegimesAreNotChosen) {
  const std::uint32_t bounds[] = {0u, 0x40000000u, 0x40000000u, 0x80000000u};  // probabilities 0, 1/2, 0, 1/2

  for (const std::uint32_t word : {0u, 1u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    EXPECT_EQ(select_regime(bounds, 4, word), word < 0x80000000u ? 1u : 3u) << word;
  }
}

TEST(Simulate, LanesDoNotChangeABit) {
  for (const std::uint32_t factors : {1u, 4u, 7u}) {
    SmallModel model(6, factors);
    if (factors > 1) { model.add_everything(); }
    if (factors == 4) { model.run.points = prepare_points(model.run.scenarios, Sampler::sobol, 42); }
    const SimulateTables tables = model.tables(42);
    const SimulatePayload in = tables.payload();

    const Scenarios one = simulate<1>(in, 128);
    const Scenarios sixteen = simulate<16>(in, 128);
    const Scenarios all = simulate<64>(in, 128);

    EXPECT_EQ(0, std::memcmp(one.values.data(), sixteen.values.data(), one.values.size() * sizeof(float))) << factors;
    EXPECT_EQ(0, std::memcmp(one.values.data(), all.values.data(), one.values.size() * sizeof(float))) << factors;
    EXPECT_EQ(one.regimes, sixteen.regimes);
    EXPECT_EQ(one.regimes, all.regimes);
  }
}

TEST(Simulate, PathDependsOnItsNumberOnly) {
  SmallModel model(5, 3);
  const SimulateTables tables = model.tables(42);
  const SimulatePayload in = tables.payload();

  const Scenarios from_zero = simulate<16>(in, 64);
  const Scenarios later = simulate<16>(in, 16, 37);

  for (std::uint32_t row = 0; row < in.num_observations; ++row) {
    for (std::uint64_t p = 0; p < 16; ++p) {
      ASSERT_EQ(later.value(row, p), from_zero.value(row, 37 + p)) << row << ' ' << p;
    }
  }
}

TEST(Simulate, PathOfAPointDependsOnItsNumberOnly) {
  SmallModel model(5, 3);
  model.add_everything();
  model.run.points = prepare_points(model.run.scenarios, Sampler::sobol, 42);
  const SimulateTables tables = model.tables(42);
  const SimulatePayload in = tables.payload();

  const Scenarios from_zero = simulate<16>(in, 64);
  const Scenarios later = simulate<16>(in, 16, 37);

  for (std::uint32_t row = 0; row < in.num_observations; ++row) {
    for (std::uint64_t p = 0; p < 16; ++p) {
      ASSERT_EQ(later.value(row, p), from_zero.value(row, 37 + p)) << row << ' ' << p;
    }
  }
}

// The chain of 16 replicates of 256 points: regimes are taken as often as the stationary law says, to one point or so
// of each replicate, where independent paths would miss by a binomial's spread of 29.
TEST(Simulate, PointsTakeRegimesAsOftenAsTheLawSays) {
  constexpr std::uint64_t paths = 4096;
  SmallModel model(6, 3);
  model.run.points = prepare_points(model.run.scenarios, Sampler::stratified, 3);
  const SimulateTables tables = model.tables(3);
  const Scenarios out = simulate<64>(tables.payload(), paths);

  const auto law = model.stationary();
  for (const std::uint32_t step : {0u, 5u}) {
    for (std::uint32_t k = 0; k < 3; ++k) {
      double count = 0.0;
      for (std::uint64_t p = 0; p < paths; ++p) { count += out.regime(step, p) == k ? 1.0 : 0.0; }
      EXPECT_NEAR(count, paths * law[k], step == 0 ? 8.0 : 30.0) << step << ' ' << k;
    }
  }
}

TEST(Simulate, AddsStepsByTheFormula) {
  SmallModel model(3, 5);
  const SimulateTables tables = model.tables(9);
  const SimulatePayload in = tables.payload();
  const Scenarios out = simulate<16>(in, 16);

  for (std::uint64_t path = 0; path < 16; ++path) {
    double state[5] = {};
    for (std::uint32_t step = 0; step < 3; ++step) {
      const std::uint32_t k = out.regime(step, path);
      double z[8];
      for (std::uint32_t j = 0; j < 8; ++j) {
        const auto block = math::philox4x32_10(9, (static_cast<std::uint64_t>(step) << 20) | (j / 4), path);
        z[j] = static_cast<double>(math::normal_from_word(block.word[j % 4]));
      }
      for (std::uint32_t f = 0; f < 5; ++f) {
        state[f] += model.drift(f, k);
        for (std::uint32_t j = 0; j <= f; ++j) { state[f] += model.loading[(f * (f + 1) / 2 + j) * 3 + k] * z[j]; }
        EXPECT_NEAR(out.value(step * 5 + f, path), state[f], 1e-7) << path << ' ' << step << ' ' << f;
      }
    }
  }
}

TEST(Simulate, ChainDrawsFromItsOwnStream) {
  SmallModel model(6, 1);
  const Scenarios out = simulate<16>(model.tables(5).payload(), 64);

  for (std::uint64_t path = 0; path < 64; ++path) {
    std::uint32_t regime = 0;
    for (std::uint32_t step = 0; step < 6; ++step) {
      const auto block = math::philox4x32_10(5, (1ull << 44) | (step / 4), path);
      const std::uint32_t* bounds = step == 0 ? model.run.scenarios.start_bounds.data()
                                              : model.run.scenarios.transition_bounds.data() + 3 * regime;
      regime = select_regime(bounds, 3, block.word[step % 4]);
      ASSERT_EQ(out.regime(step, path), regime) << path << ' ' << step;
    }
  }
}

TEST(Simulate, ChainStaysStationary) {
  SmallModel model(9, 1);
  constexpr std::uint64_t n = 100'000;
  const Scenarios out = simulate<16>(model.tables(3).payload(), n);
  const auto expected = model.stationary();

  for (std::uint32_t step = 0; step < 9; ++step) {
    double count[3] = {};
    for (std::uint64_t p = 0; p < n; ++p) { count[out.regime(step, p)] += 1.0; }
    for (std::size_t k = 0; k < 3; ++k) {
      const double standard_error = std::sqrt(expected[k] * (1.0 - expected[k]) / n);
      EXPECT_NEAR(count[k] / n, expected[k], 4.0 * standard_error) << "step " << step << " regime " << k;
    }
  }
}

TEST(Simulate, ChainMovesWithItsTransitionProbabilities) {
  SmallModel model(9, 1);
  constexpr std::uint64_t n = 100'000;
  const Scenarios out = simulate<16>(model.tables(4).payload(), n);

  double moves[3][3] = {};
  for (std::uint32_t step = 1; step < 9; ++step) {
    for (std::uint64_t p = 0; p < n; ++p) { moves[out.regime(step - 1, p)][out.regime(step, p)] += 1.0; }
  }
  for (std::size_t from = 0; from < 3; ++from) {
    const double total = moves[from][0] + moves[from][1] + moves[from][2];
    for (std::size_t to = 0; to < 3; ++to) {
      const double p = model.transition[from][to];
      EXPECT_NEAR(moves[from][to] / total, p, 4.0 * std::sqrt(p * (1.0 - p) / total)) << from << " to " << to;
    }
  }
}

TEST(Simulate, OneStepHasItsRegimesMeanAndCovariance) {
  constexpr std::uint32_t factors = 5;
  SmallModel model(1, factors);
  constexpr std::uint64_t n = 100'000;
  const Scenarios out = simulate<16>(model.tables(6).payload(), n);

  for (std::uint32_t k = 0; k < 3; ++k) {
    double count = 0.0, sum[factors] = {}, cross[factors][factors] = {};
    for (std::uint64_t p = 0; p < n; ++p) {
      if (out.regime(0, p) != k) { continue; }
      count += 1.0;
      for (std::uint32_t f = 0; f < factors; ++f) {
        const double x = static_cast<double>(out.value(f, p)) - model.drift(f, k);
        sum[f] += x;
        for (std::uint32_t g = 0; g <= f; ++g) {
          cross[f][g] += x * (static_cast<double>(out.value(g, p)) - model.drift(g, k));
        }
      }
    }
    ASSERT_GT(count, 10'000.0);
    for (std::uint32_t f = 0; f < factors; ++f) {
      const double variance = model.covariance(f, f, k);
      EXPECT_NEAR(sum[f] / count, 0.0, 4.0 * std::sqrt(variance / count)) << "regime " << k << " factor " << f;
      for (std::uint32_t g = 0; g <= f; ++g) {
        const double expected = model.covariance(f, g, k);
        const double standard_error = std::sqrt((variance * model.covariance(g, g, k) + expected * expected) / count);
        EXPECT_NEAR(cross[f][g] / count, expected, 4.0 * standard_error)
            << "regime " << k << " factors " << f << ' ' << g;
      }
    }
  }
}

}  // namespace
}  // namespace tailmargin::test
