// The normal law from the C library, for oracles: nothing of kernels/.
#pragma once

#include <cmath>
#include <functional>

namespace tailmargin::test {

inline double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
inline double normal_pdf(double x) { return std::exp(-0.5 * x * x) / std::sqrt(2.0 * std::acos(-1.0)); }

/// Root of a rising function by bisection.
inline double bisect(const std::function<double(double)>& rising, double low, double high) {
  for (int i = 0; i < 200; ++i) {
    const double middle = 0.5 * (low + high);
    (rising(middle) < 0.0 ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

inline double normal_quantile(double p) {
  return bisect([p](double x) { return normal_cdf(x) - p; }, -40.0, 40.0);
}

/// Expectation of f(Z) by the trapezoidal rule, which is spectrally accurate for smooth f.
inline double normal_expectation(const std::function<double(double)>& f, int points = 4000) {
  const double h = 20.0 / points;
  double sum = 0.0;
  for (int i = 0; i <= points; ++i) {
    const double z = -10.0 + h * i;
    sum += f(z) * normal_pdf(z);
  }
  return sum * h;
}

struct ValueAtRisk {
  double var, es;
};

/// VaR and ES from P(L > q) and E[(L - q)^+].
inline ValueAtRisk tail_of(const std::function<double(double)>& exceedance, const std::function<double(double)>& excess,
                           double confidence, double low, double high) {
  const double var = bisect([&](double q) { return 1.0 - confidence - exceedance(q); }, low, high);
  return {var, var + excess(var) / (1.0 - confidence)};
}

}  // namespace tailmargin::test
