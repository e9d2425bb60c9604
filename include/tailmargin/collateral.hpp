// What balances do to an account's safety: haircuts, wrong-way risk, broken pegs. Formulas: docs/methodology.md,
// "Collateral".
#pragma once

#include <string>

#include "tailmargin/book.hpp"
#include "tailmargin/margin_terms.hpp"

namespace tailmargin {

/// Of one account, USD. None of it changes equity or margin.
struct CollateralFigures {
  double haircut_usd = 0.0;     ///< sum over balances above 0 of haircut times value
  double depeg_loss_usd = 0.0;  ///< when the model's pegs break now and nothing else moves; negative: a gain
  double wrong_way_usd = 0.0;   ///< what it adds to the expected shortfall that balances move; negative: they hedge
};

/// One row of wrong_way.csv: an account with balances or debts that move. Both figures are of the same part of the
/// run's paths, so they are compared with each other, never with the run's own figure.
struct WrongWayFigures {
  std::string account;
  EsFigure moving;  ///< expected shortfall of the account as it is
  EsFigure fixed;   ///< with balances and debts held as cash, at their value of now

  double wrong_way_usd() const { return moving.es_usd - fixed.es_usd; }
};

/// One balance or debt now.
struct BalanceValue {
  UnderlyingId asset = no_underlying;  ///< no_underlying: the numeraire
  double amount = 0.0;
  double value_usd = 0.0;    ///< in the equity
  double haircut_usd = 0.0;  ///< >= 0; those of an account add up, in the book's order, to its haircut
};

}  // namespace tailmargin
