// Step 2: revaluation. Scenario rows become market rows (forward returns, growth factors, rates, smiles), and market
// rows become the P&L of one contract of every instrument: full revaluation, no greeks.
#pragma once

#include "kernels/math/black76.hpp"
#include "kernels/math/smile.hpp"

namespace tailmargin {

/// What is done to the linear combination behind a market row.
enum class RowTransform : std::uint32_t { identity = 0, exponential = 1, exponential_minus_one = 2 };

inline constexpr std::uint32_t max_row_terms = 5;

/// One market row: transform of (constant + sum of weight[i] * observation[i]), the sum cut to [lower, upper].
/// Unused terms have weight 0 and observation 0.
template <class Real>
struct MarketRow {
  RowTransform transform;
  std::uint32_t observation[max_row_terms];
  Real weight[max_row_terms];
  Real constant;
  Real lower, upper;
};

/// A sum that is not cut: what the ends of [lower, upper] are then.
inline constexpr double row_not_cut = 1e30;

/// One expiry's smile on a path, three market rows: level, phi, rho (math::SsviSmile). The level of vol moves by e^(vol
/// + term), the vols 25 deltas either side of the money against each other by e^skew, curvature by e^butterfly; then
/// the smile is held above the one of the expiry before (math::limit_smile).
template <class Real>
struct SmileRow {
  std::uint32_t vol, term, skew, butterfly;                     ///< observations
  Real vol_weight, term_weight, skew_weight, butterfly_weight;  ///< 0 where the model has no such factor
  Real theta;      ///< total variance at the money with the time left then, level not moved
  Real slope;      ///< theta phi likewise
  Real log_ratio;  ///< 2 ln(vol 25 deltas above the money / below)
  Real wing;       ///< phi k of those points
};

inline constexpr std::uint32_t rows_per_smile = 3;

/// The expiries of one surface in order of time: [first, last) of the smile rows.
struct SurfaceRows {
  std::uint32_t first, last;
};

/// How far a path's level of vol, curvature and (twice) the log ratio of wings may go, in logs: beyond, they stay
/// there.
inline constexpr double max_log_level = 5.0;
inline constexpr double max_log_curvature = 3.0;
inline constexpr double max_log_ratio = 8.0;

/// One payment of funding, USD that one contract held long pays: scale * growth * rate.
template <class Real>
struct Payment {
  std::uint32_t rate_row, growth_row;
  Real scale;
};

/// P&L = scale * growth * move - payments, in USD per contract. Spot, perpetuals, futures, assets, linear and inverse.
///   growth  settlement currency's price over its price now
///   move    change of the contract's value in settlement currency, relative
template <class Real>
struct ProductColumn {
  std::uint32_t out;  ///< column number
  std::uint32_t growth_row, move_row;
  std::uint32_t first_payment, num_payments;
  Real scale;  ///< USD per contract, may be negative
};

/// P&L of one option contract in USD:
///   scale * growth * (unit * value(k, v) - base_value)
/// with k = ln(strike / forward) on the path, v the total vol there, value in units of the forward.
template <class Real>
struct OptionColumn {
  std::uint32_t out;
  std::uint32_t growth_row;          ///< settlement currency's growth
  std::uint32_t unit_row;            ///< linear: forward growth; inverse: ones
  std::uint32_t return_row;          ///< log return of the forward in settlement currency
  std::uint32_t inverse_growth_row;  ///< exp(-return)
  std::uint32_t smile_row;           ///< first of the smile's three rows
  std::uint32_t settled;             ///< 1 if it has expired by then: value is the payoff
  Real sign;                         ///< +1 call, -1 put
  Real scale;                        ///< USD value now of one contract at value 1
  Real log_moneyness;                ///< ln(strike / forward) now
  Real moneyness;                    ///< strike / forward now
  Real base_value;                   ///< value now, from the same function
  Real residual;                     ///< (mark total vol less smile total vol) over the smile's level, now
  Real follow;                       ///< share of the forward's return the smile follows: 1 sticky moneyness, 0 strike
};

/// The linear combination behind a market row.
template <class Real>
TM_HD Real market_row_sum(const MarketRow<Real>& row, Real x0, Real x1, Real x2, Real x3, Real x4) {
  const Real sum = math::fma(
      row.weight[0], x0,
      math::fma(
          row.weight[1], x1,
          math::fma(row.weight[2], x2, math::fma(row.weight[3], x3, math::fma(row.weight[4], x4, row.constant)))));
  return math::smaller(math::larger(sum, row.lower), row.upper);
}

/// x cut to [-end, end].
template <class Real>
TM_HD Real cut_to(Real x, double end) {
  return math::smaller(math::larger(x, Real(-end)), Real(end));
}

/// The smile on a path before it is held above the one before, from changes of the factors.
template <class Real>
TM_HD math::SmileTarget<Real> smile_target(const SmileRow<Real>& row, Real vol, Real term, Real skew, Real butterfly) {
  const Real level = math::exp(cut_to(math::fma(row.vol_weight, vol, row.term_weight * term), max_log_level));
  const Real bend = math::exp(cut_to(row.butterfly_weight * butterfly, max_log_curvature));
  const Real ratio = math::exp(cut_to(math::fma(row.skew_weight, Real(2) * skew, row.log_ratio), max_log_ratio));
  const Real tanh_log_ratio = (ratio - Real(1)) / (ratio + Real(1));
  return {row.theta * level * level, row.slope * level * bend, math::rho_of_vol_ratio(tanh_log_ratio, row.wing * bend)};
}

/// Smallest total vol an option is priced with: 1e-4, below which its value is the payoff to float accuracy.
template <class Real>
TM_HD Real path_total_vol(const OptionColumn<Real>& option, const math::SsviSmile<Real>& smile, Real forward_return) {
  const Real k = math::fma(-option.follow, forward_return, option.log_moneyness);
  return math::cut_below(smile.level * (math::ssvi_shape(smile.phi * k, smile.rho) + option.residual), Real(1e-4));
}

/// d1 and d2 of an option on a path.
template <class Real>
TM_HD math::Black76Distances<Real> option_distances(const OptionColumn<Real>& option,
                                                    const math::SsviSmile<Real>& smile, Real forward_return) {
  return math::black76_distances(option.log_moneyness - forward_return, path_total_vol(option, smile, forward_return));
}

/// Value of an option over its forward, from market rows. Now: return 0, inverse_growth 1, the smile of now.
template <class Real>
TM_HD Real option_value(const OptionColumn<Real>& option, const math::SsviSmile<Real>& smile, Real forward_return,
                        Real inverse_growth) {
  return math::black76_from_distances(option.sign, option.moneyness * inverse_growth,
                                      option_distances(option, smile, forward_return));
}

template <class Real>
TM_HD Real option_pnl(const OptionColumn<Real>& option, Real growth, Real unit, Real value) {
  return option.scale * growth * math::fma(unit, value, -option.base_value);
}

/// Market row `row` on lanes [0, width): market[lane] from obs[row * stride + lane].
template <class Real>
TM_HD void fill_market_row(const MarketRow<Real>& row, const float* obs, std::uint64_t obs_stride, int width,
                           Real* out) {
  const float* x0 = obs + row.observation[0] * obs_stride;
  const float* x1 = obs + row.observation[1] * obs_stride;
  const float* x2 = obs + row.observation[2] * obs_stride;
  const float* x3 = obs + row.observation[3] * obs_stride;
  const float* x4 = obs + row.observation[4] * obs_stride;
  const MarketRow<Real> r = row;
  if (r.transform == RowTransform::exponential) {
    TM_LANES
    for (int l = 0; l < width; ++l) {
      out[l] = math::exp(market_row_sum(r, Real(x0[l]), Real(x1[l]), Real(x2[l]), Real(x3[l]), Real(x4[l])));
    }
  } else if (r.transform == RowTransform::exponential_minus_one) {
    TM_LANES
    for (int l = 0; l < width; ++l) {
      out[l] = math::expm1(market_row_sum(r, Real(x0[l]), Real(x1[l]), Real(x2[l]), Real(x3[l]), Real(x4[l])));
    }
  } else {
    TM_LANES
    for (int l = 0; l < width; ++l) {
      out[l] = market_row_sum(r, Real(x0[l]), Real(x1[l]), Real(x2[l]), Real(x3[l]), Real(x4[l]));
    }
  }
}

/// The three rows of one smile on lanes [0, width): out[row * stride + lane].
/// @param before  the rows of the expiry before it, null for the first
template <class Real>
TM_HD void fill_smile(const SmileRow<Real>& row, const Real* before, const float* obs, std::uint64_t stride, int width,
                      Real* out) {
  const float* vol = obs + row.vol * stride;
  const float* term = obs + row.term * stride;
  const float* skew = obs + row.skew * stride;
  const float* butterfly = obs + row.butterfly * stride;
  const SmileRow<Real> r = row;
  Real* level = out;
  Real* phi = out + stride;
  Real* rho = out + 2 * stride;
  if (before == nullptr) {
    TM_LANES
    for (int l = 0; l < width; ++l) {
      const math::SsviSmile<Real> smile =
          math::limit_smile(smile_target(r, Real(vol[l]), Real(term[l]), Real(skew[l]), Real(butterfly[l])),
                            math::no_smile_before<Real>());
      level[l] = smile.level;
      phi[l] = smile.phi;
      rho[l] = smile.rho;
    }
  } else {
    const Real* level_before = before;
    const Real* phi_before = before + stride;
    const Real* rho_before = before + 2 * stride;
    TM_LANES
    for (int l = 0; l < width; ++l) {
      const math::SsviSmile<Real> smile =
          math::limit_smile(smile_target(r, Real(vol[l]), Real(term[l]), Real(skew[l]), Real(butterfly[l])),
                            math::SsviSmile<Real>{level_before[l], phi_before[l], rho_before[l]});
      level[l] = smile.level;
      phi[l] = smile.phi;
      rho[l] = smile.rho;
    }
  }
}

/// All smiles of a surface, in order of time: three rows each, those of smile s from row 3 s of `out`.
template <class Real>
TM_HD void fill_surface(const SmileRow<Real>* smiles, const SurfaceRows& surface, const float* obs,
                        std::uint64_t stride, int width, Real* out) {
  for (std::uint32_t s = surface.first; s < surface.last; ++s) {
    Real* rows = out + std::uint64_t{s} * rows_per_smile * stride;
    fill_smile(smiles[s], s == surface.first ? nullptr : rows - rows_per_smile * stride, obs, stride, width, rows);
  }
}

/// P&L of one contract on lanes [0, width), from market[row * stride + lane].
template <class Real>
TM_HD void fill_product_column(const ProductColumn<Real>& column, const Payment<Real>* payments, const Real* market,
                               std::uint64_t stride, int width, Real* out) {
  const Real* growth = market + column.growth_row * stride;
  const Real* move = market + column.move_row * stride;
  const Real scale = column.scale;
  TM_LANES
  for (int l = 0; l < width; ++l) { out[l] = scale * growth[l] * move[l]; }
  for (std::uint32_t p = column.first_payment; p < column.first_payment + column.num_payments; ++p) {
    const Real* rate = market + payments[p].rate_row * stride;
    const Real* paid_growth = market + payments[p].growth_row * stride;
    const Real size = payments[p].scale;
    TM_LANES
    for (int l = 0; l < width; ++l) { out[l] = math::fma(-size * paid_growth[l], rate[l], out[l]); }
  }
}

/// What an option's lanes are read from, each a row of the market.
template <class Real>
struct OptionRows {
  const Real *growth, *unit, *forward_return, *inverse_growth, *level, *phi, *rho;
};

/// option_value and option_pnl on `count` lanes from `first`, at most lane_block of them, in two short loops: a
/// processor can work on more lanes at a time when each takes fewer steps.
template <class Real>
TM_HD void fill_option_lanes(const OptionColumn<Real>& option, const OptionRows<Real>& rows, int first, int count,
                             Real* out) {
  Real d1[lane_block], d2[lane_block];
  TM_LANES
  for (int i = 0; i < count; ++i) {
    const int l = first + i;
    const math::SsviSmile<Real> smile{rows.level[l], rows.phi[l], rows.rho[l]};
    const math::Black76Distances<Real> d = option_distances(option, smile, rows.forward_return[l]);
    d1[i] = d.d1;
    d2[i] = d.d2;
  }
  TM_LANES
  for (int i = 0; i < count; ++i) {
    const int l = first + i;
    const Real value = math::black76_from_distances(option.sign, option.moneyness * rows.inverse_growth[l],
                                                    math::Black76Distances<Real>{d1[i], d2[i]});
    out[l] = option_pnl(option, rows.growth[l], rows.unit[l], value);
  }
}

template <class Real>
TM_HD void fill_option_column(const OptionColumn<Real>& column, const Real* market, std::uint64_t stride, int width,
                              Real* out) {
  const OptionColumn<Real> option = column;
  const Real* smile = market + option.smile_row * stride;
  const OptionRows<Real> rows{market + option.growth_row * stride,
                              market + option.unit_row * stride,
                              market + option.return_row * stride,
                              market + option.inverse_growth_row * stride,
                              smile,
                              smile + stride,
                              smile + 2 * stride};
  if (option.settled != 0) {
    TM_LANES
    for (int l = 0; l < width; ++l) {
      const Real payoff = math::intrinsic_over_forward(option.sign, option.moneyness * rows.inverse_growth[l]);
      out[l] = option_pnl(option, rows.growth[l], rows.unit[l], payoff);
    }
    return;
  }
  int first = 0;
  for (; first + lane_block <= width; first += lane_block) {
    fill_option_lanes(option, rows, first, lane_block, out);  // a count known to the compiler
  }
  if (first < width) { fill_option_lanes(option, rows, first, width - first, out); }
}

}  // namespace tailmargin
