#include "host/io/toml_table.hpp"

#include <algorithm>
#include <exception>
#include <sstream>

#include "host/domain/validate/text.hpp"

// toml++ 3.3 asserts things of its input that are not so for every text. A build without assertions then promises them
// to the compiler, which is undefined behaviour, and one with them ends the process: both must be an error instead.
namespace tailmargin {
struct UnexpectedToml : std::exception {};
constexpr void expect_of_toml(bool is_so) {
  if (!is_so) throw UnexpectedToml();
}
}  // namespace tailmargin
#define TOML_HEADER_ONLY 1
#define TOML_ASSERT(expr) tailmargin::expect_of_toml(static_cast<bool>(expr))
#pragma push_macro("NDEBUG")
#undef NDEBUG
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

namespace tailmargin {
namespace {

using Kind = TomlValue::Kind;

template <class Time>
std::string spelled(const Time& time) {
  std::ostringstream stream;
  stream << time;
  return stream.str();
}

TomlValue convert(const toml::node& node);

void convert_table(const toml::table& table, TomlValue& value) {
  value.kind = Kind::table;
  value.text = "{...}";
  for (const auto& [key, child] : table) {
    value.entries.push_back({std::string(key.str()), convert(child)});
    value.entries.back().value.line = key.source().begin.line;
  }
}

void convert_array(const toml::array& array, TomlValue& value) {
  value.kind = Kind::array;
  value.text = "[...]";
  for (const toml::node& child : array) value.items.push_back(convert(child));
}

TomlValue convert(const toml::node& node) {
  TomlValue value;
  value.line = node.source().begin.line;
  node.visit([&](const auto& typed) {
    using Node = std::remove_cvref_t<decltype(typed)>;
    if constexpr (toml::is_table<Node>) {
      convert_table(typed, value);
    } else if constexpr (toml::is_array<Node>) {
      convert_array(typed, value);
    } else if constexpr (toml::is_string<Node>) {
      value.kind = Kind::text;
      value.text = typed.get();
    } else if constexpr (toml::is_boolean<Node>) {
      value.kind = Kind::boolean;
      value.text = typed.get() ? "true" : "false";
    } else if constexpr (toml::is_number<Node>) {
      value.kind = Kind::number;
      value.number = static_cast<double>(typed.get());
      value.text = shortest_number(value.number);
    } else {
      value.kind = Kind::time;
      value.text = spelled(typed.get());
    }
  });
  return value;
}

std::string_view words_of(Kind kind) {
  switch (kind) {
    case Kind::text: return "a string in quotes";
    case Kind::number: return "a number";
    case Kind::boolean: return "true or false";
    case Kind::time: return "a time";
    case Kind::array: return "a list in brackets";
    case Kind::table: return "a table of keys";
  }
  return {};
}

}  // namespace

std::string as_written(const TomlValue& value) {
  if (value.kind == Kind::text) return '"' + value.text + '"';
  if (value.kind != Kind::array && value.kind != Kind::table) return value.text;
  std::string inside;
  for (const TomlValue& item : value.items) inside += (inside.empty() ? "" : ", ") + as_written(item);
  for (const TomlEntry& entry : value.entries) {
    inside += (inside.empty() ? "" : ", ") + entry.key + " = " + as_written(entry.value);
  }
  if (value.kind == Kind::array) return "[" + inside + "]";
  return inside.empty() ? "{}" : "{ " + inside + " }";
}

namespace {

void report_wrong_kind(const TomlValue& value, const std::string& path, Kind expected, ProblemLog& problems) {
  problems.error(value.line, path, as_written(value),
                 "the value has the wrong type (it must be " + std::string(words_of(expected)) + "). Correct it.");
}

}  // namespace

namespace {

bool is_unexpected(std::string_view text) {
  try {
    static_cast<void>(toml::parse(text));
  } catch (const toml::parse_error&) {
  } catch (const UnexpectedToml&) { return true; }
  return false;
}

/// The line that toml++ did not expect: the last of the shortest text, in whole lines, that it does not expect either.
std::uint64_t line_of_unexpected(std::string_view text) {
  std::vector<std::size_t> ends;  // [line - 1]
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) ends.push_back(at);
  const auto found = std::partition_point(ends.begin(), ends.end(),
                                          [&](std::size_t end) { return !is_unexpected(text.substr(0, end)); });
  return static_cast<std::uint64_t>(found - ends.begin()) + 1;
}

}  // namespace

std::optional<TomlValue> parse_toml(std::string_view text, ProblemLog& problems) {
  try {
    TomlValue root = convert(toml::parse(text));
    root.line = 0;  // what is missing there is on no line
    return root;
  } catch (const toml::parse_error& error) {
    problems.error(error.source().begin.line, "", "",
                   "this is not TOML: " + std::string(error.description()) +
                       " (nothing after it could be read). Correct the line.");
    return std::nullopt;
  } catch (const UnexpectedToml&) {
    problems.error(line_of_unexpected(text), "", "",
                   "this is not TOML: a key or value starts with a character that none starts with (nothing after it "
                   "could be read). Correct the line.");
    return std::nullopt;
  }
}

std::optional<double> number_in_range(const TomlValue& value, const std::string& path, const NumberRange& range,
                                      ProblemLog& problems) {
  if (value.kind != Kind::number) {
    report_wrong_kind(value, path, Kind::number, problems);
    return std::nullopt;
  }
  const double x = value.number;
  const bool above = range.low_is_out ? x > range.low : x >= range.low;
  const bool below = range.high_is_out ? x < range.high : x <= range.high;
  if (above && below) return x;  // false for NaN
  problems.error(value.line, path, value.text,
                 "the number is out of range (it must be " + std::string(range.words) + "). Correct it.");
  return std::nullopt;
}

const TomlValue* TomlTable::value(std::string_view key) {
  asked_.push_back(key);
  const auto is_key = [&](const auto& entry) { return entry.key == key; };
  const auto found = std::find_if(table_.entries.begin(), table_.entries.end(), is_key);
  return found == table_.entries.end() ? nullptr : &found->value;
}

const TomlValue* TomlTable::value_of_kind(std::string_view key, Kind kind, bool is_required) {
  const TomlValue* found = value(key);
  if (!found) {
    if (is_required) missing(key, "the key is missing (it has no default). Add it.");
    return nullptr;
  }
  if (found->kind == kind) return found;
  report_wrong_kind(*found, path_of(key), kind, problems_);
  return nullptr;
}

std::optional<std::string> TomlTable::text(std::string_view key, bool is_required) {
  const TomlValue* found = value_of_kind(key, Kind::text, is_required);
  if (!found) return std::nullopt;
  return found->text;
}

std::optional<double> TomlTable::number(std::string_view key, const NumberRange& range, bool is_required) {
  const TomlValue* found = value_of_kind(key, Kind::number, is_required);
  if (!found) return std::nullopt;
  return number_in_range(*found, path_of(key), range, problems_);
}

std::optional<std::size_t> TomlTable::choice(std::string_view key, std::initializer_list<std::string_view> words,
                                             bool is_required) {
  const TomlValue* found = value_of_kind(key, Kind::text, is_required);
  if (!found) return std::nullopt;
  std::size_t index = 0;
  std::string expected;
  for (const std::string_view word : words) {
    if (found->text == word) return index;
    ++index;
    expected.append(expected.empty() ? "" : ", ").append(word);
  }
  error(key, *found, "this is none of the words known here (" + expected + "). Use one of them.");
  return std::nullopt;
}

const TomlValue* TomlTable::array(std::string_view key, bool is_required) {
  return value_of_kind(key, Kind::array, is_required);
}

const TomlValue* TomlTable::table(std::string_view key, bool is_required) {
  return value_of_kind(key, Kind::table, is_required);
}

void TomlTable::finish() {
  for (const auto& [key, unasked] : table_.entries) {
    if (std::find(asked_.begin(), asked_.end(), key) != asked_.end()) continue;
    const std::string_view near = nearest_name(key, asked_);
    const std::string cure = near.empty() ? "Remove it." : "Is " + std::string(near) + " meant?";
    problems_.error_of_kind("unknown key", unasked.line, path_of(key), unasked.text,
                            "the key is unknown (a typo must not change a result unseen). " + cure);
  }
}

}  // namespace tailmargin
