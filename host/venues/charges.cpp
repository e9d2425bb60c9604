#include "host/venues/charges.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "host/venues/pricing.hpp"
#include "host/venues/scenario_matrix.hpp"
#include "kernels/math/elementary.hpp"

namespace tailmargin::venues {
namespace {

double roll_rate(const RollCharge& rule, double seconds) {
  return std::max(math::expm1(rule.annual_move * (seconds / seconds_of_year)), rule.min_move);
}

double charge(const RollCharge& rule, const Unit& unit, const ScenarioGroup& group, double) {
  std::map<double, double> net_usd;  // by seconds to expiry
  double perpetuals_usd = 0.0;
  for (const OptionLeg& leg : unit.options) {
    net_usd[leg.seconds] += leg.quantity * option_delta(leg) * unit.index_usd;
  }
  for (const DeltaOneLeg& leg : unit.delta_ones) {
    const double delta_usd = leg.quantity * (group.pnl == PnlUnit::coin ? unit.index_usd : leg.price_usd);
    (leg.kind == DeltaOneKind::perpetual ? perpetuals_usd : net_usd[leg.seconds]) += delta_usd;
  }
  double sum = std::fabs(perpetuals_usd) * rule.min_move;
  for (const auto& [seconds, delta_usd] : net_usd) { sum += std::fabs(delta_usd) * roll_rate(rule, seconds); }
  return sum;
}

double charge(const DeltaShockCharge& rule, const Unit& unit, const ScenarioGroup&, double) {
  double long_options = 0.0, rest = 0.0;
  for (const OptionLeg& leg : unit.options) {
    (leg.quantity > 0.0 ? long_options : rest) += leg.quantity * option_delta(leg);
  }
  for (const DeltaOneLeg& leg : unit.delta_ones) { rest += leg.quantity; }
  return delta_shock_usd(rule, delta_for_shock(long_options, rest), unit.index_usd);
}

double charge(const HedgedDeltaCharge& rule, const Unit& unit, const ScenarioGroup&, double) {
  double net = 0.0, gross = 0.0;
  const auto add = [&](double delta) {
    net += delta;
    gross += std::fabs(delta);
  };
  for (const OptionLeg& leg : unit.options) { add(leg.quantity * option_delta(leg)); }
  for (const DeltaOneLeg& leg : unit.delta_ones) { add(leg.quantity); }
  return hedged_delta_usd(rule, net, gross, unit.index_usd);
}

double charge(const NotionalCharge& rule, const Unit& unit, const ScenarioGroup&, double) {
  double notional_usd = 0.0;
  if (rule.legs == Legs::all || rule.legs == Legs::options) {
    for (const OptionLeg& leg : unit.options) { notional_usd += std::fabs(leg.quantity) * unit.index_usd; }
  }
  for (const DeltaOneLeg& leg : unit.delta_ones) {
    const bool counts = rule.legs == Legs::all || rule.legs == Legs::delta_ones ||
                        (rule.legs == Legs::perpetuals && leg.kind == DeltaOneKind::perpetual);
    if (!counts) { continue; }
    notional_usd += std::fabs(leg.quantity) * (rule.prices == PriceBase::index ? unit.index_usd : leg.price_usd);
  }
  const double amount = rule.rate * notional_usd;
  return rule.tiers.empty() ? amount : tiered(amount, rule.tiers);
}

double charge(const ShortOptionCharge& rule, const Unit& unit, const ScenarioGroup&, double) {
  std::map<std::pair<double, double>, double> net;  // by seconds to expiry and strike
  double coins = 0.0;
  for (const OptionLeg& leg : unit.options) {
    if (rule.netting == ShortNetting::none) {
      coins += std::max(-leg.quantity, 0.0);
    } else {
      net[{leg.seconds, leg.strike_usd}] += leg.quantity;
    }
  }
  for (const auto& [strike, quantity] : net) { coins += std::max(-quantity, 0.0); }
  return rule.rate * coins * unit.index_usd;
}

double charge(const CollateralCharge& rule, const Unit& unit, const ScenarioGroup& group, double stable_usd) {
  return group.collateral_moves ? rule.rate * unit.collateral_coins * unit.index_usd / stable_usd : 0.0;
}

/// The worse of both shocks, per expiry: the same vols and discounts, another forward.
double charge(const ForwardCharge& rule, const Unit& unit, const ScenarioGroup& group, double stable_usd) {
  ScenarioGroup forwards;  // no static discount: only the carry moves
  if (group.discount) { forwards.discount = DiscountRule{.rate = group.discount->rate}; }
  double loss = 0.0;
  for_each_expiry(unit.options, [&](std::size_t first, std::size_t last) {
    Unit expiry;
    expiry.index_usd = unit.index_usd;
    const auto at = [&](std::size_t i) { return unit.options.begin() + static_cast<std::ptrdiff_t>(i); };
    expiry.options.assign(at(first), at(last));
    const double up = raw_pnl_usd(expiry, forwards, {rule.shock, VolMove::same}, stable_usd);
    const double down = raw_pnl_usd(expiry, forwards, {-rule.shock, VolMove::same}, stable_usd);
    const double years = unit.options[first].seconds / seconds_of_year;
    loss += -std::min({up, down, 0.0}) * (rule.add + rule.per_year * years);
  });
  return loss;
}

double charge(const StableHedgeCharge& rule, const Unit& unit, const ScenarioGroup&, double) {
  double stable = 0.0, rest = 0.0;
  const auto add = [&](const std::string& settled_in, double delta) {
    (settled_in == rule.stable ? stable : rest) += delta;
  };
  for (const OptionLeg& leg : unit.options) { add(leg.settled_in, leg.quantity * option_delta(leg)); }
  for (const DeltaOneLeg& leg : unit.delta_ones) { add(leg.settled_in, leg.quantity); }
  const bool hedges = (stable > 0.0 && rest < 0.0) || (stable < 0.0 && rest > 0.0);
  return hedges ? tiered(std::min(std::fabs(stable), std::fabs(rest)) * unit.index_usd, rule.tiers) : 0.0;
}

}  // namespace

double tiered(double amount_usd, std::span<const Tier> tiers) {
  double sum = 0.0, from = 0.0;
  for (std::size_t i = 0; i < tiers.size() && amount_usd > from; ++i) {
    const bool is_last = i + 1 == tiers.size();
    const double to = is_last ? amount_usd : std::min(amount_usd, tiers[i].up_to_usd);
    sum += (to - from) * tiers[i].rate;
    from = to;
  }
  return sum;
}

double hedged_delta_usd(const HedgedDeltaCharge& rule, double net, double gross, double index_usd) {
  const double open = std::fabs(net), hedged = 0.5 * (gross - open);
  return (rule.net_rate * open + rule.hedged_rate * hedged) * index_usd;
}

double delta_shock_usd(const DeltaShockCharge& rule, double delta, double index_usd) {
  const double coins = std::fabs(delta);
  const double excess = std::max(coins - rule.threshold_usd / index_usd, 0.0);
  return std::min(excess * rule.rate_per_coin, rule.max_rate) * coins * index_usd;
}

double delta_for_shock(double long_options, double rest) {
  const double net = long_options + rest;
  return rest < 0.0 ? std::min(std::max(net, rest), 0.0) : std::max(std::min(net, rest), 0.0);
}

double charge_usd(const ChargeRule& rule, const Unit& unit, const ScenarioGroup& group, double stable_usd) {
  return std::visit([&](const auto& typed) { return charge(typed, unit, group, stable_usd); }, rule);
}

}  // namespace tailmargin::venues
