// Columns: for every instrument the terms on which one contract is revalued, and the tables kernels read.
#include <algorithm>

#include "host/prepare/column_tables.hpp"
#include "host/prepare/column_terms.hpp"

namespace tailmargin {
namespace {

/// USD size in which one contract's P&L is computed: float rounding errors are proportional to it.
double rounding_scale(const InstrumentTerms& t) {
  const double reach = t.kind == InstrumentKind::option ? std::max(1.0, t.strike / t.price_now) : 1.0;
  if (t.payoff == Payoff::linear) { return t.contract_size * t.price_now * t.settlement_now_usd * reach; }
  if (t.kind == InstrumentKind::option) { return t.contract_size * t.index_now_usd * reach; }
  return t.contract_size * t.index_now_usd / t.price_now;
}

/// Value of each instrument now by the model, in mark units.
std::vector<double> model_values(const Book& book, const ColumnPlan& plan) {
  std::vector<double> values;
  for (InstrumentId i = 0; i < book.instruments.size(); ++i) {
    const InstrumentTerms& terms = plan.terms[plan.instrument_column[i]];
    if (terms.kind == InstrumentKind::option) {
      values.push_back(terms.model_value_now * (terms.payoff == Payoff::linear ? terms.price_now : 1.0));
    } else {
      values.push_back(terms.price_now);
    }
  }
  return values;
}

}  // namespace

ColumnPlan prepare_columns(const Book& book, const Model& model, ScenarioPlan& scenarios, Diagnostics& diagnostics) {
  const ObservationIndex observations(book, model, scenarios);
  scenarios.observations = observations.list();
  ColumnPlan plan = build_terms(book, model, observations, diagnostics);
  if (diagnostics.has_errors()) { return plan; }
  plan.single = build_tables<float>(plan);
  plan.exact = build_tables<double>(plan);
  for (const OptionColumn<double>& option : plan.exact.options) {
    plan.terms[option.out].model_value_now = option.base_value;
  }
  for (std::uint32_t c = 0; c < plan.num_columns; ++c) {
    plan.column_scale_usd.push_back(rounding_scale(plan.terms[c]));
  }
  plan.model_value = model_values(book, plan);
  return plan;
}

}  // namespace tailmargin
