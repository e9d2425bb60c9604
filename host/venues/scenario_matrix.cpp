#include "host/venues/scenario_matrix.hpp"

#include <algorithm>
#include <cmath>

#include "host/venues/pricing.hpp"
#include "kernels/math/elementary.hpp"

namespace tailmargin::venues {
namespace {

bool is_skew(VolMove move) { return move == VolMove::skew_linear || move == VolMove::skew_absolute; }

double vol_in(const OptionLeg& leg, const ScenarioGroup& group, const Scenario& scenario, double years) {
  if (!is_skew(scenario.vol)) { return shocked_vol(group.vol, scenario.vol, leg.vol, leg.seconds); }
  return group.skew ? skewed_vol(*group.skew, scenario.vol, leg.vol, math::log(leg.strike_usd / leg.forward_usd), years)
                    : leg.vol;
}

/// Value of the options of one expiry with the forward moved and the vols as given by `vol_of`. Of P&L in coin, the
/// value in coin at the index now: an option in coin is worth its USD value over the forward.
template <class VolOf>
double expiry_value_usd(const Unit& unit, const ScenarioGroup& group, std::size_t first, std::size_t last, double move,
                        VolOf vol_of) {
  const double years = unit.options[first].seconds / seconds_of_year;
  double sum = 0.0;
  for (std::size_t i = first; i < last; ++i) {
    const OptionLeg& leg = unit.options[i];
    const double forward = leg.forward_usd * (1.0 + move);
    const double value = option_value_usd(leg.sign, forward, leg.strike_usd, vol_of(leg, years), years);
    sum += leg.quantity * (group.pnl == PnlUnit::coin ? value / forward * unit.index_usd : value);
  }
  return group.discount ? sum * discount_factor(*group.discount, years) : sum;
}

double value_now_usd(const Unit& unit, const ScenarioGroup& group, std::size_t first, std::size_t last) {
  return expiry_value_usd(unit, group, first, last, 0.0, [](const OptionLeg& leg, double) { return leg.vol; });
}

/// Both ways of a tilt count as a loss.
double expiry_pnl_usd(const Unit& unit, const ScenarioGroup& group, const Scenario& scenario, std::size_t first,
                      std::size_t last) {
  const auto vol_of = [&](const OptionLeg& leg, double years) { return vol_in(leg, group, scenario, years); };
  double shocked = expiry_value_usd(unit, group, first, last, scenario.move, vol_of);
  if (group.discount) {
    shocked *= static_discount(*group.discount, shocked, unit.options[first].seconds / seconds_of_year);
  }
  const double pnl = shocked - value_now_usd(unit, group, first, last);
  return is_skew(scenario.vol) ? -std::fabs(pnl) : pnl;
}

/// A linear position gains q m; one settled in coin q (1 - 1 / (1 + m)) coins.
double delta_one_pnl_usd(const DeltaOneLeg& leg, const Unit& unit, const ScenarioGroup& group, double move) {
  if (group.pnl == PnlUnit::coin) { return leg.quantity * (1.0 - 1.0 / (1.0 + move)) * unit.index_usd; }
  return leg.quantity * (group.prices == PriceBase::index ? unit.index_usd : leg.price_usd) * move;
}

double collateral_usd(const Unit& unit, const ScenarioGroup& group, double stable_usd) {
  return group.collateral_moves ? unit.collateral_coins * unit.index_usd / stable_usd : 0.0;
}

void add_moves(double move, const std::vector<VolMove>& vols, std::vector<Scenario>& out) {
  for (const VolMove vol : vols) { out.push_back({move, vol}); }
}

}  // namespace

std::vector<Scenario> make_grid(const Grid& grid) {
  std::vector<Scenario> out;
  for (int k = -grid.steps; k <= grid.steps; ++k) {
    const bool is_edge = std::abs(k) == grid.steps;
    add_moves(grid.range * k / grid.steps, is_edge ? grid.edge_vols : grid.vols, out);
  }
  return out;
}

std::vector<Scenario> make_extended(const ExtendedTable& table, double range, PnlUnit pnl) {
  std::vector<Scenario> out;
  for (const double move : table.moves) {
    const double size = std::fabs(move), edge = 1.0 + (move < 0.0 ? -range : range);
    const double beyond = std::max(size / range, 1.0) - 1.0;
    const bool in_coin = pnl == PnlUnit::coin;
    out.push_back({move, VolMove::up, table.factor * range / size * (in_coin ? (1.0 + move) / edge : 1.0),
                   beyond * table.dampener_usd / (in_coin ? edge : 1.0)});
  }
  return out;
}

double raw_pnl_usd(const Unit& unit, const ScenarioGroup& group, const Scenario& scenario, double stable_usd) {
  double pnl = 0.0;
  for_each_expiry(unit.options, [&](std::size_t first, std::size_t last) {
    pnl += expiry_pnl_usd(unit, group, scenario, first, last);
  });
  for (const DeltaOneLeg& leg : unit.delta_ones) { pnl += delta_one_pnl_usd(leg, unit, group, scenario.move); }
  return pnl + collateral_usd(unit, group, stable_usd) * scenario.move;
}

std::vector<double> scenario_pnl_usd(const Unit& unit, const ScenarioGroup& group, double stable_usd) {
  std::vector<double> out;
  out.reserve(group.scenarios.size());
  for (const Scenario& scenario : group.scenarios) {
    const double pnl = scenario.weight * raw_pnl_usd(unit, group, scenario, stable_usd);
    out.push_back(pnl < 0.0 ? std::min(pnl + scenario.relief_usd, 0.0) : pnl);
  }
  return out;
}

double mark_to_market_usd(const Unit& unit, const ScenarioGroup& group, double stable_usd) {
  double value = collateral_usd(unit, group, stable_usd);
  for_each_expiry(unit.options,
                  [&](std::size_t first, std::size_t last) { value += value_now_usd(unit, group, first, last); });
  return value;
}

}  // namespace tailmargin::venues
