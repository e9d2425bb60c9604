// The terms of an account's margin, re-addable: what each is worth and what it was made from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tailmargin {

/// An expected shortfall and its standard error, USD.
struct EsFigure {
  double es_usd = 0.0, se_usd = 0.0;
};

/// One row of terms.csv. Expected shortfalls are those of docs/methodology.md, "Margin terms", from a part of the run's
/// paths, so they are compared with `own`, never with the run's own figure.
struct AccountTerms {
  EsFigure own;                      ///< at the run's confidence
  double own_stressed_es_usd = 0.0;  ///< at the stressed confidence, as are the next four
  EsFigure perfect;                  ///< prices of all underlyings moved by one shock
  EsFigure independent;              ///< no underlying correlated with another
  double adverse_es_usd = 0.0;       ///< every underlying at its own worst together: the sum of their stand-alone ES
  double largest_two_es_usd = 0.0;   ///< the two largest stand-alone ES
  EsFigure rest;                     ///< of the book without those two, at the run's confidence
  EsFigure crisis_start;             ///< paths start in the crisis regime
  EsFigure long_run_start;           ///< paths start in the long run's mix of regimes
  EsFigure calm_correlation;         ///< every regime has the correlations of the calm one, vols as they are
  EsFigure worst_correlation;        ///< those of the regime for which it is largest
  std::uint32_t worst_regime = 0;    ///< that regime

  double isolated_usd = 0.0;  ///< sum over positions and balances of the ES of each alone
  double cross_usd = 0.0;     ///< sum over underlyings of the ES of each alone, balances included

  double offset_credit_usd = 0.0;  ///< what offsets between positions and balances take away: isolated less `own`
  double efficiency = 0.0;         ///< that over isolated; 0 if nothing can be lost

  double core_usd = 0.0;                  ///< the run's own ES, raised by the uplift
  double crisis_start_usd = 0.0;          ///< weight x crisis start
  double correlation_usd = 0.0;           ///< weight x worst correlation
  double floor_usd = 0.0;                 ///< of the tool against procyclicality
  double dependence_usd = 0.0;            ///< weight x excess over `own`
  double concentration_usd = 0.0;         ///< likewise
  double liquidity_usd = 0.0;             ///< half-spreads and impact
  double short_option_minimum_usd = 0.0;  ///< the margin is no lower than this

  /// What the worst other dependence, or the stressed confidence, costs over `own`; 0 if nothing.
  double dependence_excess_usd() const;
  /// What the two largest underlyings without offsets, and the rest, cost over `own`; 0 if nothing.
  double concentration_excess_usd() const;

  /// max(max(core, crisis start, correlation, floor) + max(dependence, concentration) + liquidity, minimum), as the sum
  /// of the core and the amounts that `explain` lists.
  double initial_margin_usd() const;

  /// Worst over calm correlation: how much of the offsets is left when correlations shift; 1 if the calm ES is no loss.
  double fragility = 1.0;
};

}  // namespace tailmargin
