#include "host/io/model_file.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <string>

#include "host/domain/validate/text.hpp"
#include "host/io/toml_table.hpp"

namespace tailmargin {
namespace {

using Kind = TomlValue::Kind;

constexpr std::size_t max_regimes = 16;
constexpr double max_steps = 10000.0;
constexpr double sum_tolerance = 1e-9;

constexpr NumberRange format_range{1.0, 1.0, false, false, "1, the only format there is"};
constexpr NumberRange hours_range{0.0, 1e6, true, false, "above 0 and at most 1000000"};
constexpr NumberRange confidence_range{0.5, 1.0, true, true, "above 0.5 and below 1"};
constexpr NumberRange ratio_range{0.0, 1.0, true, false, "above 0 and at most 1"};
constexpr NumberRange probability_range{0.0, 1.0, false, false, "from 0 to 1"};
constexpr NumberRange vol_range{0.0, 100.0, false, false, "from 0 to 100, per square root of a year"};
constexpr NumberRange rho_range{-1.0, 1.0, true, true, "above -1 and below 1"};

/// Reads a model top-down, as docs/model_file.md lists the keys; goes on after problems.
class ModelReader {
 public:
  explicit ModelReader(ProblemLog& problems) : problems_(problems) {}

  Model read(const TomlValue& root);

 private:
  void read_horizon(const TomlValue& value);
  void read_margin(const TomlValue& value);
  void read_groups(const TomlValue& value);
  void read_group(const std::string& name, const TomlValue& value);
  void read_regimes(const TomlValue* list);
  void read_regime(const TomlValue& value, const std::string& path);
  void read_vols(const TomlValue* list, const std::string& path, Regime& regime);
  void read_kinds(const TomlValue& list, const std::string& path, Regime& regime);
  void read_underlyings(const TomlValue& list, const std::string& path, Regime& regime);
  void read_correlations(const TomlValue& list, const std::string& path, Regime& regime);
  void read_chain(const TomlValue* value);
  void read_start(const TomlValue& value);
  void read_transition(const TomlValue& value);
  void check_vol_order(const VolRule& rule, const TomlValue& row, const std::string& path, const Regime& regime);
  std::optional<std::vector<double>> read_probabilities(const TomlValue& value, const std::string& path);
  FactorSelector read_selector(TomlTable& row, std::string_view key);
  std::string read_match(TomlTable& row, std::string_view key);
  std::optional<FactorKind> read_kind(TomlTable& row, std::string_view key);
  template <class ReadRow>
  void for_each_row(const TomlValue& list, const std::string& path, ReadRow read_row);
  bool is_known_match(std::string_view match) const;

  ProblemLog& problems_;
  Model model_;
};

Model ModelReader::read(const TomlValue& root) {
  TomlTable table(root, "", problems_);
  table.number("format", format_range, true);
  model_.name = table.text("name", true).value_or("");
  model_.date = table.text("date").value_or("");
  model_.source = table.text("source").value_or("");
  if (const TomlValue* horizon = table.table("horizon")) read_horizon(*horizon);
  if (const TomlValue* margin = table.table("margin")) read_margin(*margin);
  if (const TomlValue* groups = table.table("groups")) read_groups(*groups);
  const TomlValue* chain = table.table("chain");
  read_regimes(table.array("regime", true));
  read_chain(chain);
  table.finish();
  return std::move(model_);
}

void ModelReader::read_horizon(const TomlValue& value) {
  TomlTable table(value, "horizon", problems_);
  const auto hours = table.number("hours", hours_range);
  const auto step = table.number("step_hours", hours_range);
  model_.horizon_hours = hours.value_or(model_.horizon_hours);
  model_.step_hours = step.value_or(model_.step_hours);
  model_.drift = static_cast<Drift>(table.choice("drift", {"martingale", "zero"}).value_or(0));
  model_.time_roll = static_cast<TimeRoll>(table.choice("time_roll", {"on", "off"}).value_or(0));
  table.finish();

  const double steps = model_.horizon_hours / model_.step_hours;
  const double seconds = model_.step_hours * 3600.0;
  const auto complain = [&](std::string_view reason) {
    problems_.error(table.line(), "horizon.step_hours", shortest_number(model_.step_hours), reason);
  };
  if (std::abs(seconds - std::round(seconds)) > 1e-6 || seconds < 0.5) {
    complain("the step is no whole number of seconds (times are counted in seconds). Choose one that is.");
  } else if (std::abs(steps - std::round(steps)) > 1e-9 * steps || steps < 0.5) {
    complain("the step does not divide the horizon (paths end on a step). Choose a step that fits.");
  } else if (std::round(steps) > max_steps) {
    complain("the horizon has more than 10000 steps (a run would not end in useful time). Choose a longer step.");
  }
}

void ModelReader::read_margin(const TomlValue& value) {
  TomlTable table(value, "margin", problems_);
  model_.confidence = table.number("confidence", confidence_range).value_or(model_.confidence);
  model_.maintenance_ratio = table.number("maintenance_ratio", ratio_range).value_or(model_.maintenance_ratio);
  table.finish();
}

void ModelReader::read_groups(const TomlValue& value) {
  for (const auto& [name, members] : value.entries) read_group(name, members);
}

void ModelReader::read_group(const std::string& name, const TomlValue& value) {
  const std::string path = "groups." + name;
  Group group{name, {}};
  if (value.kind != Kind::array) {
    problems_.error(value.line, path, value.text,
                    "the group is no list (it holds names of underlyings). Put them in brackets.");
  }
  for (const TomlValue& member : value.items) {
    const bool is_text = member.kind == Kind::text;
    if (const char* problem =
            is_text ? name_problem(member.text) : "this is no string (it must name an underlying). Put it in quotes.") {
      problems_.error(member.line, path, member.text, problem);
    } else if (std::find(group.underlyings.begin(), group.underlyings.end(), member.text) != group.underlyings.end()) {
      problems_.error(member.line, path, member.text, "the name is in the group already (one may be a typo). Drop it.");
    } else {
      group.underlyings.push_back(member.text);
    }
  }
  model_.groups.push_back(std::move(group));
}

void ModelReader::read_regimes(const TomlValue* list) {
  if (!list) return;
  if (list->items.empty() || list->items.size() > max_regimes) {
    problems_.error(list->line, "regime", std::to_string(list->items.size()),
                    "the number of regimes is out of range (there are 1 to 16). Add or drop regimes.");
  }
  std::set<std::string> names;
  for (std::size_t r = 0; r < list->items.size(); ++r) {
    const TomlValue& item = list->items[r];
    const std::string path = "regime[" + std::to_string(r + 1) + "]";
    if (item.kind != Kind::table) {
      problems_.error(item.line, path, item.text, "this is no regime (each is a table [[regime]]). Correct it.");
      continue;
    }
    read_regime(item, path);
    const std::string& name = model_.regimes.back().name;
    if (!name.empty() && !names.insert(name).second) {
      problems_.error(item.line, path + ".name", name,
                      "another regime has this name (reports tell regimes apart by name). Rename one.");
    }
  }
}

void ModelReader::read_regime(const TomlValue& value, const std::string& path) {
  TomlTable table(value, path, problems_);
  Regime regime;
  const auto name = table.text("name", true);
  regime.name = name.value_or("");
  if (name && name_problem(*name)) problems_.error(value.line, path + ".name", *name, name_problem(*name));
  read_vols(table.array("vols", true), path + ".vols", regime);
  if (const TomlValue* rows = table.array("kind_correlations")) read_kinds(*rows, path + ".kind_correlations", regime);
  if (const TomlValue* rows = table.array("underlying_correlations")) {
    read_underlyings(*rows, path + ".underlying_correlations", regime);
  }
  if (const TomlValue* rules = table.array("correlations")) read_correlations(*rules, path + ".correlations", regime);
  table.finish();
  model_.regimes.push_back(std::move(regime));
}

/// Calls read_row for each table of a list; what is no table is a problem.
template <class ReadRow>
void ModelReader::for_each_row(const TomlValue& list, const std::string& path, ReadRow read_row) {
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    const TomlValue& item = list.items[i];
    const std::string row_path = path + "[" + std::to_string(i + 1) + "]";
    if (item.kind != Kind::table) {
      problems_.error(item.line, row_path, item.text, "this is no rule (each is a table in braces). Correct it.");
      continue;
    }
    TomlTable row(item, row_path, problems_);
    read_row(row, item, row_path);
    row.finish();
  }
}

void ModelReader::read_vols(const TomlValue* list, const std::string& path, Regime& regime) {
  if (!list) return;
  for_each_row(*list, path, [&](TomlTable& row, const TomlValue& item, const std::string& row_path) {
    VolRule rule;
    const auto match = row.text("match", true);
    rule.match = match.value_or("");
    rule.price_vol = row.number("price_vol", vol_range, true).value_or(0.0);
    rule.vol_of_vol = row.number("vol_of_vol", vol_range, true).value_or(0.0);
    rule.carry_vol = row.number("carry_vol", vol_range, true).value_or(0.0);
    rule.premium_vol = row.number("premium_vol", vol_range, true).value_or(0.0);
    if (match) check_vol_order(rule, item, row_path + ".match", regime);
    regime.vols.push_back(std::move(rule));
  });
  if (regime.vols.empty() || regime.vols.back().match != "*") {
    problems_.error(
        list->line, path, "",
        "the last row does not match \"*\" (an underlying without a row would have no volatility). Add it.");
  }
}

void ModelReader::check_vol_order(const VolRule& rule, const TomlValue& row, const std::string& path,
                                  const Regime& regime) {
  if (!is_known_match(rule.match)) {
    problems_.error(row.line, path, rule.match,
                    "the group is not in [groups] (the row would match nothing). Add it there.");
  }
  for (const VolRule& before : regime.vols) {
    if (before.match != rule.match && before.match != "*") continue;
    problems_.error(row.line, path, rule.match,
                    "an earlier row matches all of this (the first match counts, so this row never does). Reorder or "
                    "drop it.");
    return;
  }
}

bool ModelReader::is_known_match(std::string_view match) const {
  if (match.empty() || match.front() != '@') return !match.empty();
  const auto is_group = [&](const Group& group) { return group.name == match.substr(1); };
  return std::any_of(model_.groups.begin(), model_.groups.end(), is_group);
}

void ModelReader::read_kinds(const TomlValue& list, const std::string& path, Regime& regime) {
  for_each_row(list, path, [&](TomlTable& row, const TomlValue& item, const std::string& row_path) {
    KindCorrelation rule;
    const auto a = read_kind(row, "a"), b = read_kind(row, "b");
    rule.a = a.value_or(FactorKind::price);
    rule.b = b.value_or(FactorKind::price);
    rule.rho = row.number("rho", rho_range, true).value_or(0.0);
    if (!a || !b) return;
    if (rule.a == rule.b) {
      problems_.error(item.line, row_path, to_string(rule.a),
                      "a kind has correlation one with itself (this row says otherwise). Name two kinds, price, vol, "
                      "carry or premium.");
    }
    const auto is_same = [&](const KindCorrelation& k) {
      return (k.a == rule.a && k.b == rule.b) || (k.a == rule.b && k.b == rule.a);
    };
    if (std::any_of(regime.kinds.begin(), regime.kinds.end(), is_same)) {
      problems_.error(item.line, row_path, std::string(to_string(rule.a)) + ", " + to_string(rule.b),
                      "the pair stands in an earlier row (which one counts is unclear). Drop one.");
    }
    regime.kinds.push_back(rule);
  });
}

void ModelReader::read_underlyings(const TomlValue& list, const std::string& path, Regime& regime) {
  for_each_row(list, path, [&](TomlTable& row, const TomlValue&, const std::string&) {
    UnderlyingCorrelation rule;
    rule.a = read_match(row, "a");
    rule.b = read_match(row, "b");
    rule.rho = row.number("rho", rho_range, true).value_or(0.0);
    regime.underlyings.push_back(std::move(rule));
  });
}

void ModelReader::read_correlations(const TomlValue& list, const std::string& path, Regime& regime) {
  for_each_row(list, path, [&](TomlTable& row, const TomlValue&, const std::string&) {
    CorrelationRule rule;
    rule.a = read_selector(row, "a");
    rule.b = read_selector(row, "b");
    rule.same_underlying = static_cast<SameUnderlying>(row.choice("same_underlying", {"any", "yes", "no"}).value_or(0));
    rule.rho = row.number("rho", rho_range, true).value_or(0.0);
    regime.correlations.push_back(std::move(rule));
  });
}

/// An underlying's name, "@group" or "*".
std::string ModelReader::read_match(TomlTable& row, std::string_view key) {
  const auto match = row.text(key, true);
  if (match && !is_known_match(*match)) {
    row.error(key, *row.value(key), "the group is not in [groups] (the row would match nothing). Add it there.");
  }
  return match.value_or("");
}

/// The kind a model file calls by this name.
std::optional<FactorKind> find_kind(std::string_view name) {
  for (const FactorKind kind : {FactorKind::price, FactorKind::vol, FactorKind::carry, FactorKind::premium}) {
    if (name == to_string(kind)) return kind;
  }
  return std::nullopt;
}

std::optional<FactorKind> ModelReader::read_kind(TomlTable& row, std::string_view key) {
  const auto name = row.text(key, true);
  if (!name) return std::nullopt;
  const auto kind = find_kind(*name);
  if (!kind) {
    row.error(key, *row.value(key), "this is no kind of factor (kinds are price, vol, carry, premium). Correct it.");
  }
  return kind;
}

FactorSelector ModelReader::read_selector(TomlTable& row, std::string_view key) {
  FactorSelector selector;
  const TomlValue* value = row.value(key);
  if (!value) {
    row.missing(key, "the key is missing (a rule needs both factors). Add it.");
    return selector;
  }
  const std::size_t dot = value->kind == Kind::text ? value->text.rfind('.') : std::string::npos;
  const auto kind = dot == std::string::npos ? std::nullopt : find_kind(std::string_view(value->text).substr(dot + 1));
  if (!kind || dot == 0) {
    row.error(key, *value,
              "this selects no factor (the form is NAME.kind, @group.kind or *.kind; kinds are price, vol, carry, "
              "premium). Correct it.");
    return selector;
  }
  selector.underlying = value->text.substr(0, dot);
  selector.kind = *kind;
  if (!is_known_match(selector.underlying)) {
    row.error(key, *value, "the group is not in [groups] (the rule would match nothing). Add it there.");
  }
  return selector;
}

void ModelReader::read_chain(const TomlValue* value) {
  if (!value) {
    if (model_.regimes.size() > 1) {
      problems_.error(0, "chain", "", "the table is missing (several regimes need their transitions). Add [chain].");
    }
    model_.transition = {{1.0}};
    return;
  }
  TomlTable table(*value, "chain", problems_);
  if (const TomlValue* start = table.value("start")) read_start(*start);
  if (const auto hours = table.number("transition_hours", hours_range); hours && *hours != model_.step_hours) {
    problems_.error(value->line, "chain.transition_hours", shortest_number(*hours),
                    "this is not horizon.step_hours (the regime can change once a step). Make them equal.");
  }
  if (const TomlValue* matrix = table.array("transition", model_.regimes.size() > 1)) {
    read_transition(*matrix);
  } else {
    model_.transition = {{1.0}};
  }
  table.finish();
}

void ModelReader::read_start(const TomlValue& value) {
  if (value.kind == Kind::text && value.text == "stationary") return;
  if (value.kind != Kind::array) {
    problems_.error(
        value.line, "chain.start", value.text,
        "this is neither \"stationary\" nor a list of probabilities (paths need a first regime). Correct it.");
    return;
  }
  model_.start = StartKind::probabilities;
  model_.start_probabilities = read_probabilities(value, "chain.start").value_or(std::vector<double>{});
}

void ModelReader::read_transition(const TomlValue& value) {
  if (value.items.size() != model_.regimes.size()) {
    problems_.error(value.line, "chain.transition", std::to_string(value.items.size()),
                    "the matrix does not have one row for each regime (there are " +
                        std::to_string(model_.regimes.size()) + "). Add or drop rows.");
  }
  for (std::size_t r = 0; r < value.items.size(); ++r) {
    const TomlValue& row = value.items[r];
    const std::string path = "chain.transition[" + std::to_string(r + 1) + "]";
    if (row.kind != Kind::array) {
      problems_.error(row.line, path, row.text, "the row is no list (it holds probabilities). Put them in brackets.");
      continue;
    }
    model_.transition.push_back(read_probabilities(row, path).value_or(std::vector<double>{}));
  }
}

/// One probability for each regime, summing to one; else nothing, and problems.
std::optional<std::vector<double>> ModelReader::read_probabilities(const TomlValue& value, const std::string& path) {
  std::vector<double> probabilities;
  double sum = 0.0;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const std::string item_path = path + "[" + std::to_string(i + 1) + "]";
    if (const auto p = number_in_range(value.items[i], item_path, probability_range, problems_)) {
      probabilities.push_back(*p);
      sum += *p;
    }
  }
  if (probabilities.size() != value.items.size()) return std::nullopt;
  if (probabilities.size() != model_.regimes.size()) {
    problems_.error(value.line, path, std::to_string(probabilities.size()),
                    "the list does not have one probability for each regime (there are " +
                        std::to_string(model_.regimes.size()) + "). Add or drop entries.");
    return std::nullopt;
  }
  if (std::abs(sum - 1.0) > sum_tolerance) {
    problems_.error(value.line, path, shortest_number(sum),
                    "the probabilities do not sum to 1 (within 1e-9; a regime would get lost). Correct them.");
    return std::nullopt;
  }
  return probabilities;
}

}  // namespace

Model parse_model(std::string_view text, std::string_view file, Diagnostics& diagnostics) {
  ProblemLog problems{std::string(file)};
  Model model;
  if (const auto root = parse_toml(text, problems)) model = ModelReader(problems).read(*root);
  problems.append_to(diagnostics);
  return model;
}

Model read_model(const std::filesystem::path& file, Diagnostics& diagnostics) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream || std::filesystem::is_directory(file)) {
    diagnostics.error(file.string(), 0, "", "", "the model cannot be opened (a run needs one). Check the path.");
    return {};
  }
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  Model model = parse_model(text, file.string(), diagnostics);
  model.file = file.string();
  return model;
}

}  // namespace tailmargin
