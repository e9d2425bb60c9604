// Explanations: the row of the margins file, shares that add up to the ES, their standard errors, greeks.
#include "tailmargin/explain.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "host/prepare/prepare_run.hpp"
#include "tests/support/small_exchange.hpp"

namespace tailmargin::test {
namespace {

double sum_of_shares(const Explanation& e) {
  double sum = 0.0;
  for (const HoldingShare& h : e.holdings) { sum += h.es.usd; }
  return sum;
}

TEST(Explain, HasTheRowOfTheMarginRun) {
  const Exchange exchange;
  for (const Setting& s : settings()) {
    const std::vector<AccountMargin> margins = run_margin(exchange.book(), s.model, s.config).margins;

    for (AccountId a = 0; a < margins.size(); ++a) {
      const Explanation found = explain_account(exchange.book(), s.model, s.config, a);

      EXPECT_EQ(bits_of(found.margin), bits_of(margins[a])) << s.name << " " << margins[a].account;
    }
  }
}

TEST(Explain, SharesAddUpToTheEs) {
  const Exchange exchange;
  for (const Setting& s : settings()) {
    const bool reference = s.config.backend == BackendChoice::reference;
    for (AccountId a = 0; a < exchange.book().accounts.size(); ++a) {
      const Explanation found = explain_account(exchange.book(), s.model, s.config, a);
      double gross = 0.0, by_underlying = 0.0;
      for (const HoldingShare& h : found.holdings) { gross += std::fabs(h.es.usd); }
      for (const UnderlyingShare& u : found.underlyings) { by_underlying += u.es.usd; }
      // Sums of floats with a relative rounding of 2^-24 in each of a few steps; the reference prices by itself.
      const double rounding = found.margin.exact_precision ? 1e-12 : reference ? 1e-4 : 4e-7;

      EXPECT_EQ(found.rounding_usd, found.margin.es_usd - sum_of_shares(found)) << s.name;
      EXPECT_LE(std::fabs(found.rounding_usd), rounding * gross + 1e-12) << s.name << " account " << a;
      EXPECT_NEAR(by_underlying, sum_of_shares(found), 1e-12 * gross + 1e-12) << s.name;
    }
  }
}

}  // namespace
}  // namespace tailmargin::test
