// Standard margin: each position for itself, by its notional and how far it is out of the money.
#pragma once

#include "host/venues/method.hpp"
#include "host/venues/positions.hpp"

namespace tailmargin::venues {

struct PositionMargin {
  double initial_usd = 0.0, maintenance_usd = 0.0;
};

/// Short: (max(base - otm / S, min)) S + mark and maintenance S + mark; of a put the maintenance is
/// maintenance max(S, mark) + mark and the initial margin is not below it. Long: nothing.
PositionMargin option_margin(const PositionGroup& group, const OptionLeg& leg, double index_usd);

/// Notional times a rate that rises with the coins held.
PositionMargin delta_one_margin(const PositionGroup& group, const DeltaOneLeg& leg, double index_usd);

}  // namespace tailmargin::venues
