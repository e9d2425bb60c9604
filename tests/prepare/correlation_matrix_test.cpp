// Eigenvalues, Cholesky factors and nearest correlation matrices against published examples and their definitions.
#include "host/prepare/correlation_matrix.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

namespace tailmargin::test {
namespace {

SquareMatrix matrix_of(std::size_t size, std::vector<double> values) {
  SquareMatrix m(size);
  m.values = std::move(values);
  return m;
}

/// Unit diagonal, the rest uniform in (centre - width, centre + width): indefinite for the sizes of the tests.
SquareMatrix random_matrix(std::size_t size, double centre, double width, unsigned seed) {
  std::mt19937 generator(seed);
  SquareMatrix m(size);
  for (std::size_t i = 0; i < size; ++i) {
    m(i, i) = 1.0;
    for (std::size_t j = 0; j < i; ++j) {
      m(i, j) = m(j, i) = centre + width * (static_cast<double>(generator()) / 2147483648.0 - 1.0);
    }
  }
  return m;
}

double distance(const SquareMatrix& a, const SquareMatrix& b) {
  double sum = 0.0;
  for (std::size_t e = 0; e < a.values.size(); ++e) {
    sum += (a.values[e] - b.values[e]) * (a.values[e] - b.values[e]);
  }
  return std::sqrt(sum);
}

/// sum over k of max(values[k], floor) vector_k vector_k'.
SquareMatrix rebuild(const SymmetricEigen& eigen, double floor) {
  const std::size_t n = eigen.values.size();
  SquareMatrix m(n);
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        m(i, j) += std::max(eigen.values[k], floor) * eigen.vectors(k, i) * eigen.vectors(k, j);
      }
    }
  }
  return m;
}

/// Higham's (2002) algorithm 3.3, alternating projections with Dykstra's correction: slow, and shares no step with
/// Newton's method.
SquareMatrix nearest_by_projections(const SquareMatrix& matrix, double min_eigenvalue, int steps) {
  SquareMatrix y = matrix, correction(matrix.size), x;
  for (int step = 0; step < steps; ++step) {
    for (std::size_t e = 0; e < y.values.size(); ++e) { y.values[e] -= correction.values[e]; }
    x = rebuild(symmetric_eigen(y), min_eigenvalue);
    for (std::size_t e = 0; e < y.values.size(); ++e) { correction.values[e] = x.values[e] - y.values[e]; }
    y = x;
    for (std::size_t i = 0; i < y.size; ++i) { y(i, i) = 1.0; }
  }
  return y;
}

void expect_correlation_matrix(const NearestCorrelation& nearest, double min_eigenvalue, const std::string& what) {
  const SquareMatrix& m = nearest.matrix;
  for (std::size_t i = 0; i < m.size; ++i) {
    EXPECT_EQ(m(i, i), 1.0) << what << ", row " << i;
    for (std::size_t j = 0; j < i; ++j) { EXPECT_EQ(m(i, j), m(j, i)) << what << ", entry " << i << ", " << j; }
  }
  EXPECT_GE(smallest_eigenvalue(m), min_eigenvalue * (1.0 - 1e-6)) << what;
  EXPECT_EQ(cholesky(lower_triangle(m), m.size).first_bad, m.size) << what;
  EXPECT_LE(nearest.diagonal_error, 1e-11) << what;
  EXPECT_LE(nearest.iterations, 20u) << what;
}

TEST(SymmetricEigen, MeetsTheSecondDifference) {
  constexpr std::size_t n = 30;
  SquareMatrix m(n);
  for (std::size_t i = 0; i < n; ++i) {
    m(i, i) = 2.0;
    if (i > 0) { m(i, i - 1) = m(i - 1, i) = -1.0; }
  }

  const SymmetricEigen eigen = symmetric_eigen(m);

  for (std::size_t k = 0; k < n; ++k) {  // 2 - 2 cos(pi k / (n + 1)), k = 1 .. n
    const double expected = 2.0 - 2.0 * std::cos(std::acos(-1.0) * static_cast<double>(k + 1) / (n + 1));
    EXPECT_NEAR(eigen.values[k], expected, 1e-14) << "k = " << k;
  }
  EXPECT_EQ(smallest_eigenvalue(m), eigen.values[0]);
}

TEST(SymmetricEigen, RebuildsTheMatrixFromUnitVectors) {
  for (const std::size_t n : {1u, 2u, 7u, 60u}) {
    const SquareMatrix m = random_matrix(n, 0.1, 0.9, 3);

    const SymmetricEigen eigen = symmetric_eigen(m);

    EXPECT_LE(distance(rebuild(eigen, -1e300), m), 1e-13 * static_cast<double>(n)) << "size " << n;
    EXPECT_TRUE(std::is_sorted(eigen.values.begin(), eigen.values.end())) << "size " << n;
    for (std::size_t k = 0; k < n; ++k) {
      for (std::size_t l = 0; l <= k; ++l) {
        double product = 0.0;
        for (std::size_t i = 0; i < n; ++i) { product += eigen.vectors(k, i) * eigen.vectors(l, i); }
        EXPECT_NEAR(product, k == l ? 1.0 : 0.0, 1e-13) << "size " << n << ", vectors " << k << ", " << l;
      }
    }
  }
}

TEST(SymmetricEigen, TakesEqualValuesAndExtremeScales) {
  const SymmetricEigen ones = symmetric_eigen(random_matrix(9, 1.0, 0.0, 1));
  for (std::size_t k = 0; k < 8; ++k) { EXPECT_NEAR(ones.values[k], 0.0, 1e-15); }
  EXPECT_NEAR(ones.values[8], 9.0, 1e-14);

  const SymmetricEigen graded = symmetric_eigen(matrix_of(2, {1e200, 1.0, 1.0, 1e-200}));
  EXPECT_EQ(graded.values[1], 1e200);
  EXPECT_EQ(symmetric_eigen(SquareMatrix(3)).values, (std::vector<double>{0.0, 0.0, 0.0}));
}

TEST(Cholesky, FactorsAndNamesTheFirstBadRow) {
  const CholeskyFactor good = cholesky({4.0, 2.0, 5.0, -2.0, 3.0, 14.0}, 3);
  EXPECT_EQ(good.first_bad, 3u);
  EXPECT_EQ(good.packed, (std::vector<double>{2.0, 1.0, 2.0, -1.0, 2.0, 3.0}));

  EXPECT_EQ(cholesky({1.0, 0.5, 1.0, 1.0, 0.5, 1.0, 0.0, 0.0, 0.0, 1.0}, 4).first_bad, 2u);  // a copy of row 0
  EXPECT_EQ(cholesky({1.0, 1.1, 1.0}, 2).first_bad, 1u);
  EXPECT_EQ(cholesky({-1.0}, 1).first_bad, 0u);
  EXPECT_EQ(cholesky({}, 0).first_bad, 0u);
}

// Higham (2002), "Computing the nearest correlation matrix", IMA J. Numer. Anal. 22, 329-343, section 4.
TEST(NearestCorrelation, MeetsHighamsExample) {
  for (const double min_eigenvalue : {0.0, 1e-12}) {
    const NearestCorrelation nearest = nearest_correlation(matrix_of(3, {1, 1, 0, 1, 1, 1, 0, 1, 1}), min_eigenvalue);

    EXPECT_NEAR(nearest.matrix(0, 1), 0.76068985, 1e-8);
    EXPECT_NEAR(nearest.matrix(1, 2), 0.76068985, 1e-8);
    EXPECT_NEAR(nearest.matrix(0, 2), 0.15729811, 1e-8);
    EXPECT_NEAR(nearest.distance, 0.52779046, 1e-8);
    EXPECT_NEAR(nearest.largest_change, 1.0 - 0.76068985, 1e-8);
  }
}

// The same paper and the example of NAG's g02aa.
TEST(NearestCorrelation, MeetsTheSecondDifferenceExample) {
  const NearestCorrelation nearest =
      nearest_correlation(matrix_of(4, {2, -1, 0, 0, -1, 2, -1, 0, 0, -1, 2, -1, 0, 0, -1, 2}), 0.0);

  const std::vector<double> expected = {1.0,         -0.80841250, 0.19158750,  0.10677505,   //
                                        -0.80841250, 1.0,         -0.65623269, 0.19158750,   //
                                        0.19158750,  -0.65623269, 1.0,         -0.80841250,  //
                                        0.10677505,  0.19158750,  -0.80841250, 1.0};
  for (std::size_t e = 0; e < expected.size(); ++e) {
    EXPECT_NEAR(nearest.matrix.values[e], expected[e], 1e-8) << "entry " << e;
  }
  EXPECT_NEAR(nearest.distance, 2.1337291, 1e-7);
}

// Rebonato and Jaeckel (1999), "The most general methodology to create a valid correlation matrix". Clipping the
// spectrum and scaling the diagonal gives .894024409 .696319066 .300969036, which is not the nearest.
TEST(NearestCorrelation, MeetsRebonatoAndJaeckelsExample) {
  const NearestCorrelation nearest =
      nearest_correlation(matrix_of(3, {1.0, 0.9, 0.7, 0.9, 1.0, 0.3, 0.7, 0.3, 1.0}), 0.0);

  EXPECT_NEAR(nearest.matrix(0, 1), 0.894575292, 1e-8);
  EXPECT_NEAR(nearest.matrix(0, 2), 0.696620767, 1e-8);
  EXPECT_NEAR(nearest.matrix(1, 2), 0.3025436, 1e-7);
  const SquareMatrix clipped =
      matrix_of(3, {1.0, 0.894024409, 0.696319066, 0.894024409, 1.0, 0.300969036, 0.696319066, 0.300969036, 1.0});
  EXPECT_LT(nearest.distance, distance(clipped, matrix_of(3, {1.0, 0.9, 0.7, 0.9, 1.0, 0.3, 0.7, 0.3, 1.0})));
}

TEST(NearestCorrelation, AgreesWithAlternatingProjections) {
  for (const std::size_t n : {5u, 12u}) {
    const SquareMatrix m = random_matrix(n, 0.3, 0.9, 17);

    const NearestCorrelation nearest = nearest_correlation(m, 0.01);

    EXPECT_LE(distance(nearest.matrix, nearest_by_projections(m, 0.01, 3000)), 1e-7) << "size " << n;
  }
}

TEST(NearestCorrelation, MakesRandomMatricesValid) {
  for (const std::size_t n : {5u, 20u, 60u}) {
    for (const double centre : {-0.2, 0.0, 0.7}) {
      for (const double min_eigenvalue : {1e-8, 1e-4, 0.2}) {
        const std::string what = "size " + std::to_string(n) + ", centre " + std::to_string(centre) + ", least " +
                                 std::to_string(min_eigenvalue);
        const SquareMatrix m = random_matrix(n, centre, 0.8, static_cast<unsigned>(n));

        const NearestCorrelation nearest = nearest_correlation(m, min_eigenvalue);

        expect_correlation_matrix(nearest, min_eigenvalue, what);
        EXPECT_GT(nearest.iterations, 0u) << what;
        EXPECT_NEAR(nearest.distance, distance(m, nearest.matrix), 1e-12) << what;
        // A projection on a convex set: seen from the result, no other member lies on the side of the given matrix.
        for (unsigned seed = 0; seed < 5; ++seed) {
          SquareMatrix other = nearest_correlation(random_matrix(n, 0.5, 0.5, 100 + seed), min_eigenvalue).matrix;
          double product = 0.0;
          for (std::size_t e = 0; e < m.values.size(); ++e) {
            product += (m.values[e] - nearest.matrix.values[e]) * (other.values[e] - nearest.matrix.values[e]);
          }
          EXPECT_LE(product, 1e-9) << what << ", seed " << seed;
        }
      }
    }
  }
}

TEST(NearestCorrelation, LeavesACorrelationMatrixAlone) {
  const SquareMatrix m = random_matrix(6, 0.4, 0.1, 9);

  const NearestCorrelation nearest = nearest_correlation(m, 1e-6);

  EXPECT_EQ(nearest.matrix.values, m.values);
  EXPECT_EQ(nearest.iterations, 0u);
  EXPECT_EQ(nearest.distance, 0.0);
  EXPECT_EQ(nearest.largest_change, 0.0);
  EXPECT_EQ(nearest_correlation(SquareMatrix(), 0.0).matrix.size, 0u);
}

TEST(NearestCorrelation, TakesExtremeMatrices) {
  for (const std::size_t n : {2u, 30u}) {
    expect_correlation_matrix(nearest_correlation(random_matrix(n, 1.0, 0.0, 1), 1e-8), 1e-8, "all 1");
    // All entries equal: the valid ones are >= -1 / (n - 1), and the least eigenvalue sets how near they may come.
    const NearestCorrelation opposite = nearest_correlation(random_matrix(n, -1.0, 0.0, 1), 1e-8);
    expect_correlation_matrix(opposite, 1e-8, "all -1");
    EXPECT_NEAR(opposite.matrix(1, 0), -(1.0 - 1e-8) / static_cast<double>(n - 1), 1e-10);
    expect_correlation_matrix(nearest_correlation(random_matrix(n, 0.0, 30.0, 1), 1e-8), 1e-8, "far off");
  }
  EXPECT_EQ(nearest_correlation(matrix_of(1, {7.0}), 0.5).matrix.values, (std::vector<double>{1.0}));
}

TEST(NearestCorrelation, CopiesOfAFactorStayNearlyCopies) {
  const NearestCorrelation nearest = nearest_correlation(matrix_of(2, {1.0, 1.0, 1.0, 1.0}), 1e-6);

  EXPECT_NEAR(nearest.matrix(0, 1), 1.0 - 1e-6, 1e-12);  // eigenvalues 1 +- rho
}

}  // namespace
}  // namespace tailmargin::test
