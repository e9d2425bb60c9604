// The normal distribution: its distribution function, and normals from random words.
#pragma once

#include "kernels/math/elementary.hpp"

namespace tailmargin::math {

/// P(Z > y) for y >= 0.
TM_HD float normal_upper_tail(float y) {
  const float bounded = smaller(y, 13.0f);
  const float t = 1.0f / fma(0.25f, bounded, 1.0f);
  const float scaled = polynomial(t, -3.782318181e-5f, 0.100536746f, 0.0923099891f, 0.1331267938f, -0.05351892972f,
                                  0.3658761865f, -0.4070770373f, 0.450164304f, -0.2196610045f, 0.03828077549f);
  return scaled * exp(-0.5f * bounded * bounded);
}

/// P(Z > y) for y >= 0.
TM_HD double normal_upper_tail(double y) {
  const double bounded = smaller(y, 37.0);
  const double u = 1.0 / fma(0.25, bounded, 1.0) - 0.5;  // centred: half the rounding error
  const double scaled = polynomial(
      u, 0.094410641301968937454, 0.34079544309691087043, 0.49751702135705219387, 0.57365925870188616566,
      0.49383686570144995406, 0.27174705542855168543, 0.032483972771185119426, -0.081768173054713585797,
      -0.047919171581364270389, 0.023324106180345975514, 0.02933586693842666775, -0.0094854165229452658874,
      -0.017626709094831333245, 0.0067939623543996430465, 0.010830675798969231261, -0.0067410245218695460319,
      -0.0061185040411276423453, 0.00683860233398101457, 0.0022242893665171735124, -0.0058067066162968574757,
      0.0007231334148446985739, 0.0030146981297274131068, -0.0014120750259157145775, -0.0001422557048024120888);
  return scaled * exp(-0.5 * bounded * bounded);
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
