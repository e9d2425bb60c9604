// What cannot be simulated is refused, in words that say which number is too large.
#include <gtest/gtest.h>

#include <cmath>

#include "host/prepare/prepare_run.hpp"
#include "host/prepare/scenario_laws.hpp"
#include "tests/laws/law_sample.hpp"

namespace tailmargin::test {
namespace {

bool says(const Diagnostic& problem, const std::string& words) {
  return problem.severity == Severity::error && problem.reason.find(words) != std::string::npos;
}

/// Four steps a day; `per_step` jumps of every coin's price are expected in each.
Model jumping(double per_step, JumpScope scope, double sample_multiple = 1.0) {
  Model model = one_regime(24.0, 6.0, {0.5});
  JumpRule rule;
  rule.name = "j";
  rule.scope = scope;
  rule.per_year = {per_step * 4.0 * year_days};
  rule.location = 0.1;
  rule.sample_multiple = sample_multiple;
  rule.effects = {{"*", {-1.0}}};
  model.jumps = {rule};
  return model;
}

TEST(JumpLimits, MoreThanOneJumpAStepIsRefused) {
  EXPECT_TRUE(problems_of(book_of({"A"}), jumping(0.999, JumpScope::market)).empty());

  const std::vector<Diagnostic> problems = problems_of(book_of({"A"}), jumping(1.001, JumpScope::market));

  ASSERT_EQ(problems.size(), 1u);
  EXPECT_TRUE(says(problems[0], "more than one jump is sampled per step")) << problems[0].reason;
  EXPECT_EQ(problems[0].field, "jump.per_year in regime only");
  EXPECT_EQ(problems[0].value, "1.001");
}

// Jumps of each underlying add up over the book; those of the market do not, nor do those that move nothing in it.
TEST(JumpLimits, JumpsOfEachAddUpOverTheBook) {
  const Book five = book_of({"A", "B", "C", "D", "E"});

  EXPECT_TRUE(problems_of(five, jumping(0.25, JumpScope::market)).empty());
  EXPECT_TRUE(problems_of(book_of({"A", "B", "C"}), jumping(0.25, JumpScope::each)).empty());
  EXPECT_EQ(problems_of(five, jumping(0.25, JumpScope::each)).size(), 1u);
  Model elsewhere = jumping(5.0, JumpScope::each);
  elsewhere.jumps[0].effects[0].match = "Z";
  EXPECT_TRUE(problems_of(five, elsewhere).empty());
}

TEST(JumpLimits, SeveralRulesAddUp) {
  Model model = jumping(0.6, JumpScope::market);
  model.jumps.push_back(model.jumps[0]);

  EXPECT_EQ(problems_of(book_of({"A"}), model).size(), 1u);
}

TEST(JumpLimits, EveryRegimeIsChecked) {
  Model model = jumping(0.5, JumpScope::market);
  model.regimes = {{"calm", {price_only("*", 0.5)}}, {"wild", {price_only("*", 0.5)}}};
  model.transition = {{0.9, 0.1}, {0.1, 0.9}};
  model.jumps[0].per_year = {0.5 * 4.0 * year_days, 1.5 * 4.0 * year_days};

  const std::vector<Diagnostic> problems = problems_of(book_of({"A"}), model);

  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].field, "jump.per_year in regime wild");
}

// 0.001 jumps a day, sampled 3000 times as often: 2.999 too many on a path. The 1 it may be in a step is not reached.
TEST(JumpLimits, MoreThanThreeExtraJumpsAPathAreRefused) {
  EXPECT_TRUE(problems_of(book_of({"A"}), jumping(0.00025, JumpScope::market, 3000.0)).empty());

  const std::vector<Diagnostic> problems = problems_of(book_of({"A"}), jumping(0.00025, JumpScope::market, 3002.0));

  ASSERT_EQ(problems.size(), 1u);
  EXPECT_TRUE(says(problems[0], "sampling adds more than three jumps to a path")) << problems[0].reason;
  EXPECT_EQ(problems[0].value, "3.001");
}

TEST(JumpLimits, OftenSampledJumpsCountAsTheyAreSampled) {
  const std::vector<Diagnostic> problems = problems_of(book_of({"A"}), jumping(0.3, JumpScope::market, 4.0));

  ASSERT_EQ(problems.size(), 2u);
  EXPECT_TRUE(says(problems[0], "more than one jump is sampled per step")) << problems[0].reason;
  EXPECT_EQ(problems[0].value, "1.2");
  EXPECT_TRUE(says(problems[1], "sampling adds more than three jumps")) << problems[1].reason;
  EXPECT_EQ(problems[1].value, "3.6");
}

/// One factor's jumps of a fixed size, a day ahead; `per_day` of them.
Model jumping_by(double size, double per_day, Drift drift = Drift::zero) {
  Model model = jumping(per_day / 4.0, JumpScope::market);
  model.drift = drift;
  model.jumps[0].location = size;
  model.jumps[0].max = 10.0;
  model.jumps[0].effects = {{"*", {1.0}}};
  return model;
}

// Four jumps of 6 are beyond 20. At 0.01 a day one path in 2.4 billion has four, at 0.0001 one in 2.4e17.
TEST(JumpLimits, JumpsThatMayAddUpOutOfTheRangeOfFloatAreRefused) {
  EXPECT_TRUE(problems_of(book_of({"A", "B"}), jumping_by(6.0, 1e-4)).empty());
  EXPECT_TRUE(problems_of(book_of({"A", "B"}), jumping_by(-6.0, 1e-4)).empty());

  for (const double size : {6.0, -6.0}) {
    const std::vector<Diagnostic> problems = problems_of(book_of({"A", "B"}), jumping_by(size, 1e-2));

    ASSERT_EQ(problems.size(), 1u) << "one for each rule";
    EXPECT_TRUE(says(problems[0], "may move this by more than 20 in all")) << problems[0].reason;
    EXPECT_EQ(problems[0].field, "jump[1]");
    EXPECT_EQ(problems[0].value, "A.price");
  }
}

// A jump of 9 multiplies the price by 8103: at 0.003 a day the drift that keeps its mean is -24 a day.
TEST(JumpLimits, DriftThatTakesJumpsBackCounts) {
  Model model = jumping_by(9.0, 3e-3, Drift::martingale);
  model.jumps[0].effects = {{"*", {1.0}}};

  EXPECT_TRUE(problems_of(book_of({"A"}), jumping_by(9.0, 1e-7, Drift::martingale)).empty());
  EXPECT_EQ(problems_of(book_of({"A"}), model).size(), 1u);
}

// Sizes count with their chances, not at their cut: 3 jumps a day of median 0.1, cut at 3, never add up to 20.
TEST(JumpLimits, RareSizesDoNotCountAsUsualOnes) {
  Model model = jumping(0.75, JumpScope::market);
  model.jumps[0].law = JumpLaw::lognormal;
  model.jumps[0].scale = 0.3;

  EXPECT_TRUE(problems_of(book_of({"A"}), model).empty());
  model.jumps[0].scale = 3.0;  // one in eight is cut at 3
  EXPECT_EQ(problems_of(book_of({"A"}), model).size(), 1u);
}

// Smiles are cut on the path, so that vols may be moved by any number of jumps.
TEST(JumpLimits, JumpsOfVolsMayAddUp) {
  Model model = jumping_by(6.0, 1e-2);
  model.jumps[0].effects = {{"*", {0.0, 1.0}}};

  EXPECT_TRUE(problems_of(book_of({"A"}), model).empty());
}

// Vol v over a day: standard deviation v / sqrt(365) = v / 19.105.
TEST(DeviationLimits, HorizonAboveTwoDeviationsIsRefused) {
  EXPECT_TRUE(problems_of(book_of({"A"}), one_regime(24.0, 6.0, {38.2})).empty());

  const std::vector<Diagnostic> problems = problems_of(book_of({"A"}), one_regime(24.0, 6.0, {38.3}));

  ASSERT_EQ(problems.size(), 1u);
  EXPECT_TRUE(says(problems[0], "the standard deviation over the horizon is above 2")) << problems[0].reason;
  EXPECT_EQ(problems[0].value, "A.price");
  EXPECT_EQ(problems[0].field, "regime.only.vols");
}

// Paths go on to the last closing time, so that limits count to there, and messages say so.
TEST(DeviationLimits, CountToTheLastClosingTime) {
  Model model = one_regime(24.0, 6.0, {27.5});  // times sqrt(2 / 365) = 2.04
  EXPECT_TRUE(problems_of(book_of({"A"}), model).empty());
  model.closing = Closing{0.1, {30.0, 48.0}};

  const std::vector<Diagnostic> problems = problems_of(book_of({"A"}), model);

  ASSERT_EQ(problems.size(), 1u);
  EXPECT_TRUE(says(problems[0], "the standard deviation to the last closing time is above 2")) << problems[0].reason;
  EXPECT_TRUE(says(problems[0], "bring the last closing time forward.")) << problems[0].reason;
  EXPECT_FALSE(says(problems[0], "horizon")) << problems[0].reason;
  Model jumps = jumping_by(6.0, 1e-2);
  EXPECT_TRUE(says(problems_of(book_of({"A"}), jumps).at(0), "or shorten the horizon."));
  jumps.closing = model.closing;
  EXPECT_TRUE(says(problems_of(book_of({"A"}), jumps).at(0), "or bring the last closing time forward."));
}

TEST(DeviationLimits, LargestScaleTimesDeviationAboveFourIsRefused) {
  Model model = one_regime(24.0, 6.0, {0.5, 7.7});  // 7.7 / 19.105 = 0.403
  model.mixing_max_scale = 10.0;
  EXPECT_TRUE(problems_of(book_of({"A"}), model).empty()) << "normal tails have no scale";
  model.regimes[0].vols[0].tail_index = 4.0;

  const std::vector<Diagnostic> problems = problems_of(book_of({"A"}), model);

  ASSERT_EQ(problems.size(), 1u);
  EXPECT_TRUE(says(problems[0], "times mixing.max_scale is above 4")) << problems[0].reason;
  EXPECT_EQ(problems[0].value, "A.vol");
  model.mixing_max_scale = 9.9;  // 3.99
  EXPECT_TRUE(problems_of(book_of({"A"}), model).empty());
}

TEST(DeviationLimits, UnderlyingWithoutAVolRuleIsRefused) {
  Model model = one_regime(24.0, 6.0, {0.5});
  model.regimes[0].vols[0].match = "B";

  const std::vector<Diagnostic> problems = problems_of(book_of({"A", "B"}), model);

  ASSERT_FALSE(problems.empty());
  EXPECT_TRUE(says(problems[0], "no vol rule matches this underlying")) << problems[0].reason;
  EXPECT_EQ(problems[0].value, "A");
}

// Counts above eight are not sampled. At the most that is allowed that is a jump in a million steps.
TEST(JumpLimits, MostJumpsOfAStepLoseNothing) {
  double beyond = 1.0, probability = std::exp(-max_expected_jumps);
  for (std::uint32_t n = 0; n <= max_jumps_per_step; ++n) {
    beyond -= probability;
    probability *= max_expected_jumps / (n + 1.0);
  }

  EXPECT_LT(beyond, 1.2e-6);
  EXPECT_GT(beyond, 0.0);
}

}  // namespace
}  // namespace tailmargin::test
