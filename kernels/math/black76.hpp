// Black-76 in units of the forward.
#pragma once

#include "kernels/math/normal.hpp"

namespace tailmargin::math {

/// How far the strike lies from the forward, in standard deviations.
template <class Real>
struct Black76Distances {
  Real d1, d2;
};

/// @param log_moneyness k = ln(strike / forward)
/// @param total_vol     vol * sqrt(time to expiry), > 0
template <class Real>
TM_HD Black76Distances<Real> black76_distances(Real log_moneyness, Real total_vol) {
  const Real d1 = fma(Real(0.5), total_vol, -(log_moneyness / total_vol));
  return {d1, d1 - total_vol};
}

/// Black-76 over the forward, given N(sign d1) and N(sign d2).
template <class Real>
TM_HD Real black76_from_cdfs(Real sign, Real moneyness, Real cdf1, Real cdf2) {
  return sign * fma(-moneyness, cdf2, cdf1);
}

/// Undiscounted Black-76 value of a European option over its forward, N(d1) - e^k N(d2) for a call.
/// Black, "The pricing of commodity contracts" (1976).
/// @param sign          +1 call, -1 put
/// @param log_moneyness k = ln(strike / forward)
/// @param moneyness     e^k; passed in because callers share it between strikes
/// @param total_vol     vol * sqrt(time to expiry), > 0
/// @return coins of the forward per coin of underlying; times the forward it is money.
/// Error bound: accuracy.hpp, black76.
template <class Real>
TM_HD Real black76_over_forward(Real sign, Real log_moneyness, Real moneyness, Real total_vol) {
  const Black76Distances<Real> d = black76_distances(log_moneyness, total_vol);
  return black76_from_cdfs(sign, moneyness, normal_cdf(sign * d.d1), normal_cdf(sign * d.d2));
}

/// Payoff at expiry over the settlement price: max(sign (1 - e^k), 0).
template <class Real>
TM_HD Real intrinsic_over_forward(Real sign, Real moneyness) {
  return larger(sign * (Real(1) - moneyness), Real(0));
}

}  // namespace tailmargin::math
