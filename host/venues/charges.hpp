// Charges beside the scenarios: roll, concentration, minimum charges, short options, stablecoin hedges.
#pragma once

#include <span>

#include "host/venues/method.hpp"
#include "host/venues/positions.hpp"

namespace tailmargin::venues {

/// Each part of an amount at the rate of its tier; what lies above the last tier at its rate. Tiers rise.
double tiered(double amount_usd, std::span<const Tier> tiers);

/// net_rate x |net| + hedged_rate x (gross - |net|) / 2, USD. @param net, gross  coins
double hedged_delta_usd(const HedgedDeltaCharge& rule, double net, double gross, double index_usd);

/// Rate for a delta in coins times its value: min(excess over the threshold in coins x rate_per_coin, max_rate).
double delta_shock_usd(const DeltaShockCharge& rule, double delta, double index_usd);

/// The delta that a delta shock counts: long options may offset the rest, down to nothing.
double delta_for_shock(double long_options, double rest);

/// A charge on a unit before its factors, USD, >= 0.
double charge_usd(const ChargeRule& rule, const Unit& unit, const ScenarioGroup& group, double stable_usd);

}  // namespace tailmargin::venues
