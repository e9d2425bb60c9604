// Step 2: revaluation. Scenario rows become market rows (forward returns, growth factors, vol multipliers),
// and market rows become the P&L of one contract of every instrument: full revaluation, no greeks.
#pragma once

#include "kernels/math/black76.hpp"

namespace tailmargin {

/// What is done to the linear combination behind a market row.
enum class RowTransform : std::uint32_t { identity = 0, exponential = 1, exponential_minus_one = 2 };

/// One market row: transform(constant + sum of weight[i] * observation[i]).
/// Unused terms have weight 0 and observation 0.
template <class Real>
struct MarketRow {
  RowTransform transform;
  std::uint32_t observation[3];
  Real weight[3];
  Real constant;
};

/// P&L = scale * growth * move, in USD per contract. Spot, perpetuals, futures, assets, linear and inverse.
///   growth  settlement currency's price over its price now
///   move    change of the contract's value in settlement currency, relative
template <class Real>
struct ProductColumn {
  std::uint32_t out;  ///< column number
  std::uint32_t growth_row, move_row;
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
  std::uint32_t vol_row;             ///< implied-vol multiplier
  std::uint32_t settled;             ///< 1 if it expires within the horizon: value is the payoff
  Real sign;                         ///< +1 call, -1 put
  Real scale;                        ///< USD value now of one contract at value 1
  Real log_moneyness;                ///< ln(strike / forward) now
  Real moneyness;                    ///< strike / forward now
  Real base_value;                   ///< value now, from the same function
  Real residual;                     ///< mark total vol less smile total vol, now
  Real time_scale;                   ///< sqrt(time left at the horizon / time left now)
  math::SviSmile<Real> smile;        ///< total variance now, in log-moneyness
};

/// The linear combination behind a market row.
template <class Real>
TM_HD Real market_row_sum(const MarketRow<Real>& row, Real x0, Real x1, Real x2) {
  return math::fma(row.weight[0], x0, math::fma(row.weight[1], x1, math::fma(row.weight[2], x2, row.constant)));
}

/// Smallest total vol an option is priced with: 1e-4, below which its value is the payoff to float accuracy.
template <class Real>
TM_HD Real path_total_vol(const OptionColumn<Real>& option, Real log_moneyness, Real vol_multiplier) {
  const Real quoted = math::svi_total_vol(option.smile, log_moneyness) + option.residual;
  return math::larger(quoted * vol_multiplier * option.time_scale, Real(1e-4));
}

/// Value of an option over its forward, from market rows. Now: return 0, inverse_growth 1, vol 1, time_scale 1.
template <class Real>
TM_HD Real option_value(const OptionColumn<Real>& option, Real forward_return, Real inverse_growth,
                        Real vol_multiplier) {
  const Real moneyness = option.moneyness * inverse_growth;
  const Real k = option.log_moneyness - forward_return;
  return math::black76_over_forward(option.sign, k, moneyness, path_total_vol(option, k, vol_multiplier));
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
  const MarketRow<Real> r = row;
  if (r.transform == RowTransform::exponential) {
    TM_LANES
    for (int l = 0; l < width; ++l) { out[l] = math::exp(market_row_sum(r, Real(x0[l]), Real(x1[l]), Real(x2[l]))); }
  } else if (r.transform == RowTransform::exponential_minus_one) {
    TM_LANES
    for (int l = 0; l < width; ++l) { out[l] = math::expm1(market_row_sum(r, Real(x0[l]), Real(x1[l]), Real(x2[l]))); }
  } else {
    TM_LANES
    for (int l = 0; l < width; ++l) { out[l] = market_row_sum(r, Real(x0[l]), Real(x1[l]), Real(x2[l])); }
  }
}

/// P&L of one contract on lanes [0, width), from market[row * stride + lane].
template <class Real>
TM_HD void fill_product_column(const ProductColumn<Real>& column, const Real* market, std::uint64_t stride, int width,
                               Real* out) {
  const Real* growth = market + column.growth_row * stride;
  const Real* move = market + column.move_row * stride;
  const Real scale = column.scale;
  TM_LANES
  for (int l = 0; l < width; ++l) { out[l] = scale * growth[l] * move[l]; }
}

template <class Real>
TM_HD void fill_option_column(const OptionColumn<Real>& column, const Real* market, std::uint64_t stride, int width,
                              Real* out) {
  const OptionColumn<Real> option = column;
  const Real* growth = market + option.growth_row * stride;
  const Real* unit = market + option.unit_row * stride;
  const Real* forward_return = market + option.return_row * stride;
  const Real* inverse_growth = market + option.inverse_growth_row * stride;
  const Real* vol = market + option.vol_row * stride;
  if (option.settled != 0) {
    TM_LANES
    for (int l = 0; l < width; ++l) {
      const Real payoff = math::intrinsic_over_forward(option.sign, option.moneyness * inverse_growth[l]);
      out[l] = option_pnl(option, growth[l], unit[l], payoff);
    }
  } else {
    TM_LANES
    for (int l = 0; l < width; ++l) {
      out[l] =
          option_pnl(option, growth[l], unit[l], option_value(option, forward_return[l], inverse_growth[l], vol[l]));
    }
  }
}

}  // namespace tailmargin
