// The model with every part is read as written.
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "host/io/model_file.hpp"
#include "tests/io/broken_book.hpp"
#include "tests/io/full_model.hpp"
#include "tests/io/print_diagnostics.hpp"

namespace tailmargin::test {
namespace {

/// The model a text gives; problems fail the test.
Model good_model(const std::string& text) {
  Diagnostics diagnostics;
  Model model = parse_model(text, "model.toml", diagnostics);
  EXPECT_EQ(diagnostics.items(), std::vector<Diagnostic>{});
  return model;
}

TEST(FullModel, HasItsTimes) {
  const Model model = good_model(full);

  EXPECT_EQ(model.measure, PathMeasure::worst);
  EXPECT_EQ(model.measure_hours, 8.0);
  EXPECT_EQ(model.transition_hours, 24.0);
  EXPECT_EQ(model.mixing_hours, 12.0);
  EXPECT_EQ(model.mixing_persistence, 0.6);
  EXPECT_EQ(model.mixing_max_scale, 15.0);
  EXPECT_EQ(model.settlement_average_minutes, 30.0);
  EXPECT_EQ(model.funding_interval_hours, 12.0);
  EXPECT_EQ(model.funding_cap, 0.02);
}

TEST(FullModel, HasItsChoices) {
  const Model model = good_model(full);

  EXPECT_EQ(model.repair, Repair::nearest);
  EXPECT_EQ(model.min_eigenvalue, 0.02);
  EXPECT_EQ(model.sticky, Sticky::strike);
  EXPECT_EQ(model.term_days, 20.0);
  EXPECT_EQ(model.carry_slope_days, 40.0);
  EXPECT_EQ(model.uplift_confidence, 0.95);
}

TEST(FullModel, StartsInTheNamedRegime) {
  const Model model = good_model(full);

  EXPECT_EQ(model.start, StartKind::probabilities);
  EXPECT_EQ(model.start_probabilities, (std::vector<double>{0.0, 1.0}));
}

TEST(FullModel, HasItsReversions) {
  const Model model = good_model(full);

  ASSERT_EQ(model.reversions.size(), 2U);
  EXPECT_EQ(model.reversions[0].match, "@stable");
  EXPECT_EQ(model.reversions[0].kind, FactorKind::price);
  EXPECT_EQ(model.reversions[0].half_life_hours, 36.0);
  EXPECT_EQ(model.reversions[0].level, -0.01);
  EXPECT_EQ(model.reversions[1].kind, FactorKind::dislocation);
  EXPECT_EQ(model.reversions[1].level, 0.0);
}

TEST(FullModel, HasItsVols) {
  const Model model = good_model(full);

  ASSERT_EQ(model.regimes.size(), 2U);
  ASSERT_EQ(model.regimes[0].vols.size(), 2U);
  const std::array<double, num_factor_kinds> of_bitcoin = {0.4, 0.9, 0.2, 0.01, 0.5, 0.6, 0.7, 0.3, 0.02};
  EXPECT_EQ(model.regimes[0].vols[0].vol, of_bitcoin);
  EXPECT_EQ(model.regimes[0].vols[0].tail_index, 4.5);
  const std::array<double, num_factor_kinds> of_others = {0.8, 0.9, 0.3, 0.03};
  EXPECT_EQ(model.regimes[0].vols[1].vol, of_others);
  EXPECT_EQ(model.regimes[0].vols[1].tail_index, std::nullopt);
}

TEST(FullModel, HasBothKindsOfDependence) {
  const Model model = good_model(full);

  ASSERT_EQ(model.regimes[0].kinds.size(), 1U);
  EXPECT_EQ(model.regimes[0].kinds[0].a, FactorKind::skew);
  ASSERT_EQ(model.regimes[0].correlations.size(), 1U);
  EXPECT_EQ(model.regimes[0].correlations[0].b.kind, FactorKind::butterfly);
  EXPECT_TRUE(model.regimes[0].underlying_factors.empty());
  EXPECT_TRUE(model.regimes[1].underlyings.empty());
  ASSERT_EQ(model.regimes[1].underlying_factors.size(), 2U);
  const UnderlyingFactors& bitcoin = model.regimes[1].underlying_factors[0];
  EXPECT_EQ(bitcoin.common, 0.9);
  EXPECT_EQ(bitcoin.block, "");
  EXPECT_EQ(bitcoin.block_loading, 0.0);
  const UnderlyingFactors& others = model.regimes[1].underlying_factors[1];
  EXPECT_EQ(others.match, "*");
  EXPECT_EQ(others.common, 0.7);
  EXPECT_EQ(others.block, "alts");
  EXPECT_EQ(others.block_loading, 0.5);
}

TEST(FullModel, HasItsJumps) {
  const Model model = good_model(full);

  ASSERT_EQ(model.jumps.size(), 2U);
  const JumpRule& crash = model.jumps[0];
  EXPECT_EQ(crash.name, "crash");
  EXPECT_EQ(crash.scope, JumpScope::market);
  EXPECT_EQ(crash.per_year, (std::vector<double>{1.5, 12.0}));
  EXPECT_EQ(crash.law, JumpLaw::lognormal);
  EXPECT_EQ(crash.location, 0.12);
  EXPECT_EQ(crash.scale, 0.5);
  EXPECT_EQ(crash.max, 2.0);
  EXPECT_EQ(crash.sample_multiple, 8.0);
  ASSERT_EQ(crash.effects.size(), 2U);
  EXPECT_EQ(crash.effects[0].match, "@stable");
  const std::array<double, num_factor_kinds> on_others = {-1.0, 2.0, -0.5, -0.1, 1.5, -0.3, 0.2, -0.4, -0.05};
  EXPECT_EQ(crash.effects[1].change, on_others);
  const JumpRule& pump = model.jumps[1];
  EXPECT_EQ(pump.scope, JumpScope::each);
  EXPECT_EQ(pump.per_year, (std::vector<double>{3.0, 3.0}));
  EXPECT_EQ(pump.law, JumpLaw::fixed);
  EXPECT_EQ(pump.location, 0.3);
  EXPECT_EQ(pump.scale, 0.0);
  EXPECT_EQ(pump.max, 3.0);
  EXPECT_EQ(pump.sample_multiple, 1.0);
}

TEST(FullModel, KnowsTheOtherLawsOfSizes) {
  const std::string fixed = "law = \"fixed\", value = 0.3";

  const Model normal = good_model(edited(full, fixed, "law = \"normal\", mean = -0.1, sd = 0.2"));
  const Model exponential = good_model(edited(full, fixed, "law = \"exponential\", mean = 0.25"));

  EXPECT_EQ(normal.jumps[1].law, JumpLaw::normal);
  EXPECT_EQ(normal.jumps[1].location, -0.1);
  EXPECT_EQ(normal.jumps[1].scale, 0.2);
  EXPECT_EQ(exponential.jumps[1].law, JumpLaw::exponential);
  EXPECT_EQ(exponential.jumps[1].location, 0.25);
}

TEST(FullModel, MayTurnFundingOff) {
  EXPECT_EQ(good_model(edited(full, "interval_hours = 12", "interval_hours = 0")).funding_interval_hours, 0.0);
}

TEST(FullModel, TakesTheStepForTimesNotGiven) {
  const Model model = good_model(edited(edited(full, "measure_hours = 8\n", ""), "transition_hours = 24\n", ""));

  EXPECT_EQ(model.measure_hours, 4.0);
  EXPECT_EQ(model.transition_hours, 4.0);
}

}  // namespace
}  // namespace tailmargin::test
