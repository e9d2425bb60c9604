// Options as venues price them: undiscounted Black-76 in USD, double precision, the project's own functions.
#pragma once

#include "host/venues/method.hpp"
#include "host/venues/positions.hpp"

namespace tailmargin::venues {

/// Seconds of a year of 365 days, in which every rule here counts time.
inline constexpr double seconds_of_year = 31'536'000.0;
inline constexpr double seconds_of_day = 86'400.0;

/// x^power for x > 0.
double power(double x, double exponent);

/// Undiscounted Black-76 value of a European option.
/// @param sign         +1 call, -1 put
/// @param forward_usd  > 0
/// @param strike_usd   > 0
/// @param vol          per year; where vol sqrt(years) is next to nothing, intrinsic value
/// @return USD per coin
double option_value_usd(double sign, double forward_usd, double strike_usd, double vol, double years);

/// Black-76 forward delta, coins per coin.
double option_delta(const OptionLeg& leg);

/// The vol after a move up or down. @param seconds  to expiry
double shocked_vol(const VolShock& rule, VolMove move, double vol, double seconds);

/// The vol after a tilt of the smile. @param log_strike  ln(strike / forward)
double skewed_vol(const SkewRule& rule, VolMove move, double vol, double log_strike, double years);

/// Factor of the shocked value of an expiry's options. @param value_usd  its sign tells long from short
double static_discount(const DiscountRule& rule, double value_usd, double years);

/// exp(-rate T).
double discount_factor(const DiscountRule& rule, double years);

}  // namespace tailmargin::venues
