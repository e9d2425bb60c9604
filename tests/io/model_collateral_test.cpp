// [[haircut]] and [[depeg]] of a model file: read as written, every problem found.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "host/io/model_file.hpp"
#include "tests/io/full_model.hpp"
#include "tests/io/print_diagnostics.hpp"

namespace tailmargin::test {
namespace {

std::vector<Diagnostic> problems_of(const std::string& tables) {
  Diagnostics diagnostics;
  parse_model(std::string(full) + tables, "model.toml", diagnostics);
  return diagnostics.items();
}

void expect_problem(const std::string& tables, const std::string& field, const std::string& value) {
  const std::vector<Diagnostic> problems = problems_of(tables);
  ASSERT_EQ(problems.size(), 1U) << tables;
  EXPECT_EQ(problems[0].field, field) << tables;
  EXPECT_EQ(problems[0].value, value) << tables;
  EXPECT_EQ(problems[0].severity, Severity::error);
  EXPECT_GT(problems[0].row, 0U);
}

TEST(ModelCollateral, IsReadAsWritten) {
  Diagnostics diagnostics;
  const Model model = parse_model(std::string(full) +
                                      "[[haircut]]\nmatch = \"@stable\"\nshare = 0\n[[haircut]]\nmatch = \"*\"\n"
                                      "share = 1\n[[depeg]]\nmatch = \"USDC\"\nfall = 0.12\n",
                                  "model.toml", diagnostics);
  EXPECT_EQ(diagnostics.items(), std::vector<Diagnostic>{});
  ASSERT_EQ(model.haircuts.size(), 2U);
  EXPECT_EQ(model.haircuts[0].match, "@stable");
  EXPECT_EQ(model.haircuts[0].share, 0.0);
  EXPECT_EQ(model.haircuts[1].match, "*");
  EXPECT_EQ(model.haircuts[1].share, 1.0);
  ASSERT_EQ(model.depegs.size(), 1U);
  EXPECT_EQ(model.depegs[0].match, "USDC");
  EXPECT_EQ(model.depegs[0].share, 0.12);
}

TEST(ModelCollateral, IsNoneWithoutTheTables) {
  Diagnostics diagnostics;
  const Model model = parse_model(full, "model.toml", diagnostics);
  EXPECT_TRUE(model.haircuts.empty());
  EXPECT_TRUE(model.depegs.empty());
}

TEST(ModelCollateral, NamesEveryProblem) {
  expect_problem("[[haircut]]\nmatch = \"BTC\"\nshare = 1.01\n", "haircut[1].share", "1.01");
  expect_problem("[[haircut]]\nmatch = \"BTC\"\nshare = -0.01\n", "haircut[1].share", "-0.01");
  expect_problem("[[haircut]]\nmatch = \"BTC\"\n", "haircut[1].share", "");
  expect_problem("[[haircut]]\nmatch = \"BTC\"\nshare = 0.1\nshares = 0.1\n", "haircut[1].shares", "0.1");
  expect_problem("[[haircut]]\nmatch = \"@coins\"\nshare = 0.1\n", "haircut[1].match", "@coins");
  expect_problem("[[haircut]]\nmatch = \"*\"\nshare = 0.1\n[[haircut]]\nmatch = \"BTC\"\nshare = 0.1\n",
                 "haircut[2].match", "BTC");
  expect_problem("[[depeg]]\nmatch = \"USDC\"\nfall = 1\n", "depeg[1].fall", "1");
  expect_problem("[[depeg]]\nmatch = \"USDC\"\nfall = -0.1\n", "depeg[1].fall", "-0.1");
  expect_problem("[[depeg]]\nmatch = \"USDC\"\nfall = 0.1\n[[depeg]]\nmatch = \"USDC\"\nfall = 0.2\n", "depeg[2].match",
                 "USDC");
}

TEST(ModelCollateral, WarnsOfNamesSpelledInTwoWays) {
  const std::vector<Diagnostic> problems = problems_of("[[depeg]]\nmatch = \"usdc\"\nfall = 0.1\n");
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].field, "depeg[1].match");
  EXPECT_EQ(problems[0].severity, Severity::warning);
}

}  // namespace
}  // namespace tailmargin::test
