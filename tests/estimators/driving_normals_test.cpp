// What drives a path: standard normals whatever regimes, tail scales and jumps do, and the factors they make.
#include <gtest/gtest.h>

#include <cmath>

#include "host/estimators/path_classes.hpp"
#include "host/prepare/prepare_run.hpp"
#include "tests/estimators/support.hpp"

namespace tailmargin {
namespace {

using namespace test;

constexpr std::uint64_t num_paths = 20'480;

/// All tiles of a run: the driving normals [draw][path], and what else is written.
struct Driven {
  std::vector<float> variance, share, loading, jumps, sums;
};

Driven drive_all(const HostScenarios& scenarios) {
  const PreparedRun& run = scenarios.run();
  const std::size_t regimes = run.scenarios.num_regimes, tails = run.scenarios.num_classes + 1;
  Driven out;
  out.variance.resize(num_paths);
  out.share.resize(num_paths * regimes);
  out.loading.resize(num_paths * regimes * tails);
  out.jumps.resize(num_paths);
  out.sums.resize(num_paths * scenarios.num_draws());
  scenarios.drive({0, num_paths, num_paths}, {out.variance.data(), out.share.data(), out.loading.data(),
                                              out.jumps.data(), out.sums.data(), num_paths});
  return out;
}

TEST(DrivingNormals, AreStandardWithinEveryClass) {
  const Book book = three_coin_book();
  const PreparedRun run = prepare_run(book, wild_model(), num_paths, 5);
  const HostScenarios scenarios(run, run.accounts, fast_loops());
  const Driven driven = drive_all(scenarios);
  const PathClasses classes = classify_paths(scenarios);
  ASSERT_GT(classes.count, 20u);

  std::vector<double> count(classes.count), sum(classes.count), squares(classes.count), products(classes.count);
  for (std::uint64_t path = 0; path < num_paths; ++path) {
    const std::uint16_t c = classes.of_path[path];
    const double first = driven.sums[path], second = driven.sums[num_paths + path];
    count[c] += 1.0;
    sum[c] += first;
    squares[c] += first * first;
    products[c] += first * second;
  }

  for (std::uint32_t c = 0; c < classes.count; ++c) {  // 4.5 standard errors: one false alarm in a thousand runs
    EXPECT_NEAR(sum[c] / count[c], 0.0, 4.5 / std::sqrt(count[c])) << c;
    EXPECT_NEAR(squares[c] / count[c], 1.0, 4.5 * std::sqrt(2.0 / count[c]) + 14.0 / count[c]) << c;
    EXPECT_NEAR(products[c] / count[c], 0.0, 4.5 / std::sqrt(count[c]) + 7.0 / count[c]) << c;
  }
}

TEST(DrivingNormals, MakeTheFactorsOfOneNormalRegime) {
  const Book book = three_coin_book();
  const PreparedRun run = prepare_run(book, one_regime_model(), num_paths, 6);
  const HostScenarios scenarios(run, run.accounts, fast_loops());
  const Driven driven = drive_all(scenarios);
  const PathClasses classes = classify_paths(scenarios);
  const std::vector<std::uint32_t> rows = last_rows(run.scenarios);
  std::vector<float> obs;
  scenarios.simulate({0, num_paths, num_paths}, obs);

  ASSERT_EQ(classes.count, 1u);
  for (std::size_t f = 0; f < rows.size(); ++f) {
    ASSERT_NE(rows[f], no_row);
    for (std::uint64_t path = 0; path < num_paths; path += 7) {
      double x = classes.mean[f];
      for (std::uint32_t e = classes.loading.offsets[f]; e < classes.loading.offsets[f + 1]; ++e) {
        x += classes.loading.coefficients[e] * double(driven.sums[classes.loading.inputs[e] * num_paths + path]);
      }
      ASSERT_NEAR(x, obs[rows[f] * num_paths + path], 2e-6) << f << ' ' << path;
    }
  }
}

TEST(DrivingNormals, WeightsOfStepsAddUpToOne) {
  const PreparedRun run = prepare_run(three_coin_book(), wild_model(), num_paths, 7);
  const HostScenarios scenarios(run, run.accounts, fast_loops());
  const Driven driven = drive_all(scenarios);
  const std::size_t regimes = run.scenarios.num_regimes;

  for (std::uint64_t path = 0; path < num_paths; ++path) {
    double share = 0.0;
    for (std::size_t k = 0; k < regimes; ++k) { share += double(driven.share[k * num_paths + path]); }
    ASSERT_NEAR(share / double(driven.variance[path]), 1.0, 1e-5) << path;
    ASSERT_GT(driven.variance[path], 0.0f) << path;
  }
}

TEST(PathClasses, ArePutTogetherTheSameOnAnyNumberOfThreads) {
  const PreparedRun run = prepare_run(three_coin_book(), wild_model(), 10'007, 8);
  const PathClasses one = classify_paths(HostScenarios(run, run.accounts, {&choose_kernels(Isa::baseline), 1}));
  const PathClasses two = classify_paths(HostScenarios(run, run.accounts, {&choose_kernels(Isa::automatic), 2}));

  EXPECT_EQ(one.of_path, two.of_path);
  EXPECT_EQ(one.weight, two.weight);
  EXPECT_EQ(one.mean, two.mean);
  EXPECT_EQ(one.loading.coefficients, two.loading.coefficients);
}

}  // namespace
}  // namespace tailmargin
