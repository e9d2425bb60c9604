// The scenario matrix that every scenario-based method shares: P&L of one unit in each scenario.
#pragma once

#include <vector>

#include "host/venues/method.hpp"
#include "host/venues/positions.hpp"

namespace tailmargin::venues {

/// A grid of price moves times vol moves.
struct Grid {
  double range = 0.0;                    ///< the largest move
  int steps = 1;                         ///< equal moves each way, >= 1
  std::vector<VolMove> vols, edge_vols;  ///< of the moves inside; of the largest ones
};

/// Its scenarios, from the largest fall to the largest rise.
std::vector<Scenario> make_grid(const Grid& grid);

/// Moves beyond the grid whose P&L is brought back to its edge, less a dampener.
struct ExtendedTable {
  std::vector<double> moves;
  double factor = 1.0;
  double dampener_usd = 0.0;
};

/// Weights factor r / |m|, and for P&L in coin (1 + m) / (1 +- r) besides: a perpetual loses the same as at the edge.
/// Relief: dampener x (max(|m| / r, 1) - 1), in coin at the price of the edge.
std::vector<Scenario> make_extended(const ExtendedTable& table, double range, PnlUnit pnl);

/// P&L in one scenario before its weight and relief, USD.
/// @param stable_usd  price of the stablecoin in which collateral is valued
double raw_pnl_usd(const Unit& unit, const ScenarioGroup& group, const Scenario& scenario, double stable_usd);

/// P&L of each scenario of the group, weighted and relieved, USD. [scenario]
std::vector<double> scenario_pnl_usd(const Unit& unit, const ScenarioGroup& group, double stable_usd);

/// Market value of options and moving collateral by the rule's own prices, USD.
double mark_to_market_usd(const Unit& unit, const ScenarioGroup& group, double stable_usd);

/// For each expiry (a run of equal times in sorted legs) calls visit(first, last).
template <class Leg, class Visit>
void for_each_expiry(const std::vector<Leg>& legs, Visit visit) {
  for (std::size_t first = 0; first < legs.size();) {
    std::size_t last = first + 1;
    while (last < legs.size() && legs[last].seconds == legs[first].seconds) { ++last; }
    visit(first, last);
    first = last;
  }
}

}  // namespace tailmargin::venues
