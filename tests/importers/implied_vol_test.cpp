#include "host/importers/implied_vol.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace tailmargin::importers {
namespace {

/// Black-76 over the forward from the standard library: an oracle that shares no code with kernels/math.
double black76(OptionType type, double moneyness, double total_vol) {
  const auto cdf = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); };
  const double sign = type == OptionType::call ? 1.0 : -1.0;
  const double d1 = -std::log(moneyness) / total_vol + 0.5 * total_vol;
  return sign * (cdf(sign * d1) - moneyness * cdf(sign * (d1 - total_vol)));
}

TEST(ImpliedVol, ComesBackFromItsPrice) {
  for (const OptionType type : {OptionType::call, OptionType::put}) {
    for (const double moneyness : {0.3, 0.8, 0.97, 1.0, 1.02, 1.3, 4.0}) {
      for (const double total_vol : {0.01, 0.05, 0.2, 0.6, 1.5, 3.0}) {
        const double price = black76(type, moneyness, total_vol);
        const double intrinsic = std::max((type == OptionType::call ? 1.0 : -1.0) * (1.0 - moneyness), 0.0);
        if (price - intrinsic < 2.0 * least_time_value) { continue; }

        const auto implied = implied_total_vol_of(type, moneyness, price);

        ASSERT_TRUE(implied) << "moneyness " << moneyness << " total vol " << total_vol;
        // The price is known to 1e-16; deep in the money 2e-5 of time value still carry 11 digits.
        EXPECT_NEAR(*implied, total_vol, 1e-9 * (1.0 + total_vol)) << "moneyness " << moneyness;
      }
    }
  }
}

TEST(ImpliedVol, RefusesPricesThatTellNone) {
  EXPECT_FALSE(implied_total_vol_of(OptionType::call, 0.8, 0.2));    // intrinsic value only
  EXPECT_FALSE(implied_total_vol_of(OptionType::call, 0.8, 0.19));   // below it
  EXPECT_FALSE(implied_total_vol_of(OptionType::put, 0.5, 1.9e-5));  // below the digits of a mark
  EXPECT_FALSE(implied_total_vol_of(OptionType::call, 1.2, 1.0));    // a call is worth less than the coin
  EXPECT_FALSE(implied_total_vol_of(OptionType::put, 1.2, 1.2));     // a put less than its strike
  EXPECT_FALSE(implied_total_vol_of(OptionType::put, 1.2, std::nan("")));
}

}  // namespace
}  // namespace tailmargin::importers
