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

/// Black-76 over the forward from its distances. With s the sign of a distance d, R the scaled upper tail and
/// N(d) = [d >= 0] - s e^{-d^2/2} R(|d|), and because e^k is the ratio of the densities at d1 and d2,
///   call = [d1 >= 0] - e^k [d2 >= 0] + e^{-d1^2/2} (s2 R(|d2|) - s1 R(|d1|)),   put = call - 1 + e^k:
/// one exponential for both, and one division for the two divisors. Only a strike e^70 forwards away could have |d2|
/// beyond normal_end where |d1| is not; R means nothing there, but stays finite.
template <class Real>
TM_HD Real black76_from_distances(Real sign, Real moneyness, const Black76Distances<Real>& d) {
  const Real y1 = cut_above(absolute(d.d1), normal_end<Real>), y2 = absolute(d.d2);
  const Real divisor1 = upper_tail_divisor(y1), divisor2 = upper_tail_divisor(y2);
  const Real both = Real(1) / (divisor1 * divisor2);
  const Real tail1 = scaled_upper_tail(y1 * divisor2 * both), tail2 = scaled_upper_tail(y2 * divisor1 * both);

  const Real exercised = sign > Real(0) ? Real(1) : Real(0), not_exercised = exercised - Real(1);
  const Real forwards = is_negative(d.d1) ? not_exercised : exercised;
  const Real strikes = is_negative(d.d2) ? not_exercised : exercised;
  return fma(bell(y1), times_sign_of(tail2, d.d2) - times_sign_of(tail1, d.d1), fma(-moneyness, strikes, forwards));
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
  return black76_from_distances(sign, moneyness, black76_distances(log_moneyness, total_vol));
}

/// Payoff at expiry over the settlement price: max(sign (1 - e^k), 0).
template <class Real>
TM_HD Real intrinsic_over_forward(Real sign, Real moneyness) {
  return larger(sign * (Real(1) - moneyness), Real(0));
}

}  // namespace tailmargin::math
