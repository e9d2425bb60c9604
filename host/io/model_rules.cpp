#include "host/io/model_rules.hpp"

#include <algorithm>
#include <vector>

#include "host/domain/validate/text.hpp"

namespace tailmargin {
namespace {

bool is_known_match(std::string_view match, const Model& model) {
  if (match.empty() || match.front() != '@') return !match.empty();
  const auto is_group = [&](const Group& group) { return group.name == match.substr(1); };
  return std::any_of(model.groups.begin(), model.groups.end(), is_group);
}

/// The kind a model file calls by this name.
std::optional<FactorKind> find_kind(std::string_view name) {
  for (std::size_t k = 0; k < num_factor_kinds; ++k) {
    if (name == to_string(static_cast<FactorKind>(k))) return static_cast<FactorKind>(k);
  }
  return std::nullopt;
}

std::string unknown_group(std::string_view match, const Model& model) {
  std::vector<std::string_view> names;
  for (const Group& group : model.groups) names.push_back(group.name);
  const std::string_view near = nearest_name(match.substr(1), names);
  return "the group is not in [groups] (the rule would match nothing). " +
         (near.empty() ? "Add it there." : "Is @" + std::string(near) + " meant?");
}

}  // namespace

std::string item_path(const std::string& list, std::size_t index) {
  return list + "[" + std::to_string(index + 1) + "]";
}

std::string read_match(TomlTable& row, std::string_view key, const Model& model) {
  const auto match = row.text(key, true);
  if (match && match->empty()) {
    row.error(key, *row.value(key), "the match is empty (the rule would match nothing). Fill it in.");
  } else if (match && !is_known_match(*match, model)) {
    row.error(key, *row.value(key), unknown_group(*match, model));
  }
  return match.value_or("");
}

std::string read_regime_name(TomlTable& table, std::string_view key, std::string_view why, const Model& model) {
  const std::string name = table.text(key, true).value_or("");
  if (name.empty()) return name;
  const bool known = std::any_of(model.regimes.begin(), model.regimes.end(),
                                 [&](const Regime& regime) { return regime.name == name; });
  if (!known) {
    table.error(key, *table.value(key), "no regime has this name (" + std::string(why) + "). Correct it.");
  }
  return name;
}

std::string list_of_kinds() {
  std::string list;
  for (std::size_t k = 0; k < num_factor_kinds; ++k) {
    list.append(k == 0 ? "" : ", ").append(to_string(static_cast<FactorKind>(k)));
  }
  return list;
}

std::optional<FactorKind> read_kind(TomlTable& row, std::string_view key) {
  const auto name = row.text(key, true);
  if (!name) return std::nullopt;
  const auto kind = find_kind(*name);
  if (!kind) {
    row.error(key, *row.value(key), "this is no kind of factor (kinds are " + list_of_kinds() + "). Correct it.");
  }
  return kind;
}

FactorSelector read_selector(TomlTable& row, std::string_view key, const Model& model) {
  FactorSelector selector;
  const TomlValue* value = row.value(key);
  if (!value) {
    row.missing(key, "the key is missing (a rule needs both factors). Add it.");
    return selector;
  }
  const std::size_t dot = value->kind == TomlValue::Kind::text ? value->text.rfind('.') : std::string::npos;
  const auto kind = dot == std::string::npos ? std::nullopt : find_kind(std::string_view(value->text).substr(dot + 1));
  if (!kind || dot == 0) {
    row.error(key, *value,
              "this selects no factor (the form is NAME.kind, @group.kind or *.kind; kinds are " + list_of_kinds() +
                  "). Correct it.");
    return selector;
  }
  selector.underlying = value->text.substr(0, dot);
  selector.kind = *kind;
  if (!is_known_match(selector.underlying, model)) row.error(key, *value, unknown_group(selector.underlying, model));
  return selector;
}

}  // namespace tailmargin
