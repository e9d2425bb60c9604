// The margin of one account under one method, as terms that add up to it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "host/venues/method.hpp"
#include "host/venues/positions.hpp"

namespace tailmargin::venues {

/// A summand of both margins. Their sums in this order are the margins, bit by bit.
struct Term {
  std::string unit;  ///< underlying, and what it is settled in where that matters
  std::string name;
  std::string detail;  ///< in words: which scenario
  double initial_usd = 0.0, maintenance_usd = 0.0;
};

/// One unit's scenarios.
struct UnitScenarios {
  std::string unit;
  const ScenarioGroup* group = nullptr;
  std::vector<double> pnl_usd;  ///< [scenario], weighted and relieved
  std::size_t worst = 0;        ///< the scenario that the margin took
  double worst_loss_usd = 0.0;  ///< its share of the loss; below zero: a gain that offsets other units
};

struct Margin {
  std::vector<Term> terms;
  std::vector<UnitScenarios> units;  ///< of methods with scenarios
  double initial_usd = 0.0, maintenance_usd = 0.0;
  double mark_to_market_usd = 0.0;  ///< of options and moving collateral, by the rule's own prices
};

/// @param portfolio  every unit has a group in the method
Margin margin_of(const Method& method, const Portfolio& portfolio);

/// "-16 %, vol up".
std::string scenario_text(const Scenario& scenario);

}  // namespace tailmargin::venues
