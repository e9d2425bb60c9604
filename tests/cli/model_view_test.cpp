// What `tailmargin model show` works out of a model, against numbers by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "host/cli/model_text.hpp"
#include "host/cli/model_view.hpp"
#include "host/io/model_file.hpp"

namespace tailmargin::test {
namespace {

const std::string two_regimes = R"(format = 1
name = "two"
[horizon]
hours = 48
step_hours = 24
[chain]
transition = [[0.9, 0.1], [0.3, 0.7]]
[groups]
stable = ["USDT", "USDC", "DAI"]
[[regime]]
name = "calm"
vols = [
  { match = "BTC", price_vol = 0.5, vol_of_vol = 1, carry_vol = 0, premium_vol = 0, tail_index = 4 },
  { match = "*", price_vol = 0.8, vol_of_vol = 1, carry_vol = 0, premium_vol = 0 },
]
underlying_correlations = [
  { a = "@stable", b = "@stable", rho = 0.5 },
  { a = "BTC", b = "*", rho = 0.2 },
]
correlations = [{ a = "ETH.price", b = "BTC.price", rho = 0.85 }]
[[regime]]
name = "stress"
vols = [{ match = "*", price_vol = 2, vol_of_vol = 1, carry_vol = 0, premium_vol = 0 }]
underlying_factors = [
  { match = "BTC", common = 0.9 },
  { match = "@stable", common = 0.1, block = "pegs", block_loading = 0.8 },
  { match = "*", common = 0.7, block = "coins", block_loading = 0.5 },
]
[[jump]]
name = "crash"
scope = "market"
per_year = { calm = 0, stress = 36.5 }
size = { law = "exponential", mean = 0.2, max = 0.4 }
effects = [{ match = "*", price = -1 }]
sample_multiple = 2
)";

Model parsed(const std::string& text) {
  Diagnostics diagnostics;
  Model model = parse_model(text, "model.toml", diagnostics);
  EXPECT_TRUE(diagnostics.items().empty());
  return model;
}

ModelView viewed(const Model& model) {
  Diagnostics diagnostics;
  ModelView view = view_model(model, named_underlyings(model), true, diagnostics);
  EXPECT_TRUE(diagnostics.items().empty());
  return view;
}

TEST(ModelView, PutsUnderlyingsTogetherThatRulesTreatAlike) {
  const Model model = parsed(two_regimes);

  const ModelView view = viewed(model);

  ASSERT_EQ(view.classes.size(), 4U);
  EXPECT_EQ(label_of(view.classes[0]), "BTC");
  EXPECT_EQ(label_of(view.classes[1]), "ETH");
  EXPECT_EQ(label_of(view.classes[2]), "USDT +2");
  EXPECT_EQ(label_of(view.classes[3]), "all others");
}

TEST(ModelView, HasSharesAndStaysOfRegimes) {
  const Model model = parsed(two_regimes);

  const ModelView view = viewed(model);

  ASSERT_EQ(view.shares.size(), 2U);
  EXPECT_NEAR(view.shares[0], 0.75, 1e-12);
  EXPECT_NEAR(view.shares[1], 0.25, 1e-12);
  EXPECT_NEAR(view.length_hours[0], 240.0, 1e-9);
  EXPECT_NEAR(view.length_hours[1], 80.0, 1e-9);
}

TEST(ModelView, TakesCorrelationsFromAFullMatrixAndItsExceptions) {
  const Model model = parsed(two_regimes);

  const ModelView view = viewed(model);
  const auto& rho = view.price_correlation[0];

  EXPECT_NEAR(rho[0][0], 1.0, 1e-12);
  EXPECT_NEAR(rho[0][1], 0.85, 1e-12);  // the exception
  EXPECT_NEAR(rho[0][2], 0.2, 1e-12);
  EXPECT_NEAR(rho[1][2], 0.0, 1e-12);  // no row
  EXPECT_NEAR(rho[2][2], 0.5, 1e-12);  // of two stablecoins
  EXPECT_NEAR(rho[3][3], 0.0, 1e-12);  // of two others
}

TEST(ModelView, TakesCorrelationsFromWhatUnderlyingsShare) {
  const Model model = parsed(two_regimes);

  const auto rho = viewed(model).price_correlation[1];

  EXPECT_NEAR(rho[0][1], 0.63, 1e-12);
  EXPECT_NEAR(rho[1][3], 0.74, 1e-12);
  EXPECT_NEAR(rho[1][2], 0.07, 1e-12);
  EXPECT_NEAR(rho[2][2], 0.65, 1e-12);
}

TEST(ModelView, HasCorrelationsOfKinds) {
  std::string text = two_regimes;
  text.replace(text.find("underlying_factors"), 0,
               "kind_correlations = [{ a = \"price\", b = \"vol\", rho = -0.6 }]\n");
  const Model model = parsed(text);

  const auto rho = viewed(model).kind_correlation;

  EXPECT_NEAR(rho[1][2][0][1], -0.6, 1e-12);
  EXPECT_NEAR(rho[0][2][0][1], 0.0, 1e-12);  // nothing said in calm
  EXPECT_TRUE(std::isnan(rho[1][2][0][2]));  // carry does not move
  EXPECT_NEAR(rho[1][3][1][1], 1.0, 1e-12);
}

// vol with price of another: 0.85 x 0 without a row; the exception says 0.25.
TEST(ModelView, ListsWhatIsNotTheProduct) {
  std::string text = two_regimes;
  text.replace(text.find("correlations = [{ a = \"ETH.price\""), 16,
               "correlations = [{ a = \"ETH.vol\", b = \"BTC.price\", rho = 0.25 }, ");
  const Model model = parsed(text);

  const ModelView view = viewed(model);

  ASSERT_EQ(view.exceptions[0].size(),
            2U);  // and ETH.vol with BTC.vol: 1 without a row of vols, where prices have 0.85
  EXPECT_EQ(view.exceptions[0][0].kind_a, FactorKind::price);
  EXPECT_EQ(view.exceptions[0][0].kind_b, FactorKind::vol);
  EXPECT_NEAR(view.exceptions[0][0].rho, 0.25, 1e-12);
  EXPECT_NEAR(view.exceptions[0][0].product, 0.0, 1e-12);
  EXPECT_NE(model_text(view).find("BTC price with another's vol, ETH: 0.25"), std::string::npos) << model_text(view);
}

// Two coins at 0.995 with an eigenvalue of at least 0.01 asked for: each pair comes to 0.99 (three alike: 1 - rho is
// the smallest eigenvalue).
TEST(ModelView, ShowsRepairedCorrelationsAsTheyAreUsed) {
  const Model model = parsed(R"(format = 1
name = "repaired"
[correlation]
repair = "nearest"
min_eigenvalue = 0.01
[[regime]]
name = "only"
vols = [{ match = "*", price_vol = 0.5, vol_of_vol = 0, carry_vol = 0, premium_vol = 0 }]
underlying_correlations = [{ a = "*", b = "*", rho = 0.995 }]
)");
  Diagnostics diagnostics;

  const ModelView view = view_model(model, {"BTC", "ETH"}, false, diagnostics);

  EXPECT_NEAR(view.price_correlation[0][0][0], 0.99, 1e-9);  // BTC and ETH are alike
  ASSERT_EQ(view.repairs.size(), 1U);
  EXPECT_EQ(view.repairs[0].table, "underlying_correlations");
  EXPECT_NEAR(view.repairs[0].distance, 0.005 * std::sqrt(2.0), 1e-9);
  EXPECT_NE(model_text(view).find("underlying_correlations moved by 0.00707"), std::string::npos) << model_text(view);
  ASSERT_EQ(diagnostics.items().size(), 1U);
  EXPECT_EQ(diagnostics.items()[0].row, 9U);
}

TEST(ModelView, HasTheChanceOfAJump) {
  const Model model = parsed(two_regimes);

  const JumpView jump = viewed(model).jumps[0];

  // Two steps of a day with 0.1 jumps a day in stress. calm,calm 0.675; calm,stress 0.075; stress,calm 0.075;
  // stress,stress 0.175.
  EXPECT_NEAR(jump.chance, 1.0 - (0.675 + 0.15 * std::exp(-0.1) + 0.175 * std::exp(-0.2)), 1e-12);
  EXPECT_NEAR(jump.sampled_chance, 1.0 - (0.675 + 0.15 * std::exp(-0.2) + 0.175 * std::exp(-0.4)), 1e-12);
  EXPECT_NEAR(jump.median_size, 0.2 * std::log(2.0), 1e-15);
  EXPECT_NEAR(jump.mean_size, 0.2 * (1.0 - std::exp(-2.0)), 1e-15);
}

TEST(ModelView, HasMeansOfCutSizes) {
  Model model = parsed(two_regimes);
  JumpRule& jump = model.jumps[0];
  jump.max = 1.0;

  jump.law = JumpLaw::normal, jump.location = 0.0, jump.scale = 2.0;
  EXPECT_NEAR(viewed(model).jumps[0].mean_size, 0.0, 1e-15);
  jump.location = 0.9, jump.scale = 0.0;
  EXPECT_NEAR(viewed(model).jumps[0].mean_size, 0.9, 1e-15);
  jump.scale = 0.1;  // the cut is one deviation up: 0.9 - 0.1 (density(1) - P(Z > 1))
  EXPECT_NEAR(viewed(model).jumps[0].mean_size, 0.9 - 0.1 * (0.24197072451914337 - 0.15865525393145707), 1e-14);
  jump.law = JumpLaw::lognormal, jump.location = 1.0, jump.scale = 0.5;  // the cut is the median
  EXPECT_NEAR(viewed(model).jumps[0].mean_size, std::exp(0.125) * 0.30853753872598690 + 0.5, 1e-14);
  jump.law = JumpLaw::fixed, jump.location = -0.3;
  EXPECT_NEAR(viewed(model).jumps[0].mean_size, -0.3, 1e-15);
}

TEST(ModelView, SaysWhenRegimesCannotReachEachOther) {
  std::string text = two_regimes;
  text.replace(text.find("[[0.9, 0.1], [0.3, 0.7]]"), 24, "[[1.0, 0.0], [0.0, 1.0]]");
  const Model model = parsed(text);
  Diagnostics diagnostics;

  const ModelView view = view_model(model, named_underlyings(model), true, diagnostics);

  EXPECT_TRUE(view.shares.empty());
  ASSERT_EQ(diagnostics.items().size(), 1U);
  EXPECT_EQ(diagnostics.items()[0].field, "chain.start");
}

TEST(ModelText, ShowsTheNumbers) {
  const Model model = parsed(two_regimes);

  const std::string text = model_text(viewed(model));

  const std::vector<std::string> parts = {"two\n",   "75.0 %", "10.0 days",   "one scale for every 24 h",
                                          "USDT +2", "crash",  "one for all", "price -12.9 %"};
  for (const std::string& part : parts) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in\n" << text;
  }
}

TEST(ModelText, ShowsWhatIsLookedAtBesideTheMargin) {
  const Model model = parsed(two_regimes + R"(
[[haircut]]
match = "@stable"
share = 0.015
[[haircut]]
match = "*"
share = 0.1
[[depeg]]
match = "USDC"
fall = 0.12
[crowding]
regime = "stress"
impact = 1.5
depth = 0.25
)");

  const std::string text = model_text(viewed(model)), without = model_text(viewed(parsed(two_regimes)));

  const std::vector<std::string> lines = {
      "\n  haircuts on balances, the first that matches: @stable 1.5 %, * 10 %\n",
      "\n  pegs that break fall, the first that matches, by: USDC 12 %\n",
      "\n  crowding: liquidating 0.25 of a day's volume moves a price by 1.5 of its daily vols in stress, by the root"};
  for (const std::string& line : lines) { EXPECT_NE(text.find(line), std::string::npos) << line << text; }
  EXPECT_NE(text.find("0.5 at most"), std::string::npos) << text;
  for (const char* word : {"haircut", "pegs", "crowding"}) { EXPECT_EQ(without.find(word), std::string::npos); }
}

std::size_t widest_line(const std::string& text) {
  std::size_t widest = 0, width = 0;
  for (const char byte : text) {
    width = byte == '\n' ? 0 : width + ((static_cast<unsigned char>(byte) & 0xc0u) != 0x80u ? 1 : 0);
    widest = std::max(widest, width);
  }
  return widest;
}

TEST(ModelText, FitsOnAPage) {
  for (const char* name : {"small", "three-regimes", "twenty-coins"}) {
    Diagnostics diagnostics;
    const Model model =
        read_model(std::string(TAILMARGIN_SOURCE_DIR "/examples/models/") + name + ".toml", diagnostics);

    const std::string text = model_text(viewed(model));

    EXPECT_LE(widest_line(text), 120U) << text;
    EXPECT_NE(text.find("kinds of factor of one underlying together"), std::string::npos) << name;
  }
}

TEST(ModelText, FitsOnAPageWithSixteenRegimes) {
  std::string text = "format = 1\nname = \"many\"\n[chain]\ntransition = [\n";
  for (int r = 0; r < 16; ++r) {
    text += "[";
    for (int c = 0; c < 16; ++c) text += r == c ? "0.985," : "0.001,";
    text += "],\n";
  }
  text += "]\n";
  for (int r = 0; r < 16; ++r) {
    text += "[[regime]]\nname = \"a regime with number " + std::to_string(r) +
            "\"\nvols = [{ match = \"*\", price_vol = 1, vol_of_vol = 1, carry_vol = 1, premium_vol = 1 }]\n";
  }
  const Model model = parsed(text);

  EXPECT_LE(widest_line(model_text(viewed(model))), 120U) << model_text(viewed(model));
}

TEST(ModelText, IsCompleteAsJson) {
  const Model model = parsed(two_regimes);

  const auto json = model_json(viewed(model));

  EXPECT_EQ(json["parameters"]["name"], "two");
  EXPECT_EQ(json["underlyings"].size(), 4U);
  EXPECT_NEAR(json["regimes"][0]["price_correlation"][0][1].get<double>(), 0.85, 1e-12);
  EXPECT_EQ(json["kinds"][1], "vol");
  EXPECT_NEAR(json["regimes"][0]["kind_correlation"][0][1][1].get<double>(), 1.0, 1e-12);
  EXPECT_EQ(json["jumps"][0]["name"], "crash");
}

}  // namespace
}  // namespace tailmargin::test
