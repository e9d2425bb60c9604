// Which rows of a model speak of which underlying.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "tailmargin/book.hpp"
#include "tailmargin/model.hpp"

namespace tailmargin {

/// Whether a pattern ("NAME", "@group", "*") means an underlying.
inline bool matches(const std::string& pattern, const std::string& underlying, const Model& model) {
  if (pattern == "*" || pattern == underlying) { return true; }
  if (pattern.empty() || pattern.front() != '@') { return false; }
  for (const Group& group : model.groups) {
    if (group.name == pattern.substr(1)) {
      return std::find(group.underlyings.begin(), group.underlyings.end(), underlying) != group.underlyings.end();
    }
  }
  return false;
}

/// The first row that matches, or null.
template <class Row>
const Row* first_match(const std::vector<Row>& rows, const std::string& underlying, const Model& model) {
  for (const Row& row : rows) {
    if (matches(row.match, underlying, model)) { return &row; }
  }
  return nullptr;
}

/// What problems of a model are reported under.
inline const std::string& model_source(const Model& model) { return model.file.empty() ? model.name : model.file; }

/// Line of a table or key of the model file, or of the nearest around it that has one; 0 if none has.
/// @param path  "regime[1].vols[2]", items counted from 1
inline std::uint64_t model_line(const Model& model, std::string path) {
  while (true) {
    const auto found = model.lines.find(path);
    if (found != model.lines.end()) { return found->second; }
    const std::size_t end = path.find_last_of(".[");
    if (end == std::string::npos) { return 0; }
    path.resize(end);
  }
}

/// Where paths end, as messages put it, and what would end them sooner.
inline const char* over_the_path(const Model& model) {
  return model.closing ? "to the last closing time" : "over the horizon";
}
inline const char* end_paths_sooner(const Model& model) {
  return model.closing ? "bring the last closing time forward" : "shorten the horizon";
}

/// A number as messages show it: four digits that count.
inline std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

/// "regime[2]" for index 1.
inline std::string item_of(const std::string& list, std::size_t index) {
  return list + "[" + std::to_string(index + 1) + "]";
}

}  // namespace tailmargin
