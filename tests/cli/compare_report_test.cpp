// What compare says: ratios over what a method covers, and Monte Carlo terms that add up bit by bit.
#include "host/cli/compare_report.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace tailmargin {
namespace {

void expect_adds_up(const AccountMargin& margin) {
  double initial = 0.0, maintenance = 0.0;
  for (const venues::Term& term : monte_carlo_terms(margin)) {
    initial += term.initial_usd;
    maintenance += term.maintenance_usd;
  }
  EXPECT_EQ(initial, margin.initial_margin_usd);
  EXPECT_EQ(maintenance, margin.maintenance_margin_usd);
}

TEST(MonteCarloTerms, ShortfallAndUpliftAddUp) {
  for (int i = 1; i < 2000; ++i) {
    AccountMargin margin;
    margin.es_usd = 1000.0 / (i * 0.37) - 1.0;  // some are gains
    margin.initial_margin_usd = std::max(margin.es_usd + 0.013 * i, 0.0);
    margin.maintenance_margin_usd = 0.8 * margin.initial_margin_usd;
    expect_adds_up(margin);
  }
  AccountMargin plain;
  plain.es_usd = plain.initial_margin_usd = 10.0;
  plain.maintenance_margin_usd = 8.0;
  EXPECT_EQ(monte_carlo_terms(plain).size(), 1u);
  plain.initial_margin_usd = 12.0;
  ASSERT_EQ(monte_carlo_terms(plain).size(), 2u);
  EXPECT_EQ(monte_carlo_terms(plain)[1].initial_usd, 2.0);
}

AccountMargin with_terms(int i) {
  AccountMargin margin;
  margin.has_terms = true;
  margin.terms.core_usd = 900.0 / (1.0 + 0.7 * i);
  margin.terms.crisis_start_usd = 333.3;
  margin.terms.correlation_usd = 100.1;
  margin.terms.floor_usd = 50.0;
  margin.terms.dependence_usd = 0.013 * i;
  margin.terms.concentration_usd = 7.7;
  margin.terms.liquidity_usd = 1e-3 * i;
  margin.initial_margin_usd = margin.terms.initial_margin_usd();
  margin.maintenance_margin_usd = 0.8 * margin.initial_margin_usd;
  return margin;
}

TEST(MonteCarloTerms, TermsOfAModelAddUp) {
  for (int i = 0; i < 2000; ++i) { expect_adds_up(with_terms(i)); }
  EXPECT_EQ(monte_carlo_terms(with_terms(0)).at(0).name, "shortfall with uplift");
  EXPECT_EQ(monte_carlo_terms(with_terms(10)).at(0).name, "crisis start");
  EXPECT_EQ(monte_carlo_terms(with_terms(10)).at(1).name, "concentration");
  EXPECT_EQ(monte_carlo_terms(with_terms(1000)).at(1).name, "dependence");
  AccountMargin floored = with_terms(10);
  floored.terms.floor_usd = 500.0;
  EXPECT_EQ(monte_carlo_terms(floored).at(0).name, "floor against procyclicality");
  floored.terms.correlation_usd = 600.0;
  EXPECT_EQ(monte_carlo_terms(floored).at(0).name, "other correlations");
}

TEST(MonteCarloTerms, TheMinimumForShortOptionsStandsAlone) {
  AccountMargin margin = with_terms(10);
  margin.terms.short_option_minimum_usd = 4000.0;
  margin.initial_margin_usd = margin.terms.initial_margin_usd();
  margin.maintenance_margin_usd = 0.8 * margin.initial_margin_usd;
  ASSERT_EQ(monte_carlo_terms(margin).size(), 1u);
  EXPECT_EQ(monte_carlo_terms(margin)[0].name, "minimum for short options");
  EXPECT_EQ(monte_carlo_terms(margin)[0].initial_usd, 4000.0);
  expect_adds_up(margin);
}

/// Two accounts; the method leaves a position of the second out.
struct TwoAccounts {
  venues::Method method;
  ComparedBook compared;
  TwoAccounts() {
    method.name = "mine";
    compared.accounts = {"a", "b"};
    compared.num_positions = {1, 2};
    venues::BookRequirement row;
    row.accounts = {{30.0, 20.0, 0}, {5.0, 4.0, 1}};
    row.left_out = {{"X", "no parameters", 1}};
    compared.methods = {row};
    compared.methods[0].method = &method;
  }
};

TEST(CompareReport, TheRatioIsOverAccountsInFull) {
  TwoAccounts two;
  EXPECT_FALSE(totals_of(two.compared, two.compared.methods[0]).over_monte_carlo);
  two.compared.monte_carlo.resize(2);
  two.compared.monte_carlo[0].initial_margin_usd = 40.0;
  two.compared.monte_carlo[1].initial_margin_usd = 1000.0;
  const MethodTotals totals = totals_of(two.compared, two.compared.methods[0]);
  EXPECT_EQ(totals.initial_usd, 35.0);
  EXPECT_EQ(totals.maintenance_usd, 24.0);
  EXPECT_EQ(totals.accounts_in_full, 1u);
  EXPECT_EQ(totals.over_monte_carlo, 0.75);
  two.compared.monte_carlo[0].initial_margin_usd = 0.0;
  EXPECT_FALSE(totals_of(two.compared, two.compared.methods[0]).over_monte_carlo);
}

TEST(CompareReport, SaysWhatIsLeftOut) {
  TwoAccounts two;
  CompareReport report;
  report.compared = two.compared;
  EXPECT_NE(compare_text(report).find("leaves out 1 instruments"), std::string::npos);
  EXPECT_NE(compare_json(report).find("\"reason\": \"no parameters\""), std::string::npos);
  EXPECT_NE(compare_json(report).find("\"monte_carlo\": null"), std::string::npos);
}

}  // namespace
}  // namespace tailmargin
