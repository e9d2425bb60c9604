// The cuda backend's kernels and flow, run by the SIMT shim, against the cpu backend on a whole prepared exchange:
// every kind of instrument and account, both precisions, the same bits.
#include <gtest/gtest.h>

#include "host/prepare/prepare_run.hpp"
#include "host/prepare/scenario_laws.hpp"
#include "host/synth/synth.hpp"
#include "kernels/cuda/simt/simt_backend.hpp"
#include "tests/cuda/same_tails.hpp"
#include "tests/estimators/support.hpp"
#include "tests/support/small_book.hpp"

namespace tailmargin::test {
namespace {

class BackendsAgree : public testing::TestWithParam<Precision> {};

TEST_P(BackendsAgree, OnAMadeUpExchange) {
  const Book book = make_exchange(make_market(1), {.num_accounts = 60, .seed = 3});
  const Model model = gaussian_model(1.0, {{"*", 0.9, 0.6, 0.2, 0.001}});
  PreparedRun run = prepare_run(book, model, 900, 11);
  run.regime_steps = count_regime_steps(run.scenarios, run.points, run.seed, run.num_paths);
  TailsRequest request;
  request.precision = GetParam();
  request.keep_paths = KeepTailPaths::yes;
  simt::SimtOptions options;
  options.pipeline = {.accounts_per_batch = 25, .paths_per_chunk = 512, .sample_paths = 300};

  const Tails simt = simt::make_simt_backend(options)->tails(run, run.accounts, request);

  const Tails cpu = make_cpu_backend({})->tails(run, run.accounts, request);
  expect_same_figures(simt, cpu);
  expect_same_paths(simt, cpu);
}

TEST_P(BackendsAgree, OnEverySampler) {
  for (const Sampler sampler : {Sampler::stratified, Sampler::sobol}) {
    PreparedRun run = prepare_run(three_coin_book(), wild_model(), 1'300, 11, sampler);
    run.regime_steps = count_regime_steps(run.scenarios, run.points, run.seed, run.num_paths);
    TailsRequest request;
    request.precision = GetParam();
    request.keep_paths = KeepTailPaths::yes;
    simt::SimtOptions options;
    options.pipeline = {.accounts_per_batch = 2, .paths_per_chunk = 512, .sample_paths = 300};

    const Tails simt = simt::make_simt_backend(options)->tails(run, run.accounts, request);

    const Tails cpu = make_cpu_backend({})->tails(run, run.accounts, request);
    expect_same_figures(simt, cpu);
    expect_same_paths(simt, cpu);
  }
}

// Some positions of the made-up exchange fit a day's share of their market's volume, some do not.
TEST_P(BackendsAgree, OnPositionsThatCloseInParts) {
  const Book book = make_exchange(make_market(1), {.num_accounts = 40, .seed = 3});
  Model model = gaussian_model(1.0, {{"*", 0.9, 0.6, 0.2, 0.001}});
  model.step_hours = 12.0;
  model.closing = Closing{1e-3, {36.0, 60.0}};
  PreparedRun run = prepare_run(book, model, 500, 11);
  std::size_t later = 0;
  for (const PositionColumn& column : run.accounts.columns) { later += column.column() % 3 == 0 ? 0 : 1; }
  EXPECT_GT(later, 20u) << "not tested";
  EXPECT_LT(later + 20, run.accounts.columns.size()) << "not tested";
  TailsRequest request;
  request.precision = GetParam();
  request.keep_paths = KeepTailPaths::yes;
  simt::SimtOptions options;
  options.pipeline = {.accounts_per_batch = 25, .paths_per_chunk = 256, .sample_paths = 300};

  const Tails simt = simt::make_simt_backend(options)->tails(run, run.accounts, request);

  const Tails cpu = make_cpu_backend({})->tails(run, run.accounts, request);
  expect_same_figures(simt, cpu);
  expect_same_paths(simt, cpu);
}

TEST_P(BackendsAgree, OnABookWithoutUnderlyings) {
  BookMaker maker;
  maker.deposit(maker.account("a"), no_underlying, -5.0);
  const PreparedRun run = prepare_run(maker.book(), gaussian_model(1.0, {price_only("*", 0.5)}), 500, 11);
  TailsRequest request;
  request.precision = GetParam();

  const Tails simt = simt::make_simt_backend({})->tails(run, run.accounts, request);

  expect_same_figures(simt, make_cpu_backend({})->tails(run, run.accounts, request));
}

void expect_same_shortfalls(const PreparedRun& run, const ShortfallsRequest& request, const PipelineOptions& pipeline) {
  simt::SimtOptions options;
  options.pipeline = pipeline;

  const Shortfalls simt = simt::make_simt_backend(options)->shortfalls(run, run.accounts, request);

  const Shortfalls cpu = make_cpu_backend({})->shortfalls(run, run.accounts, request);
  ASSERT_EQ(simt.paths.size(), cpu.paths.size());
  for (std::size_t p = 0; p < cpu.paths.size(); ++p) {
    EXPECT_EQ(simt.paths[p].sum, cpu.paths[p].sum) << "path " << p;
    EXPECT_EQ(simt.paths[p].largest, cpu.paths[p].largest) << "path " << p;
    EXPECT_EQ(simt.paths[p].second, cpu.paths[p].second) << "path " << p;
  }
  std::size_t short_accounts = 0;
  ASSERT_EQ(simt.accounts.size(), cpu.accounts.size());
  for (std::size_t a = 0; a < cpu.accounts.size(); ++a) {
    EXPECT_EQ(simt.accounts[a].weight, cpu.accounts[a].weight) << "account " << a;
    EXPECT_EQ(simt.accounts[a].low, cpu.accounts[a].low) << "account " << a;
    EXPECT_EQ(simt.accounts[a].high, cpu.accounts[a].high) << "account " << a;
    short_accounts += cpu.accounts[a].weight != 0 ? 1 : 0;
  }
  EXPECT_GT(short_accounts, 1u) << "not tested";
  EXPECT_EQ(simt.short_paths, cpu.short_paths);
}

/// The paths kept are those that the sums of accounts count.
void expect_kept_paths(const PreparedRun& run, const ShortfallsRequest& request) {
  const Shortfalls found = make_cpu_backend({.paths_per_tile = 64})->shortfalls(run, run.accounts, request);
  const std::uint64_t words = path_words(run.num_paths);
  ASSERT_EQ(found.short_paths.size(), found.accounts.size() * words);
  for (std::size_t a = 0; a < found.accounts.size(); ++a) {
    std::uint64_t weight = 0;
    for (std::uint64_t p = 0; p < words * 64; ++p) {
      if ((found.short_paths[a * words + p / 64] >> p % 64 & 1) == 0) { continue; }
      ASSERT_LT(p, run.num_paths);
      EXPECT_GT(found.paths[p].sum, 0) << "account " << a << " path " << p;
      weight += request.weights == nullptr ? 1 : (*request.weights)[p];
    }
    EXPECT_EQ(weight, found.accounts[a].weight) << "account " << a;
  }
}

TEST_P(BackendsAgree, OnShortfalls) {
  const Book book = make_exchange(make_market(1), {.num_accounts = 60, .seed = 3});
  PreparedRun run = prepare_run(book, gaussian_model(1.0, {{"*", 0.9, 0.6, 0.2, 0.001}}), 700, 11);
  for (double& equity : run.accounts.equity_usd) { equity *= 0.02; }
  run.accounts.equity_usd[7] = -1e6;
  ShortfallsRequest request;
  request.precision = GetParam();
  expect_same_shortfalls(run, request, {.accounts_per_batch = 25, .paths_per_chunk = 256});
  request.keep_paths = KeepShortPaths::yes;
  expect_same_shortfalls(run, request, {.accounts_per_batch = 25, .paths_per_chunk = 64});
  expect_kept_paths(run, request);
  std::vector<std::uint32_t> weights(700, 0);
  for (std::size_t p = 0; p < 700; p += 3) { weights[p] = p % 2 == 0 ? 4'294'967'295u : 7u; }
  std::fill(weights.begin() + 256, weights.begin() + 330, 0u);
  request.weights = &weights;
  expect_same_shortfalls(run, request, {.paths_per_chunk = 512});
  expect_kept_paths(run, request);
}

TEST_P(BackendsAgree, OnShortfallsAtSeveralReadTimes) {
  Model model = wild_model();
  model.measure = PathMeasure::worst;
  model.measure_hours = 16.0;
  PreparedRun run = prepare_run(three_coin_book(), model, 300, 11);
  run.accounts.equity_usd = {1'000.0, -500.0, 2'000.0, 0.0};
  ShortfallsRequest request;
  request.precision = GetParam();
  request.weights = &run.path_weights;
  expect_same_shortfalls(run, request, {});
}

TEST_P(BackendsAgree, OnShortfallsOfNoAccountAndOfOneWithoutPositions) {
  PreparedRun run = prepare_run(three_coin_book(), one_regime_model(), 100, 11);
  ShortfallsRequest request;
  request.precision = GetParam();
  const auto simt = simt::make_simt_backend({});

  run.accounts = select_accounts(run.accounts, {3});
  run.accounts.equity_usd[0] = -3.0;
  const Shortfalls debt = simt->shortfalls(run, run.accounts, request);
  const Shortfalls none = simt->shortfalls(run, select_accounts(run.accounts, {}), request);

  EXPECT_EQ(debt.accounts[0].weight, 100u);
  EXPECT_EQ(debt.paths[99].sum, 300);
  EXPECT_EQ(none.paths.size(), 100u);
  EXPECT_EQ(none.paths[99].sum, 0);
  EXPECT_TRUE(none.accounts.empty());
}

INSTANTIATE_TEST_SUITE_P(Precisions, BackendsAgree, testing::Values(Precision::single, Precision::exact),
                         [](const auto& precision) {
                           return precision.param == Precision::single ? "single" : "exact";
                         });

}  // namespace
}  // namespace tailmargin::test
