// Roots of transition matrices: they must multiply back, meet closed forms and a published example, and say when they
// cannot be.
#include "host/prepare/markov_root.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace tailmargin::test {
namespace {

using Matrix = std::vector<std::vector<double>>;

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix result(a.size(), std::vector<double>(a.size(), 0.0));
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t k = 0; k < a.size(); ++k) {
      for (std::size_t j = 0; j < a.size(); ++j) { result[i][j] += a[i][k] * b[k][j]; }
    }
  }
  return result;
}

Matrix power(const Matrix& m, int exponent) {
  Matrix result = m;
  for (int e = 1; e < exponent; ++e) { result = product(result, m); }
  return result;
}

double largest_difference(const Matrix& a, const Matrix& b) {
  double result = a.size() == b.size() ? 0.0 : 1e300;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    for (std::size_t j = 0; j < a.size(); ++j) { result = std::max(result, std::fabs(a[i][j] - b[i][j])); }
  }
  return result;
}

void expect_stochastic(const Matrix& m) {
  for (std::size_t i = 0; i < m.size(); ++i) {
    double total = 0.0;
    for (const double value : m[i]) {
      EXPECT_GE(value, 0.0) << "row " << i;
      total += value;
    }
    EXPECT_NEAR(total, 1.0, 4e-16) << "row " << i;
  }
}

const Matrix daily = {{0.94, 0.05, 0.01}, {0.12, 0.80, 0.08}, {0.05, 0.25, 0.70}};
const Matrix sticky = {{0.995, 0.004, 0.001}, {0.10, 0.88, 0.02}, {0.02, 0.30, 0.68}};

/// Moody's average one-year transitions of corporates, 1980 to 1999: Kreinin and Sidelnikova (2001), "Regularization
/// Algorithms for Transition Matrices", Algo Research Quarterly 4, 23-40, table 1; the diagonal closes the rows.
Matrix moodys() {
  Matrix m = {{0.8588, 0.0976, 0.0048, 0.0000, 0.0003, 0.0000, 0.0000, 0.0000},
              {0.0092, 0.8487, 0.0964, 0.0036, 0.0015, 0.0002, 0.0000, 0.0004},
              {0.0008, 0.0224, 0.8624, 0.0609, 0.0077, 0.0021, 0.0000, 0.0002},
              {0.0008, 0.0037, 0.0602, 0.7916, 0.0648, 0.0130, 0.0011, 0.0019},
              {0.0003, 0.0008, 0.0046, 0.0402, 0.7676, 0.0788, 0.0047, 0.0140},
              {0.0001, 0.0004, 0.0016, 0.0053, 0.0586, 0.7607, 0.0274, 0.0660},
              {0.0000, 0.0000, 0.0000, 0.0100, 0.0279, 0.0538, 0.5674, 0.2535},
              {0.0000, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000, 1.0000}};
  for (std::size_t i = 0; i < m.size(); ++i) {
    double others = 0.0;
    for (std::size_t j = 0; j < m.size(); ++j) { others += j == i ? 0.0 : m[i][j]; }
    m[i][i] = 1.0 - others;
  }
  return m;
}

TEST(MarkovRoot, TheSameTimeKeepsTheMatrix) {
  const Matrix alternating = {{0.1, 0.9}, {0.9, 0.1}};

  const StepTransition step = transition_for_step(alternating, 24.0, 24.0);

  EXPECT_EQ(step.matrix, alternating);
  EXPECT_EQ(step.match, ChainMatch::exact);
  EXPECT_EQ(step.largest_change, 0.0);
}

TEST(MarkovRoot, StepsOfADayMultiplyBack) {
  for (const Matrix& p : {daily, sticky}) {
    for (const int steps : {2, 3, 24, 96, 1440}) {
      const StepTransition step = transition_for_step(p, 24.0, 24.0 / steps);

      EXPECT_EQ(step.match, ChainMatch::exact) << steps << " steps: " << step.reason;
      expect_stochastic(step.matrix);
      EXPECT_LE(largest_difference(power(step.matrix, steps), p), 1e-12) << steps << " steps";
      EXPECT_LE(step.largest_change, 1e-13) << steps << " steps";
    }
  }
}

// scipy 1.17: scipy.linalg.fractional_matrix_power(daily, 1 / 24) and expm(1.5 * logm(daily)).
TEST(MarkovRoot, MeetsScipy) {
  EXPECT_LE(largest_difference(transition_for_step(daily, 24.0, 1.0).matrix,
                               {{0.99726942720151357, 0.0023398184105189162, 0.00039075438796677957},
                                {0.0056773316205551609, 0.98989951713420821, 0.0044231512452362230},
                                {0.0016449347632856738, 0.013860952288432163, 0.98449411294828193}}),
            1e-14);
  EXPECT_LE(largest_difference(transition_for_step(daily, 24.0, 36.0).matrix,
                               {{0.913913566213424, 0.07086893798919994, 0.01521749579737487},
                                {0.16925048461445216, 0.7265438467587344, 0.10420566862681291},
                                {0.08026231178501417, 0.32512086035902277, 0.5946168278559621}}),
            1e-13);
}

TEST(MarkovRoot, TwoStatesMeetTheClosedForm) {
  for (const auto& [a, b] : {std::pair{0.3, 0.2}, {0.02, 0.6}, {1e-6, 0.9}, {0.4, 0.59}}) {
    for (const double part : {1.0 / 24.0, 0.3, 0.5, 1.7}) {
      const double moved = (1.0 - std::pow(1.0 - a - b, part)) / (a + b);  // of the way to the stationary law

      const Matrix m = transition_for_step({{1.0 - a, a}, {b, 1.0 - b}}, 24.0, 24.0 * part).matrix;

      ASSERT_EQ(m.size(), 2u) << a << ", " << b;
      EXPECT_NEAR(m[0][1], a * moved, 1e-13) << a << ", " << b << ", part " << part;
      EXPECT_NEAR(m[1][0], b * moved, 1e-13) << a << ", " << b << ", part " << part;
    }
  }
}

TEST(MarkovRoot, WholeMultiplesArePowers) {
  const Matrix alternating = {{0.1, 0.9}, {0.9, 0.1}};  // no root, but powers
  for (const int multiple : {2, 3, 24}) {
    const StepTransition step = transition_for_step(alternating, 1.0, multiple);

    EXPECT_EQ(step.match, ChainMatch::exact);
    expect_stochastic(step.matrix);
    EXPECT_LE(largest_difference(step.matrix, power(alternating, multiple)), 1e-14) << multiple;
  }
  EXPECT_LE(largest_difference(transition_for_step(daily, 0.1, 0.3).matrix, power(daily, 3)), 1e-14);
}

TEST(MarkovRoot, AbsorbingAndStillChainsWork) {
  const StepTransition absorbing = transition_for_step({{0.9, 0.1}, {0.0, 1.0}}, 24.0, 12.0);
  ASSERT_EQ(absorbing.matrix.size(), 2u) << absorbing.reason;
  EXPECT_LE(largest_difference(absorbing.matrix, {{std::sqrt(0.9), 1.0 - std::sqrt(0.9)}, {0.0, 1.0}}), 1e-15);
  EXPECT_EQ(absorbing.matrix[1][0], 0.0);

  EXPECT_EQ(transition_for_step({{1.0, 0.0}, {0.0, 1.0}}, 24.0, 1.0).matrix, (Matrix{{1.0, 0.0}, {0.0, 1.0}}));
  EXPECT_EQ(transition_for_step({{1.0}}, 24.0, 1.0).matrix, (Matrix{{1.0}}));
}

// Kreinin and Sidelnikova (2001), table 5: how far the logarithm's rows lie from the nearest generator's rows. The
// nearest: entries less a constant, those below 0 set to 0, the constant such that the row sums to 0.
TEST(MarkovRoot, LogarithmMeetsAPublishedExample) {
  const ChainGenerator generator = chain_generator(moodys());

  const std::vector<double> expected = {6.769e-4, 0.032e-4, 1.021e-4, 0.0, 0.0, 0.0, 6.475e-4, 0.0};
  ASSERT_TRUE(generator.reason.empty()) << generator.reason;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const std::vector<double>& row = generator.logarithm[i];
    double low = 0.0, high = 1.0, constant = 0.0, distance = 0.0;
    for (int halving = 0; halving < 100; ++halving) {
      constant = 0.5 * (low + high);
      double total = 0.0;
      for (std::size_t j = 0; j < row.size(); ++j) {
        total += j == i ? row[j] - constant : std::max(0.0, row[j] - constant);
      }
      (total > 0.0 ? low : high) = constant;
    }
    for (std::size_t j = 0; j < row.size(); ++j) {
      const double nearest = j == i ? row[j] - constant : std::max(0.0, row[j] - constant);
      distance += (nearest - row[j]) * (nearest - row[j]);
    }
    EXPECT_NEAR(std::sqrt(distance), expected[i], 0.015 * expected[i] + 1e-9) << "row " << i;
  }
}

// The weighted adjustment of the same matrix, and its month, by scipy 1.17 (logm, the four lines of the paper, expm).
// Kreinin and Sidelnikova's table 7 gives 4.6e-4 for the largest change by their method.
TEST(MarkovRoot, RepairsWhatIsNotEmbeddable) {
  const StepTransition month = transition_for_step(moodys(), 12.0, 1.0);

  EXPECT_EQ(month.match, ChainMatch::repaired);
  EXPECT_NEAR(month.largest_change, 4.543624306527e-4, 1e-12);
  ASSERT_EQ(month.matrix.size(), 8u);
  expect_stochastic(month.matrix);
  const std::vector<double> first = {9.9093867286746862e-01, 8.9981844211329300e-03, 4.0348288353144585e-05,
                                     2.4575482165148560e-07, 2.2273807448148560e-05, 1.0720169835977982e-07,
                                     4.2007599134469544e-09, 1.6345831731667107e-07};
  const std::vector<double> seventh = {9.6659788043055113e-08, 3.2611714326872636e-07, 3.6530810238611226e-06,
                                       1.0079611478206495e-03, 2.7978792455098495e-03, 5.7507877421853256e-03,
                                       9.6519023083741384e-01, 2.5249065169115171e-02};
  for (std::size_t j = 0; j < 8; ++j) {
    EXPECT_NEAR(month.matrix[0][j], first[j], 1e-14) << "entry " << j;
    EXPECT_NEAR(month.matrix[6][j], seventh[j], 1e-14) << "entry " << j;
  }
  EXPECT_NEAR(largest_difference(power(month.matrix, 12), moodys()), month.largest_change, 1e-14);
}

// A ring: the logarithm's rates against its sense are -0.00617; the repaired chain moves at one rate around it.
TEST(MarkovRoot, RepairsARing) {
  const Matrix ring = {{0.9, 0.1, 0.0}, {0.0, 0.9, 0.1}, {0.1, 0.0, 0.9}};

  const ChainGenerator generator = chain_generator(ring);

  ASSERT_TRUE(generator.reason.empty()) << generator.reason;
  EXPECT_NEAR(generator.logarithm[0][2], -0.00616945538953878, 1e-15);
  EXPECT_EQ(generator.rates[0][2], 0.0);
  EXPECT_NEAR(generator.rates[0][1], 0.10790019287195643, 1e-14);
  EXPECT_NEAR(generator.largest_change, 0.00522592389395546, 1e-14);
  EXPECT_EQ(transition_for_step(ring, 24.0, 1.0).match, ChainMatch::repaired);
}

TEST(MarkovRoot, SaysWhyThereIsNone) {
  const double a = 0.1, b = 0.9;
  const Matrix alternating = {{a, b}, {b, a}};
  const Matrix two_pairs = {{a, b, 0, 0}, {b, a, 0, 0}, {0, 0, 0.2, 0.8}, {0, 0, 0.8, 0.2}};  // determinant above 0
  const Matrix equal_pairs = {{a, b, 0, 0}, {b, a, 0, 0}, {0, 0, a, b}, {0, 0, b, a}};
  const Matrix last_pivot = {{0.6, 0.2, 0.2}, {0.1, 0.6, 0.3}, {0.4, 0.5, 0.1}};  // elimination needs no exchange
  const Matrix memoryless = {{0.7, 0.2, 0.1}, {0.7, 0.2, 0.1}, {0.7, 0.2, 0.1}};
  for (const auto& [m, reason] : {std::pair{alternating, "a negative eigenvalue"},
                                  {last_pivot, "a negative eigenvalue"},
                                  {two_pairs, "negative eigenvalues"},
                                  {equal_pairs, "negative eigenvalues"},
                                  {Matrix{{0.0, 1.0}, {1.0, 0.0}}, "a negative eigenvalue"},
                                  {memoryless, "singular"}}) {
    const StepTransition step = transition_for_step(m, 24.0, 1.0);

    EXPECT_EQ(step.match, ChainMatch::none);
    EXPECT_TRUE(step.matrix.empty());
    EXPECT_NE(step.reason.find(reason), std::string::npos) << step.reason;
  }
}

}  // namespace
}  // namespace tailmargin::test
