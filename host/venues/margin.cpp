#include "host/venues/margin.hpp"

#include <algorithm>
#include <cmath>

#include "host/domain/validate/text.hpp"
#include "host/venues/charges.hpp"
#include "host/venues/position_margin.hpp"
#include "host/venues/scenario_matrix.hpp"

namespace tailmargin::venues {
namespace {

const char* words_of(VolMove move) {
  switch (move) {
    case VolMove::same: return "vol unchanged";
    case VolMove::up: return "vol up";
    case VolMove::down: return "vol down";
    case VolMove::skew_linear: return "smile tilted";
    case VolMove::skew_absolute: return "smile bent";
  }
  return "";
}

bool matches(const std::vector<std::string>& match, const std::string& underlying) {
  return std::any_of(match.begin(), match.end(),
                     [&](const std::string& name) { return name == "*" || name == underlying; });
}

std::string unit_name(const Method& method, const Unit& unit) {
  if (method.units == UnitRule::underlying) { return unit.underlying; }
  return unit.underlying + (unit.settlement == Settlement::coin ? " coin-settled" : " USD-settled");
}

/// What a gain in one unit counts against losses of others; a loss counts in full.
double counted_pnl(double pnl, const ScenarioGroup& group) {
  return pnl > 0.0 ? std::min(pnl * group.gain_share, group.max_gain_usd) : pnl;
}

std::size_t place_of_least(const std::vector<double>& values) {
  return static_cast<std::size_t>(std::min_element(values.begin(), values.end()) - values.begin());
}

/// Each unit takes its own worst scenario.
void take_own_worst(std::vector<UnitScenarios>& units) {
  for (UnitScenarios& unit : units) {
    unit.worst = place_of_least(unit.pnl_usd);
    unit.worst_loss_usd = std::max(-unit.pnl_usd[unit.worst], 0.0);
  }
}

/// All units take the scenario that is worst for their sum; none if every sum is a gain.
void take_common_worst(std::vector<UnitScenarios>& units) {
  if (units.empty()) { return; }
  std::vector<double> sums(units.front().pnl_usd.size(), 0.0);
  for (const UnitScenarios& unit : units) {
    for (std::size_t s = 0; s < sums.size(); ++s) { sums[s] += counted_pnl(unit.pnl_usd[s], *unit.group); }
  }
  const std::size_t worst = place_of_least(sums);
  for (UnitScenarios& unit : units) {
    unit.worst = worst;
    if (sums[worst] < 0.0) { unit.worst_loss_usd = -counted_pnl(unit.pnl_usd[worst], *unit.group); }
  }
}

/// Adding zero turns -0 into 0.
Term make_term(std::string unit, std::string name, std::string detail, double initial, double maintenance) {
  return {std::move(unit), std::move(name), std::move(detail), initial + 0.0, maintenance + 0.0};
}

double initial_factor(const Method& method, const Portfolio& portfolio) {
  return method.initial + method.peg_factor * std::max(method.peg_threshold - portfolio.stable_usd, 0.0);
}

class UnitTerms {
 public:
  UnitTerms(const Method& method, const Portfolio& portfolio, const Unit& unit, const UnitScenarios& scenarios,
            Margin& out)
      : method_(method), portfolio_(portfolio), unit_(unit), scenarios_(scenarios), out_(out) {}

  void add() {
    add_worst();
    for (const Charge& charge : scenarios_.group->charges) {
      if (charge.role == ChargeRole::add) { add_charge(charge); }
    }
    for (const Charge& charge : scenarios_.group->charges) {
      if (charge.role == ChargeRole::floor) { add_floor(charge); }
    }
  }

 private:
  double amount_of(const Charge& charge) const {
    return charge_usd(charge.rule, unit_, *scenarios_.group, portfolio_.stable_usd);
  }

  /// The worst scenario, or an alternative that asks for more.
  void add_worst() {
    double loss = scenarios_.worst_loss_usd;
    std::string name = "worst scenario", detail = scenario_text(scenarios_.group->scenarios[scenarios_.worst]);
    if (loss < 0.0) {
      detail += ", offsets other units";
    } else if (loss == 0.0) {
      detail = method_.across == Across::sum ? "no loss in any" : detail + ", no loss that counts";
    }
    for (const Charge& charge : scenarios_.group->charges) {
      if (charge.role != ChargeRole::alternative) { continue; }
      const double amount = amount_of(charge);
      if (amount <= loss) { continue; }
      loss = amount;
      name = charge.name;
      detail = "instead of the worst scenario, " + scenario_text(scenarios_.group->scenarios[scenarios_.worst]);
    }
    base_usd_ += loss;
    push(name, detail, loss, initial_factor(method_, portfolio_), method_.maintenance);
  }

  void add_charge(const Charge& charge) {
    const double amount = amount_of(charge);
    base_usd_ += amount;
    push(charge.name, "", amount, charge.initial.value_or(method_.initial),
         charge.maintenance.value_or(method_.maintenance));
  }

  void add_floor(const Charge& charge) {
    const double floor = amount_of(charge), missing = std::max(floor - base_usd_, 0.0);
    base_usd_ += missing;
    push(charge.name, "what is missing to " + shortest_number(floor), missing, method_.initial, method_.maintenance);
  }

  void push(const std::string& name, const std::string& detail, double amount, double initial, double maintenance) {
    out_.terms.push_back(make_term(scenarios_.unit, name, detail, amount * initial, amount * maintenance));
  }

  const Method& method_;
  const Portfolio& portfolio_;
  const Unit& unit_;
  const UnitScenarios& scenarios_;
  Margin& out_;
  double base_usd_ = 0.0;  ///< sum of the amounts before factors
};

void add_scenario_terms(const Method& method, const Portfolio& portfolio, Margin& out) {
  for (const Unit& unit : portfolio.units) {
    const ScenarioGroup* group = find_group(method, unit.underlying, unit.settlement);
    out.units.push_back({unit_name(method, unit), group, scenario_pnl_usd(unit, *group, portfolio.stable_usd), 0, 0.0});
    out.mark_to_market_usd += mark_to_market_usd(unit, *group, portfolio.stable_usd);
  }
  method.across == Across::sum ? take_own_worst(out.units) : take_common_worst(out.units);
  for (std::size_t u = 0; u < portfolio.units.size(); ++u) {
    UnitTerms(method, portfolio, portfolio.units[u], out.units[u], out).add();
  }
}

void add_position_terms(const Method& method, const Portfolio& portfolio, Margin& out) {
  for (const Unit& unit : portfolio.units) {
    const PositionGroup& group = *find_position_group(method, unit.underlying);
    for (const OptionLeg& leg : unit.options) {
      const PositionMargin m = option_margin(group, leg, unit.index_usd);
      out.terms.push_back(make_term(unit_name(method, unit), leg.name, "", m.initial_usd, m.maintenance_usd));
    }
    for (const DeltaOneLeg& leg : unit.delta_ones) {
      const PositionMargin m = delta_one_margin(group, leg, unit.index_usd);
      out.terms.push_back(make_term(unit_name(method, unit), leg.name, "", m.initial_usd, m.maintenance_usd));
    }
  }
}

}  // namespace

const ScenarioGroup* find_group(const Method& method, const std::string& underlying, Settlement settlement) {
  const auto found = std::find_if(method.scenario_groups.begin(), method.scenario_groups.end(), [&](const auto& group) {
    return matches(group.match, underlying) && group.settlement.value_or(settlement) == settlement;
  });
  return found == method.scenario_groups.end() ? nullptr : &*found;
}

const PositionGroup* find_position_group(const Method& method, const std::string& underlying) {
  const auto found = std::find_if(method.position_groups.begin(), method.position_groups.end(),
                                  [&](const auto& group) { return matches(group.match, underlying); });
  return found == method.position_groups.end() ? nullptr : &*found;
}

std::string scenario_text(const Scenario& scenario) {
  const std::string move = scenario.move == 0.0 ? "price unchanged"
                                                : (scenario.move > 0.0 ? "+" : "") +
                                                      shortest_number(std::nearbyint(scenario.move * 1e5) / 1e3) + " %";
  const std::string weight =
      scenario.weight == 1.0 ? "" : ", weight " + shortest_number(std::nearbyint(scenario.weight * 1e6) / 1e6);
  return move + ", " + words_of(scenario.vol) + weight;
}

Margin margin_of(const Method& method, const Portfolio& portfolio) {
  Margin out;
  method.kind == MethodKind::scenarios ? add_scenario_terms(method, portfolio, out)
                                       : add_position_terms(method, portfolio, out);
  if (portfolio.debts_usd > 0.0 && (method.debt_initial > 0.0 || method.debt_maintenance > 0.0)) {
    out.terms.push_back(make_term("", "borrowing", "", method.debt_initial * portfolio.debts_usd,
                                  method.debt_maintenance * portfolio.debts_usd));
  }
  for (const Term& term : out.terms) {
    out.initial_usd += term.initial_usd;
    out.maintenance_usd += term.maintenance_usd;
  }
  return out;
}

}  // namespace tailmargin::venues
