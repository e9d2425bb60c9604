// Scenarios in which a part of the underlyings moves: the same bits for those.
#include "host/prepare/narrow.hpp"

#include <gtest/gtest.h>

#include <array>

#include "host/engine/kept_scenarios.hpp"
#include "host/engine/path_story.hpp"
#include "host/prepare/model_variants.hpp"
#include "host/prepare/prepare_run.hpp"
#include "tests/support/small_exchange.hpp"

namespace tailmargin::test {
namespace {

constexpr std::uint64_t num_paths = 300;
constexpr std::array samplers = {Sampler::plain, Sampler::stratified, Sampler::sobol};

SimulateOptions options() { return {&choose_kernels(Isa::automatic), 2, {}, nullptr}; }

/// [path][row] of the factors of an underlying.
std::vector<float> moves_of(UnderlyingId underlying, const PreparedRun& run, const Observations& observations) {
  const PathTeller teller(run);
  const ObservedPaths paths(teller, observations);
  std::vector<float> out, rows(paths.num_rows());
  for (std::uint64_t path = 0; path < num_paths; ++path) {
    paths.read(path, rows.data());
    for (std::size_t row = 0; row < rows.size(); ++row) {
      const std::uint32_t factor = run.scenarios.observations[row].factor;
      if (run.scenarios.factors[factor].underlying == underlying) { out.push_back(rows[row]); }
    }
  }
  return out;
}

PreparedRun only(PreparedRun run, UnderlyingId underlying) {
  run.scenarios = narrow_scenarios(std::move(run.scenarios), {underlying});
  return run;
}

TEST(NarrowScenarios, WhatMovesKeepsItsBits) {
  const Exchange exchange;
  for (const Sampler sampler : samplers) {
    const PreparedRun run = prepare_run(exchange.book(), weighted(), num_paths, 3, sampler);
    const Observations all = std::move(simulate_together({&run}, options()).front());
    for (UnderlyingId u = 0; u < exchange.book().underlyings.size(); ++u) {
      const PreparedRun narrow = only(run, u);
      const Observations part = std::move(simulate_together({&narrow}, options()).front());
      EXPECT_EQ(moves_of(u, narrow, part), moves_of(u, run, all)) << u << " " << to_string(sampler);
      EXPECT_LT(narrow.scenarios.read_draws->size(), run.scenarios.num_draws) << u;
    }
  }
}

// Draws that only one of the models reads are there for it.
TEST(NarrowScenarios, VariantsKeepTheirBitsTogether) {
  const Exchange exchange;
  const Model model = weighted();
  for (const Sampler sampler : {Sampler::plain, Sampler::stratified}) {  // these two have other Sobol points
    const PreparedRun run = prepare_run(exchange.book(), model, num_paths, 3, sampler), narrow = only(run, 0);
    const Model other = with_dependence(model, UnderlyingDependence::perfect),
                own = with_dependence(model, UnderlyingDependence::independent);
    std::vector<PreparedRun> variants;
    for (const Model& m : {other, own}) { variants.push_back(prepare_variant(narrow, exchange.book(), m, num_paths)); }
    ASSERT_TRUE(have_common_draws(variants[0], variants[1]));
    EXPECT_NE(variants[0].scenarios.read_draws, variants[1].scenarios.read_draws);
    const std::vector<Observations> found = simulate_together({&variants[0], &variants[1]}, options());
    const std::vector<Model> models = {other, own};
    for (std::size_t m = 0; m < models.size(); ++m) {
      const PreparedRun all = prepare_variant(run, exchange.book(), models[m], num_paths);
      const Observations alone = std::move(simulate_together({&all}, options()).front());
      EXPECT_EQ(moves_of(0, variants[m], found[m]), moves_of(0, all, alone)) << m << " " << to_string(sampler);
    }
  }
}

TEST(ObservedPaths, AreThoseOfPathsSimulatedAgain) {
  const Exchange exchange;
  const PreparedRun run = prepare_run(exchange.book(), weighted(), num_paths, 3, Sampler::sobol);
  const Observations kept = std::move(simulate_together({&run}, options()).front());

  EXPECT_EQ(moves_of(0, run, kept), moves_of(0, run, {}));
}

}  // namespace
}  // namespace tailmargin::test
