// Black-76 in units of the forward.
#pragma once

#include "kernels/math/normal.hpp"

namespace tailmargin::math {

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
  const Real d1 = fma(Real(0.5), total_vol, -(log_moneyness / total_vol));
  const Real d2 = d1 - total_vol;
  const Real in_the_money = normal_cdf(sign * d1);
  return sign * fma(-moneyness, normal_cdf(sign * d2), in_the_money);
}

/// Payoff at expiry over the settlement price: max(sign (1 - e^k), 0).
template <class Real>
TM_HD Real intrinsic_over_forward(Real sign, Real moneyness) {
  return larger(sign * (Real(1) - moneyness), Real(0));
}

}  // namespace tailmargin::math
