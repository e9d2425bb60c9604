// Sine and cosine: own reduction and polynomials, so that every compiler and processor gives the same bits.
// Polynomials as in fdlibm's __kernel_sin and __kernel_cos. Largest error 2.3e-16 (tests/estimators).
#pragma once

#include "kernels/math/polynomial.hpp"

namespace tailmargin::math {

struct SineCosine {
  double sine, cosine;
};

/// Sine and cosine of x, |x| <= 1e6 (beyond, the reduction loses digits).
TM_HD SineCosine sine_cosine(double x) {
  constexpr double rounder = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to an integer
  const double shifted = fma(x, 0.63661977236758134308, rounder);
  const double n = shifted - rounder;            // quarters of a turn
  double r = fma(n, -1.5707963267948965580, x);  // pi / 2 in three parts
  r = fma(n, -6.1232339957367660359e-17, r);
  r = fma(n, 1.4973849048591833316e-33, r);
  const double z = r * r;
  const double sine_tail =
      polynomial(z, -1.66666666666666324348e-01, 8.33333333332248946124e-03, -1.98412698298579493134e-04,
                 2.75573137070700676789e-06, -2.50507602534068634195e-08, 1.58969099521155010221e-10);
  const double sine = fma(r * z, sine_tail, r);
  const double cosine_tail =
      polynomial(z, 4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05,
                 -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11);
  const double half = 0.5 * z, one_less = 1.0 - half;
  const double cosine = one_less + ((1.0 - one_less) - half + z * z * cosine_tail);
  const std::uint64_t quarter = to_bits(shifted) & 3u;
  const double s = (quarter & 1u) != 0u ? cosine : sine;
  const double c = (quarter & 1u) != 0u ? sine : cosine;
  return {(quarter & 2u) != 0u ? -s : s, ((quarter + 1u) & 2u) != 0u ? -c : c};
}

}  // namespace tailmargin::math
