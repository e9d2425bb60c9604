// Implied volatility of a mark, for venues that publish the price only.
#pragma once

#include <optional>

#include "tailmargin/book.hpp"

namespace tailmargin::importers {

/// Smallest time value, over the forward, that still says something about volatility: below it the digits that
/// venues publish leave the implied volatility open.
inline constexpr double least_time_value = 2e-5;

/// Total vol (vol * sqrt(years)) at which Black-76 gives this price, or nothing if the time value is below
/// least_time_value or the price is one that no volatility gives.
/// @param moneyness           strike / forward, > 0
/// @param price_over_forward  coins of the forward per coin of underlying
std::optional<double> implied_total_vol_of(OptionType type, double moneyness, double price_over_forward);

}  // namespace tailmargin::importers
