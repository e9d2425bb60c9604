// A margin method as data: what a preset file says (docs/venues.md). Fractions are plain: 0.16 is 16 %.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "host/venues/positions.hpp"

namespace tailmargin::venues {

/// What a scenario does to the vols.
enum class VolMove : std::uint8_t { same, up, down, skew_linear, skew_absolute };

/// One column of the scenario matrix.
struct Scenario {
  double move = 0.0;  ///< of the price, > -1
  VolMove vol = VolMove::same;
  double weight = 1.0;      ///< of its P&L
  double relief_usd = 0.0;  ///< taken off a loss, down to zero
};

enum class VolShift : std::uint8_t { relative, points };
enum class DayCount : std::uint8_t { exact, rounded_up };

/// Moves of a vol. Relative: v (1 + up h), v (1 - down h) with h = (30 / days)^power. Points: v + up, v - down.
struct VolShock {
  VolShift shift = VolShift::relative;
  double up = 0.0, down = 0.0;                 ///< >= 0; points per year, 0.3 = 30 points
  double short_power = 0.0, long_power = 0.0;  ///< below 30 days; from 30 days on
  double min_vol = 0.0;                        ///< of the vol after an up move
  double min_up = 0.0;                         ///< of the up move, relative
  DayCount days = DayCount::exact;
  double min_days = 1.0;  ///< shorter times count as this, > 0
};

/// Two scenarios that tilt the smile, cap = base + slope sqrt(T), k* = max(min, sqrt(T) width (static + scale
/// sqrt(T))).
struct SkewRule {
  double cap_base = 0.0, cap_slope = 0.0;
  double min_log_strike = 0.01, width = 1.0, vol_static = 0.0, vol_scale = 0.0;
};

/// Discount of option values: by the rate, and of shocked ones by a static factor of their sign as well.
struct DiscountRule {
  double rate = 0.0;  ///< per year; below 0 counts as 0
  double base_long = 1.0, rate_long = 0.0, add_long = 0.0;
  double base_short = 1.0, rate_short = 0.0, add_short = 0.0;
};

/// coin: P&L is one of the coin, at the index now.
enum class PnlUnit : std::uint8_t { usd, coin };

/// Which price of a perpetual or future counts: its mark, or the index.
enum class PriceBase : std::uint8_t { own, index };

/// The rate of a part of an amount.
struct Tier {
  double up_to_usd = std::numeric_limits<double>::infinity();
  double rate = 0.0;
};

/// |net delta of an expiry| x max(exp(annual_move T) - 1, min_move); perpetuals pay the minimum. P&L in USD: perpetuals
/// and futures at their marks; in coin, as coins.
struct RollCharge {
  double annual_move = 0.0, min_move = 0.0;
};

/// Rate rising with the delta beyond a threshold, on all of it.
struct DeltaShockCharge {
  double threshold_usd = 0.0, rate_per_coin = 0.0, max_rate = 0.0;
};

/// net_rate x |net delta| + hedged_rate x (gross - |net|) / 2.
struct HedgedDeltaCharge {
  double net_rate = 0.0, hedged_rate = 0.0;
};

enum class Legs : std::uint8_t { all, perpetuals, delta_ones, options };

/// rate x sum of |quantity| x price, options at the index; then by tiers if there are any.
struct NotionalCharge {
  Legs legs = Legs::all;
  PriceBase prices = PriceBase::index;
  double rate = 0.0;
  std::vector<Tier> tiers = {};
};

enum class ShortNetting : std::uint8_t { none, strike };

/// rate x index x short options; netted within a strike of an expiry, or not at all.
struct ShortOptionCharge {
  ShortNetting netting = ShortNetting::none;
  double rate = 0.0;
};

/// rate x value of the collateral that moves with the scenarios.
struct CollateralCharge {
  double rate = 0.0;
};

/// (add + per_year T) x the worse of both forward shocks, per expiry, if it is a loss.
struct ForwardCharge {
  double shock = 0.0, add = 0.0, per_year = 0.0;
};

/// Tiers of the delta settled in one stablecoin that the delta settled in anything else hedges.
struct StableHedgeCharge {
  std::string stable;
  std::vector<Tier> tiers = {};
};

using ChargeRule = std::variant<RollCharge, DeltaShockCharge, HedgedDeltaCharge, NotionalCharge, ShortOptionCharge,
                                CollateralCharge, ForwardCharge, StableHedgeCharge>;

/// add: on top; alternative: taken if larger than the worst scenario; floor: what a unit pays at least.
enum class ChargeRole : std::uint8_t { add, alternative, floor };

struct Charge {
  std::string name;
  ChargeRole role = ChargeRole::add;
  std::optional<double> initial = {}, maintenance = {};  ///< factors of an added charge; else the method's
  ChargeRule rule = {};
};

/// Scenarios and charges of some underlyings.
struct ScenarioGroup {
  std::vector<std::string> match;        ///< names of underlyings; "*": all
  std::optional<Settlement> settlement;  ///< empty: both
  PnlUnit pnl = PnlUnit::usd;
  PriceBase prices = PriceBase::own;  ///< of which a perpetual or future moves by a share
  std::vector<Scenario> scenarios;
  VolShock vol;
  std::optional<SkewRule> skew;
  std::optional<DiscountRule> discount;
  bool collateral_moves = false;  ///< balances of the coin are in the scenarios
  double gain_share = 1.0;        ///< of a gain, against losses of other units in the same scenario
  double max_gain_usd = std::numeric_limits<double>::infinity();
  std::vector<Charge> charges;
};

/// Margin of each position for itself.
struct PositionGroup {
  std::vector<std::string> match;
  double option_base = 0.0, option_min = 0.0, option_maintenance = 0.0;  ///< of the index
  double future_initial = 0.0, future_maintenance = 0.0;                 ///< of the notional
  double future_per_coin = 0.0;                                          ///< added to both, per coin held
};

enum class UnitRule : std::uint8_t { underlying, settlement };  ///< what forms a unit
enum class Across : std::uint8_t { sum, same_scenario };        ///< how units add up
enum class MethodKind : std::uint8_t { scenarios, positions };
enum class DatedFutures : std::uint8_t { margined, left_out };  ///< left out: the venue lists none

struct Method {
  std::string name, title, fidelity, date, source;
  std::vector<std::string> not_modelled;
  MethodKind kind = MethodKind::scenarios;
  UnitRule units = UnitRule::underlying;
  Across across = Across::sum;
  DatedFutures futures = DatedFutures::margined;
  double initial = 1.0, maintenance = 1.0;            ///< factors of the worst loss
  double debt_initial = 0.0, debt_maintenance = 0.0;  ///< of borrowed amounts
  std::string stable = {};                            ///< stablecoin that accounts are kept in; empty: none
  double peg_threshold = 0.0, peg_factor = 0.0;       ///< initial grows by factor x (threshold - price)
  std::vector<ScenarioGroup> scenario_groups;
  std::vector<PositionGroup> position_groups;
};

/// The first group for a unit, or nullptr.
const ScenarioGroup* find_group(const Method& method, const std::string& underlying, Settlement settlement);
const PositionGroup* find_position_group(const Method& method, const std::string& underlying);

}  // namespace tailmargin::venues
