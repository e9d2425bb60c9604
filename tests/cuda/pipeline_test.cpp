// The cuda backend's kernels and flow, run by the SIMT shim, against plain loops and a full sort: to the bit.
#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <map>
#include <string>
#include <tuple>

#include "kernels/cuda/errors.hpp"
#include "kernels/cuda/pipeline/pipeline_backend.hpp"
#include "kernels/cuda/simt/simt_backend.hpp"
#include "tailmargin/diagnostics.hpp"
#include "tests/cuda/same_tails.hpp"
#include "tests/cuda/small_run.hpp"

namespace tailmargin::test {
namespace {

using simt::make_simt_backend;
using simt::SimtOptions;
using simt::TurnOrder;

template <class Real>
void expect_plain_tails(const PreparedRun& run, const SimtOptions& options) {
  TailsRequest request;
  request.precision = std::is_same_v<Real, float> ? Precision::single : Precision::exact;
  request.keep_paths = KeepTailPaths::yes;

  const Tails found = make_simt_backend(options)->tails(run, run.accounts, request);

  const Tails expected = plain_tails<Real>(run, run.accounts);
  expect_same_figures(found, expected);
  expect_same_paths(found, expected);
}

void expect_plain_tails(const PreparedRun& run, const SimtOptions& options = {}) {
  expect_plain_tails<float>(run, options);
  expect_plain_tails<double>(run, options);
}

class PipelineSizes : public testing::TestWithParam<std::uint64_t> {};

TEST_P(PipelineSizes, TailsAreThoseOfAPlainLoop) {
  // A quantile of one half exists for every number of paths from 2 on.
  expect_plain_tails(
      hand_run({.num_paths = GetParam(), .num_accounts = 9, .confidence = GetParam() < 20 ? 0.5 : 0.95}));
}

INSTANTIATE_TEST_SUITE_P(Paths, PipelineSizes, testing::Values(2, 31, 32, 33, 63, 64, 65, 255, 256, 257, 1000));

class PipelineAccounts : public testing::TestWithParam<std::size_t> {};

TEST_P(PipelineAccounts, AnyNumberOfAccounts) {
  expect_plain_tails(hand_run({.num_paths = 100, .num_accounts = GetParam()}));
}

INSTANTIATE_TEST_SUITE_P(Accounts, PipelineAccounts, testing::Values(0, 1, 31, 33, 255, 257));

TEST(Pipeline, CutsDoNotMatter) {
  const PreparedRun run = hand_run({.num_paths = 350, .num_accounts = 10});
  for (const std::uint64_t batch : {1u, 4u}) {
    for (const std::uint64_t chunk : {64u, 150u}) {
      SimtOptions options;
      options.pipeline = {.accounts_per_batch = batch, .paths_per_chunk = chunk, .sample_paths = 100};
      SCOPED_TRACE(testing::Message() << "batch " << batch << " chunk " << chunk);

      expect_plain_tails(run, options);
    }
  }
}

TEST(Pipeline, TheOrderOfBlocksAndThreadsDoesNotMatter) {
  SimtOptions options;
  options.limits.order = TurnOrder::backward;
  options.pipeline.sample_paths = 128;

  expect_plain_tails(hand_run({.num_paths = 600, .num_accounts = 12}), options);
}

TEST(Pipeline, WeightsCount) {
  SimtOptions options;
  options.pipeline = {.accounts_per_batch = 5, .paths_per_chunk = 320, .sample_paths = 150};

  expect_plain_tails(hand_run({.num_paths = 900, .num_accounts = 12, .confidence = 0.97, .weights = {1, 2, 3}}),
                     options);
}

TEST(Pipeline, WeightsOfAnySizeCount) {
  // Tails of light paths are long, those of heavy ones short; sums need more than 32 bits.
  SimtOptions options;
  options.pipeline = {.sample_paths = 200};

  expect_plain_tails(
      hand_run({.num_paths = 700, .num_accounts = 12, .confidence = 0.9, .weights = {1, 4'000'000'000, 70'000'000}}),
      options);
}

class PipelineTiles : public testing::TestWithParam<std::tuple<std::uint32_t, std::uint32_t>> {};

TEST_P(PipelineTiles, AccountsThatDoNotFitATileMeetItInPieces) {
  const auto [tile_columns, read_times] = GetParam();
  SimtOptions options;
  options.pipeline = {.paths_per_chunk = 128, .sample_paths = 64, .tile_columns = tile_columns, .carried_accounts = 5};

  expect_plain_tails(hand_run({.num_paths = 300, .num_accounts = 33, .read_times = read_times}), options);
}

INSTANTIATE_TEST_SUITE_P(Pieces, PipelineTiles, testing::Combine(testing::Values(1, 5, 16, 24), testing::Values(1, 2)));

TEST(Pipeline, BlocksOfManyWarpsGiveTheSameTails) {
  SimtOptions options;
  options.limits.warps = 32;

  expect_plain_tails(hand_run({.num_paths = 100, .num_accounts = 40}), options);
}

/// Kernels that were launched for the tails of a run.
class Launches {
 public:
  explicit Launches(const PreparedRun& run, const PipelineOptions& options = {}) {
    auto device = std::make_unique<simt::SimtDevice>(simt::SimtLimits{});
    const simt::SimtDevice& seen = *device;
    PipelineBackend<simt::SimtDevice> backend("simt", std::move(device), options);
    backend.tails(run, run.accounts, {});
    for (const char* name :
         {"simulate_paths", "tile_pnl", "select_pivot", "collect_ties", "sort_tails", "summarise_tails"}) {
      counts_[name] = seen.launches(name);
    }
  }
  int operator[](const std::string& name) const { return counts_.at(name); }

 private:
  std::map<std::string, int> counts_;
};

/// Accounts whose losses do not tie.
PreparedRun untied_run(const HandRunOptions& options) {
  PreparedRun run = hand_run(options);
  run.accounts = {};
  for (std::uint32_t a = 0; a < options.num_accounts; ++a) { add_account(run.accounts, {{0, 1.0 + a}, {9, -2.0}}); }
  return run;
}

TEST(Pipeline, AnOrdinaryBatchNeedsFiveLaunchesAndNoFallback) {
  for (const std::vector<std::uint32_t>& weights : {std::vector<std::uint32_t>{}, {1000, 30, 330}}) {
    const PreparedRun run = untied_run({.num_paths = 4000, .num_accounts = 20, .confidence = 0.98, .weights = weights});

    const Launches launches(run, {.sample_paths = 1024});

    EXPECT_EQ(launches["simulate_paths"], 1);
    EXPECT_EQ(launches["tile_pnl"], 2) << "the sample, and the rest";
    EXPECT_EQ(launches["select_pivot"], 1);
    EXPECT_EQ(launches["collect_ties"], 0);
    EXPECT_EQ(launches["sort_tails"], 1);
    EXPECT_EQ(launches["summarise_tails"], 1);
  }
}

TEST(Pipeline, AFullBufferFallsBackToTheWholeRow) {
  // Six standard deviations more than the tail needs lie above the pivot, and there is room for the tail only.
  SimtOptions options;
  options.pipeline = {.paths_per_chunk = 512, .sample_paths = 100, .candidate_capacity = 1};

  expect_plain_tails(hand_run({.num_paths = 1500, .num_accounts = 12}), options);

  const Launches launches(untied_run({.num_paths = 1500, .num_accounts = 1}), options.pipeline);
  EXPECT_EQ(launches["tile_pnl"], 1 + 3 + 3) << "sample, chunks, chunks again";
  EXPECT_EQ(launches["sort_tails"], 2);
}

TEST(Pipeline, AShortfallFallsBackToTheWholeRow) {
  // The pivot is the worst loss of the sample: too few losses are above it.
  SimtOptions options;
  options.pipeline = {.paths_per_chunk = 512, .sample_paths = 100, .pivot_sigmas = -100.0};

  expect_plain_tails(hand_run({.num_paths = 1500, .num_accounts = 12}), options);

  EXPECT_EQ(Launches(untied_run({.num_paths = 1500, .num_accounts = 1}), options.pipeline)["tile_pnl"], 1 + 3 + 3);
}

TEST(Pipeline, WithWeightsTheFallbacksAreExactToo) {
  const PreparedRun run = hand_run({.num_paths = 900, .num_accounts = 12, .weights = {50, 1, 7}});
  SimtOptions full, few;
  full.pipeline = {.sample_paths = 100, .candidate_capacity = 1};
  few.pipeline = {.sample_paths = 100, .pivot_sigmas = -100.0};

  expect_plain_tails(run, full);
  expect_plain_tails(run, few);
}

TEST(Pipeline, LossesThatAreNotNumbersAreAnError) {
  PreparedRun run = untied_run({.num_paths = 300, .num_accounts = 3});
  run.accounts.quantities[2] = std::numeric_limits<double>::quiet_NaN();  // of the second account

  try {
    make_simt_backend({})->tails(run, run.accounts, {});
    FAIL() << "no exception";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(std::string(error.what()), "some losses of account number 1 are not numbers");
  }
}

TEST(Pipeline, MoreWholeRowsThanFitAtOnce) {
  // One account per batch leaves room for a single row; many accounts need several rounds.
  SimtOptions options;
  options.pipeline = {.accounts_per_batch = 40, .sample_paths = 40, .candidate_capacity = 1, .pivot_sigmas = -100.0};

  expect_plain_tails(hand_run({.num_paths = 700, .num_accounts = 40}), options);
}

TEST(Pipeline, AccountsWhoseLossesAllTie) {
  PreparedRun run = hand_run({.num_paths = 800, .num_accounts = 0});
  run.accounts = {};
  add_account(run.accounts, {});
  add_account(run.accounts, {{settled_option, 1.0}});
  add_account(run.accounts, {{settled_option, 1e6}, {settled_option + columns_per_coin, 1.0}});
  for (const std::uint64_t chunk : {64u, 1000u}) {
    SimtOptions options;
    options.pipeline = {.paths_per_chunk = chunk, .sample_paths = 60};

    expect_plain_tails(run, options);
  }
  const Launches launches(run, {.sample_paths = 60});
  EXPECT_EQ(launches["collect_ties"], 1);
  EXPECT_EQ(launches["tile_pnl"], 2) << "no whole rows";
}

TEST(Pipeline, TiesWithWeightsFillTheTailByWeight) {
  PreparedRun run = hand_run({.num_paths = 800, .num_accounts = 0, .weights = {1, 900, 20}});
  run.accounts = {};
  add_account(run.accounts, {});
  add_account(run.accounts, {{settled_option, 1.0}});
  for (const std::uint64_t chunk : {64u, 1000u}) {
    SimtOptions options;
    options.pipeline = {.paths_per_chunk = chunk, .sample_paths = 60};

    expect_plain_tails(run, options);
  }
}

TEST(Pipeline, TooManyFactorsForSharedMemoryUseScratch) {
  SimtOptions options;
  options.limits.shared_bytes = 1900;  // enough for the pivots of the sample, not for one warp's state
  options.pipeline.sample_paths = 150;

  expect_plain_tails(hand_run({.num_paths = 300, .num_accounts = 6}), options);
}

TEST(Pipeline, LittleMemoryMakesSmallerPieces) {
  const PreparedRun run = hand_run({.num_paths = 4000, .num_accounts = 30});
  SimtOptions options;
  options.limits.memory_bytes = 700'000;
  options.pipeline.sample_paths = 256;

  expect_plain_tails<float>(run, options);
}

TEST(Pipeline, TooLittleMemorySaysSo) {
  SimtOptions options;
  options.limits.memory_bytes = 10'000;

  try {
    make_simt_backend(options)->tails(hand_run({}), hand_run({}).accounts, {});
    FAIL() << "no exception";
  } catch (const OutOfDeviceMemory& error) {
    EXPECT_GT(error.bytes_asked(), error.bytes_free());
    EXPECT_LE(error.bytes_free(), 10'000u);
  }
}

TEST(Pipeline, APartOfTheAccountsHasTheSameTails) {
  const PreparedRun run = hand_run({.num_paths = 500, .num_accounts = 12});
  AccountPlan part;
  part.offsets.push_back(0);
  for (std::uint64_t p = run.accounts.offsets[3]; p < run.accounts.offsets[4]; ++p) {
    part.columns.push_back(run.accounts.columns[p]);
    part.quantities.push_back(run.accounts.quantities[p]);
  }
  part.offsets.push_back(part.columns.size());
  const auto backend = make_simt_backend({});

  const Tails all = backend->tails(run, run.accounts, {});
  const Tails one = backend->tails(run, part, {});

  Tails expected;
  expected.figures.push_back(all.figures[3]);
  expected.regime_es.assign(all.regime_es.begin() + 3 * 3, all.regime_es.begin() + 4 * 3);
  expect_same_figures(one, expected);
  EXPECT_TRUE(one.tail_paths.empty());
  EXPECT_TRUE(one.path_offsets.empty());
}

TEST(Pipeline, StopsWhenAsked) {
  const PreparedRun run = hand_run({});
  const std::atomic<bool> stop{true};
  TailsRequest request;
  request.stop = &stop;

  EXPECT_THROW(make_simt_backend({})->tails(run, run.accounts, request), Interrupted);
}

TEST(Pipeline, ReportsProgressUpToOne) {
  const PreparedRun run = hand_run({.num_paths = 100, .num_accounts = 5});
  std::vector<double> seen;
  TailsRequest request;
  request.progress = [&seen](double fraction) { seen.push_back(fraction); };
  SimtOptions options;
  options.pipeline.accounts_per_batch = 2;

  make_simt_backend(options)->tails(run, run.accounts, request);

  EXPECT_EQ(seen, (std::vector<double>{0.4, 0.8, 1.0}));
}

TEST(Pipeline, FreesEverything) {
  const PreparedRun run = hand_run({.num_paths = 100, .num_accounts = 5});
  SimtOptions options;
  options.limits.memory_bytes = 2'000'000;
  const auto backend = make_simt_backend(options);
  for (int round = 0; round < 20; ++round) { backend->tails(run, run.accounts, {}); }  // a leak would run out of memory
}

}  // namespace
}  // namespace tailmargin::test
