// TOML as plain values with line numbers, and a table whose keys are all checked. toml++ stays behind it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/domain/validate/problem_log.hpp"

namespace tailmargin {

struct TomlEntry;

struct TomlValue {
  enum class Kind : std::uint8_t { text, number, boolean, time, array, table };
  Kind kind = Kind::table;
  std::uint64_t line = 0;
  std::string text;     ///< text; time as RFC 3339; the others as they can be shown
  double number = 0.0;  ///< integers too
  std::vector<TomlValue> items;
  std::vector<TomlEntry> entries;  ///< a table's, in order
};

struct TomlEntry {
  std::string key;
  TomlValue value;
};

/// A value as a file could spell it, for messages: strings in quotes, lists and tables with what is in them.
std::string as_written(const TomlValue& value);

/// The root table, or nothing and a problem if the text is no TOML.
std::optional<TomlValue> parse_toml(std::string_view text, ProblemLog& problems);

/// Limits of a number, both included unless the words say otherwise. `words` completes "this must be ...".
struct NumberRange {
  double low, high;
  bool low_is_out = false, high_is_out = false;
  std::string_view words;
};

/// Reads the keys of one table, each with its type and limits. A problem's row is the line, its field the path of the
/// key. finish() reports the keys nobody asked for, so every key must be asked for before, in any case.
class TomlTable {
 public:
  TomlTable(const TomlValue& table, std::string path, ProblemLog& problems)
      : table_(table), path_(std::move(path)), problems_(problems) {}

  std::optional<std::string> text(std::string_view key, bool is_required = false);
  std::optional<double> number(std::string_view key, const NumberRange& range, bool is_required = false);
  std::optional<std::size_t> choice(std::string_view key, std::initializer_list<std::string_view> words,
                                    bool is_required = false);
  const TomlValue* array(std::string_view key, bool is_required = false);
  const TomlValue* table(std::string_view key, bool is_required = false);
  const TomlValue* value(std::string_view key);  ///< of any kind, nullptr if missing
  void finish();

  void error(std::string_view key, const TomlValue& value, std::string_view reason) {
    problems_.error(value.line, path_of(key), value.text, reason);
  }
  void missing(std::string_view key, std::string_view reason) {
    problems_.error(table_.line, path_of(key), "", reason);
  }
  std::string path_of(std::string_view key) const {
    return path_.empty() || key.empty() ? path_ + std::string(key) : path_ + "." + std::string(key);
  }
  std::uint64_t line() const { return table_.line; }

 private:
  const TomlValue* value_of_kind(std::string_view key, TomlValue::Kind kind, bool is_required);

  const TomlValue& table_;
  std::string path_;
  ProblemLog& problems_;
  std::vector<std::string_view> asked_;
};

/// A number within limits, else nothing and a problem at `path`.
std::optional<double> number_in_range(const TomlValue& value, const std::string& path, const NumberRange& range,
                                      ProblemLog& problems);

}  // namespace tailmargin
