// The cuda backend's kernels and flow, run by the SIMT shim, against the cpu backend on a whole prepared exchange:
// every kind of instrument and account, both precisions, the same bits.
#include <gtest/gtest.h>

#include "host/prepare/prepare_run.hpp"
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
  const PreparedRun run = prepare_run(book, model, 900, 11);
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
    const PreparedRun run = prepare_run(three_coin_book(), wild_model(), 1'300, 11, sampler);
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

TEST_P(BackendsAgree, OnABookWithoutUnderlyings) {
  BookMaker maker;
  maker.deposit(maker.account("a"), no_underlying, -5.0);
  const PreparedRun run = prepare_run(maker.book(), gaussian_model(1.0, {price_only("*", 0.5)}), 500, 11);
  TailsRequest request;
  request.precision = GetParam();

  const Tails simt = simt::make_simt_backend({})->tails(run, run.accounts, request);

  expect_same_figures(simt, make_cpu_backend({})->tails(run, run.accounts, request));
}

INSTANTIATE_TEST_SUITE_P(Precisions, BackendsAgree, testing::Values(Precision::single, Precision::exact),
                         [](const auto& precision) {
                           return precision.param == Precision::single ? "single" : "exact";
                         });

}  // namespace
}  // namespace tailmargin::test
