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

/// Rows between the markers of the generated table, without its two head lines.
std::vector<std::string> rows_of_document() {
  std::ifstream file(std::string(TAILMARGIN_SOURCE_DIR) + "/docs/accuracy.md");
  std::vector<std::string> rows;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line == "<!-- bounds end -->") { inside = false; }
    if (inside && !line.empty() && line[0] == '|') { rows.push_back(line); }
    if (line == "<!-- bounds begin -->") { inside = true; }
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
  for (const std::string& row : rows_of_document()) { shown += row + "\n"; }

  EXPECT_EQ(shown, table()) << "put the header's rows into docs/accuracy.md:\n" << table();
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
