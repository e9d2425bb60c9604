// A good preset after one edit, and exactly the problems expected.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "host/io/method_file.hpp"
#include "tests/io/print_diagnostics.hpp"

namespace tailmargin::test {
namespace {

const std::string good = R"(format = 1
method = "mine"
title = "Mine"
kind = "scenarios"
fidelity = "made up"
date = "2026-11-27"
source = "nobody"
[margin]
initial = 1.2
units = "settlement"
across = "same scenario"
[[group]]
match = ["BTC"]
settlement = "coin"
pnl = "coin"
range = 0.16
steps = 4
vols = ["up", "same", "down"]
extended = { moves = [-0.66, 2.0], dampener_usd = 1000 }
extra = [{ move = 0.5, vol = "up", weight = 0.25 }]
vol = { shift = "relative", up = 0.5, down = 0.25, short_power = 0.3, long_power = 0.13 }
gains = { share = 0.6 }
charges = [
  { name = "roll", kind = "roll", annual_move = 0.05, min_move = 0.01 },
  { name = "minimum", kind = "notional", role = "floor", legs = "all", rate = 0.01, tiers = [{ up_to_usd = 10, rate = 1 }, { rate = 2 }] },
]
)";

const std::string good_positions = R"(format = 1
method = "mine"
title = "Mine"
kind = "positions"
fidelity = "made up"
date = "2026-11-27"
source = "nobody"
[[group]]
match = ["*"]
short_option = { base = 0.15, min = 0.1, maintenance = 0.075 }
delta_one = { initial = 0.02, maintenance = 0.01 }
)";

std::vector<Diagnostic> problems_of(const std::string& text) {
  Diagnostics diagnostics;
  parse_method(text, "p.toml", diagnostics);
  return diagnostics.items();
}

std::string edited(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) { throw std::logic_error("the preset has no " + from); }
  return text.replace(at, from.size(), to);
}

TEST(BrokenPresets, TheGoodOnesAreGood) {
  EXPECT_EQ(problems_of(good), std::vector<Diagnostic>{});
  EXPECT_EQ(problems_of(good_positions), std::vector<Diagnostic>{});
  Diagnostics diagnostics;
  const venues::Method method = parse_method(good, "p.toml", diagnostics);
  EXPECT_EQ(method.scenario_groups.at(0).scenarios.size(), 27u + 2u + 1u);
  EXPECT_EQ(method.scenario_groups.at(0).charges.size(), 2u);
  EXPECT_EQ(method.initial, 1.2);
}

struct Edit {
  std::string from, to, field, value, reason;
  std::uint64_t row;
};

TEST(BrokenPresets, EveryProblemIsSaidWhereItIs) {
  const std::string range = "the number is out of range (it must be ";
  const std::vector<Edit> edits = {
      {"format = 1", "format = 2", "format", "2", range + "1, the only format there is). Correct it.", 1},
      {"method = \"mine\"", "method = \"My Method\"", "method", "My Method",
       "this is no name of a method (a-z, 0-9 and - make columns). Rename it.", 2},
      {"method = \"mine\"", "method = \"monte-carlo\"", "method", "monte-carlo",
       "the name is taken (it is the simulation's). Rename it.", 2},
      {"source = \"nobody\"\n", "", "source", "", "the key is missing (it has no default). Add it.", 0},
      {"kind = \"scenarios\"", "kind = \"matrix\"", "kind", "matrix",
       "this is none of the words known here (scenarios, positions). Use one of them.", 4},
      {"[margin]", "not_modelled = [3]\n[margin]", "not_modelled", "3", "this is no string. Put it in quotes.", 8},
      {"initial = 1.2", "initial = -1", "margin.initial", "-1", range + "from 0 to 100). Correct it.", 9},
      {"match = [\"BTC\"]", "match = []", "group[1].match", "[...]",
       "the list is empty (it says whom the group is for). Add a name.", 13},
      {"settlement = \"coin\"", "settlement = \"USD\"", "group[1].pnl", "coin",
       "only a coin-settled group has its P&L in coin. Set settlement = \"coin\".", 15},
      {"units = \"settlement\"", "units = \"underlying\"", "group[1].settlement", "coin",
       "the method does not tell settlements apart (all count in one unit). Set margin.units = \"settlement\".", 14},
      {"units = \"settlement\"", "futures = \"none\"\nunits = \"settlement\"", "margin.futures", "none",
       "this is none of the words known here (margined, left out). Use one of them.", 10},
      {"across = \"same scenario\"", "across = \"sum\"", "group[1].gains", "{...}",
       "units add up, so that gains in one never meet losses in another. Set margin.across, or remove it.", 22},
      {"range = 0.16", "range = 1", "group[1].range", "1", range + "above 0 and below 1). Correct it.", 16},
      {"steps = 4", "steps = 1.5", "group[1].steps", "1.5",
       "this is no whole number (it counts moves each way). Correct it.", 17},
      {"\"same\", \"down\"]", "\"level\"]", "group[1].vols", "[...]",
       "the moves of vols are same, up, down. Use those.", 18},
      {"moves = [-0.66, 2.0]", "moves = [0]", "group[1].extended.moves", "0",
       "a move of nothing has no weight. Drop it.", 19},
      {"moves = [-0.66, 2.0]", "moves = [-1]", "group[1].extended.moves", "-1",
       range + "above -1 and at most 100). Correct it.", 19},
      {"weight = 0.25", "weigth = 0.25", "group[1].extra[1].weight", "",
       "the key is missing (it has no default). Add it.", 20},
      {"move = 0.5, vol", "move = -1, vol", "group[1].extra[1].move", "-1",
       range + "above -1 and at most 100). Correct it.", 20},
      {"up = 0.5, down", "up = \"x\", down", "group[1].vol.up", "\"x\"",
       "the value has the wrong type (it must be a number). Correct it.", 21},
      {", long_power = 0.13", "", "group[1].vol.long_power", "", "the key is missing (it has no default). Add it.", 21},
      {"share = 0.6", "share = 1.5", "group[1].gains.share", "1.5", range + "from 0 to 1). Correct it.", 22},
      {"kind = \"roll\"", "kind = \"rolls\"", "group[1].charges[1].kind", "rolls",
       "this is none of the words known here (roll, delta shock, hedged delta, notional, short options, collateral, "
       "forward, stable hedge). Use one of them.",
       24},
      {"min_move = 0.01", "min_mov = 0.01", "group[1].charges[1].min_move", "",
       "the key is missing (it has no default). Add it.", 24},
      {"role = \"floor\"", "role = \"floor\", initial = 1", "group[1].charges[2].role", "floor",
       "only an added charge has factors of its own (this one is compared before factors). Drop them.", 25},
      {"{ rate = 2 }", "{ up_to_usd = 5, rate = 2 }", "group[1].charges[2].tiers[2].up_to_usd", "",
       "this tier does not end above the one before (tiers rise). Reorder them.", 25},
      {", tiers = [{ up_to_usd = 10, rate = 1 }, { rate = 2 }]", ", tiers = []", "group[1].charges[2].tiers", "",
       "the list is empty (nothing would be charged). Add a tier.", 25},
  };
  for (const Edit& edit : edits) {
    const auto found = problems_of(edited(good, edit.from, edit.to));
    const bool is_there = std::any_of(found.begin(), found.end(), [&](const Diagnostic& d) {
      return d == problem("p.toml", edit.row, edit.field, edit.value, edit.reason);
    });
    EXPECT_TRUE(is_there) << edit.to << "\n" << ::testing::PrintToString(found);
    EXPECT_LE(found.size(), 2u) << edit.to << "\n" << ::testing::PrintToString(found);
  }
}

TEST(BrokenPresets, GroupsThatNeverCountAndUnequalOnes) {
  const std::string second = R"([[group]]
match = ["BTC"]
range = 0.2
steps = 2
vols = ["up"]
vol = { shift = "points", up = 0.5, down = 0.25, long_power = 0.1 }
)";
  const auto found = problems_of(good + second + edited(second, "[\"BTC\"]", "[\"BTC\", \"SOL\"]"));
  const std::string unequal =
      "the group has another number of scenarios than the first (units add up scenario by scenario). Give it as many.";
  const std::string points =
      "moves in points do not change with the time to expiry (the key would not count). Remove it.";
  const std::vector<Diagnostic> expected = {
      problem("p.toml", 27, "group[2].steps", "", unequal),
      problem("p.toml", 32, "group[2].vol.long_power", "0.1", points),
      problem("p.toml", 33, "group[3].steps", "", unequal),
      problem("p.toml", 34, "group[3].match", "[...]",
              "an earlier group takes BTC (the first match counts). Reorder or drop it."),
      problem("p.toml", 38, "group[3].vol.long_power", "0.1", points)};
  EXPECT_EQ(found, expected);
}

TEST(BrokenPresets, Positions) {
  EXPECT_EQ(problems_of(edited(good_positions, "min = 0.1", "min = 2")).at(0),
            problem("p.toml", 10, "group[1].short_option.min", "2",
                    "the number is out of range (it must be from 0 to 1). Correct it."));
  EXPECT_EQ(
      problems_of(edited(good_positions, ", maintenance = 0.01", "")).at(0),
      problem("p.toml", 11, "group[1].delta_one.maintenance", "", "the key is missing (it has no default). Add it."));
  EXPECT_EQ(problems_of(edited(good_positions, "[\"*\"]", "[\"*\"]\nrange = 0.1")).at(0).field, "group[1].range");
}

TEST(BrokenPresets, NoGroupNoFileNoToml) {
  const std::string no_group = good.substr(0, good.find("[[group]]"));
  EXPECT_EQ(problems_of(no_group).at(0).field, "group");
  EXPECT_EQ(problems_of(edited(no_group, "[margin]", "group = []\n[margin]")).at(0),
            problem("p.toml", 8, "group", "", "there is no group (nobody would be margined). Add one."));
  EXPECT_EQ(problems_of("= 3").size(), 1u);
  Diagnostics diagnostics;
  read_method("/no/such/preset.toml", diagnostics);
  EXPECT_EQ(diagnostics.items().at(0).file, "/no/such/preset.toml");
  EXPECT_TRUE(diagnostics.has_errors());
}

}  // namespace
}  // namespace tailmargin::test
