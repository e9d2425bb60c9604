// Broken models: each is a good small model after one edit, and every problem found must be exactly the expected one.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "host/io/model_file.hpp"
#include "tests/io/broken_book.hpp"
#include "tests/io/broken_model.hpp"
#include "tests/io/print_diagnostics.hpp"

namespace tailmargin::test {
namespace {

const std::string good = R"(format = 1
name = "tiny"
date = "2026-11-22"
source = "made up"
[horizon]
hours = 24
step_hours = 8
drift = "martingale"
time_roll = "on"
[margin]
confidence = 0.99
maintenance_ratio = 0.8
[chain]
start = "stationary"
transition_hours = 8
transition = [[0.95, 0.05],  [0.10, 0.90]]
[groups]
stable = ["USDT", "USDC"]
[[regime]]
name = "calm"
vols = [
  { match = "BTC", price_vol = 0.42, vol_of_vol = 0.90, carry_vol = 0.20, premium_vol = 0.01 },
  { match = "*", price_vol = 0.80, vol_of_vol = 0.90, carry_vol = 0.35, premium_vol = 0.03 },
]
kind_correlations = [
  { a = "price", b = "vol", rho = -0.4 },
  { a = "carry", b = "premium", rho = 0.5 },
]
underlying_correlations = [
  { a = "@stable", b = "*", rho = 0.0 },
  { a = "BTC", b = "*", rho = 0.6 },
]
correlations = [
  { a = "@stable.price", b = "*.vol", rho = 0.2 },
  { a = "*.price", b = "*.carry", same_underlying = "yes", rho = 0.25 },
]
[[regime]]
name = "stress"
vols = [{ match = "*", price_vol = 2.1, vol_of_vol = 2.2, carry_vol = 1.5, premium_vol = 0.2 }]
)";

std::string with_seventeen_regimes() {
  std::string text = "format = 1\nname = \"many\"\n";
  for (int r = 1; r <= 17; ++r) {
    text += "[[regime]]\nname = \"r" + std::to_string(r) +
            "\"\nvols = [{ match = \"*\", price_vol = 1, vol_of_vol = 1, carry_vol = 1, premium_vol = 1 }]\n";
  }
  text += "[chain]\ntransition = [\n";
  for (int r = 0; r < 17; ++r) {
    text += "[";
    for (int c = 0; c < 17; ++c) text += c == r ? "1.0," : "0.0,";
    text += "],\n";
  }
  return text + "]\n";
}

// clang-format off
const BrokenModelCase broken_models[] = {
    {"SyntaxError",
     [] { return edited(good, "hours = 24", "hours = "); },
     {problem("model.toml", 6, "", "",
              "this is not TOML: *")}},
    {"TableNameStartsWithBrace",  // toml++ takes this for impossible
     [] { return edited(good, "[chain]", "[}chain]"); },
     {problem("model.toml", 13, "", "",
              "this is not TOML: *")}},
    {"TableNameStartsWithBraceInTheLastLine",
     [] { return std::string("format = 1\n[}chain]"); },
     {problem("model.toml", 2, "", "",
              "this is not TOML: *")}},
    {"Empty",
     [] { return std::string(); },
     {problem("model.toml", 0, "format", "",
              "the key is missing (it has no default). Add it."),
      problem("model.toml", 0, "name", "",
              "the key is missing (it has no default). Add it."),
      problem("model.toml", 0, "regime", "",
              "the key is missing (it has no default). Add it.")}},
    {"UnknownFormat",
     [] { return edited(good, "format = 1", "format = 2"); },
     {problem("model.toml", 1, "format", "2",
              "the number is out of range (it must be 1, the only format there is). Correct it.")}},
    {"NoFormat",
     [] { return edited(good, "format = 1\n", ""); },
     {problem("model.toml", 0, "format", "",
              "the key is missing (it has no default). Add it.")}},
    {"UnknownRootKey",
     [] { return edited(good, "source", "sauce"); },
     {problem("model.toml", 4, "sauce", "made up",
              "the key is unknown (a typo must not change a result unseen). Is source meant?")}},
    {"UnknownTable",
     [] { return edited(good, "[margin]", "[margins]"); },
     {problem("model.toml", 10, "margins", "{...}",
              "the key is unknown (a typo must not change a result unseen). Is margin meant?")}},
    {"UnknownKeyInHorizon",
     [] { return edited(good, "step_hours", "steps_hours"); },
     {problem("model.toml", 7, "horizon.steps_hours", "8",
              "the key is unknown (a typo must not change a result unseen). Is step_hours meant?")}},
    {"UnknownKeyInVolRow",
     [] { return edited(good, "vol_of_vol = 0.90", "vol_off_vol = 0.90"); },
     {problem("model.toml", 22, "regime[1].vols[1].vol_of_vol", "",
              "the key is missing (it has no default). Add it."),
      problem("model.toml", 22, "regime[1].vols[1].vol_off_vol", "0.9",
              "the key is unknown (a typo must not change a result unseen). Is vol_of_vol meant?")}},
    {"UnknownKeyInCorrelationRow",
     [] { return edited(good, "same_underlying = \"yes\"", "same = \"yes\""); },
     {problem("model.toml", 35, "regime[1].correlations[2].same", "yes",
              "the key is unknown (a typo must not change a result unseen). Remove it.")}},
    {"UnknownKeyInRegime",
     [] { return edited(good, "name = \"calm\"", "name = \"calm\"\nweight = 3"); },
     {problem("model.toml", 21, "regime[1].weight", "3",
              "the key is unknown (a typo must not change a result unseen). Remove it.")}},
    {"WrongTypes",
     [] { return edited(edited(good, "hours = 24", "hours = \"24\""), "name = \"tiny\"", "name = 5"); },
     {problem("model.toml", 2, "name", "5",
              "the value has the wrong type (it must be a string in quotes). Correct it."),
      problem("model.toml", 6, "horizon.hours", "\"24\"",
              "the value has the wrong type (it must be a number). Correct it.")}},
    {"StepDoesNotDivide",
     [] { return edited(good, "step_hours = 8", "step_hours = 7"); },
     {problem("model.toml", 7, "horizon.step_hours", "7",
              "the step does not divide the horizon (paths end on a step). Choose a step that fits.")}},
    {"TooManySteps",
     [] { return edited(edited(good, "hours = 24", "hours = 48"), "step_hours = 8", "step_hours = 0.0025"); },
     {problem("model.toml", 7, "horizon.step_hours", "0.0025",
              "the horizon has more than 10000 steps (a run would not end in useful time). Choose a longer "
              "step.")}},
    {"StepOfNoWholeSeconds",
     [] { return edited(good, "step_hours = 8", "step_hours = 0.0001"); },
     {problem("model.toml", 7, "horizon.step_hours", "1e-04",
              "the step is no whole number of seconds (times are counted in seconds). Choose one that is.")}},
    {"NegativeHorizon",
     [] { return edited(good, "hours = 24", "hours = -24"); },
     {problem("model.toml", 6, "horizon.hours", "-24",
              "the number is out of range (it must be above 0 and at most 1000000). Correct it.")}},
    {"NanHorizon",
     [] { return edited(good, "hours = 24", "hours = nan"); },
     {problem("model.toml", 6, "horizon.hours", "nan",
              "the number is out of range (it must be above 0 and at most 1000000). Correct it.")}},
    {"UnknownDrift",
     [] { return edited(good, "martingale", "trend"); },
     {problem("model.toml", 8, "horizon.drift", "trend",
              "this is none of the words known here (martingale, zero). Use one of them.")}},
    {"ConfidenceInPercent",
     [] { return edited(good, "confidence = 0.99", "confidence = 99"); },
     {problem("model.toml", 11, "margin.confidence", "99",
              "the number is out of range (it must be above 0.5 and below 1). Correct it.")}},
    {"ConfidenceTooLow",
     [] { return edited(good, "confidence = 0.99", "confidence = 0.5"); },
     {problem("model.toml", 11, "margin.confidence", "0.5",
              "the number is out of range (it must be above 0.5 and below 1). Correct it.")}},
    {"MaintenanceAboveOne",
     [] { return edited(good, "maintenance_ratio = 0.8", "maintenance_ratio = 1.2"); },
     {problem("model.toml", 12, "margin.maintenance_ratio", "1.2",
              "the number is out of range (it must be above 0 and at most 1). Correct it.")}},
    {"RowDoesNotSumToOne",
     [] { return edited(good, "[0.95, 0.05]", "[0.95, 0.04]"); },
     {problem("model.toml", 16, "chain.transition[1]", "0.99",
              "the probabilities do not sum to 1 (within 1e-9; a regime would get lost). Correct them.")}},
    {"ProbabilityAboveOne",
     [] { return edited(good, "[0.95, 0.05]", "[1.05, -0.05]"); },
     {problem("model.toml", 16, "chain.transition[1][1]", "1.05",
              "the number is out of range (it must be from 0 to 1). Correct it."),
      problem("model.toml", 16, "chain.transition[1][2]", "-0.05",
              "the number is out of range (it must be from 0 to 1). Correct it.")}},
    {"ShortTransitionRow",
     [] { return edited(good, "[0.95, 0.05]", "[1.0]"); },
     {problem("model.toml", 16, "chain.transition[1]", "1",
              "the list does not have one probability for each regime (there are 2). Add or drop entries.")}},
    {"MissingTransitionRow",
     [] { return edited(good, "[0.95, 0.05],", ""); },
     {problem("model.toml", 16, "chain.transition", "1",
              "the matrix does not have one row for each regime (there are 2). Add or drop rows.")}},
    {"TransitionOfTexts",
     [] { return edited(good, "[0.95, 0.05]", "[\"a\", 0.05]"); },
     {problem("model.toml", 16, "chain.transition[1][1]", "\"a\"",
              "the value has the wrong type (it must be a number). Correct it.")}},
    {"NoTransition",
     [] { return edited(good, "transition = [[0.95, 0.05],  [0.10, 0.90]]", ""); },
     {problem("model.toml", 13, "chain.transition", "",
              "the key is missing (it has no default). Add it.")}},
    {"NoChain",
     [] { return edited(good, good.substr(good.find("[chain]"), good.find("[groups]") - good.find("[chain]")), ""); },
     {problem("model.toml", 0, "chain", "",
              "the table is missing (several regimes need their transitions). Add [chain].")}},
    {"UnknownStart",
     [] { return edited(good, "\"stationary\"", "\"random\""); },
     {problem("model.toml", 14, "chain.start", "random",
              "this is neither \"stationary\", nor a regime's name, nor a list of probabilities (paths need a first "
              "regime). Correct it.")}},
    {"StartOfWrongLength",
     [] { return edited(good, "\"stationary\"", "[1.0]"); },
     {problem("model.toml", 14, "chain.start", "1",
              "the list does not have one probability for each regime (there are 2). Add or drop entries.")}},
    {"StartDoesNotSumToOne",
     [] { return edited(good, "\"stationary\"", "[0.5, 0.4]"); },
     {problem("model.toml", 14, "chain.start", "0.9",
              "the probabilities do not sum to 1 (within 1e-9; a regime would get lost). Correct them.")}},
    {"DuplicateRegime",
     [] { return edited(good, "\"stress\"", "\"calm\""); },
     {problem("model.toml", 37, "regime[2].name", "calm",
              "another regime has this name (reports tell regimes apart by name). Rename one.")}},
    {"EmptyRegimeName",
     [] { return edited(good, "\"stress\"", "\"\""); },
     {problem("model.toml", 37, "regime[2].name", "",
              "the name is empty (things are matched by name). Fill it in.")}},
    {"TooManyRegimes",
     [] { return with_seventeen_regimes(); },
     {problem("model.toml", 3, "regime", "17",
              "the number of regimes is out of range (there are 1 to 16). Add or drop regimes.")}},
    {"NoRegime",
     [] { return std::string("format = 1\nname = \"none\"\n"); },
     {problem("model.toml", 0, "regime", "",
              "the key is missing (it has no default). Add it.")}},
    {"NegativeVol",
     [] { return edited(good, "price_vol = 0.42", "price_vol = -0.42"); },
     {problem("model.toml", 22, "regime[1].vols[1].price_vol", "-0.42",
              "the number is out of range (it must be from 0 to 100, per square root of a year). Correct it.")}},
    {"InfiniteVol",
     [] { return edited(good, "price_vol = 0.42", "price_vol = inf"); },
     {problem("model.toml", 22, "regime[1].vols[1].price_vol", "inf",
              "the number is out of range (it must be from 0 to 100, per square root of a year). Correct it.")}},
    {"VolMissing",
     [] { return edited(good, "price_vol = 0.42, ", ""); },
     {problem("model.toml", 22, "regime[1].vols[1].price_vol", "",
              "the key is missing (it has no default). Add it.")}},
    {"NoStarRow",
     [] { return edited(good, "match = \"*\"", "match = \"ETH\""); },
     {problem("model.toml", 21, "regime[1].vols", "",
              "the last row does not match \"*\" (an underlying without a row would have no volatility). Add "
              "it.")}},
    {"RowAfterStar",
     [] { return edited(good, "match = \"BTC\"", "match = \"*\""); },
     {problem("model.toml", 23, "regime[1].vols[2].match", "*",
              "an earlier row matches all of this (the first match counts, so this row never does). Reorder or "
              "drop it.")}},
    {"UnknownGroupInVols",
     [] { return edited(good, "match = \"BTC\"", "match = \"@majors\""); },
     {problem("model.toml", 22, "regime[1].vols[1].match", "@majors",
              "the group is not in [groups] (the rule would match nothing). Add it there.")}},
    {"GroupInOtherCapitals",
     [] { return edited(good, "a = \"@stable\"", "a = \"@Stable\""); },
     {problem("model.toml", 30, "regime[1].underlying_correlations[1].a", "@Stable",
              "the group is not in [groups] (the rule would match nothing). Is @stable meant?")}},
    {"GroupWithoutAt",
     [] { return edited(good, "a = \"@stable\"", "a = \"stable\""); },
     {notice("model.toml", 30, "regime[1].underlying_correlations[1].a", "stable",
              "this means an underlying of that name, not the group (the rule would match nothing else). Is @stable "
              "meant?")}},
    {"GroupWithoutAtInAFactor",
     [] { return edited(good, "@stable.price", "Stable.price"); },
     {notice("model.toml", 34, "regime[1].correlations[1].a", "Stable",
              "this means an underlying of that name, not the group (the rule would match nothing else). Is @stable "
              "meant?")}},
    {"GroupInAGroup",
     [] { return edited(good, "[\"USDT\", \"USDC\"]", "[\"USDT\", \"@coins\", \"*\"]"); },
     {problem("model.toml", 18, "groups.stable", "@coins",
              "this is no name (a group holds names of underlyings, no groups). List the names."),
      problem("model.toml", 18, "groups.stable", "*",
              "this is no name (a group holds names of underlyings, no groups). List the names.")}},
    {"NameInOtherCapitals",
     [] { return edited(good, "a = \"BTC\", b = \"*\"", "a = \"Btc\", b = \"USDt\""); },
     {notice("model.toml", 31, "regime[1].underlying_correlations[2].a", "Btc",
              "this differs only in capitals from BTC in line 22 (capitals count, so they are two underlyings). Spell "
              "them alike if they are one."),
      notice("model.toml", 31, "regime[1].underlying_correlations[2].b", "USDt",
              "this differs only in capitals from USDT in line 18 (capitals count, so they are two underlyings). Spell "
              "them alike if they are one.")}},
    {"KeyInOtherCapitals",
     [] { return edited(good, "step_hours = 8", "step_hours = 8\nMEASURE = \"worst\""); },
     {problem("model.toml", 8, "horizon.MEASURE", "worst",
              "the key is unknown (a typo must not change a result unseen). Is measure meant?")}},
    {"ListForANumber",
     [] { return edited(good, "confidence = 0.99", "confidence = [0.99, \"high\"]"); },
     {problem("model.toml", 11, "margin.confidence", "[0.99, \"high\"]",
              "the value has the wrong type (it must be a number). Correct it.")}},
    {"TableForANumber",
     [] { return edited(good, "confidence = 0.99", "confidence = { level = 0.99 }"); },
     {problem("model.toml", 11, "margin.confidence", "{ level = 0.99 }",
              "the value has the wrong type (it must be a number). Correct it.")}},
    {"UnknownGroupInCorrelations",
     [] { return edited(good, "@stable.price", "@stables.price"); },
     {problem("model.toml", 34, "regime[1].correlations[1].a", "@stables.price",
              "the group is not in [groups] (the rule would match nothing). Is @stable meant?")}},
    {"UnknownFactorKind",
     [] { return edited(good, "*.vol", "*.volatility"); },
     {problem("model.toml", 34, "regime[1].correlations[1].b", "*.volatility",
              "this selects no factor (the form is NAME.kind, @group.kind or *.kind; kinds are price, vol, carry, "
              "premium, term, skew, butterfly, carry_slope, dislocation). Correct it.")}},
    {"SelectorWithoutKind",
     [] { return edited(good, "*.vol", "BTC"); },
     {problem("model.toml", 34, "regime[1].correlations[1].b", "BTC",
              "this selects no factor (the form is NAME.kind, @group.kind or *.kind; kinds are price, vol, carry, "
              "premium, term, skew, butterfly, carry_slope, dislocation). Correct it.")}},
    {"RhoIsOne",
     [] { return edited(good, "rho = 0.2", "rho = 1.0"); },
     {problem("model.toml", 34, "regime[1].correlations[1].rho", "1",
              "the number is out of range (it must be above -1 and below 1). Correct it.")}},
    {"RhoMissing",
     [] { return edited(good, ", rho = 0.2", ""); },
     {problem("model.toml", 34, "regime[1].correlations[1].rho", "",
              "the key is missing (it has no default). Add it.")}},
    {"SelectorMissing",
     [] { return edited(good, "a = \"@stable.price\", ", ""); },
     {problem("model.toml", 34, "regime[1].correlations[1].a", "",
              "the key is missing (a rule needs both factors). Add it.")}},
    {"UnknownSameUnderlying",
     [] { return edited(good, "\"yes\"", "\"maybe\""); },
     {problem("model.toml", 35, "regime[1].correlations[2].same_underlying", "maybe",
              "this is none of the words known here (any, yes, no). Use one of them.")}},
    {"GroupIsText",
     [] { return edited(good, "[\"USDT\", \"USDC\"]", "\"USDT\""); },
     {problem("model.toml", 18, "groups.stable", "\"USDT\"",
              "the group is no list (it holds names of underlyings). Put them in brackets.")}},
    {"GroupWithRepeatedName",
     [] { return edited(good, "[\"USDT\", \"USDC\"]", "[\"USDT\", \"USDT\"]"); },
     {problem("model.toml", 18, "groups.stable", "USDT",
              "the name is in the group already (one may be a typo). Drop it.")}},
    {"KindWithItself",
     [] { return edited(good, "b = \"vol\", rho", "b = \"price\", rho"); },
     {problem("model.toml", 26, "regime[1].kind_correlations[1]", "price",
              "a kind has correlation one with itself (this row says otherwise). Name two different kinds.")}},
    {"KindPairTwice",
     [] { return edited(good, "a = \"carry\", b = \"premium\"", "a = \"vol\", b = \"price\""); },
     {problem("model.toml", 27, "regime[1].kind_correlations[2]", "vol, price",
              "the pair stands in an earlier row (which one counts is unclear). Drop one.")}},
    {"UnknownKindOfFactor",
     [] { return edited(good, "a = \"carry\"", "a = \"basis\""); },
     {problem("model.toml", 27, "regime[1].kind_correlations[2].a", "basis",
              "this is no kind of factor (kinds are price, vol, carry, premium, term, skew, butterfly, carry_slope, "
              "dislocation). Correct it.")}},
    {"KindCorrelationTooLarge",
     [] { return edited(good, "rho = -0.4", "rho = -1.4"); },
     {problem("model.toml", 26, "regime[1].kind_correlations[1].rho", "-1.4",
              "the number is out of range (it must be above -1 and below 1). Correct it.")}},
    {"UnknownGroupInUnderlyings",
     [] { return edited(good, "a = \"@stable\"", "a = \"@majors\""); },
     {problem("model.toml", 30, "regime[1].underlying_correlations[1].a", "@majors",
              "the group is not in [groups] (the rule would match nothing). Add it there.")}},
    {"UnderlyingCorrelationIsOne",
     [] { return edited(good, "rho = 0.6", "rho = 1"); },
     {problem("model.toml", 31, "regime[1].underlying_correlations[2].rho", "1",
              "the number is out of range (it must be above -1 and below 1). Correct it.")}},
    {"UnderlyingPairWithoutRho",
     [] { return edited(good, ", rho = 0.6", ""); },
     {problem("model.toml", 31, "regime[1].underlying_correlations[2].rho", "",
              "the key is missing (it has no default). Add it.")}},
    {"RulesThatAreNoTables",
     [] { return edited(good, "{ a = \"BTC\", b = \"*\", rho = 0.6 }", "\"BTC\""); },
     {problem("model.toml", 31, "regime[1].underlying_correlations[2]", "\"BTC\"",
              "this is no rule (each is a table of keys). Correct it.")}},
    {"KeyTwice",
     [] { return edited(good, "confidence = 0.99", "confidence = 0.99\nconfidence = 0.9"); },
     {problem("model.toml", 12, "", "",
              "this is not TOML: *")}},
};
// clang-format on

class BrokenModels : public testing::TestWithParam<BrokenModelCase> {};

TEST_P(BrokenModels, AreReportedExactly) {
  Diagnostics diagnostics;

  parse_model(GetParam().text(), "model.toml", diagnostics);

  EXPECT_EQ(without_library_text(diagnostics.items()), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(Corpus, BrokenModels, testing::ValuesIn(broken_models),
                         [](const auto& c) { return std::string(c.param.name); });

TEST(MissingModel, IsNamed) {
  Diagnostics diagnostics;

  read_model("no/such/model.toml", diagnostics);

  const std::vector<Diagnostic> expected = {
      problem("no/such/model.toml", 0, "", "", "the model cannot be opened (a run needs one). Check the path.")};
  EXPECT_EQ(diagnostics.items(), expected);
}

TEST(GoodModel, IsReadAsWritten) {
  Diagnostics diagnostics;

  const Model model = parse_model(good, "model.toml", diagnostics);

  EXPECT_EQ(diagnostics.items(), std::vector<Diagnostic>{});
  EXPECT_EQ(model.name, "tiny");
  EXPECT_EQ(model.horizon_hours, 24.0);
  EXPECT_EQ(model.step_hours, 8.0);
  EXPECT_EQ(model.start, StartKind::stationary);
  const std::vector<std::vector<double>> transition = {{0.95, 0.05}, {0.10, 0.90}};
  EXPECT_EQ(model.transition, transition);
  ASSERT_EQ(model.regimes.size(), 2U);
  ASSERT_EQ(model.regimes[0].vols.size(), 2U);
  EXPECT_EQ(model.regimes[0].vols[0].match, "BTC");
  EXPECT_EQ(model.regimes[0].vols[0].vol[std::size_t(FactorKind::carry)], 0.20);
  ASSERT_EQ(model.regimes[0].kinds.size(), 2U);
  EXPECT_EQ(model.regimes[0].kinds[1].a, FactorKind::carry);
  EXPECT_EQ(model.regimes[0].kinds[1].b, FactorKind::premium);
  ASSERT_EQ(model.regimes[0].underlyings.size(), 2U);
  EXPECT_EQ(model.regimes[0].underlyings[1].a, "BTC");
  EXPECT_EQ(model.regimes[0].underlyings[1].rho, 0.6);
  ASSERT_EQ(model.regimes[0].correlations.size(), 2U);
  const CorrelationRule& rule = model.regimes[0].correlations[1];
  EXPECT_EQ(rule.a.underlying, "*");
  EXPECT_EQ(rule.b.kind, FactorKind::carry);
  EXPECT_EQ(rule.same_underlying, SameUnderlying::yes);
  EXPECT_EQ(rule.rho, 0.25);
  EXPECT_TRUE(model.regimes[1].correlations.empty());
}

TEST(GoodModel, HasDocumentedDefaults) {
  Diagnostics diagnostics;

  const Model model = parse_model(R"(format = 1
name = "least"
[[regime]]
name = "only"
vols = [{ match = "*", price_vol = 1, vol_of_vol = 1, carry_vol = 0, premium_vol = 0 }]
)",
                                  "model.toml", diagnostics);

  EXPECT_EQ(diagnostics.items(), std::vector<Diagnostic>{});
  EXPECT_EQ(model.horizon_hours, 24.0);
  EXPECT_EQ(model.step_hours, 1.0);
  EXPECT_EQ(model.drift, Drift::martingale);
  EXPECT_EQ(model.time_roll, TimeRoll::on);
  EXPECT_EQ(model.confidence, 0.99);
  EXPECT_EQ(model.maintenance_ratio, 0.8);
  EXPECT_EQ(model.start, StartKind::stationary);
  EXPECT_EQ(model.transition, std::vector<std::vector<double>>{{1.0}});
  EXPECT_EQ(model.measure, PathMeasure::terminal);
  EXPECT_EQ(model.measure_hours, 1.0);
  EXPECT_EQ(model.transition_hours, 1.0);
  EXPECT_EQ(model.repair, Repair::refuse);
  EXPECT_EQ(model.min_eigenvalue, 0.01);
  EXPECT_EQ(model.mixing_hours, 24.0);
  EXPECT_EQ(model.mixing_persistence, 0.0);
  EXPECT_EQ(model.mixing_max_scale, 20.0);
  EXPECT_TRUE(model.reversions.empty());
  EXPECT_TRUE(model.jumps.empty());
  EXPECT_EQ(model.sticky, Sticky::moneyness);
  EXPECT_EQ(model.term_days, 30.0);
  EXPECT_EQ(model.carry_slope_days, 30.0);
  EXPECT_EQ(model.settlement_average_minutes, 0.0);
  EXPECT_EQ(model.funding_interval_hours, 8.0);
  EXPECT_EQ(model.funding_cap, 0.03);
  EXPECT_EQ(model.uplift_confidence, 0.5);
}

TEST(GoodModel, MayStartFromProbabilities) {
  Diagnostics diagnostics;

  const Model model = parse_model(edited(good, "\"stationary\"", "[0.25, 0.75]"), "model.toml", diagnostics);

  EXPECT_EQ(diagnostics.items(), std::vector<Diagnostic>{});
  EXPECT_EQ(model.start, StartKind::probabilities);
  EXPECT_EQ(model.start_probabilities, (std::vector<double>{0.25, 0.75}));
}

TEST(ExampleModels, AreGood) {
  for (const auto& entry : std::filesystem::directory_iterator(TAILMARGIN_SOURCE_DIR "/examples/models")) {
    Diagnostics diagnostics;

    read_model(entry.path(), diagnostics);

    EXPECT_EQ(diagnostics.items(), std::vector<Diagnostic>{}) << entry.path();
  }
}

}  // namespace
}  // namespace tailmargin::test
