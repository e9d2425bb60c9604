// Names that a user typed, in tables of a book.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "host/cli/similar_names.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {

/// The place of a name in a sorted table, or a problem with what was perhaps meant.
template <class Row, class NameOf>
std::size_t find_name(const std::vector<Row>& rows, const std::string& name, NameOf name_of, const char* option,
                      const char* what, Diagnostics& diagnostics) {
  const auto found = std::lower_bound(rows.begin(), rows.end(), name,
                                      [&](const Row& row, const std::string& of) { return name_of(row) < of; });
  if (found != rows.end() && name_of(*found) == name) { return static_cast<std::size_t>(found - rows.begin()); }
  std::vector<std::string> names;
  for (const Row& row : rows) { names.push_back(name_of(row)); }
  diagnostics.error(option, 0, what, name,
                    std::string("the book has no such ") + what + "." + did_you_mean(name, names));
  return 0;
}

}  // namespace tailmargin
