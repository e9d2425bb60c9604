// docs/accuracy.md shows the bounds of accuracy.hpp, all of them and nothing else.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tailmargin/accuracy.hpp"

namespace tailmargin::test {
namespace {

std::string row_of(const AccuracyBound& bound) {
  std::ostringstream out;
  out << "| " << bound.name << " | " << bound.bound << " | " << bound.unit << " | " << bound.range << " |";
  return out.str();
}

/// Rows between the markers of a table, without its two head lines.
std::vector<std::string> rows_of_document(const std::string& marker) {
  std::ifstream file(std::string(TAILMARGIN_SOURCE_DIR) + "/docs/accuracy.md");
  std::vector<std::string> rows;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line == "<!-- " + marker + " end -->") { inside = false; }
    if (inside && !line.empty() && line[0] == '|') { rows.push_back(line); }
    if (line == "<!-- " + marker + " begin -->") { inside = true; }
  }
  if (rows.size() >= 2) { rows.erase(rows.begin(), rows.begin() + 2); }
  return rows;
}

std::string table() {
  std::string out;
  for (const AccuracyBound& bound : accuracy::all) { out += row_of(bound) + "\n"; }
  return out;
}

TEST(AccuracyDocument, ShowsTheBoundsOfTheHeader) {
  std::string shown;
  for (const std::string& row : rows_of_document("bounds")) { shown += row + "\n"; }

  EXPECT_EQ(shown, table()) << "put the header's rows into docs/accuracy.md:\n" << table();
}

TEST(AccuracyDocument, ShowsTheConstantsOfAccounts) {
  const struct {
    const char* name;
    double value;
  } constants[] = {{"account_rounding", accuracy::account_rounding},
                   {"scenario_rounding", accuracy::scenario_rounding},
                   {"max_gross_to_tail", accuracy::max_gross_to_tail}};
  const auto rows = rows_of_document("constants");

  ASSERT_EQ(rows.size(), std::size(constants));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::ostringstream expected;
    expected << "| " << constants[i].name << " | " << constants[i].value << " | ";
    EXPECT_EQ(rows[i].substr(0, expected.str().size()), expected.str());
  }
}

TEST(AccuracyDocument, BoundsHaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (const AccuracyBound& bound : accuracy::all) {
    EXPECT_TRUE(names.insert(bound.name).second) << bound.name;
    EXPECT_GT(bound.bound, 0.0) << bound.name;
  }
}

}  // namespace
}  // namespace tailmargin::test
