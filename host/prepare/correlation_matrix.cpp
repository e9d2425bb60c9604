#include "host/prepare/correlation_matrix.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/math/host_device.hpp"

namespace tailmargin {
namespace {

// Hot loops use a * b + c, not math::fma: contraction is off, so both have fixed bits, and this one is fast everywhere.

constexpr std::size_t max_sweeps = 60;         // Jacobi needs about ten
constexpr std::size_t max_newton_steps = 100;  // Newton's method needs about ten
constexpr std::size_t max_solver_steps = 500;
constexpr double diagonal_tolerance = 1e-12;

double frobenius(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) { sum += value * value; }
  return math::sqrt(sum);
}

double dot(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) { sum += x[i] * y[i]; }
  return sum;
}

double largest(const std::vector<double>& x) {
  double result = 0.0;
  for (const double value : x) { result = std::max(result, std::fabs(value)); }
  return result;
}

/// (row p, row q) <- (c p - s q, s p + c q).
void rotate_rows(SquareMatrix& m, std::size_t p, std::size_t q, double c, double s) {
  double* const row_p = m.values.data() + p * m.size;
  double* const row_q = m.values.data() + q * m.size;
  for (std::size_t i = 0; i < m.size; ++i) {
    const double x = row_p[i], y = row_q[i];
    row_p[i] = c * x - s * y;
    row_q[i] = s * x + c * y;
  }
}

/// The rotation that makes entry (p, q) of `m` zero, applied to both sides of `m` and to the vectors.
void annihilate(SquareMatrix& m, SquareMatrix& vectors, std::size_t p, std::size_t q) {
  const std::size_t n = m.size;
  const double pp = m(p, p), qq = m(q, q), pq = m(p, q);
  const double theta = (qq - pp) / (2.0 * pq);
  // Beyond 1e150 the square overflows, and 1 / (2 theta) is t to the last bit.
  const double t = std::fabs(theta) > 1e150
                       ? 0.5 / theta
                       : (theta < 0.0 ? -1.0 : 1.0) / (std::fabs(theta) + math::sqrt(theta * theta + 1.0));
  const double c = 1.0 / math::sqrt(t * t + 1.0);
  rotate_rows(m, p, q, c, t * c);
  for (std::size_t i = 0; i < n; ++i) {
    m(i, p) = m(p, i);
    m(i, q) = m(q, i);
  }
  m(p, p) = pp - t * pq;
  m(q, q) = qq + t * pq;
  m(p, q) = m(q, p) = 0.0;
  rotate_rows(vectors, p, q, c, t * c);
}

/// Projection of a matrix on those with eigenvalues >= 0, and what Newton's method needs of it. The matrix is
/// target + Diag(shift); the projection's diagonal shall be `diagonal` everywhere.
struct DualPoint {
  std::vector<double> shift;     ///< [i]
  SquareMatrix components;       ///< [component][k] of the eigenvectors, eigenvalues rising
  std::vector<double> values;    ///< [k]
  std::size_t first_kept = 0;    ///< of the eigenvalues > 0
  std::vector<double> gradient;  ///< [i] diagonal of the projection less `diagonal`
  double objective = 0.0;
};

DualPoint evaluate(const SquareMatrix& target, double diagonal, std::vector<double> shift) {
  const std::size_t n = target.size;
  SquareMatrix shifted = target;
  for (std::size_t i = 0; i < n; ++i) { shifted(i, i) += shift[i]; }
  const SymmetricEigen eigen = symmetric_eigen(shifted);
  DualPoint point;
  point.values = eigen.values;
  point.components = SquareMatrix(n);
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t i = 0; i < n; ++i) { point.components(i, k) = eigen.vectors(k, i); }
  }
  while (point.first_kept < n && !(point.values[point.first_kept] > 0.0)) { ++point.first_kept; }
  for (std::size_t i = 0; i < n; ++i) {
    double sum = 0.0;
    for (std::size_t k = point.first_kept; k < n; ++k) {
      sum += point.values[k] * point.components(i, k) * point.components(i, k);
    }
    point.gradient.push_back(sum - diagonal);
    point.objective -= diagonal * shift[i];
  }
  for (std::size_t k = point.first_kept; k < n; ++k) { point.objective += 0.5 * point.values[k] * point.values[k]; }
  point.shift = std::move(shift);
  return point;
}

SquareMatrix projection(const DualPoint& point) {
  const std::size_t n = point.values.size();
  SquareMatrix result(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = 0.0;
      for (std::size_t k = point.first_kept; k < n; ++k) {
        sum += point.values[k] * point.components(i, k) * point.components(j, k);
      }
      result(i, j) = result(j, i) = sum;
    }
  }
  return result;
}

/// The derivative of the gradient by the shifts, as an operator: h -> diag(P (Omega o (P' Diag(h) P)) P').
class DualHessian {
 public:
  explicit DualHessian(const DualPoint& point)
      : p_(point.components), n_(point.values.size()), first_(point.first_kept), weight_(n_ * (n_ - first_)) {
    for (std::size_t l = 0; l < n_; ++l) {
      for (std::size_t k = first_; k < n_; ++k) {
        const double kept = point.values[k], other = point.values[l];
        weight_[l * width() + k - first_] = l >= first_ ? 1.0 : 2.0 * (kept / (kept - other));
      }
    }
  }

  std::vector<double> times(const std::vector<double>& h) const {
    std::vector<double> middle(n_ * width(), 0.0);  // [l][kept k]: Omega o (P' Diag(h) P), both triangles counted
    for (std::size_t i = 0; i < n_; ++i) { add_rows(h[i], i, middle); }
    for (std::size_t e = 0; e < middle.size(); ++e) { middle[e] *= weight_[e]; }
    return quadratic_forms(p_, middle);
  }

  std::vector<double> diagonal() const {
    SquareMatrix squares = p_;
    for (double& value : squares.values) { value *= value; }
    return quadratic_forms(squares, weight_);
  }

 private:
  std::size_t width() const { return n_ - first_; }

  void add_rows(double h, std::size_t i, std::vector<double>& middle) const {
    const double* const row = p_.values.data() + i * n_;
    for (std::size_t l = 0; l < n_; ++l) {
      const double factor = h * row[l];
      double* const out = middle.data() + l * width();
      for (std::size_t k = 0; k < width(); ++k) { out[k] += factor * row[first_ + k]; }
    }
  }

  /// [i] sum over l and kept k of rows[i][l] middle[l][k] rows[i][k].
  std::vector<double> quadratic_forms(const SquareMatrix& rows, const std::vector<double>& middle) const {
    std::vector<double> result, sums(width());
    for (std::size_t i = 0; i < n_; ++i) {
      const double* const row = rows.values.data() + i * n_;
      std::fill(sums.begin(), sums.end(), 0.0);
      for (std::size_t l = 0; l < n_; ++l) {
        const double* const in = middle.data() + l * width();
        for (std::size_t k = 0; k < width(); ++k) { sums[k] += row[l] * in[k]; }
      }
      double sum = 0.0;
      for (std::size_t k = 0; k < width(); ++k) { sum += sums[k] * row[first_ + k]; }
      result.push_back(sum);
    }
    return result;
  }

  const SquareMatrix& p_;
  std::size_t n_, first_;
  std::vector<double> weight_;  // [l][kept k]
};

/// Newton's direction: (Hessian + damping) d = -gradient by conjugate gradients, scaled by the diagonal.
std::vector<double> newton_direction(const DualPoint& point) {
  const DualHessian hessian(point);
  const double error = math::sqrt(dot(point.gradient, point.gradient));
  const double damping = std::min(1e-3, 0.1 * error);
  std::vector<double> scale = hessian.diagonal();
  for (double& value : scale) { value = 1.0 / (value + damping); }
  const std::size_t n = scale.size();
  std::vector<double> x(n, 0.0), r(n), z(n), d(n);
  for (std::size_t i = 0; i < n; ++i) {
    r[i] = -point.gradient[i];
    d[i] = z[i] = scale[i] * r[i];
  }
  double rz = dot(r, z);
  const double goal = std::min(0.01, error) * error;
  for (std::size_t step = 0; step < max_solver_steps && math::sqrt(dot(r, r)) > goal; ++step) {
    std::vector<double> q = hessian.times(d);
    for (std::size_t i = 0; i < n; ++i) { q[i] += damping * d[i]; }
    const double alpha = rz / dot(d, q);
    for (std::size_t i = 0; i < n; ++i) {
      x[i] += alpha * d[i];
      r[i] -= alpha * q[i];
      z[i] = scale[i] * r[i];
    }
    const double before = rz;
    rz = dot(r, z);
    for (std::size_t i = 0; i < n; ++i) { d[i] = z[i] + rz / before * d[i]; }
  }
  return x;
}

/// The point after a step along `direction`, halved until the objective falls enough (Armijo).
DualPoint line_search(const SquareMatrix& target, double diagonal, const DualPoint& from,
                      const std::vector<double>& direction) {
  const double slope = dot(from.gradient, direction);
  const double rounding = 1e-14 * (1.0 + std::fabs(from.objective));
  double length = 1.0;
  while (true) {
    std::vector<double> shift = from.shift;
    for (std::size_t i = 0; i < shift.size(); ++i) { shift[i] += length * direction[i]; }
    DualPoint to = evaluate(target, diagonal, std::move(shift));
    if (to.objective <= from.objective + 1e-4 * length * slope + rounding || length < 1e-9) { return to; }
    length *= 0.5;
  }
}

/// Makes the diagonal 1 by scaling rows and columns, which keeps the eigenvalues above theirs times the least scale.
void set_unit_diagonal(SquareMatrix& m) {
  std::vector<double> scale;
  for (std::size_t i = 0; i < m.size; ++i) { scale.push_back(1.0 / math::sqrt(m(i, i))); }
  for (std::size_t i = 0; i < m.size; ++i) {
    for (std::size_t j = 0; j < i; ++j) { m(i, j) = m(j, i) = m(i, j) * scale[i] * scale[j]; }
    m(i, i) = 1.0;
  }
}

/// Makes good what rounding took from the smallest eigenvalue: mixes in as much of the identity as it takes.
void lift_eigenvalues(SquareMatrix& m, double min_eigenvalue) {
  for (int round = 0; round < 3; ++round) {
    const double smallest = smallest_eigenvalue(m);
    if (smallest >= min_eigenvalue) { return; }
    const double share = 1.0 - (min_eigenvalue - smallest) / (1.0 - smallest);
    for (std::size_t i = 0; i < m.size; ++i) {
      for (std::size_t j = 0; j < i; ++j) { m(i, j) = m(j, i) = m(i, j) * share; }
    }
  }
}

bool has_unit_diagonal(const SquareMatrix& m) {
  for (std::size_t i = 0; i < m.size; ++i) {
    if (m(i, i) != 1.0) { return false; }
  }
  return true;
}

void measure_change(const SquareMatrix& from, NearestCorrelation& result) {
  std::vector<double> change = result.matrix.values;
  for (std::size_t e = 0; e < change.size(); ++e) { change[e] -= from.values[e]; }
  result.distance = frobenius(change);
  result.largest_change = largest(change);
}

}  // namespace

SymmetricEigen symmetric_eigen(const SquareMatrix& matrix) {
  const std::size_t n = matrix.size;
  SquareMatrix m = matrix, vectors(n);
  for (std::size_t i = 0; i < n; ++i) { vectors(i, i) = 1.0; }
  // Entries this small move no eigenvalue by more than rounding.
  const double negligible = 5e-17 * frobenius(m.values) / static_cast<double>(std::max<std::size_t>(n, 1));
  bool moved = true;
  for (std::size_t sweep = 0; moved && sweep < max_sweeps; ++sweep) {
    moved = false;
    for (std::size_t p = 0; p < n; ++p) {
      for (std::size_t q = p + 1; q < n; ++q) {
        if (!(std::fabs(m(p, q)) > negligible)) { continue; }
        annihilate(m, vectors, p, q);
        moved = true;
      }
    }
  }
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return m(a, a) < m(b, b); });
  SymmetricEigen result;
  result.vectors = SquareMatrix(n);
  for (std::size_t k = 0; k < n; ++k) {
    result.values.push_back(m(order[k], order[k]));
    for (std::size_t i = 0; i < n; ++i) { result.vectors(k, i) = vectors(order[k], i); }
  }
  return result;
}

double smallest_eigenvalue(const SquareMatrix& matrix) { return symmetric_eigen(matrix).values.front(); }

CholeskyFactor cholesky(std::vector<double> packed, std::size_t size) {
  std::size_t good = 0;
  for (; good < size; ++good) {
    double* row = packed.data() + good * (good + 1) / 2;
    for (std::size_t j = 0; j < good; ++j) {
      const double* other = packed.data() + j * (j + 1) / 2;
      double sum = row[j];
      for (std::size_t i = 0; i < j; ++i) { sum = math::fma(-row[i], other[i], sum); }
      row[j] = sum / other[j];
    }
    double pivot = row[good];
    for (std::size_t i = 0; i < good; ++i) { pivot = math::fma(-row[i], row[i], pivot); }
    if (!(pivot > min_pivot)) { break; }
    row[good] = math::sqrt(pivot);
  }
  return {std::move(packed), good};
}

std::vector<double> lower_triangle(const SquareMatrix& matrix) {
  std::vector<double> packed;
  for (std::size_t i = 0; i < matrix.size; ++i) {
    for (std::size_t j = 0; j <= i; ++j) { packed.push_back(matrix(i, j)); }
  }
  return packed;
}

NearestCorrelation nearest_correlation(const SquareMatrix& matrix, double min_eigenvalue) {
  const std::size_t n = matrix.size;
  NearestCorrelation result;
  result.matrix = matrix;
  if (n == 0 || (has_unit_diagonal(matrix) && smallest_eigenvalue(matrix) >= min_eigenvalue)) { return result; }

  // Less min_eigenvalue on the diagonal, the condition is "eigenvalues >= 0, diagonal 1 - min_eigenvalue". The shifts
  // take up whatever the given matrix has there; they start from the diagonal that is to be.
  const double diagonal = 1.0 - min_eigenvalue;
  std::vector<double> shift(n);
  for (std::size_t i = 0; i < n; ++i) { shift[i] = diagonal - matrix(i, i); }
  DualPoint point = evaluate(matrix, diagonal, shift);
  while (largest(point.gradient) > diagonal_tolerance && result.iterations < max_newton_steps) {
    DualPoint next = line_search(matrix, diagonal, point, newton_direction(point));
    ++result.iterations;
    const double before = largest(point.gradient), after = largest(next.gradient);
    if (before < 1e-9 && !(after < 0.5 * before)) { break; }  // down to rounding
    point = std::move(next);
  }
  result.diagonal_error = largest(point.gradient);
  result.matrix = projection(point);
  for (std::size_t i = 0; i < n; ++i) { result.matrix(i, i) += min_eigenvalue; }
  set_unit_diagonal(result.matrix);
  lift_eigenvalues(result.matrix, min_eigenvalue);
  measure_change(matrix, result);
  return result;
}

}  // namespace tailmargin
