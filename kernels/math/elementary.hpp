// exp, expm1, log: own polynomials, so that every compiler and processor gives the same bits.
// Coefficients: tools/fit_polynomials.py. Error bounds: include/tailmargin/accuracy.hpp.
#pragma once

#include "kernels/math/polynomial.hpp"

namespace tailmargin::math {

/// x = n ln2 + r with |r| <= ln2 / 2, and 2^n.
template <class Real>
struct ReducedExponent {
  Real r;
  Real scale;
};

TM_HD ReducedExponent<float> reduce_exponent(float x) {
  // Outside this range 2^n has no normal float; nothing a scenario produces comes near it.
  const float bounded = smaller(larger(x, -87.3f), 88.0f);
  constexpr float rounder = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const float shifted = fma(bounded, 1.44269504f, rounder);
  const float n = shifted - rounder;
  float r = fma(n, -0.693359375f, bounded);  // ln2 in two parts; the first has 9 bits, so n * it is exact
  r = fma(n, 2.12194440e-4f, r);
  const std::uint32_t biased = to_bits(shifted) - to_bits(rounder) + 127u;
  return {r, from_bits(biased << 23)};
}

TM_HD ReducedExponent<double> reduce_exponent(double x) {
  const double bounded = smaller(larger(x, -708.0), 709.0);
  constexpr double rounder = 6755399441055744.0;  // 1.5 * 2^52
  const double shifted = fma(bounded, 1.4426950408889634074, rounder);
  const double n = shifted - rounder;
  double r = fma(n, -0.693147180369123816490, bounded);  // ln2 in two parts, as in fdlibm
  r = fma(n, -1.90821492927058770002e-10, r);
  const std::uint64_t biased = to_bits(shifted) - to_bits(rounder) + 1023u;
  return {r, from_bits(biased << 52)};
}

/// exp(r) - 1 for |r| <= ln2 / 2.
TM_HD float expm1_reduced(float r) {
  const float tail =
      polynomial(r, 0.5000000013f, 0.1666666668f, 0.04166646501f, 0.008333310934f, 0.001393364103f, 0.0001989098087f);
  return fma(r * r, tail, r);
}

TM_HD double expm1_reduced(double r) {
  const double tail = polynomial(r, 0.5, 0.16666666666666666667, 0.041666666666666676764, 0.0083333333333333340064,
                                 0.0013888888888879081845, 0.00019841269841263304362, 0.000024801587336421322573,
                                 2.7557319247204790278e-6, 2.7557263301474754518e-7, 2.5052071109214448293e-8,
                                 2.0918129454967065736e-9, 1.6086622436215553425e-10);
  return fma(r * r, tail, r);
}

/// e^x. Arguments below -87.3 (double: -708) give the value there, above 88 (709) likewise.
template <class Real>
TM_HD Real exp(Real x) {
  const ReducedExponent<Real> e = reduce_exponent(x);
  return fma(e.scale, expm1_reduced(e.r), e.scale);
}

/// e^x - 1 without cancellation near 0; exactly 0 at 0. Same range as exp.
template <class Real>
TM_HD Real expm1(Real x) {
  const ReducedExponent<Real> e = reduce_exponent(x);
  return fma(e.scale, expm1_reduced(e.r), e.scale - Real(1));
}

/// 2^x for x in [-126, 127]; outside it is meaningless.
TM_HD float exp2_in_range(float x) {
  constexpr float rounder = 12582912.0f + 127.0f;  // the sum's last bits are the biased exponent
  const float shifted = x + rounder;
  const float r = x - (shifted - rounder);
  const float scale = from_bits(to_bits(shifted) << 23);
  return scale * polynomial(r, 1.0f, 0.6931472067f, 0.2402265092f, 0.05550327227f, 0.009618056679f, 0.001340042818f,
                            0.000154614447f);
}

/// Natural logarithm of a normal float x > 0.
TM_HD float log(float x) {
  const std::uint32_t bits = to_bits(x) - 0x3f3504f3u;  // sqrt(1/2): the mantissa lands in [sqrt(1/2), sqrt(2))
  const std::int32_t exponent = static_cast<std::int32_t>(bits) >> 23;
  const float mantissa = from_bits((bits & 0x007fffffu) + 0x3f3504f3u);
  const float f = mantissa - 1.0f;
  const float tail = polynomial(f, -0.4999999765f, 0.3333333003f, -0.2500078124f, 0.2000123446f, -0.1662664563f,
                                0.1420485595f, -0.1312755565f, 0.1272267279f, -0.07673641502f);
  const float n = static_cast<float>(exponent);
  const float low = fma(f * f, tail, n * -2.12194440e-4f);
  return fma(n, 0.693359375f, f + low);
}

/// Natural logarithm of a normal double x > 0.
TM_HD double log(double x) {
  constexpr std::uint64_t root_half = 0x3fe6a09e667f3bcdu;  // sqrt(1/2), as above
  constexpr std::uint64_t mantissa_mask = 0x000fffffffffffffu;
  const std::uint64_t bits = to_bits(x) - root_half;
  const std::int64_t exponent = static_cast<std::int64_t>(bits) >> 52;
  const double mantissa = from_bits((bits & mantissa_mask) + root_half);
  const double f = mantissa - 1.0;
  const double s = f / (2.0 + f);  // log(1 + f) = 2 atanh(s)
  const double z = s * s;
  const double tail =
      polynomial(z, 0.33333333333333333232, 0.20000000000000438491, 0.14285714285401805905, 0.11111111195856958721,
                 0.09090897820066453138, 0.076931198514073290942, 0.066343865693284425923, 0.06543313073920051069);
  const double n = static_cast<double>(exponent);
  const double half = fma(s * z, tail, s);
  return fma(n, 0.693147180369123816490, fma(n, 1.90821492927058770002e-10, 2.0 * half));
}

}  // namespace tailmargin::math
