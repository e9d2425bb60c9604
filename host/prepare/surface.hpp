// The vol surface of a snapshot: one SVI smile per expiry.
#pragma once

#include <optional>
#include <vector>

#include "kernels/math/black76.hpp"

namespace tailmargin {

/// One quote of an expiry's smile.
struct SmilePoint {
  double log_moneyness = 0.0;  ///< ln(strike / forward)
  double total_vol = 0.0;      ///< mark vol * sqrt(years), > 0
};

/// Raw SVI fitted to the total variances of one expiry, weighted so that price errors are
/// least. With fewer than five distinct strikes the
/// smile is flat. Slopes stay within Lee's bound and the smile never goes below zero variance. Deterministic.
math::SviSmile<double> fit_smile(const std::vector<SmilePoint>& points);

/// Total vol at which Black-76 gives `value_over_forward`; nothing if the value lies outside the no-arbitrage bounds.
std::optional<double> implied_total_vol(double sign, double log_moneyness, double value_over_forward);

}  // namespace tailmargin
