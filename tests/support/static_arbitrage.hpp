// Whether smiles allow static arbitrage, by formulas and code of the tests' own: the smile in long double with its
// derivatives, Gatheral's density condition, and total variance at equal moneyness.
#pragma once

#include <algorithm>
#include <cmath>

namespace tailmargin::test {

/// An SSVI slice: w(k) = theta / 2 (1 + rho phi k + sqrt((phi k + rho)^2 + 1 - rho^2)), theta = 2 level^2.
struct Slice {
  long double level, phi, rho;

  long double root(long double k) const { return std::sqrt((phi * k + rho) * (phi * k + rho) + 1.0L - rho * rho); }
  long double variance(long double k) const { return level * level * (1.0L + rho * phi * k + root(k)); }
  long double slope(long double k) const { return level * level * phi * (rho + (phi * k + rho) / root(k)); }
  long double curvature(long double k) const {
    const long double r = root(k);
    return level * level * phi * phi * (1.0L - rho * rho) / (r * r * r);
  }
};

/// Visits 2 `points` + 1 moneynesses, denser near the money, out to 100 standard widths of the slice.
template <class Visit>
void visit_moneyness(const Slice& slice, int points, Visit visit) {
  for (int i = -points; i <= points; ++i) {
    const long double x = static_cast<long double>(i) / static_cast<long double>(points);
    visit(x * x * x * 100.0L / slice.phi);
  }
}

/// Smallest g(k) = (1 - k w' / 2w)^2 - w'^2 / 4 (1 / w + 1 / 4) + w'' / 2: the sign of the density of the price at
/// expiry, so free of butterflies if nowhere negative. Gatheral and Jacquier (2014), lemma 2.2.
inline double worst_butterfly(const Slice& slice, int points = 200) {
  long double worst = 1e9L;
  visit_moneyness(slice, points, [&](long double k) {
    const long double w = slice.variance(k), first = slice.slope(k), second = slice.curvature(k);
    const long double middle = 1.0L - k * first / (2.0L * w);
    worst = std::min(worst, middle * middle - first * first / 4.0L * (1.0L / w + 0.25L) + second / 2.0L);
  });
  return static_cast<double>(worst);
}

/// Smallest w2(k) / w1(k) - 1: free of calendar spreads if nowhere negative.
inline double worst_calendar(const Slice& before, const Slice& slice, int points = 200) {
  if (before.level == 0.0L) { return 1e9; }
  long double worst = 1e9L;
  for (const Slice& grid : {before, slice}) {
    visit_moneyness(grid, points,
                    [&](long double k) { worst = std::min(worst, slice.variance(k) / before.variance(k) - 1.0L); });
  }
  return static_cast<double>(worst);
}

}  // namespace tailmargin::test
