// What the rules of a model file have in common: rows, matches and kinds of factor.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/io/model_parts.hpp"

namespace tailmargin {

/// "regime[2]": the path of an item of a list.
std::string item_path(const std::string& list, std::size_t index);

/// Calls read_row(row, item) for each table of a list; what is no table is a problem.
template <class ReadRow>
void for_each_row(const TomlValue& list, const std::string& path, ProblemLog& problems, ReadRow read_row) {
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    const TomlValue& item = list.items[i];
    if (item.kind != TomlValue::Kind::table) {
      problems.error(item.line, item_path(path, i), as_written(item),
                     "this is no rule (each is a table of keys). Correct it.");
      continue;
    }
    TomlTable row(item, item_path(path, i), problems);
    read_row(row, item);
    row.finish();
  }
}

/// An underlying's name, "@group" or "*".
std::string read_match(TomlTable& row, std::string_view key, const Model& model);

/// The same where the first matching row counts: a problem if one of the rows before matches all of it.
template <class Rows, class IsRival>
std::string read_first_match(TomlTable& row, const Model& model, const Rows& before, IsRival is_rival) {
  const std::string match = read_match(row, "match", model);
  for (const auto& rule : before) {
    if (match.empty() || !is_rival(rule) || (rule.match != match && rule.match != "*")) continue;
    row.error("match", *row.value("match"),
              "an earlier row matches all of this (the first match counts, so this row never does). Reorder or drop "
              "it.");
    break;
  }
  return match;
}

/// The name of one of the model's regimes, which were read before.
/// @param why  what it is needed for, for the message
std::string read_regime_name(TomlTable& table, std::string_view key, std::string_view why, const Model& model);

/// All kinds of factor, as messages list them.
std::string list_of_kinds();

std::optional<FactorKind> read_kind(TomlTable& row, std::string_view key);

/// "NAME.kind", "@group.kind" or "*.kind".
FactorSelector read_selector(TomlTable& row, std::string_view key, const Model& model);

}  // namespace tailmargin
