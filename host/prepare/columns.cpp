// Columns: for every instrument the terms on which one contract is revalued, and the tables kernels read.
#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "host/prepare/prepare_run.hpp"
#include "host/prepare/surface.hpp"

namespace tailmargin {
namespace {

/// Numbers the observations, sorted by step and then factor.
class ObservationIndex {
 public:
  ObservationIndex(const Book& book, const Model& model, const ScenarioPlan& plan)
      : grid_(time_grid(model)), plan_(plan) {
    for (std::uint32_t f = 0; f < plan.factors.size(); ++f) { add(plan.num_steps, f); }
    if (model.time_roll == TimeRoll::off) { return; }
    for (const Instrument& instrument : book.instruments) {
      if (!expires_within(book, instrument)) { continue; }
      add(expiry_step(book, instrument), find_factor(instrument.underlying, FactorKind::price));
      if (instrument.settlement != no_underlying) {
        add(expiry_step(book, instrument), find_factor(instrument.settlement, FactorKind::price));
      }
    }
    std::uint32_t row = 0;
    for (auto& [key, value] : rows_) { value = row++; }
  }

  bool expires_within(const Book& book, const Instrument& instrument) const {
    const bool dated = instrument.kind == InstrumentKind::future || instrument.kind == InstrumentKind::option;
    return dated && instrument.expiry.seconds - book.as_of.seconds <= grid_.horizon_seconds;
  }

  /// The grid step nearest to expiry, at least the first.
  std::uint32_t expiry_step(const Book& book, const Instrument& instrument) const {
    const std::int64_t left = instrument.expiry.seconds - book.as_of.seconds;
    const std::int64_t step = (left + grid_.step_seconds / 2) / grid_.step_seconds;
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(step, 1, grid_.num_steps));
  }

  std::uint32_t find_factor(UnderlyingId underlying, FactorKind kind) const {
    const auto before = [](const Factor& a, const Factor& b) {
      return std::tie(a.underlying, a.kind) < std::tie(b.underlying, b.kind);
    };
    const auto found = std::lower_bound(plan_.factors.begin(), plan_.factors.end(), Factor{underlying, kind}, before);
    return static_cast<std::uint32_t>(found - plan_.factors.begin());
  }

  std::uint32_t row(std::uint32_t step, UnderlyingId underlying, FactorKind kind) const {
    return rows_.at({step, find_factor(underlying, kind)});
  }
  std::uint32_t horizon_row(UnderlyingId underlying, FactorKind kind) const {
    return row(grid_.num_steps, underlying, kind);
  }

  std::vector<Observation> list() const {
    std::vector<Observation> observations;
    for (const auto& [key, value] : rows_) { observations.push_back({key.first, key.second}); }
    return observations;
  }

 private:
  void add(std::uint32_t step, std::uint32_t factor) {
    rows_.try_emplace({step, factor}, static_cast<std::uint32_t>(rows_.size()));
  }

  TimeGrid grid_;
  const ScenarioPlan& plan_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> rows_;  // (step, factor) -> row
};

/// USD price of the currency the contract is quoted in: inverse contracts quote USD, linear ones their settlement.
double quote_currency_price(const Book& book, const Instrument& instrument) {
  const bool usd = instrument.payoff == Payoff::inverse || instrument.settlement == no_underlying;
  return usd ? 1.0 : book.underlyings[instrument.settlement].index_price_usd;
}

/// The price the contract follows now: its mark; for an option the forward of its expiry, else the index.
double forward_now(const Book& book, InstrumentId i) {
  const Instrument& instrument = book.instruments[i];
  const Quote& quote = book.quotes[i];
  if (instrument.kind != InstrumentKind::option) { return *quote.mark_price; }
  const double index = book.underlyings[instrument.underlying].index_price_usd;
  return quote.forward.value_or(index / quote_currency_price(book, instrument));
}

/// The mark vol times sqrt(time), from the quoted vol or else implied from the mark price.
std::optional<double> mark_total_vol(const InstrumentTerms& terms, const Quote& quote) {
  if (quote.mark_iv) { return *quote.mark_iv * math::sqrt(terms.years_now); }
  const double value = terms.payoff == Payoff::inverse ? *quote.mark_price : *quote.mark_price / terms.price_now;
  return implied_total_vol(terms.sign, math::log(terms.strike / terms.price_now), value);
}

class ColumnBuilder {
 public:
  ColumnBuilder(const Book& book, const Model& model, const ScenarioPlan& scenarios, Diagnostics& diagnostics)
      : book_(book),
        model_(model),
        grid_(time_grid(model)),
        observations_(book, model, scenarios),
        diagnostics_(diagnostics) {}

  ColumnPlan build() {
    number_columns();
    plan_.terms.resize(plan_.num_columns);
    for (UnderlyingId u = 0; u < book_.underlyings.size(); ++u) { plan_.terms[plan_.asset_column[u]] = asset_terms(u); }
    for (InstrumentId i = 0; i < book_.instruments.size(); ++i) {
      plan_.terms[plan_.instrument_column[i]] = instrument_terms(i);
    }
    fit_smiles();
    return std::move(plan_);
  }

  std::vector<Observation> observations() const { return observations_.list(); }

 private:
  /// Assets first within their underlying, then instruments; both are sorted by name.
  void number_columns() {
    std::vector<std::vector<InstrumentId>> of_underlying(book_.underlyings.size());
    for (InstrumentId i = 0; i < book_.instruments.size(); ++i) {
      of_underlying[book_.instruments[i].underlying].push_back(i);
    }
    plan_.instrument_column.resize(book_.instruments.size());
    for (UnderlyingId u = 0; u < of_underlying.size(); ++u) {
      plan_.asset_column.push_back(plan_.num_columns++);
      plan_.column_underlying.push_back(u);
      for (const InstrumentId i : of_underlying[u]) {
        plan_.instrument_column[i] = plan_.num_columns++;
        plan_.column_underlying.push_back(u);
      }
    }
  }

  InstrumentTerms base_terms(UnderlyingId underlying, std::uint32_t column) const {
    InstrumentTerms terms;
    terms.column = column;
    terms.index_now_usd = book_.underlyings[underlying].index_price_usd;
    terms.price_now = terms.index_now_usd;
    terms.index_row = observations_.horizon_row(underlying, FactorKind::price);
    terms.spot_row = terms.index_row;
    return terms;
  }

  /// One coin: a linear contract on the index, in USD.
  InstrumentTerms asset_terms(UnderlyingId u) const { return base_terms(u, plan_.asset_column[u]); }

  InstrumentTerms instrument_terms(InstrumentId i) const {
    const Instrument& instrument = book_.instruments[i];
    InstrumentTerms terms = base_terms(instrument.underlying, plan_.instrument_column[i]);
    terms.kind = instrument.kind;
    terms.payoff = instrument.payoff;
    terms.contract_size = instrument.contract_size;
    terms.price_now = forward_now(book_, i);
    terms.settlement_now_usd = quote_currency_price(book_, instrument);
    warn_of_odd_price(i, terms);
    if (instrument.settlement != no_underlying && instrument.payoff == Payoff::linear) {
      terms.settlement_row = observations_.horizon_row(instrument.settlement, FactorKind::price);
      terms.quote_row = terms.settlement_row;
      terms.settlement_weight = 1.0;
    }
    if (instrument.kind == InstrumentKind::perpetual) {
      terms.basis_row = observations_.horizon_row(instrument.underlying, FactorKind::premium);
      terms.basis_weight = 1.0;
    }
    if (instrument.kind == InstrumentKind::future || instrument.kind == InstrumentKind::option) {
      set_dates(instrument, terms);
    }
    if (instrument.kind == InstrumentKind::option) { set_option(instrument, terms); }
    return terms;
  }

  /// A forward at half or double the index is more likely a mistake than a market.
  void warn_of_odd_price(InstrumentId i, const InstrumentTerms& terms) const {
    const double ratio = terms.price_now * terms.settlement_now_usd / terms.index_now_usd;
    if (ratio > 0.5 && ratio < 2.0) { return; }
    diagnostics_.warning("market", 0, instrument_kind_field(i), book_.instruments[i].name,
                         "the price is " + std::to_string(ratio) +
                             " times the index (one of them may be wrong, and margins "
                             "follow both). Check them.");
  }

  const char* instrument_kind_field(InstrumentId i) const {
    return book_.instruments[i].kind == InstrumentKind::option ? "forward" : "mark_price";
  }

  /// Time left, carry and its roll. At expiry the forward is the index: the basis has gone.
  void set_dates(const Instrument& instrument, InstrumentTerms& terms) const {
    const double years = static_cast<double>(instrument.expiry.seconds - book_.as_of.seconds) / seconds_per_year;
    const double log_basis = math::log(terms.price_now * terms.settlement_now_usd / terms.index_now_usd);
    terms.years_now = years;
    terms.years_at_horizon = years;
    terms.basis_row = observations_.horizon_row(instrument.underlying, FactorKind::carry);
    if (model_.time_roll == TimeRoll::off) {
      terms.basis_weight = years;
      return;
    }
    if (observations_.expires_within(book_, instrument)) {
      terms.settled = true;
      const std::uint32_t step = observations_.expiry_step(book_, instrument);
      terms.spot_row = observations_.row(step, instrument.underlying, FactorKind::price);
      if (terms.settlement_weight != 0.0) {
        terms.quote_row = observations_.row(step, instrument.settlement, FactorKind::price);
      }
      terms.years_at_horizon = 0.0;
      terms.basis_roll = -log_basis;
      return;
    }
    terms.years_at_horizon = years - static_cast<double>(grid_.horizon_seconds) / seconds_per_year;
    terms.basis_weight = terms.years_at_horizon;
    terms.basis_roll = -log_basis * (1.0 - terms.years_at_horizon / years);  // constant annual carry
  }

  void set_option(const Instrument& instrument, InstrumentTerms& terms) const {
    terms.strike = instrument.strike;
    terms.sign = instrument.option_type == OptionType::call ? 1.0 : -1.0;
    terms.vol_row = observations_.horizon_row(instrument.underlying, FactorKind::vol);
  }

  /// One smile per (underlying, expiry, settlement); each option keeps its distance to it.
  void fit_smiles() {
    std::map<std::tuple<UnderlyingId, UtcTime, UnderlyingId>, std::vector<InstrumentId>> expiries;
    for (InstrumentId i = 0; i < book_.instruments.size(); ++i) {
      const Instrument& instrument = book_.instruments[i];
      if (instrument.kind == InstrumentKind::option) {
        expiries[{instrument.underlying, instrument.expiry, instrument.settlement}].push_back(i);
      }
    }
    for (const auto& [key, members] : expiries) { fit_expiry(members); }
  }

  void fit_expiry(const std::vector<InstrumentId>& members) {
    std::vector<SmilePoint> points;
    std::vector<std::optional<double>> marks;
    for (const InstrumentId i : members) {
      const InstrumentTerms& terms = plan_.terms[plan_.instrument_column[i]];
      marks.push_back(mark_total_vol(terms, book_.quotes[i]));
      if (marks.back()) { points.push_back({math::log(terms.strike / terms.price_now), *marks.back()}); }
    }
    if (points.empty()) {
      diagnostics_.error("market", 0, "mark_iv", book_.instruments[members.front()].name,
                         "no option of this expiry has a vol, and none can be implied from a mark price (the smile is "
                         "unknown). Give mark_iv.");
      return;
    }
    const math::SviSmile<double> smile = fit_smile(points);
    for (std::size_t n = 0; n < members.size(); ++n) {
      InstrumentTerms& terms = plan_.terms[plan_.instrument_column[members[n]]];
      terms.smile = smile;
      const double k = math::log(terms.strike / terms.price_now);
      if (marks[n]) {
        terms.residual_total_vol = *marks[n] - math::svi_total_vol(smile, k);
      } else {
        diagnostics_.warning("market", 0, "mark_price", book_.instruments[members[n]].name,
                             "the mark price is outside the no-arbitrage bounds and there is no mark_iv; the smile of "
                             "the expiry is used.");
      }
    }
  }

  const Book& book_;
  const Model& model_;
  TimeGrid grid_;
  ObservationIndex observations_;
  Diagnostics& diagnostics_;
  ColumnPlan plan_;
};

/// Deduplicates market rows and narrows the tables to one precision.
template <class Real>
class TableBuilder {
 public:
  TableBuilder() { ones_ = add({RowTransform::exponential, {0, 0, 0}, {0, 0, 0}, 0}); }

  void add_column(const InstrumentTerms& terms) {
    if (terms.kind == InstrumentKind::option) {
      tables_.options.push_back(option(terms));
    } else {
      tables_.products.push_back(product(terms));
    }
  }
  ColumnTables<Real> take() { return std::move(tables_); }

 private:
  using Row = MarketRow<double>;

  /// Log return of the contract's price in settlement currency, times `direction`.
  static Row return_row(const InstrumentTerms& t, RowTransform transform, double direction) {
    return {transform,
            {t.spot_row, t.basis_row, t.quote_row},
            {direction, direction * t.basis_weight, -direction * t.settlement_weight},
            direction * t.basis_roll};
  }

  static Row settlement_growth(const InstrumentTerms& t) {
    return {RowTransform::exponential, {t.settlement_row, 0, 0}, {t.settlement_weight, 0, 0}, 0};
  }
  static Row index_growth(const InstrumentTerms& t) {
    return {RowTransform::exponential, {t.index_row, 0, 0}, {1, 0, 0}, 0};
  }

  ProductColumn<Real> product(const InstrumentTerms& t) {
    ProductColumn<Real> column;
    column.out = t.column;
    if (t.payoff == Payoff::linear) {
      // Settlement currency: size (F1 - F0); USD: times the currency's own price on the path.
      column.growth_row = add(settlement_growth(t));
      column.move_row = add(return_row(t, RowTransform::exponential_minus_one, 1.0));
      column.scale = Real(t.contract_size * t.price_now * t.settlement_now_usd);
    } else {
      // Coin: size (1/F0 - 1/F1) = -size/F0 expm1(-return); USD: times the index on the path.
      column.growth_row = add(index_growth(t));
      column.move_row = add(return_row(t, RowTransform::exponential_minus_one, -1.0));
      column.scale = Real(-t.contract_size * t.index_now_usd / t.price_now);
    }
    return column;
  }

  OptionColumn<Real> option(const InstrumentTerms& t) {
    const bool linear = t.payoff == Payoff::linear;
    OptionColumn<Real> column;
    column.out = t.column;
    column.growth_row = add(linear ? settlement_growth(t) : index_growth(t));
    column.unit_row = linear ? add(return_row(t, RowTransform::exponential, 1.0)) : ones_;
    column.return_row = add(return_row(t, RowTransform::identity, 1.0));
    column.inverse_growth_row = add(return_row(t, RowTransform::exponential, -1.0));
    column.vol_row = add({RowTransform::exponential, {t.vol_row, 0, 0}, {1, 0, 0}, 0});
    column.settled = t.settled ? 1 : 0;
    column.sign = Real(t.sign);
    column.scale = Real(t.contract_size * (linear ? t.price_now * t.settlement_now_usd : t.index_now_usd));
    column.log_moneyness = Real(math::log(t.strike / t.price_now));
    column.moneyness = Real(t.strike / t.price_now);
    column.residual = Real(t.residual_total_vol);
    column.smile = {Real(t.smile.a), Real(t.smile.b), Real(t.smile.rho), Real(t.smile.m), Real(t.smile.s)};
    column.time_scale = Real(1);
    column.base_value = option_value(column, Real(0), Real(1), Real(1));
    column.time_scale = Real(t.settled ? 0.0 : math::sqrt(t.years_at_horizon / t.years_now));
    return column;
  }

  std::uint32_t add(const Row& row) {
    const auto key = std::make_tuple(row.transform, row.observation[0], row.observation[1], row.observation[2],
                                     row.weight[0], row.weight[1], row.weight[2], row.constant);
    const auto [found, added] = index_.try_emplace(key, static_cast<std::uint32_t>(tables_.market_rows.size()));
    if (added) {
      tables_.market_rows.push_back({row.transform,
                                     {row.observation[0], row.observation[1], row.observation[2]},
                                     {Real(row.weight[0]), Real(row.weight[1]), Real(row.weight[2])},
                                     Real(row.constant)});
    }
    return found->second;
  }

  ColumnTables<Real> tables_;
  std::map<std::tuple<RowTransform, std::uint32_t, std::uint32_t, std::uint32_t, double, double, double, double>,
           std::uint32_t>
      index_;
  std::uint32_t ones_ = 0;
};

template <class Real>
ColumnTables<Real> build_tables(const ColumnPlan& plan) {
  TableBuilder<Real> builder;
  for (const InstrumentTerms& terms : plan.terms) { builder.add_column(terms); }
  return builder.take();
}

/// USD size in which one contract's P&L is computed: float rounding errors are proportional to it.
double rounding_scale(const InstrumentTerms& t) {
  const double reach = t.kind == InstrumentKind::option ? std::max(1.0, t.strike / t.price_now) : 1.0;
  if (t.payoff == Payoff::linear) { return t.contract_size * t.price_now * t.settlement_now_usd * reach; }
  if (t.kind == InstrumentKind::option) { return t.contract_size * t.index_now_usd * reach; }
  return t.contract_size * t.index_now_usd / t.price_now;
}

}  // namespace

ColumnPlan prepare_columns(const Book& book, const Model& model, ScenarioPlan& scenarios, Diagnostics& diagnostics) {
  ColumnBuilder builder(book, model, scenarios, diagnostics);
  scenarios.observations = builder.observations();
  ColumnPlan plan = builder.build();
  if (diagnostics.has_errors()) { return plan; }
  plan.single = build_tables<float>(plan);
  plan.exact = build_tables<double>(plan);
  plan.column_scale_usd.resize(plan.num_columns);
  for (const InstrumentTerms& terms : plan.terms) { plan.column_scale_usd[terms.column] = rounding_scale(terms); }
  plan.model_value.resize(book.instruments.size());
  for (InstrumentId i = 0; i < book.instruments.size(); ++i) {
    plan.model_value[i] = plan.terms[plan.instrument_column[i]].price_now;
  }
  for (const OptionColumn<double>& option : plan.exact.options) {
    plan.terms[option.out].model_value_now = option.base_value;
  }
  for (InstrumentId i = 0; i < book.instruments.size(); ++i) {
    const InstrumentTerms& terms = plan.terms[plan.instrument_column[i]];
    if (terms.kind != InstrumentKind::option) { continue; }
    plan.model_value[i] = terms.model_value_now * (terms.payoff == Payoff::linear ? terms.price_now : 1.0);
  }
  return plan;
}

}  // namespace tailmargin
