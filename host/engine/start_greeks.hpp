// Greeks of one contract now, in closed form.
#pragma once

#include "host/prepare/prepared_run.hpp"

namespace tailmargin {

/// Of one contract's value in USD. S: the underlying's price; Y: that of the settlement currency of a linear contract,
/// which is quoted in it.
struct ContractGreeks {
  double delta_usd = 0.0;             ///< S dV/dS
  double gamma_usd = 0.0;             ///< S^2 d2V/dS2 / 100
  double settlement_delta_usd = 0.0;  ///< Y dV/dY; 0 of inverse contracts and those settled in USD
  double settlement_gamma_usd = 0.0;  ///< Y^2 d2V/dY2 / 100
  double vega_usd = 0.0;              ///< per 0.01 of vol
  double theta_usd = 0.0;             ///< per day
};

/// The change in value of a contract from now, as its column has it: without what it is worth now, which is a balance.
/// Black-76 with the option's own vol held; forwards move with the index; basis rolls down at constant carry.
/// @param quoted_in_other  whether a linear contract settles in a currency with a price of its own
ContractGreeks start_greeks(const InstrumentTerms& terms, bool quoted_in_other);

}  // namespace tailmargin
