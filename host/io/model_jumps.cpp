// [[reversion]] and [[jump]]: what pulls factors back, and what throws them.
#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "host/domain/validate/text.hpp"
#include "host/io/model_rules.hpp"

namespace tailmargin {
namespace {

/// Largest change of a factor by one jump: prices beyond e^20 would leave the range of float.
constexpr double max_change = 20.0;

constexpr NumberRange level_range{-10.0, 10.0, false, false, "from -10 to 10"};
constexpr NumberRange per_year_range{0.0, 1e6, false, false, "from 0 to 1000000 a year"};
constexpr NumberRange multiple_range{1.0, 1000.0, false, false, "from 1 to 1000"};
constexpr NumberRange change_range{-100.0, 100.0, false, false, "from -100 to 100, per unit of size"};
constexpr NumberRange size_range{-10.0, 10.0, false, false, "from -10 to 10"};
constexpr NumberRange positive_range{0.0, 10.0, true, false, "above 0 and at most 10"};
constexpr NumberRange spread_range{0.0, 10.0, false, false, "from 0 to 10"};

/// The keys of a law of sizes.
struct SizeKeys {
  std::string_view location;
  NumberRange range;
  std::string_view scale;  ///< empty: none
};
const std::array<SizeKeys, 4> size_keys = {{
    // [law]
    {"value", size_range, ""},
    {"mean", size_range, "sd"},
    {"median", positive_range, "log_sd"},
    {"mean", positive_range, ""},
}};

/// Reports the keys of other laws than the one given.
void reject_other_laws(TomlTable& table, std::optional<std::size_t> law) {
  for (const std::string_view key : {"value", "mean", "sd", "median", "log_sd"}) {
    const TomlValue* value = table.value(key);  // known in any case, so that finish() says nothing
    if (!value || !law || key == size_keys[*law].location || key == size_keys[*law].scale) continue;
    table.error(key, *value,
                "the key belongs to another law of sizes (it would not count here). Remove it, or correct law.");
  }
}

void read_size(const TomlValue& value, const std::string& path, ModelDraft& draft, JumpRule& jump) {
  TomlTable table(value, path, draft.problems);
  const auto law = table.choice("law", {"fixed", "normal", "lognormal", "exponential"}, true);
  const auto max = table.number("max", positive_range);
  jump.max = max.value_or(jump.max);
  if (law) {
    const SizeKeys& keys = size_keys[*law];
    jump.law = static_cast<JumpLaw>(*law);
    const auto location = table.number(keys.location, keys.range, true);
    jump.location = location.value_or(0.0);
    if (!keys.scale.empty()) jump.scale = table.number(keys.scale, spread_range, true).value_or(0.0);
    if (location && std::abs(*location) > jump.max) {
      table.error(keys.location, *table.value(keys.location),
                  "this is beyond max, " + shortest_number(jump.max) +
                      " (sizes are cut there, most of them in this case). Lower it, or raise max.");
    }
  }
  reject_other_laws(table, law);
  table.finish();
}

/// One intensity for every regime, or a table with one for each.
void read_per_year(TomlTable& table, ModelDraft& draft, JumpRule& jump) {
  const Model& model = draft.model;
  const TomlValue* value = table.value("per_year");
  if (value && value->kind != TomlValue::Kind::number && value->kind != TomlValue::Kind::table) {
    draft.problems.error(value->line, table.path_of("per_year"), as_written(*value),
                         "the value has the wrong type (it must be a number, or a table with one for each regime). "
                         "Correct it.");
    jump.per_year.assign(model.regimes.size(), 0.0);
    return;
  }
  if (!value || value->kind != TomlValue::Kind::table) {
    jump.per_year.assign(model.regimes.size(), table.number("per_year", per_year_range, true).value_or(0.0));
    return;
  }
  TomlTable by_regime(*value, table.path_of("per_year"), draft.problems);
  for (const Regime& regime : model.regimes) {
    jump.per_year.push_back(by_regime.number(regime.name, per_year_range, true).value_or(0.0));
  }
  by_regime.finish();
}

void read_effects(const TomlValue& list, const std::string& path, ModelDraft& draft, JumpRule& jump) {
  for_each_row(list, path, draft.problems, [&](TomlTable& row, const TomlValue&) {
    JumpEffect effect;
    effect.match = read_first_match(row, draft.model, jump.effects, [](const JumpEffect&) { return true; });
    bool has_change = false;
    for (std::size_t k = 0; k < num_factor_kinds; ++k) {
      const char* kind = to_string(static_cast<FactorKind>(k));
      effect.change[k] = row.number(kind, change_range).value_or(0.0);
      has_change = has_change || row.value(kind);
      if (std::abs(effect.change[k]) * jump.max > max_change) {
        row.error(
            kind, *row.value(kind),
            "the largest jump would move this by more than 20 (a price would leave the range of float). Lower it, "
            "or size.max.");
      }
    }
    if (!has_change) {
      row.missing("", "the row changes nothing (an effect names a kind of factor). Add one; its change may be 0.");
    }
    jump.effects.push_back(std::move(effect));
  });
  if (jump.effects.empty()) {
    draft.problems.error(list.line, path, "", "the list is empty (the jump would do nothing). Add a row.");
  }
}

JumpRule read_jump(TomlTable& table, ModelDraft& draft) {
  JumpRule jump;
  const auto name = table.text("name", true);
  jump.name = name.value_or("");
  if (name && name_problem(*name)) table.error("name", *table.value("name"), name_problem(*name));
  jump.scope = static_cast<JumpScope>(table.choice("scope", {"market", "each"}, true).value_or(0));
  read_per_year(table, draft, jump);
  if (const TomlValue* size = table.table("size", true)) read_size(*size, table.path_of("size"), draft, jump);
  if (const TomlValue* rows = table.array("effects", true)) read_effects(*rows, table.path_of("effects"), draft, jump);
  jump.sample_multiple = table.number("sample_multiple", multiple_range).value_or(jump.sample_multiple);
  return jump;
}

}  // namespace

void read_reversions(const TomlValue* list, ModelDraft& draft) {
  if (!list) return;
  for_each_row(*list, "reversion", draft.problems, [&](TomlTable& row, const TomlValue&) {
    Reversion rule;
    const auto kind = read_kind(row, "kind");
    rule.kind = kind.value_or(rule.kind);
    const auto is_rival = [&](const Reversion& before) { return kind && before.kind == *kind; };
    rule.match = read_first_match(row, draft.model, draft.model.reversions, is_rival);
    rule.half_life_hours = row.number("half_life_hours", hours_range, true).value_or(0.0);
    rule.level = row.number("level", level_range).value_or(0.0);
    draft.model.reversions.push_back(std::move(rule));
  });
}

void read_jumps(const TomlValue* list, ModelDraft& draft) {
  if (!list) return;
  std::set<std::string> names;
  for_each_row(*list, "jump", draft.problems, [&](TomlTable& row, const TomlValue&) {
    JumpRule jump = read_jump(row, draft);
    if (!jump.name.empty() && !names.insert(jump.name).second) {
      row.error("name", *row.value("name"),
                "another jump has this name (reports tell jumps apart by name). Rename one.");
    }
    draft.model.jumps.push_back(std::move(jump));
  });
}

}  // namespace tailmargin
