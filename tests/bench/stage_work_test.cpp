// The work of the stages, counted by hand from the case's numbers.
#include "host/bench/stage_work.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "host/bench/cases.hpp"
#include "host/io/model_file.hpp"
#include "host/prepare/prepare_run.hpp"

namespace tailmargin::bench {
namespace {

PreparedRun prepared(const char* name, std::uint64_t accounts, const char* model_file = "twenty-coins.toml") {
  Case chosen = find_case(name);
  chosen.shape.accounts = accounts;
  Diagnostics diagnostics;
  const Model model =
      read_model(std::filesystem::path(TAILMARGIN_SOURCE_DIR) / "examples/models" / model_file, diagnostics);
  return prepare_run(make_book(chosen), model, 10'000, 1);
}

TEST(StageWork, CountsWhatACaseIsMadeOf) {
  const PreparedRun run = prepared("small", 300);

  const auto work = stage_work(run, {1e10, 2e9, 4e9, {}});

  EXPECT_EQ(work[0].stage, "simulate");
  EXPECT_EQ(work[0].work, 10'000.0 * 40 * 24);
  EXPECT_EQ(work[1].stage, "revalue");
  EXPECT_LE(work[1].work, 10'000.0 * 2'000);  // all that somebody holds
  EXPECT_GT(work[1].work, 10'000.0 * 1'900);
  EXPECT_EQ(work[2].stage, "pnl");
  EXPECT_EQ(work[2].work, 10'000.0 * 300 * 50);
  EXPECT_EQ(work[2].ceiling, 2e9);
  EXPECT_EQ(work[3].stage, "tail");
  EXPECT_EQ(work[3].ceiling, 4e9 / 2.0);
}

/// Without weights: 1 % of 10,000 paths, and some for the standard error of the quantile. With them the lightest paths
/// could all be in the tail.
TEST(StageWork, CountsTheLossesOfTheTails) {
  const double plain = stage_work(prepared("small", 300, "three-regimes.toml"), {})[3].work;
  const double weighted = stage_work(prepared("small", 300), {})[3].work;

  EXPECT_GE(plain, 300.0 * 100);
  EXPECT_LE(plain, 300.0 * 140);
  EXPECT_GT(weighted, plain);
}

/// What one unit takes: an option is two normal distributions, a factor-step at least a normal.
TEST(StageWork, OperationsPerUnitAreThoseOfTheFormulas) {
  const PreparedRun run = prepared("small", 300);

  const auto work = stage_work(run, {1e10, 2e9, 4e9, {}});

  EXPECT_GT(work[0].per_unit, 77.0);
  EXPECT_LT(work[0].per_unit, 200.0);
  EXPECT_GT(work[1].per_unit, 65.0);
  EXPECT_LT(work[1].per_unit, 95.0);
  EXPECT_DOUBLE_EQ(work[1].ceiling, 1e10 / work[1].per_unit);
}

TEST(StageWork, ColumnsThatNobodyHoldsAreNoWork) {
  const double few = stage_work(prepared("small", 2), {})[1].work,
               many = stage_work(prepared("small", 300), {})[1].work;

  EXPECT_LE(few, 10'000.0 * 100);  // two accounts of 50
  EXPECT_GT(many, 10.0 * few);
}

TEST(StageWork, WithoutCeilingsThereAreNone) {
  for (const StageWork& work : stage_work(prepared("small", 2), {})) { EXPECT_EQ(work.ceiling, 0.0) << work.stage; }
}

}  // namespace
}  // namespace tailmargin::bench
