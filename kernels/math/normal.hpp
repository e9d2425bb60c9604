// The normal distribution: its distribution function, and normals from random words.
#pragma once

#include "kernels/math/elementary.hpp"

namespace tailmargin::math {

/// P(Z > y) for y >= 0.
TM_HD float normal_upper_tail(float y) {
  const float bounded = smaller(y, 13.0f);
  const float t = 1.0f / fma(0.25f, bounded, 1.0f);
  const float scaled = polynomial(t, -3.782318181e-5f, 0.100536746f, 0.0923099891f, 0.1331267938f,
                                  -0.05351892972f, 0.3658761865f, -0.4070770373f, 0.450164304f,
                                  -0.2196610045f, 0.03828077549f);
  return scaled * exp(-0.5f * bounded * bounded);
}

/// P(Z > y) for y >= 0. Hart (1968), algorithm 5666, as given by West, "Better approximations to
/// cumulative normal functions" (2005); beyond 7.07 a continued fraction.
TM_HD double normal_upper_tail(double y) {
  const double bounded = smaller(y, 37.0);
  const double numerator =
      polynomial(bounded, 220.206867912376, 221.213596169931, 112.079291497871, 33.912866078383,
                 6.37396220353165, 0.700383064443688, 0.0352624965998911);
  const double denominator = polynomial(bounded, 440.413735824752, 793.826512519948, 637.333633378831,
                                        296.564248779674, 86.7807322029461, 16.064177579207,
                                        1.75566716318264, 0.0883883476483184);
  const double fraction = bounded + 1.0 / (bounded + 2.0 / (bounded + 3.0 / (bounded + 4.0 / (bounded + 0.65))));
  const double ratio = bounded < 7.07106781186547 ? numerator / denominator
                                                  : 1.0 / (fraction * 2.506628274631);
  return ratio * exp(-0.5 * bounded * bounded);
}

/// P(Z <= x).
template <class Real>
TM_HD Real normal_cdf(Real x) {
  const Real tail = normal_upper_tail(x < Real(0) ? -x : x);
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
  const float central = polynomial(c, 2.296035246f, 0.3417169968f, -0.008115623547f, -0.001182551468f,
                                   0.0002764702188f, -1.797444751e-5f, -2.670690887e-6f,
                                   6.343786221e-7f, -5.884826367e-9f, -7.751285568e-9f);
  const float t = sqrt(larger(w, 0.0f)) - 3.5f;
  const float tail = polynomial(t, 4.717089194f, 1.424633597f, 0.004633862678f, -0.002905164286f,
                                0.001538010552f, -0.0009986728275f, 0.0006492300001f,
                                -0.0002874862963f, 5.719366819e-5f);
  const float quantile = x * (w < 6.0f ? central : tail);
  return (word >> 31) != 0u ? quantile : -quantile;
}

}  // namespace tailmargin::math
