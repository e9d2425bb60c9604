// The normal distribution: its distribution function, and normals from random words.
#pragma once

#include "kernels/math/elementary.hpp"
#include "kernels/math/signs.hpp"

namespace tailmargin::math {

/// Where normals are cut: beyond, density and tail are nothing beside the rounding of 1, and not yet denormal.
template <class Real>
inline constexpr Real normal_end = Real(37);
template <>
inline constexpr float normal_end<float> = 12.0f;

/// e^{y^2/2} P(Z > y) for y in [0, normal_end], from x = y / upper_tail_divisor(y).
TM_HD float scaled_upper_tail(float x) {
  return polynomial(x, 0.5f, -0.3989422773f, 0.137797633f, -0.02391453604f, 0.000755334498f, 0.000340491637f,
                    1.886108965e-6f, -1.502545394e-5f, 1.619951669e-6f);
}

TM_HD double scaled_upper_tail(double x) {
  const double u = fma(-0.25, x, 0.5);  // centred: half the rounding error
  return polynomial(
      u, 0.094410641301968937454, 0.34079544309691087043, 0.49751702135705219387, 0.57365925870188616566,
      0.49383686570144995406, 0.27174705542855168543, 0.032483972771185119426, -0.081768173054713585797,
      -0.047919171581364270389, 0.023324106180345975514, 0.02933586693842666775, -0.0094854165229452658874,
      -0.017626709094831333245, 0.0067939623543996430465, 0.010830675798969231261, -0.0067410245218695460319,
      -0.0061185040411276423453, 0.00683860233398101457, 0.0022242893665171735124, -0.0058067066162968574757,
      0.0007231334148446985739, 0.0030146981297274131068, -0.0014120750259157145775, -0.0001422557048024120888);
}

TM_HD float upper_tail_divisor(float y) { return fma(0.28125f, y, 1.0f); }
TM_HD double upper_tail_divisor(double y) { return fma(0.25, y, 1.0); }

/// e^{-y^2/2} for y in [0, normal_end].
TM_HD float bell(float y) { return exp2_in_range(y * y * -0.72134752f); }
TM_HD double bell(double y) { return exp(-0.5 * y * y); }

/// P(Z > y) for y >= 0; beyond normal_end the value there.
template <class Real>
TM_HD Real normal_upper_tail(Real y) {
  const Real end = cut_above(y, normal_end<Real>);
  return scaled_upper_tail(end / upper_tail_divisor(end)) * bell(end);
}

/// P(Z <= x).
template <class Real>
TM_HD Real normal_cdf(Real x) {
  const Real tail = normal_upper_tail(absolute(x));
  return x < Real(0) ? tail : Real(1) - tail;
}

/// A standard normal from one random word, by inversion at (word + 1/2) / 2^32: rising in the word, symmetric
/// (the complement of a word gives minus its normal), largest magnitude 6.34. One word per normal keeps a
/// path's draws independent of how many factors are used, and lets stratified or quasi-random words take the
/// place of random ones. Error bound: accuracy.hpp, normal_from_word.
TM_HD float normal_from_word(std::uint32_t word) {
  const std::uint32_t folded = word ^ (0u - (word >> 31));  // the upper half mirrored onto the lower
  const std::int32_t magnitude = static_cast<std::int32_t>(folded);
  const float p = (static_cast<float>(magnitude) + 0.5f) * 2.3283064365386963e-10f;  // in (0, 1/2], times 2^-32
  const float x = fma(-2.0f, p, 1.0f);
  const float w = -log(4.0f * p * (1.0f - p));  // 1 - x^2 = 4 p (1 - p), kept exact for small p
  const float c = w - 3.0f;
  const float central =
      polynomial(c, 2.296035246f, 0.3417169968f, -0.008115623547f, -0.001182551468f, 0.0002764702188f, -1.797444751e-5f,
                 -2.670690887e-6f, 6.343786221e-7f, -5.884826367e-9f, -7.751285568e-9f);
  const float t = sqrt(larger(w, 0.0f)) - 3.5f;
  const float tail = polynomial(t, 4.717089194f, 1.424633597f, 0.004633862678f, -0.002905164286f, 0.001538010552f,
                                -0.0009986728275f, 0.0006492300001f, -0.0002874862963f, 5.719366819e-5f);
  const float quantile = x * (w < 6.0f ? central : tail);
  return (word >> 31) != 0u ? quantile : -quantile;
}

}  // namespace tailmargin::math
