#include "host/prepare/markov_root.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <utility>

#include "kernels/math/host_device.hpp"

namespace tailmargin {
namespace {

using Matrix = std::vector<std::vector<double>>;  // [row][column]

constexpr double min_pivot_of_inverse = 1e-13;  // below it a transition matrix is singular
constexpr double near_identity = 0.25;          // the series of log and exp converge fast within this distance
constexpr int series_terms = 40;
constexpr int max_roots = 60;
constexpr int max_root_steps = 100;
constexpr double rounding = 1e-10;  // a match this close is exact

Matrix identity(std::size_t n) {
  Matrix m(n, std::vector<double>(n, 0.0));
  for (std::size_t i = 0; i < n; ++i) { m[i][i] = 1.0; }
  return m;
}

Matrix product(const Matrix& a, const Matrix& b) {
  const std::size_t n = a.size();
  Matrix result(n, std::vector<double>(n, 0.0));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < n; ++k) {
      for (std::size_t j = 0; j < n; ++j) { result[i][j] = math::fma(a[i][k], b[k][j], result[i][j]); }
    }
  }
  return result;
}

/// a + factor * b.
Matrix sum(Matrix a, double factor, const Matrix& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < a.size(); ++j) { a[i][j] = math::fma(factor, b[i][j], a[i][j]); }
  }
  return a;
}

Matrix scaled(Matrix a, double factor) {
  for (std::vector<double>& row : a) {
    for (double& value : row) { value *= factor; }
  }
  return a;
}

double largest_difference(const Matrix& a, const Matrix& b) {
  double result = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < a.size(); ++j) { result = std::max(result, std::fabs(a[i][j] - b[i][j])); }
  }
  return result;
}

/// Largest row sum of |a - I|.
double distance_from_identity(const Matrix& a) {
  double result = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    double row = 0.0;
    for (std::size_t j = 0; j < a.size(); ++j) { row += std::fabs(a[i][j] - (i == j ? 1.0 : 0.0)); }
    result = std::max(result, row);
  }
  return result;
}

/// A matrix's inverse and the sign of its determinant.
struct Inverse {
  Matrix matrix;
  double sign = 1.0;
};

/// Gauss-Jordan elimination with partial pivoting; nothing if a pivot is too small.
std::optional<Inverse> invert(Matrix m) {
  const std::size_t n = m.size();
  Inverse inverse{identity(n), 1.0};
  for (std::size_t c = 0; c < n; ++c) {
    std::size_t best = c;
    for (std::size_t r = c + 1; r < n; ++r) {
      if (std::fabs(m[r][c]) > std::fabs(m[best][c])) { best = r; }
    }
    if (!(std::fabs(m[best][c]) > min_pivot_of_inverse)) { return std::nullopt; }
    if (best != c) {
      std::swap(m[c], m[best]);
      std::swap(inverse.matrix[c], inverse.matrix[best]);
      inverse.sign = -inverse.sign;
    }
    const double pivot = m[c][c];
    if (pivot < 0.0) { inverse.sign = -inverse.sign; }
    for (std::size_t i = 0; i < n; ++i) {
      m[c][i] /= pivot;
      inverse.matrix[c][i] /= pivot;
    }
    for (std::size_t r = 0; r < n; ++r) {
      if (r == c) { continue; }
      const double factor = m[r][c];
      for (std::size_t i = 0; i < n; ++i) {
        m[r][i] = math::fma(-factor, m[c][i], m[r][i]);
        inverse.matrix[r][i] = math::fma(-factor, inverse.matrix[c][i], inverse.matrix[r][i]);
      }
    }
  }
  return inverse;
}

/// Principal square root by the product form of Denman and Beavers' iteration (Higham 2008, 6.4); nothing if it does
/// not converge, as when an eigenvalue is negative.
std::optional<Matrix> square_root(const Matrix& a) {
  const Matrix one = identity(a.size());
  Matrix root = a, correction = a;  // correction tends to I
  for (int step = 0; step < max_root_steps; ++step) {
    const std::optional<Inverse> inverse = invert(correction);
    if (!inverse) { return std::nullopt; }
    root = product(root, sum(scaled(one, 0.5), 0.5, inverse->matrix));
    correction = sum(scaled(one, 0.5), 0.25, sum(correction, 1.0, inverse->matrix));
    if (distance_from_identity(correction) < 1e-14 * static_cast<double>(a.size())) { return root; }
  }
  return std::nullopt;
}

/// Logarithm of a matrix near the identity: 2 artanh(z), z = (a - I) (a + I)^-1.
std::optional<Matrix> log_near_identity(const Matrix& a) {
  const Matrix one = identity(a.size());
  const std::optional<Inverse> inverse = invert(sum(a, 1.0, one));
  if (!inverse) { return std::nullopt; }
  const Matrix z = product(sum(a, -1.0, one), inverse->matrix), square = product(z, z);
  Matrix result = scaled(one, 1.0 / (2.0 * series_terms + 1.0));
  for (int k = series_terms - 1; k >= 0; --k) {  // Horner's scheme in z^2
    result = sum(product(result, square), 1.0 / (2.0 * k + 1.0), one);
  }
  return scaled(product(result, z), 2.0);
}

/// Principal logarithm: square roots until the matrix is near the identity, the series, doublings.
std::optional<Matrix> logarithm(Matrix a) {
  double doublings = 1.0;
  for (int roots = 0; !(distance_from_identity(a) <= near_identity); ++roots) {
    std::optional<Matrix> root = roots < max_roots ? square_root(a) : std::nullopt;
    if (!root) { return std::nullopt; }
    a = std::move(*root);
    doublings *= 2.0;
  }
  std::optional<Matrix> result = log_near_identity(a);
  if (result) { result = scaled(std::move(*result), doublings); }
  return result;
}

/// Rows of a logarithm sum to 0 up to rounding; the diagonal takes the rest.
void close_rows(Matrix& rates) {
  for (std::size_t i = 0; i < rates.size(); ++i) {
    double out = 0.0;
    for (std::size_t j = 0; j < rates.size(); ++j) { out += j == i ? 0.0 : rates[i][j]; }
    rates[i][i] = -out;
  }
}

/// Rows of a stochastic matrix sum to 1.
void normalise_rows(Matrix& m) {
  for (std::vector<double>& row : m) {
    double total = 0.0;
    for (const double value : row) { total += value; }
    for (double& value : row) { value /= total; }
  }
}

/// exp(time * rates), rows of `rates` summing to 0. With c the largest rate out of a state, it is exp(A + c I) with
/// rows scaled to sum 1; for a generator A + c I has no negative entry, so nothing cancels and every entry is >= 0.
Matrix transitions(const Matrix& rates, double time) {
  const std::size_t n = rates.size();
  Matrix positive = scaled(rates, time);
  double norm = 0.0, fastest = 0.0;
  for (const std::vector<double>& row : positive) {
    double total = 0.0;
    for (const double value : row) { total += std::fabs(value); }
    norm = std::max(norm, total);
  }
  int doublings = 0;
  for (; norm > 2.0 * near_identity; norm *= 0.5) {
    positive = scaled(std::move(positive), 0.5);
    ++doublings;
  }
  for (std::size_t i = 0; i < n; ++i) { fastest = std::max(fastest, -positive[i][i]); }
  for (std::size_t i = 0; i < n; ++i) { positive[i][i] += fastest; }
  Matrix result = identity(n);
  for (int k = series_terms; k >= 1; --k) { result = sum(identity(n), 1.0 / k, product(positive, result)); }
  normalise_rows(result);
  for (int k = 0; k < doublings; ++k) {
    result = product(result, result);
    normalise_rows(result);
  }
  return result;
}

/// The weighted adjustment of Israel, Rosenthal and Wei (2001).
Matrix without_negative_rates(Matrix rates) {
  for (std::size_t i = 0; i < rates.size(); ++i) {
    double good = std::fabs(rates[i][i]), bad = 0.0;
    for (std::size_t j = 0; j < rates.size(); ++j) {
      if (j == i) { continue; }
      (rates[i][j] < 0.0 ? bad : good) += std::fabs(rates[i][j]);
    }
    for (std::size_t j = 0; j < rates.size(); ++j) {
      const bool negative = j != i && rates[i][j] < 0.0;
      rates[i][j] = negative ? 0.0 : good > 0.0 ? rates[i][j] - bad * std::fabs(rates[i][j]) / good : rates[i][j];
    }
  }
  close_rows(rates);
  return rates;
}

/// m to the power of a whole number >= 1, rows kept at sum 1.
Matrix power(Matrix m, unsigned long long exponent) {
  Matrix result = identity(m.size());
  while (true) {
    if (exponent % 2 == 1) { result = product(result, m); }
    exponent /= 2;
    if (exponent == 0) { break; }
    m = product(m, m);
    normalise_rows(m);
  }
  normalise_rows(result);
  return result;
}

/// The whole number that `ratio` is up to rounding, or 0.
unsigned long long whole_multiple(double ratio) {
  if (!(ratio >= 0.5 && ratio < 1e9)) { return 0; }
  const auto whole = static_cast<unsigned long long>(ratio + 0.5);
  return std::fabs(ratio - static_cast<double>(whole)) <= 1e-12 * ratio ? whole : 0;
}

}  // namespace

ChainGenerator chain_generator(const std::vector<std::vector<double>>& transition) {
  ChainGenerator result;
  const std::optional<Inverse> inverse = invert(transition);
  if (!inverse) {
    result.reason = "the transition matrix is singular (some mixture of its rows is the same as another)";
    return result;
  }
  if (inverse->sign < 0.0) {
    result.reason = "the transition matrix has a negative eigenvalue (its chain alternates between regimes)";
    return result;
  }
  std::optional<Matrix> log = logarithm(transition);
  if (log) { close_rows(*log); }
  // With eigenvalues below 0 the iteration for roots wanders, and what it may end at is no root.
  if (!log || !(largest_difference(transitions(*log, 1.0), transition) <= rounding)) {
    result.reason = "the transition matrix has no logarithm (it has negative eigenvalues or is nearly singular)";
    return result;
  }
  result.logarithm = std::move(*log);
  result.rates = without_negative_rates(result.logarithm);
  result.largest_change = largest_difference(transitions(result.rates, 1.0), transition);
  return result;
}

StepTransition transition_for_step(const std::vector<std::vector<double>>& transition, double transition_hours,
                                   double step_hours) {
  StepTransition result;
  if (step_hours == transition_hours) {
    result.matrix = transition;
    result.match = ChainMatch::exact;
    return result;
  }
  const double ratio = step_hours / transition_hours;
  if (const unsigned long long multiple = whole_multiple(ratio); multiple > 0) {
    result.matrix = power(transition, multiple);
    result.match = ChainMatch::exact;
    return result;
  }
  const ChainGenerator generator = chain_generator(transition);
  result.reason = generator.reason;
  if (!generator.reason.empty()) { return result; }
  result.matrix = transitions(generator.rates, ratio);
  result.largest_change = generator.largest_change;
  result.match = result.largest_change <= rounding ? ChainMatch::exact : ChainMatch::repaired;
  return result;
}

}  // namespace tailmargin
