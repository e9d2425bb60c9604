#include "host/venues/position_margin.hpp"

#include <algorithm>
#include <cmath>

namespace tailmargin::venues {

PositionMargin option_margin(const PositionGroup& group, const OptionLeg& leg, double index_usd) {
  const double coins = std::max(-leg.quantity, 0.0);
  const double otm = std::max(leg.sign * (leg.strike_usd - index_usd), 0.0);
  const double initial = std::max(group.option_base * index_usd - otm, group.option_min * index_usd) + leg.mark_usd;
  // A mark is below the coin's price for a call, so that only a put deep in the money sees the second of both.
  const double maintained = leg.sign < 0.0 ? std::max(index_usd, leg.mark_usd) : index_usd;
  const double maintenance = group.option_maintenance * maintained + leg.mark_usd;
  return {coins * (leg.sign < 0.0 ? std::max(initial, maintenance) : initial), coins * maintenance};
}

PositionMargin delta_one_margin(const PositionGroup& group, const DeltaOneLeg& leg, double index_usd) {
  const double coins = std::fabs(leg.quantity), slope = group.future_per_coin * coins;
  return {(group.future_initial + slope) * coins * index_usd, (group.future_maintenance + slope) * coins * index_usd};
}

}  // namespace tailmargin::venues
