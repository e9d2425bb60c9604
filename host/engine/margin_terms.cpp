#include "host/engine/margin_terms.hpp"

#include <algorithm>
#include <cmath>

#include "host/engine/account_parts.hpp"
#include "host/engine/margin_sums.hpp"
#include "host/prepare/matching.hpp"
#include "host/prepare/narrow.hpp"
#include "host/prepare/prepare_run.hpp"
#include "host/prepare/scenario_laws.hpp"

namespace tailmargin {
namespace {

double positive(double x) { return std::max(x, 0.0); }

/// Where the ES of one unit of every held column, long and short, stand among the rows.
class UnitRows {
 public:
  UnitRows(const ColumnPlan& columns, const AccountPlan& accounts) : row_(columns.num_columns, none) {
    for (const PositionColumn& column : accounts.columns) {
      if (row_[column.column()] != none) { continue; }
      row_[column.column()] = held_.size();
      held_.push_back(column.column());
    }
  }

  void add_to(AccountRows& rows) {
    first_ = rows.num_rows();
    for (const std::uint32_t column : held_) {
      for (const double quantity : {1.0, -1.0}) {
        rows.add_only(column, quantity);
        rows.end_row();
      }
    }
  }

  /// The unit that a position or balance is a multiple of, its size times: as its losses are, so are its figures.
  std::uint64_t row(PositionColumn column, double quantity) const {
    return first_ + 2 * row_[column.column()] + (quantity < 0.0 ? 1 : 0);
  }

 private:
  static constexpr std::uint64_t none = ~std::uint64_t{0};
  std::vector<std::uint64_t> row_;   // [column]
  std::vector<std::uint32_t> held_;  // columns
  std::uint64_t first_ = 0;
};

/// Rows of the holdings that close in several parts: the ES of one is not its size times that of a unit.
class SplitRows {
 public:
  SplitRows(const ColumnPlan& columns, const AccountPlan& accounts) {
    for (std::uint64_t a = 0; a + 1 < accounts.offsets.size(); ++a) {
      for_each_holding(columns, accounts, a, [&](std::uint64_t first, std::uint64_t last) {
        if (last - first > 1) { holdings_.push_back({first, last}); }
      });
    }
  }

  void add_to(AccountRows& rows, const AccountPlan& accounts) {
    first_ = rows.num_rows();
    for (const auto& [first, last] : holdings_) {
      rows.add_only(accounts, first, last);
      rows.end_row();
    }
  }

  /// The row of the holding that begins at exposure `first`.
  std::uint64_t row(std::uint64_t first) const {
    const auto found = std::lower_bound(holdings_.begin(), holdings_.end(), std::pair(first, first));
    return first_ + static_cast<std::uint64_t>(found - holdings_.begin());
  }

 private:
  std::vector<std::pair<std::uint64_t, std::uint64_t>> holdings_;  // exposures [first, last), rising
  std::uint64_t first_ = 0;
};

void add_whole_accounts(const AccountPlan& accounts, AccountRows& rows) {
  for (std::uint64_t a = 0; a + 1 < accounts.offsets.size(); ++a) {
    rows.add(accounts, accounts.offsets[a], accounts.offsets[a + 1]);
    rows.end_row();
  }
}

EsFigure es_figure(const AccountTails& tails, std::uint64_t row) {
  const TailFigures& figures = tails.figures(row);
  return {figures.es + 0.0, figures.es_standard_error + 0.0};
}

/// Places of the two largest, the first of equals.
std::pair<std::size_t, std::size_t> two_largest(const std::vector<double>& values) {
  std::size_t first = 0;
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (values[i] > values[first]) { first = i; }
  }
  std::size_t second = first == 0 ? 1 : 0;
  for (std::size_t i = second + 1; i < values.size(); ++i) {
    if (i != first && values[i] > values[second]) { second = i; }
  }
  return {first, second};
}

}  // namespace

double buffer_left(const Model& model) {
  Diagnostics diagnostics;
  const RegimeChain chain = regime_chain(model, diagnostics);
  if (chain.stationary.empty()) { return model.terms->buffer; }
  for (std::size_t k = 0; k < model.regimes.size(); ++k) {
    if (model.regimes[k].name != model.terms->crisis_regime || chain.stationary[k] >= 1.0) { continue; }
    const double used = positive(chain.start[k] - chain.stationary[k]) / (1.0 - chain.stationary[k]);
    return model.terms->buffer * (1.0 - used);
  }
  return model.terms->buffer;
}

double AccountTerms::dependence_excess_usd() const {
  const double worst = std::max({own_stressed_es_usd, perfect.es_usd, independent.es_usd, adverse_es_usd});
  return positive(worst - positive(own.es_usd));
}

double AccountTerms::concentration_excess_usd() const {
  return positive(largest_two_es_usd + positive(rest.es_usd) - positive(own.es_usd));
}

double AccountTerms::initial_margin_usd() const {
  double sum = core_usd;
  for (const MarginTerm& term : added_terms(*this)) { sum += term.usd; }
  return sum;
}

TermsEngine::TermsEngine(const PreparedRun& run, const Book& book, const Model& model, const RunConfig& config,
                         bool keep_scenarios)
    : run_(run),
      model_(model),
      config_(silent(config)),
      scenarios_(run, book, model, config, keep_scenarios),
      costs_(contract_costs(book, model, run.columns)),
      buffer_(buffer_left(model)) {}

/// Accounts as they are, their parts by underlying, and one unit of each thing that they hold, on the run's own
/// scenarios.
struct TermsEngine::Parts {
  /// A row of tails, and how many times its figures are taken.
  struct Row {
    std::uint64_t row = 0;
    double times = 1.0;
  };

  std::vector<UnderlyingRange> ranges;
  std::vector<Row> range_row;  ///< [range] its own, the account's where that is all it holds, or that of a unit
  UnitRows units;
  SplitRows splits;
  AccountTails tails;

  /// Of a loss: a gain asks for no margin.
  double es(const Row& at) const { return at.times * positive(tails.figures(at.row).es); }
  double stressed_es(const Row& at) const { return at.times * positive(tails.figures(at.row).stressed_es); }
  Row unit(PositionColumn column, double quantity) const { return {units.row(column, quantity), std::fabs(quantity)}; }
};

void TermsEngine::add_terms(Backend& backend, const AccountPlan& accounts, std::vector<AccountMargin>& margins) const {
  std::vector<AccountTerms> terms(margins.size());
  std::vector<double> expected_var;
  for (const AccountMargin& margin : margins) { expected_var.push_back(margin.var_usd); }
  const Parts parts = find_parts(backend, accounts, expected_var);
  set_own(accounts, parts, terms);
  if (model_.terms->concentration_weight > 0.0) { set_rests(backend, accounts, parts, terms); }
  const auto fill = [&](StressScenario scenario, EsFigure AccountTerms::*member) {
    if (scenarios_.find(scenario) == nullptr) { return; }
    const AccountTails found = tails(backend, *scenarios_.find(scenario), accounts, &expected_var);
    for (std::size_t a = 0; a < terms.size(); ++a) { terms[a].*member = es_figure(found, a); }
  };
  fill(StressScenario::crisis_start, &AccountTerms::crisis_start);
  fill(StressScenario::long_run_start, &AccountTerms::long_run_start);
  fill(StressScenario::perfect, &AccountTerms::perfect);
  fill(StressScenario::independent, &AccountTerms::independent);
  set_correlations(backend, accounts, expected_var, terms);
  for (std::uint64_t a = 0; a < terms.size(); ++a) { weigh(accounts, a, terms[a], margins[a]); }
}

TermsEngine::Parts TermsEngine::find_parts(Backend& backend, const AccountPlan& accounts,
                                           const std::vector<double>& expected_var) const {
  AccountRows rows(run_.columns);
  add_whole_accounts(accounts, rows);
  Parts parts = {
      underlying_ranges(accounts), {}, UnitRows(run_.columns, accounts), SplitRows(run_.columns, accounts), {}};
  parts.units.add_to(rows);
  parts.splits.add_to(rows, accounts);
  for (const UnderlyingRange& range : parts.ranges) {
    const bool whole =
        range.first == accounts.offsets[range.account] && range.last == accounts.offsets[range.account + 1];
    if (whole) {
      parts.range_row.push_back({range.account});
    } else if (range.last - range.first == 1) {
      parts.range_row.push_back(parts.unit(accounts.columns[range.first], accounts.quantities[range.first]));
    } else {
      parts.range_row.push_back({rows.num_rows()});
      rows.add(accounts, range.first, range.last);
      rows.end_row();
    }
  }
  std::vector<double> expected = expected_var;
  expected.resize(rows.num_rows(), 0.0);
  parts.tails = tails(backend, *scenarios_.find(StressScenario::own), rows.plan(), &expected);
  return parts;
}

void TermsEngine::set_own(const AccountPlan& accounts, const Parts& parts, std::vector<AccountTerms>& terms) const {
  for (std::uint64_t a = 0; a < terms.size(); ++a) {
    terms[a].own = es_figure(parts.tails, a);
    terms[a].own_stressed_es_usd = parts.tails.figures(a).stressed_es + 0.0;
    for_each_holding(run_.columns, accounts, a, [&](std::uint64_t first, std::uint64_t last) {
      const bool in_one = last - first == 1;
      terms[a].isolated_usd += parts.es(in_one ? parts.unit(accounts.columns[first], accounts.quantities[first])
                                               : Parts::Row{parts.splits.row(first)});
    });
  }
  for (std::size_t r = 0; r < parts.ranges.size(); ++r) {
    AccountTerms& owner = terms[parts.ranges[r].account];
    owner.cross_usd += parts.es(parts.range_row[r]);
    owner.adverse_es_usd += parts.stressed_es(parts.range_row[r]);
  }
}

/// The two largest underlyings of every account, and what is left without them.
void TermsEngine::set_rests(Backend& backend, const AccountPlan& accounts, const Parts& parts,
                            std::vector<AccountTerms>& terms) const {
  AccountRows rows(run_.columns);
  std::vector<std::uint64_t> owners;
  for (std::size_t first = 0, last = 0; first < parts.ranges.size(); first = last) {
    std::vector<double> alone;
    const std::uint64_t account = parts.ranges[first].account;
    for (; last < parts.ranges.size() && parts.ranges[last].account == account; ++last) {
      alone.push_back(parts.stressed_es(parts.range_row[last]));
    }
    if (alone.size() < 3) {
      for (const double es_usd : alone) { terms[account].largest_two_es_usd += es_usd; }
      continue;
    }
    const auto [largest, second] = two_largest(alone);
    terms[account].largest_two_es_usd = alone[largest] + alone[second];
    for (std::size_t u = 0; u < alone.size(); ++u) {
      const UnderlyingRange& range = parts.ranges[first + u];
      if (u != largest && u != second) { rows.add(accounts, range.first, range.last); }
    }
    rows.end_row();
    owners.push_back(account);
  }
  if (owners.empty()) { return; }
  const AccountTails found = tails(backend, *scenarios_.find(StressScenario::own), rows.plan());
  for (std::size_t i = 0; i < owners.size(); ++i) { terms[owners[i]].rest = es_figure(found, i); }
}

void TermsEngine::set_correlations(Backend& backend, const AccountPlan& accounts,
                                   const std::vector<double>& expected_var, std::vector<AccountTerms>& terms) const {
  for (std::uint32_t k = 0; k < scenarios_.correlations().size(); ++k) {
    const AccountTails found = tails(backend, *scenarios_.correlations()[k], accounts, &expected_var);
    for (std::uint64_t a = 0; a < terms.size(); ++a) {
      const EsFigure figure = es_figure(found, a);
      if (model_.regimes[k].name == model_.terms->calm_regime) { terms[a].calm_correlation = figure; }
      if (k > 0 && figure.es_usd <= terms[a].worst_correlation.es_usd) { continue; }
      terms[a].worst_correlation = figure;
      terms[a].worst_regime = k;
    }
  }
}

AccountTails TermsEngine::tails(Backend& backend, const StressScenarios::Scenario& scenario,
                                const AccountPlan& accounts, const std::vector<double>* expected_var) const {
  NarrowColumns narrow = narrow_columns(run_.columns, accounts);
  PreparedRun run = scenario.plan;
  run.columns = std::move(narrow.columns);
  return find_tails(backend, run, narrow.accounts, config_, scenario.observations(), ListShortfalls::no, expected_var);
}

double TermsEngine::floor_usd(const AccountTerms& terms) const {
  const MarginTerms& rule = *model_.terms;
  switch (rule.anti_procyclical) {
    case AntiProcyclical::none: return 0.0;
    case AntiProcyclical::buffer: return (1.0 + buffer_) * positive(terms.core_usd);
    case AntiProcyclical::stressed:
      return positive((1.0 - rule.stressed_share) * terms.own.es_usd + rule.stressed_share * terms.crisis_start.es_usd);
    case AntiProcyclical::floor: return positive(terms.long_run_start.es_usd);
  }
  return 0.0;
}

/// From figures to terms, and the margins they make.
void TermsEngine::weigh(const AccountPlan& accounts, std::uint64_t account, AccountTerms& terms,
                        AccountMargin& margin) const {
  const MarginTerms& rule = *model_.terms;
  terms.offset_credit_usd = terms.isolated_usd - positive(terms.own.es_usd);
  terms.efficiency = terms.isolated_usd > 0.0 ? terms.offset_credit_usd / terms.isolated_usd : 0.0;
  terms.core_usd = margin.initial_margin_usd;
  terms.crisis_start_usd = rule.crisis_start_weight * positive(terms.crisis_start.es_usd);
  terms.correlation_usd = rule.correlation_weight * positive(terms.worst_correlation.es_usd);
  terms.floor_usd = floor_usd(terms);
  if (rule.dependence_weight > 0.0) { terms.dependence_usd = rule.dependence_weight * terms.dependence_excess_usd(); }
  if (rule.concentration_weight > 0.0) {
    terms.concentration_usd = rule.concentration_weight * terms.concentration_excess_usd();
  }
  const double calm = positive(terms.calm_correlation.es_usd);
  terms.fragility = calm > 0.0 ? positive(terms.worst_correlation.es_usd) / calm : 1.0;
  terms.liquidity_usd = liquidity_cost(run_.columns, accounts, account, costs_);
  terms.short_option_minimum_usd = short_option_minimum(accounts, account, costs_);
  margin.has_terms = true;
  margin.terms = terms;
  margin.initial_margin_usd = terms.initial_margin_usd();
  margin.maintenance_margin_usd = model_.maintenance_ratio * margin.initial_margin_usd;
}

}  // namespace tailmargin
