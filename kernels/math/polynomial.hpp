// Horner's scheme with one fused multiply-add per coefficient.
#pragma once

#include "kernels/math/host_device.hpp"

namespace tailmargin::math {

template <class Real>
TM_HD Real polynomial(Real, Real c0) {
  return c0;
}

/// c0 + c1 x + c2 x^2 + ..., coefficients in rising order, evaluated from the highest down.
template <class Real, class... Rest>
TM_HD Real polynomial(Real x, Real c0, Real c1, Rest... rest) {
  return fma(polynomial(x, c1, rest...), x, c0);
}

}  // namespace tailmargin::math
