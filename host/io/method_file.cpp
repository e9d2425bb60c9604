#include "host/io/method_file.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "host/domain/validate/text.hpp"
#include "host/io/method_parts.hpp"
#include "host/io/model_rules.hpp"
#include "host/venues/scenario_matrix.hpp"

namespace tailmargin {
namespace {

using namespace venues;

constexpr NumberRange format_range{1.0, 1.0, false, false, "1, the only format there is"};
constexpr NumberRange range_range{0.0, 1.0, true, true, "above 0 and below 1"};
constexpr NumberRange steps_range{1.0, 100.0, false, false, "from 1 to 100"};
constexpr NumberRange move_range{-1.0, 100.0, true, false, "above -1 and at most 100"};
constexpr NumberRange vol_range{0.0, 20.0, false, false, "from 0 to 20"};
constexpr NumberRange power_range{0.0, 2.0, false, false, "from 0 to 2"};
constexpr NumberRange days_range{0.0, 30.0, true, false, "above 0 and at most 30"};
constexpr NumberRange slope_range{-10.0, 10.0, false, false, "from -10 to 10"};
constexpr NumberRange positive_range{0.0, 100.0, true, false, "above 0 and at most 100"};
constexpr NumberRange gain_range{0.0, 1e15, false, false, "from 0 to 1e15 USD"};

class MethodReader {
 public:
  explicit MethodReader(ProblemLog& problems) : problems_(problems) {}

  Method read(const TomlValue& root) {
    TomlTable table(root, "", problems_);
    table.number("format", format_range, true);
    read_labels(table);
    method_.kind = static_cast<MethodKind>(table.choice("kind", {"scenarios", "positions"}, true).value_or(0));
    if (const TomlValue* margin = table.table("margin")) { read_margin(*margin); }
    if (const TomlValue* groups = table.array("group", true)) { read_groups(*groups); }
    table.finish();
    return std::move(method_);
  }

 private:
  void read_labels(TomlTable& table) {
    method_.name = table.text("method", true).value_or("");
    const bool is_plain = std::all_of(method_.name.begin(), method_.name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
    if (const TomlValue* name = table.value("method"); name && (method_.name.empty() || !is_plain)) {
      table.error("method", *name, "this is no name of a method (a-z, 0-9 and - make columns). Rename it.");
    }
    if (method_.name == "monte-carlo") {
      table.error("method", *table.value("method"), "the name is taken (it is the simulation's). Rename it.");
    }
    method_.title = table.text("title", true).value_or("");
    method_.fidelity = table.text("fidelity", true).value_or("");
    method_.date = table.text("date", true).value_or("");
    method_.source = table.text("source", true).value_or("");
    method_.not_modelled = read_texts(table, "not_modelled", false);
  }

  std::vector<std::string> read_texts(TomlTable& table, std::string_view key, bool is_required) {
    std::vector<std::string> texts;
    const TomlValue* list = table.array(key, is_required);
    if (!list) { return texts; }
    for (const TomlValue& item : list->items) {
      if (item.kind != TomlValue::Kind::text || item.text.empty()) {
        problems_.error(item.line, table.path_of(key), as_written(item), "this is no string. Put it in quotes.");
      } else {
        texts.push_back(item.text);
      }
    }
    if (is_required && list->items.empty()) {
      table.error(key, *list, "the list is empty (it says whom the group is for). Add a name.");
    }
    return texts;
  }

  void read_margin(const TomlValue& value) {
    TomlTable table(value, "margin", problems_);
    method_.initial = table.number("initial", factor_range).value_or(method_.initial);
    method_.maintenance = table.number("maintenance", factor_range).value_or(method_.maintenance);
    method_.units = static_cast<UnitRule>(table.choice("units", {"underlying", "settlement"}).value_or(0));
    method_.across = static_cast<Across>(table.choice("across", {"sum", "same scenario"}).value_or(0));
    method_.futures = static_cast<DatedFutures>(table.choice("futures", {"margined", "left out"}).value_or(0));
    method_.debt_initial = table.number("debt_initial", fraction_range).value_or(0.0);
    method_.debt_maintenance = table.number("debt_maintenance", fraction_range).value_or(0.0);
    method_.stable = table.text("stable").value_or("");
    method_.peg_threshold = table.number("peg_threshold", fraction_range).value_or(0.0);
    method_.peg_factor = table.number("peg_factor", factor_range).value_or(0.0);
    table.finish();
  }

  void read_groups(const TomlValue& list) {
    for_each_row(list, "group", problems_, [&](TomlTable& row, const TomlValue&) {
      method_.kind == MethodKind::scenarios ? read_scenario_group(row) : read_position_group(row);
    });
    if (list.items.empty()) {
      problems_.error(list.line, "group", "", "there is no group (nobody would be margined). Add one.");
    }
  }

  /// Names of the group; a problem if an earlier group takes all of one for the same settlement.
  std::vector<std::string> read_match(TomlTable& row, const std::optional<Settlement>& settlement) {
    const std::vector<std::string> match = read_texts(row, "match", true);
    for (const std::string& name : match) {
      for (const auto& [taken, by] : taken_) {
        if ((taken != name && taken != "*") || (by && by != settlement)) { continue; }
        row.error("match", *row.value("match"),
                  "an earlier group takes " + name + " (the first match counts). Reorder or drop it.");
        break;
      }
    }
    for (const std::string& name : match) { taken_.emplace_back(name, settlement); }
    return match;
  }

  void read_scenario_group(TomlTable& row) {
    ScenarioGroup group;
    if (const auto s = row.choice("settlement", {"coin", "USD"})) { group.settlement = static_cast<Settlement>(*s); }
    group.match = read_match(row, group.settlement);
    group.pnl = static_cast<PnlUnit>(row.choice("pnl", {"USD", "coin"}).value_or(0));
    group.prices = static_cast<PriceBase>(row.choice("prices", {"own", "index"}).value_or(0));
    check_settlement(row, group);
    group.vol = read_vol(row);
    group.skew = read_skew(row);
    group.discount = read_discount(row);
    group.collateral_moves = row.choice("collateral", {"stays", "moves"}).value_or(0) == 1;
    read_offset(row, group);
    group.scenarios = read_scenarios(row, group);
    group.charges = read_charges(row.array("charges"), row.path_of("charges"), problems_);
    check_same_scenarios(row, group);
    method_.scenario_groups.push_back(std::move(group));
  }

  void check_settlement(TomlTable& row, const ScenarioGroup& group) {
    if (group.settlement && method_.units == UnitRule::underlying) {
      row.error(
          "settlement", *row.value("settlement"),
          "the method does not tell settlements apart (all count in one unit). Set margin.units = \"settlement\".");
    }
    if (group.pnl == PnlUnit::coin && group.settlement != Settlement::coin) {
      row.error("pnl", *row.value("pnl"), "only a coin-settled group has its P&L in coin. Set settlement = \"coin\".");
    }
  }

  VolShock read_vol(TomlTable& row) {
    VolShock rule;
    const TomlValue* value = row.table("vol", true);
    if (!value) { return rule; }
    TomlTable table(*value, row.path_of("vol"), problems_);
    rule.shift = static_cast<VolShift>(table.choice("shift", {"relative", "points"}, true).value_or(0));
    rule.up = table.number("up", vol_range, true).value_or(0.0);
    rule.down = table.number("down", vol_range, true).value_or(0.0);
    const bool scales = rule.shift == VolShift::relative;  // with the time to expiry
    rule.short_power = table.number("short_power", power_range, scales).value_or(0.0);
    rule.long_power = table.number("long_power", power_range, scales).value_or(0.0);
    rule.min_vol = table.number("min_vol", vol_range).value_or(0.0);
    rule.min_up = table.number("min_up", vol_range).value_or(0.0);
    rule.days = static_cast<DayCount>(table.choice("days", {"exact", "rounded up"}).value_or(0));
    rule.min_days = table.number("min_days", days_range).value_or(rule.min_days);
    for (const std::string_view key : {"short_power", "long_power", "min_up"}) {
      const TomlValue* other = table.value(key);
      if (!scales && other) {
        table.error(key, *other,
                    "moves in points do not change with the time to expiry (the key would not count). "
                    "Remove it.");
      }
    }
    table.finish();
    return rule;
  }

  std::optional<SkewRule> read_skew(TomlTable& row) {
    const TomlValue* value = row.table("skew");
    if (!value) { return std::nullopt; }
    TomlTable table(*value, row.path_of("skew"), problems_);
    SkewRule rule;
    rule.cap_base = table.number("cap_base", slope_range, true).value_or(0.0);
    rule.cap_slope = table.number("cap_slope", slope_range, true).value_or(0.0);
    rule.min_log_strike = table.number("min_log_strike", positive_range, true).value_or(1.0);
    rule.width = table.number("width", positive_range, true).value_or(1.0);
    rule.vol_static = table.number("vol_static", slope_range, true).value_or(0.0);
    rule.vol_scale = table.number("vol_scale", slope_range, true).value_or(0.0);
    table.finish();
    return rule;
  }

  std::optional<DiscountRule> read_discount(TomlTable& row) {
    const TomlValue* value = row.table("discount");
    if (!value) { return std::nullopt; }
    TomlTable table(*value, row.path_of("discount"), problems_);
    DiscountRule rule;
    rule.rate = table.number("rate", slope_range).value_or(0.0);
    rule.base_long = table.number("base_long", positive_range).value_or(rule.base_long);
    rule.rate_long = table.number("rate_long", slope_range).value_or(0.0);
    rule.add_long = table.number("add_long", slope_range).value_or(0.0);
    rule.base_short = table.number("base_short", positive_range).value_or(rule.base_short);
    rule.rate_short = table.number("rate_short", slope_range).value_or(0.0);
    rule.add_short = table.number("add_short", slope_range).value_or(0.0);
    table.finish();
    return rule;
  }

  void read_offset(TomlTable& row, ScenarioGroup& group) {
    const TomlValue* value = row.table("gains");
    if (!value) { return; }
    if (method_.across == Across::sum) {
      row.error("gains", *value,
                "units add up, so that gains in one never meet losses in another. Set margin.across, or remove it.");
    }
    TomlTable table(*value, row.path_of("gains"), problems_);
    group.gain_share = table.number("share", fraction_range, true).value_or(1.0);
    group.max_gain_usd = table.number("max_usd", gain_range).value_or(group.max_gain_usd);
    table.finish();
  }

  std::vector<VolMove> read_vol_moves(TomlTable& row, std::string_view key, bool is_required) {
    std::vector<VolMove> moves;
    for (const std::string& word : read_texts(row, key, is_required)) {
      if (const auto move = vol_move(word)) {
        moves.push_back(*move);
      } else {
        row.error(key, *row.value(key), "the moves of vols are same, up, down. Use those.");
      }
    }
    return moves;
  }

  static std::optional<VolMove> vol_move(const std::string& word) {
    if (word == "same") { return VolMove::same; }
    if (word == "up") { return VolMove::up; }
    if (word == "down") { return VolMove::down; }
    return std::nullopt;
  }

  std::vector<Scenario> read_scenarios(TomlTable& row, const ScenarioGroup& group) {
    Grid grid;
    grid.range = row.number("range", range_range, true).value_or(0.5);
    grid.steps = read_steps(row);
    grid.vols = read_vol_moves(row, "vols", true);
    grid.edge_vols = read_vol_moves(row, "edge_vols", false);
    if (grid.edge_vols.empty()) { grid.edge_vols = grid.vols; }
    std::vector<Scenario> scenarios = make_grid(grid);
    read_extended(row, grid.range, group.pnl, scenarios);
    read_extra(row, scenarios);
    if (group.skew) {
      scenarios.push_back({0.0, VolMove::skew_linear});
      scenarios.push_back({0.0, VolMove::skew_absolute});
    }
    return scenarios;
  }

  int read_steps(TomlTable& row) {
    const auto steps = row.number("steps", steps_range, true);
    if (!steps) { return 1; }
    if (*steps != static_cast<double>(static_cast<int>(*steps))) {
      row.error("steps", *row.value("steps"), "this is no whole number (it counts moves each way). Correct it.");
    }
    return static_cast<int>(*steps);
  }

  void read_extended(TomlTable& row, double range, PnlUnit pnl, std::vector<Scenario>& scenarios) {
    const TomlValue* value = row.table("extended");
    if (!value) { return; }
    TomlTable table(*value, row.path_of("extended"), problems_);
    ExtendedTable extended;
    if (const TomlValue* list = table.array("moves", true)) {
      for (const TomlValue& item : list->items) {
        const auto move = number_in_range(item, table.path_of("moves"), move_range, problems_);
        if (move && *move == 0.0) {
          problems_.error(item.line, table.path_of("moves"), item.text, "a move of nothing has no weight. Drop it.");
        } else if (move) {
          extended.moves.push_back(*move);
        }
      }
    }
    extended.factor = table.number("factor", factor_range).value_or(1.0);
    extended.dampener_usd = table.number("dampener_usd", usd_range).value_or(0.0);
    table.finish();
    for (const Scenario& scenario : make_extended(extended, range, pnl)) { scenarios.push_back(scenario); }
  }

  void read_extra(TomlTable& row, std::vector<Scenario>& scenarios) {
    const TomlValue* list = row.array("extra");
    if (!list) { return; }
    for_each_row(*list, row.path_of("extra"), problems_, [&](TomlTable& item, const TomlValue&) {
      Scenario scenario;
      scenario.move = item.number("move", move_range, true).value_or(0.0);
      scenario.vol = static_cast<VolMove>(item.choice("vol", {"same", "up", "down"}, true).value_or(0));
      scenario.weight = item.number("weight", factor_range, true).value_or(1.0);
      scenarios.push_back(scenario);
    });
  }

  void check_same_scenarios(TomlTable& row, const ScenarioGroup& group) {
    if (method_.across == Across::sum || method_.scenario_groups.empty()) { return; }
    if (group.scenarios.size() != method_.scenario_groups.front().scenarios.size()) {
      row.missing("steps",
                  "the group has another number of scenarios than the first (units add up scenario by "
                  "scenario). Give it as many.");
    }
  }

  void read_position_group(TomlTable& row) {
    PositionGroup group;
    group.match = read_match(row, std::nullopt);
    if (const TomlValue* value = row.table("short_option", true)) {
      TomlTable table(*value, row.path_of("short_option"), problems_);
      group.option_base = table.number("base", fraction_range, true).value_or(0.0);
      group.option_min = table.number("min", fraction_range, true).value_or(0.0);
      group.option_maintenance = table.number("maintenance", fraction_range, true).value_or(0.0);
      table.finish();
    }
    if (const TomlValue* value = row.table("delta_one", true)) {
      TomlTable table(*value, row.path_of("delta_one"), problems_);
      group.future_initial = table.number("initial", fraction_range, true).value_or(0.0);
      group.future_maintenance = table.number("maintenance", fraction_range, true).value_or(0.0);
      group.future_per_coin = table.number("per_coin", fraction_range).value_or(0.0);
      table.finish();
    }
    method_.position_groups.push_back(std::move(group));
  }

  ProblemLog& problems_;
  Method method_;
  std::vector<std::pair<std::string, std::optional<Settlement>>> taken_;
};

}  // namespace

Method parse_method(std::string_view text, std::string_view file, Diagnostics& diagnostics) {
  ProblemLog problems{std::string(file)};
  Method method;
  if (const auto root = parse_toml(text, problems)) { method = MethodReader(problems).read(*root); }
  problems.append_to(diagnostics);
  return method;
}

Method read_method(const std::filesystem::path& file, Diagnostics& diagnostics) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream || std::filesystem::is_directory(file)) {
    diagnostics.error(file.string(), 0, "", "",
                      "the preset cannot be opened (its method was asked for). Check the path.");
    return {};
  }
  return parse_method(std::string{std::istreambuf_iterator<char>(stream), {}}, file.string(), diagnostics);
}

}  // namespace tailmargin
