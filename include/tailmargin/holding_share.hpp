// What one holding adds to the expected shortfall of its account.
#pragma once

#include <optional>
#include <vector>

#include "tailmargin/book.hpp"

namespace tailmargin {

/// A share in the expected shortfall, USD. Shares of all holdings of an account add up to its ES but for rounding.
struct EsShare {
  double usd = 0.0;     ///< Euler contribution: mean loss over the tail, with the tail's weights; negative: it hedges
  double se_usd = 0.0;  ///< its standard error, the estimated quantile's included; >= 0
};

/// A part of a position that closes at one time.
struct ClosedPart {
  double hours = 0.0;     ///< from now
  double quantity = 0.0;  ///< contracts, signed
};

/// One row of the account's positions, or one balance that moves.
struct HoldingShare {
  std::optional<InstrumentId> instrument;  ///< none: a balance
  UnderlyingId underlying = 0;             ///< of the instrument; or the balance's asset
  double quantity = 0.0;                   ///< contracts, signed; or units of the asset
  std::optional<double> entry_price;       ///< of a position, if the book has one
  EsShare es;
  std::vector<ClosedPart> closed = {};  ///< of an explained position, where the model has closing times; by time
};

}  // namespace tailmargin
