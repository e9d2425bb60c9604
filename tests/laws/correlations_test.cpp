// Correlations of a step: the plan's against the model's own table, exactly; repaired ones against published matrices.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/laws/law_sample.hpp"

namespace tailmargin::test {
namespace {

/// A lists everything, B a perpetual only, C an option only: B has no vol, C no premium.
Book uneven_book() {
  BookMaker maker;
  for (const char* name : {"A", "B", "C"}) { maker.underlying(name, 100.0); }
  maker.option("A-C", 0, 60.0, 100.0, OptionType::call, 0.6);
  maker.future("A-F", 0, 60.0, 100.0);
  maker.perpetual("A-PERP", 0, Payoff::linear);
  maker.perpetual("B-PERP", 1, Payoff::linear);
  maker.option("C-C", 2, 60.0, 100.0, OptionType::call, 0.6);
  return maker.book();
}

const std::array<double, num_factor_kinds> all_vols = {0.6, 0.9, 0.3, 0.05, 0.8, 0.7, 0.5, 0.2, 0.04};

/// Kind correlations by hand: price with vol, vol with premium and term, term with skew, carry with its slope.
const std::vector<KindCorrelation> some_kinds = {
    {FactorKind::price, FactorKind::vol, -0.5},        {FactorKind::premium, FactorKind::vol, 0.4},
    {FactorKind::vol, FactorKind::term, 0.6},          {FactorKind::skew, FactorKind::term, -0.3},
    {FactorKind::carry, FactorKind::carry_slope, 0.7}, {FactorKind::price, FactorKind::dislocation, 0.2}};

double kind_correlation(FactorKind a, FactorKind b, double multiple = 1.0) {
  if (a == b) { return 1.0; }
  for (const KindCorrelation& c : some_kinds) {
    if ((c.a == a && c.b == b) || (c.a == b && c.b == a)) { return multiple * c.rho; }
  }
  return 0.0;
}

/// Expects the covariance of a step of every pair of factors to be sd sd correlation, to rounding.
void expect_correlations(const ScenarioPlan& plan, std::uint32_t regime, double vol_multiple,
                         const std::function<double(const Factor&, const Factor&)>& correlation) {
  for (std::uint32_t f = 0; f < plan.factors.size(); ++f) {
    for (std::uint32_t g = 0; g <= f; ++g) {
      const Factor &a = plan.factors[f], &b = plan.factors[g];
      const double size =
          vol_multiple * vol_multiple * all_vols[std::size_t(a.kind)] * all_vols[std::size_t(b.kind)] * plan.step_years;
      EXPECT_NEAR(step_covariance(plan, f, g, regime) / size, f == g ? 1.0 : correlation(a, b), 1e-12)
          << "regime " << regime << ": " << a.underlying << '.' << to_string(a.kind) << " with " << b.underlying << '.'
          << to_string(b.kind);
    }
  }
}

Model two_structures() {
  Model model = one_regime(24.0, 6.0, {});
  Regime full{"full", {{"*", all_vols}}, some_kinds, {{"A", "B", 0.8}, {"C", "A", 0.3}, {"*", "*", -0.2}}};
  Regime blocks{"blocks",
                {{"*", all_vols}},
                some_kinds,
                {},
                {{"A", 0.9, "", 0.0}, {"B", 0.5, "alts", 0.6}, {"C", -0.3, "alts", 0.8}}};
  for (double& v : blocks.vols[0].vol) { v *= 2.0; }
  for (KindCorrelation& c : blocks.kinds) { c.rho *= 0.5; }
  model.regimes = {full, blocks};
  model.transition = {{0.9, 0.1}, {0.2, 0.8}};
  model.transition_hours = 6.0;
  return model;
}

TEST(CorrelationLaw, ProductOfKindsAndUnderlyings) {
  const ScenarioPlan plan = plan_of(uneven_book(), two_structures());

  ASSERT_EQ(plan.factors.size(), 9u + 3u + 8u) << "of A, B and C";
  const double full[3][3] = {{1.0, 0.8, 0.3}, {0.8, 1.0, -0.2}, {0.3, -0.2, 1.0}};
  expect_correlations(plan, 0, 1.0, [&](const Factor& f, const Factor& g) {
    return full[f.underlying][g.underlying] * kind_correlation(f.kind, g.kind);
  });
  // Loadings times loadings: 0.9 0.5, 0.9 -0.3, and 0.5 -0.3 + 0.6 0.8 within the block.
  const double blocks[3][3] = {{1.0, 0.45, -0.27}, {0.45, 1.0, 0.33}, {-0.27, 0.33, 1.0}};
  expect_correlations(plan, 1, 2.0, [&](const Factor& f, const Factor& g) {
    return blocks[f.underlying][g.underlying] * kind_correlation(f.kind, g.kind, 0.5);
  });
}

// B's premium is tied to the others' vols, though B has none; and, alone in a book, its price to its premium.
TEST(CorrelationLaw, KindsCorrelatedThroughAHiddenOne) {
  Model model = one_regime(24.0, 6.0, all_vols);
  model.regimes[0].kinds = {{FactorKind::price, FactorKind::vol, 0.6},
                            {FactorKind::vol, FactorKind::premium, 0.7},
                            {FactorKind::price, FactorKind::premium, -0.1}};
  model.regimes[0].underlyings = {{"*", "*", 0.5}};
  const auto expected = [&](const Factor& f, const Factor& g) {
    double kinds = f.kind == g.kind ? 1.0 : 0.0;
    for (const KindCorrelation& c : model.regimes[0].kinds) {
      if ((c.a == f.kind && c.b == g.kind) || (c.a == g.kind && c.b == f.kind)) { kinds = c.rho; }
    }
    return kinds * (f.underlying == g.underlying ? 1.0 : 0.5);
  };

  expect_correlations(plan_of(uneven_book(), model), 0, 1.0, expected);

  BookMaker maker;  // only B
  maker.underlying("B", 100.0);
  maker.perpetual("B-PERP", 0, Payoff::linear);
  expect_correlations(plan_of(maker.book(), model), 0, 1.0, expected);
}

TEST(CorrelationLaw, ExceptionsTakeThePlaceOfTheProduct) {
  Model model = two_structures();
  model.regimes[0].underlyings[0].rho = 0.4;
  model.regimes[1].underlying_factors.clear();
  const auto price = FactorKind::price, vol = FactorKind::vol, premium = FactorKind::premium, term = FactorKind::term,
             skew = FactorKind::skew;
  model.regimes[0].correlations = {{{"A", price}, {"C", vol}, SameUnderlying::any, -0.25},
                                   {{"*", vol}, {"*", price}, SameUnderlying::no, -0.1},
                                   {{"*", vol}, {"*", price}, SameUnderlying::yes, -0.45},
                                   {{"*", skew}, {"*", term}, SameUnderlying::yes, -0.2},
                                   {{"*", skew}, {"*", term}, SameUnderlying::no, 0.05},
                                   {{"*", premium}, {"*", premium}, SameUnderlying::any, 0.25},
                                   {{"A", vol}, {"A", price}, SameUnderlying::any, 0.9}};  // comes too late

  const ScenarioPlan plan = plan_of(uneven_book(), model);

  const double full[3][3] = {{1.0, 0.4, 0.3}, {0.4, 1.0, -0.2}, {0.3, -0.2, 1.0}};
  expect_correlations(plan, 0, 1.0, [&](const Factor& f, const Factor& g) {
    const Factor &low = f.kind < g.kind ? f : g, &high = f.kind < g.kind ? g : f;
    if (low.kind == price && high.kind == vol) {
      if (low.underlying == 0 && high.underlying == 2) { return -0.25; }
      return low.underlying == high.underlying ? -0.45 : -0.1;
    }
    if (low.kind == term && high.kind == skew) { return low.underlying == high.underlying ? -0.2 : 0.05; }
    if (low.kind == premium && high.kind == premium) { return 0.25; }
    return full[f.underlying][g.underlying] * kind_correlation(f.kind, g.kind);
  });
  expect_correlations(plan, 1, 2.0, [&](const Factor& f, const Factor& g) {  // without exceptions, in the same law
    return f.underlying == g.underlying ? kind_correlation(f.kind, g.kind, 0.5) : 0.0;
  });
}

// Standard error of a sample correlation: (1 - rho^2) / sqrt(n).
TEST(CorrelationLaw, SampleHasTheCorrelationsOfThePlan) {
  Model model = two_structures();
  model.drift = Drift::zero;
  model.horizon_hours = 6.0;
  model.start = StartKind::probabilities;
  model.start_probabilities = {1.0, 0.0};
  const std::vector<FactorAt> readings = {{0, FactorKind::price, 6.0},
                                          {0, FactorKind::vol, 6.0},
                                          {1, FactorKind::price, 6.0},
                                          {1, FactorKind::premium, 6.0},
                                          {2, FactorKind::vol, 6.0}};
  for (const std::uint32_t regime : {0u, 1u}) {
    model.start_probabilities = {regime == 0 ? 1.0 : 0.0, regime == 0 ? 0.0 : 1.0};
    const LawSample sample(uneven_book(), model, readings, 701 + regime, regime == 0 ? law_paths : law_paths / 10);

    // By hand: price with vol -0.5, vol with premium 0.4, in the second half of it; A-B, A-C, B-C as in the tables
    // above.
    const double ab = regime == 0 ? 0.8 : 0.45, ac = regime == 0 ? 0.3 : -0.27, bc = regime == 0 ? -0.2 : 0.33;
    const double pv = regime == 0 ? -0.5 : -0.25, vm = regime == 0 ? 0.4 : 0.2;
    const double expected[5][5] = {{1.0, pv, ab, 0.0, pv * ac},
                                   {pv, 1.0, pv * ab, vm * ab, ac},
                                   {ab, pv * ab, 1.0, 0.0, pv * bc},
                                   {0.0, vm * ab, 0.0, 1.0, vm * bc},
                                   {pv * ac, ac, pv * bc, vm * bc, 1.0}};
    const auto n = static_cast<double>(sample.num_paths());
    double sums[5] = {}, products[5][5] = {};
    for (std::uint64_t p = 0; p < sample.num_paths(); ++p) {
      double x[5];
      for (std::size_t i = 0; i < 5; ++i) { sums[i] += x[i] = sample.value(i, p); }
      for (std::size_t i = 0; i < 5; ++i) {
        for (std::size_t j = 0; j <= i; ++j) { products[i][j] += x[i] * x[j]; }
      }
    }
    const auto covariance = [&](std::size_t i, std::size_t j) {
      return products[i][j] / n - sums[i] / n * sums[j] / n;
    };
    const double vols[] = {0.6, 0.9, 0.6, 0.05, 0.9};
    for (std::size_t i = 0; i < 5; ++i) {
      const double variance = std::pow(vols[i] * (regime == 0 ? 1.0 : 2.0), 2.0) * 6.0 / 8760.0;
      expect_law("regime " + std::to_string(regime) + ": variance of " + std::to_string(i),
                 {covariance(i, i) / variance, std::sqrt(2.0 / n)}, 1.0);
      for (std::size_t j = 0; j < i; ++j) {
        const double rho = expected[i][j];
        expect_law(
            "regime " + std::to_string(regime) + ": correlation " + std::to_string(i) + ", " + std::to_string(j),
            {covariance(i, j) / std::sqrt(covariance(i, i) * covariance(j, j)), (1.0 - rho * rho) / std::sqrt(n)}, rho);
      }
    }
  }
}

/// Where a 3x3 matrix of correlations can stand in a model.
enum class Place { underlyings, kinds, exceptions };

class BadCorrelations : public testing::TestWithParam<Place> {
 protected:
  static Book book() { return book_of({"A", "B", "C"}); }

  static Model model(double ab, double ac, double bc) {
    Model model = one_regime(24.0, 6.0, {});
    const auto price = FactorKind::price, vol = FactorKind::vol, premium = FactorKind::premium;
    model.regimes[0].vols = {
        {"*", {0.6, GetParam() == Place::kinds ? 0.9 : 0.0, 0.0, GetParam() == Place::kinds ? 0.1 : 0.0}}};
    switch (GetParam()) {
      case Place::underlyings: model.regimes[0].underlyings = {{"A", "B", ab}, {"A", "C", ac}, {"B", "C", bc}}; break;
      case Place::kinds: model.regimes[0].kinds = {{price, vol, ab}, {price, premium, ac}, {vol, premium, bc}}; break;
      case Place::exceptions:
        model.regimes[0].correlations = {{{"A", price}, {"B", price}, SameUnderlying::any, ab},
                                         {{"A", price}, {"C", price}, SameUnderlying::any, ac},
                                         {{"B", price}, {"C", price}, SameUnderlying::any, bc}};
        break;
    }
    return model;
  }

  /// Correlation of the steps of two of the three.
  static double planned(const ScenarioPlan& plan, std::uint32_t a, std::uint32_t b) {
    const FactorKind kinds[] = {FactorKind::price, FactorKind::vol, FactorKind::premium};
    const auto factor = [&](std::uint32_t i) {
      return GetParam() == Place::kinds ? factor_of(plan, 0, kinds[i]) : factor_of(plan, i, FactorKind::price);
    };
    return step_covariance(plan, factor(a), factor(b)) /
           std::sqrt(step_covariance(plan, factor(a), factor(a)) * step_covariance(plan, factor(b), factor(b)));
  }

  static std::string last_name() {
    return GetParam() == Place::kinds ? "premium" : GetParam() == Place::underlyings ? "C" : "C.price";
  }
};

// Rebonato and Jaeckel (1999): nearest .894575292 .696620767 .3025436, at 0.009728 (spectral clipping: 0.010020).
TEST_P(BadCorrelations, AreMovedToTheNearest) {
  Model bad = model(0.9, 0.7, 0.3);
  bad.repair = Repair::nearest;
  bad.min_eigenvalue = 1e-9;

  const ScenarioPlan plan = plan_of(book(), bad);

  EXPECT_NEAR(planned(plan, 0, 1), 0.894575292, 1e-8);
  EXPECT_NEAR(planned(plan, 0, 2), 0.696620767, 1e-8);
  EXPECT_NEAR(planned(plan, 1, 2), 0.3025436, 1e-7);
  const std::vector<Diagnostic> problems = problems_of(book(), bad);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].severity, Severity::warning);
  EXPECT_NE(problems[0].reason.find("by 0.009728 in all"), std::string::npos) << problems[0].reason;
  EXPECT_NE(problems[0].reason.find("from 0.900000 to 0.894575"), std::string::npos) << problems[0].reason;
}

// Higham (2002), section 4: [1 1 0; 1 1 1; 0 1 1].
TEST_P(BadCorrelations, MeetHighamsExample) {
  Model bad = model(1.0, 0.0, 1.0);
  bad.repair = Repair::nearest;
  bad.min_eigenvalue = 1e-9;

  const ScenarioPlan plan = plan_of(book(), bad);

  EXPECT_NEAR(planned(plan, 0, 1), 0.76068985, 1e-8);
  EXPECT_NEAR(planned(plan, 0, 2), 0.15729811, 1e-8);
  EXPECT_NEAR(planned(plan, 1, 2), 0.76068985, 1e-8);
  EXPECT_NE(problems_of(book(), bad)[0].reason.find("by 0.527790 in all"), std::string::npos)
      << problems_of(book(), bad)[0].reason;
}

TEST_P(BadCorrelations, AreRefusedByName) {
  const std::vector<Diagnostic> problems = problems_of(book(), model(0.9, 0.7, 0.3));

  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].severity, Severity::error);
  EXPECT_EQ(problems[0].value, last_name());
  EXPECT_EQ(problems[0].field.rfind("regime.only.", 0), 0u) << problems[0].field;
}

TEST_P(BadCorrelations, GoodOnesAreLeftAlone) {
  Model good = model(0.9, 0.7, 0.5);
  good.repair = Repair::nearest;

  EXPECT_TRUE(problems_of(book(), good).empty());
  EXPECT_NEAR(planned(plan_of(book(), good), 1, 2), 0.5, 1e-12);
}

INSTANTIATE_TEST_SUITE_P(CorrelationLaw, BadCorrelations,
                         testing::Values(Place::underlyings, Place::kinds, Place::exceptions), [](const auto& test) {
                           return test.param == Place::underlyings ? "underlyings"
                                  : test.param == Place::kinds     ? "kinds"
                                                                   : "exceptions";
                         });

}  // namespace
}  // namespace tailmargin::test
