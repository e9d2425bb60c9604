// Which rows of a model speak of which underlying.
#pragma once

#include <algorithm>
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

}  // namespace tailmargin
