#include "host/importers/implied_vol.hpp"

#include "host/prepare/surface.hpp"

namespace tailmargin::importers {

std::optional<double> implied_total_vol_of(OptionType type, double moneyness, double price_over_forward) {
  const double sign = type == OptionType::call ? 1.0 : -1.0;
  if (!(price_over_forward - math::intrinsic_over_forward(sign, moneyness) >= least_time_value)) {
    return std::nullopt;
  }
  return implied_total_vol(sign, math::log(moneyness), price_over_forward);
}

}  // namespace tailmargin::importers
