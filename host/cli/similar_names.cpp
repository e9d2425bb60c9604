#include "host/cli/similar_names.hpp"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <utility>

namespace tailmargin {
namespace {

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

/// Levenshtein's distance.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (lower(a[i]) == lower(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string did_you_mean(const std::string& name, const std::vector<std::string>& names) {
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const std::string& other : names) {
    const std::size_t apart = distance(name, other);
    if (2 * apart <= name.size()) { near.emplace_back(apart, other); }
  }
  std::sort(near.begin(), near.end());
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, near.size()); ++i) {
    text += (i == 0 ? " Did you mean " : ", ") + near[i].second;
  }
  return text.empty() ? text : text + "?";
}

}  // namespace tailmargin
