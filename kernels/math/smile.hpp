// One expiry's smile and how far it may move: SSVI slices that are free of static arbitrage, alone and in order of
// time.
#pragma once

#include "kernels/math/elementary.hpp"

namespace tailmargin::math {

/// One expiry's smile: total variance w(k) = theta / 2 (1 + rho y + sqrt((y + rho)^2 + 1 - rho^2)), y = phi k, in
/// log-moneyness k = ln(strike / forward). Gatheral and Jacquier, "Arbitrage-free SVI volatility surfaces" (2014).
template <class Real>
struct SsviSmile {
  Real level;  ///< sqrt(theta / 2), theta the total variance at the money, > 0
  Real phi;    ///< curvature, > 0
  Real rho;    ///< skew, in [-max_rho, max_rho]
};

/// Limits of a smile. Butterfly-free when theta phi (1 + |rho|) < 4 and theta phi^2 (1 + |rho|) <= 4 (the same, theorem
/// 4.2); the first is kept with some room. max_rho bounds what the root in the smile loses to rounding.
inline constexpr double max_rho = 0.95;
inline constexpr double max_wing = 3.99;
inline constexpr double max_curvature = 4.0;

/// Total vol over the smile's level at y = phi k; at least sqrt(2 (1 - rho^2)).
template <class Real>
TM_HD Real ssvi_shape(Real y, Real rho) {
  const Real z = y + rho;
  return sqrt(fma(rho, y, Real(1)) + sqrt(fma(z, z, fma(-rho, rho, Real(1)))));
}

/// sqrt of the smile's total variance at log-moneyness k.
/// Error bound: accuracy.hpp, ssvi_total_vol.
template <class Real>
TM_HD Real ssvi_total_vol(const SsviSmile<Real>& smile, Real log_moneyness) {
  return smile.level * ssvi_shape(smile.phi * log_moneyness, smile.rho);
}

/// The rho at which vol(y) / vol(-y) is e^g, given tanh(g) and y = phi k > 0; exact:
///   w^2 - w (1 + rho y) = (1 - rho^2) y^2 / 4 holds for w = w(y) / theta, and for y and rho of opposite sign; with
///   w(y) / w(-y) = e^2g the two give (rho y / tanh g)^2 = y^2 + 1 - tanh^2 g.
/// Not limited to [-1, 1]: some ratios no smile of this curvature has.
template <class Real>
TM_HD Real rho_of_vol_ratio(Real tanh_log_ratio, Real y) {
  const Real rest = fma(-tanh_log_ratio, tanh_log_ratio, Real(1));
  return tanh_log_ratio * sqrt(Real(1) + rest / (y * y));
}

/// How far along `step` one gets within `space`: 1 if it fits.
template <class Real>
TM_HD Real share_of_step(Real space, Real step) {
  const Real room = larger(space, Real(1e-30));
  return room / larger(step, room);
}

/// The largest share s <= 1 with (a + s da) (b + s db) <= limit, none of them negative and a b <= limit: the root of a
/// quadratic in the form without cancellation.
template <class Real>
TM_HD Real share_of_product(Real a, Real da, Real b, Real db, Real limit) {
  const Real room = larger(fma(-a, b, limit), Real(1e-30));
  const Real linear = fma(a, db, b * da), square = da * db;
  const Real root = sqrt(fma(linear, linear, Real(4) * square * room));
  return share_of_step(room + room, linear + root);
}

/// What a smile is meant to be: variance at the money, wings' slope theta phi, skew.
template <class Real>
struct SmileTarget {
  Real theta, slope, rho;
};

/// The smile nearest to a target that is free of butterflies and nowhere below the expiry before it.
/// Against calendar spreads: with right = theta phi (1 + rho) and left = theta phi (1 - rho), twice the slopes of the
/// wings, a ray k = u w from the origin meets the smile once, where w = theta / D(u), D = (1 - right u / 2)
/// (1 + left u / 2). If neither slope falls, D2 / D1 <= (right2 + left2) / (right2 + left1) for u > 0, likewise for
/// u < 0, so w2 >= w1 everywhere if
///   theta1 (right2 + left2) <= theta2 (right2 + left1),   theta1 (right2 + left2) <= theta2 (right1 + left2).
/// (The condition phi2 <= phi1 of Corbetta, Cohort, Laachir, Martini, "Robust calibration and arbitrage-free
/// interpolation of SSVI slices", 2019, implies it.) Variance and slopes are lifted to those before; where that breaks
/// a limit the slopes go only part of the way from those before, which keep every limit. Continuous in all arguments.
template <class Real>
TM_HD SsviSmile<Real> limit_smile(const SmileTarget<Real>& target, const SsviSmile<Real>& before) {
  const Real theta_before = Real(2) * before.level * before.level;
  const Real slope_before = theta_before * before.phi;
  const Real right_before = fma(slope_before, before.rho, slope_before);
  const Real left_before = fma(-slope_before, before.rho, slope_before);
  const Real rho = smaller(larger(target.rho, Real(-max_rho)), Real(max_rho));
  const Real theta = larger(target.theta, theta_before);
  const Real right = larger(fma(target.slope, rho, target.slope), right_before);
  const Real left = larger(fma(-target.slope, rho, target.slope), left_before);

  const Real more_right = right - right_before, more_left = left - left_before;
  const Real more_slope = Real(0.5) * (more_right + more_left);
  const Real wing_before = larger(right_before, left_before), curvature_limit = Real(max_curvature) * theta;
  const Real of_wing = share_of_step(Real(max_wing) - wing_before, larger(right, left) - wing_before);
  const Real of_right_curvature = share_of_product(slope_before, more_slope, right_before, more_right, curvature_limit);
  const Real of_left_curvature = share_of_product(slope_before, more_slope, left_before, more_left, curvature_limit);
  const Real calendar_room = (theta - theta_before) * (Real(2) * slope_before);
  const Real calendar_step = theta_before * (Real(2) * more_slope);
  const Real of_right_calendar = share_of_step(calendar_room, fma(-theta, more_right, calendar_step));
  const Real of_left_calendar = share_of_step(calendar_room, fma(-theta, more_left, calendar_step));
  const Real of_curvature = smaller(of_right_curvature, of_left_curvature);
  const Real of_calendar = smaller(of_right_calendar, of_left_calendar);
  const Real share = smaller(of_wing, smaller(of_curvature, of_calendar));

  const Real right_taken = fma(share, more_right, right_before);
  const Real left_taken = fma(share, more_left, left_before);
  const Real both = right_taken + left_taken;
  return {sqrt(Real(0.5) * theta), Real(0.5) * both / theta, (right_taken - left_taken) / both};
}

/// In place of the expiry before the first one.
template <class Real>
TM_HD SsviSmile<Real> no_smile_before() {
  return {Real(0), Real(0), Real(0)};
}

}  // namespace tailmargin::math
