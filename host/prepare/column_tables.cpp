#include "host/prepare/column_tables.hpp"

#include <array>
#include <initializer_list>
#include <map>
#include <stdexcept>
#include <tuple>

namespace tailmargin {
namespace {

/// 25 deltas out: the normal quantile of 0.75.
constexpr double quarter_delta = 0.6744897501960817;

/// A smile with `years_left` of the `years` it has now, before factors move it.
template <class Real>
SmileRow<Real> smile_row(const SmileFit& fit, const SmileTerms& terms) {
  const double age = math::sqrt(terms.years_left / fit.years), theta = 2.0 * fit.smile.level * fit.smile.level;
  const double wing = quarter_delta * fit.smile.phi * math::sqrt(theta);
  const double above = math::ssvi_shape(wing, fit.smile.rho), below = math::ssvi_shape(-wing, fit.smile.rho);
  SmileRow<Real> row;
  row.vol = terms.vol.row;
  row.term = terms.term.row;
  row.skew = terms.skew.row;
  row.butterfly = terms.butterfly.row;
  row.vol_weight = Real(terms.vol.weight);
  row.term_weight = Real(terms.term.weight);
  row.skew_weight = Real(terms.skew.weight);
  row.butterfly_weight = Real(terms.butterfly.weight);
  row.theta = Real(theta * age * age);
  row.slope = Real(theta * fit.smile.phi * age);
  row.log_ratio = Real(2.0 * math::log(above / below));
  row.wing = Real(wing);
  return row;
}

/// The smiles of now as the tables of this precision have them: unmoved, with all the time they have.
template <class Real>
std::vector<math::SsviSmile<Real>> smiles_now(const ColumnPlan& plan) {
  const float still = 0.0f;
  std::vector<Real> rows(rows_per_smile * plan.fits.size());
  std::vector<math::SsviSmile<Real>> smiles;
  for (std::uint32_t f = 0; f < plan.fits.size(); ++f) {
    const SmileFit& fit = plan.fits[f];
    const bool first =
        f == 0 || plan.fits[f - 1].underlying != fit.underlying || plan.fits[f - 1].settlement != fit.settlement;
    Real* row = rows.data() + rows_per_smile * f;
    fill_smile(smile_row<Real>(fit, {f, first, fit.years, {}, {}, {}, {}}), first ? nullptr : row - rows_per_smile,
               &still, 1, 1, row);
    smiles.push_back({row[0], row[1], row[2]});
  }
  return smiles;
}

template <class Real>
class TableBuilder {
 public:
  explicit TableBuilder(const ColumnPlan& plan) : plan_(plan), now_(smiles_now<Real>(plan)) {
    ones_ = add(RowTransform::exponential, {}, 0.0);
    add_smiles();
    for (const InstrumentTerms& terms : plan.terms) {
      if (terms.kind == InstrumentKind::option) {
        add_option(terms);
      } else {
        add_product(terms);
      }
    }
    // The smiles' rows come after all others, whose number is known only now.
    const auto first = static_cast<std::uint32_t>(tables_.market_rows.size());
    for (OptionColumn<Real>& option : tables_.options) { option.smile_row += first; }
  }

  ColumnTables<Real> take() { return std::move(tables_); }

 private:
  void add_smiles() {
    for (const SmileTerms& terms : plan_.smiles) {
      const auto number = static_cast<std::uint32_t>(tables_.smiles.size());
      if (terms.first) { tables_.surfaces.push_back({number, number}); }
      tables_.smiles.push_back(smile_row<Real>(plan_.fits[terms.fit], terms));
      tables_.surfaces.back().last = number + 1;
    }
  }

  void add_product(const InstrumentTerms& t) {
    ProductColumn<Real> column;
    column.out = t.column;
    if (t.payoff == Payoff::linear) {
      // Settlement currency: size (F1 - F0); USD: times the currency's own price on the path.
      column.growth_row = add_growth(t.settlement);
      column.move_row = add_return(t, RowTransform::exponential_minus_one, 1.0);
      column.scale = Real(t.contract_size * t.price_now * t.settlement_now_usd);
    } else {
      // Coin: size (1/F0 - 1/F1) = -size/F0 expm1(-return); USD: times the index on the path.
      column.growth_row = add_growth(t.index);
      column.move_row = add_return(t, RowTransform::exponential_minus_one, -1.0);
      column.scale = Real(-t.contract_size * t.index_now_usd / t.price_now);
    }
    column.first_payment = static_cast<std::uint32_t>(tables_.payments.size());
    column.num_payments = static_cast<std::uint32_t>(t.funding.size());
    for (const FundingTerms& payment : t.funding) { add_payment(t, payment); }
    tables_.products.push_back(column);
  }

  /// Linear contracts pay a rate on coins at their price then; inverse ones on their size in USD.
  void add_payment(const InstrumentTerms& t, const FundingTerms& funding) {
    const bool linear = t.payoff == Payoff::linear;
    Payment<Real> payment;
    payment.rate_row = add(RowTransform::identity, {funding.premium}, funding.rate, -funding.largest, funding.largest);
    payment.growth_row = linear ? add_growth(funding.price) : ones_;
    payment.scale = Real(funding.payments * t.contract_size * (linear ? t.index_now_usd : 1.0));
    tables_.payments.push_back(payment);
  }

  void add_option(const InstrumentTerms& t) {
    const bool linear = t.payoff == Payoff::linear;
    OptionColumn<Real> column;
    column.out = t.column;
    column.growth_row = add_growth(linear ? t.settlement : t.index);
    column.unit_row = linear ? add_return(t, RowTransform::exponential, 1.0) : ones_;
    column.return_row = add_return(t, RowTransform::identity, 1.0);
    column.inverse_growth_row = add_return(t, RowTransform::exponential, -1.0);
    column.smile_row = rows_per_smile * t.smile;
    column.settled = t.settled ? 1 : 0;
    column.sign = Real(t.sign);
    column.scale = Real(t.contract_size * (linear ? t.price_now * t.settlement_now_usd : t.index_now_usd));
    column.log_moneyness = Real(math::log(t.strike / t.price_now));
    column.moneyness = Real(t.strike / t.price_now);
    column.residual = Real(t.residual);
    column.follow = Real(t.follow);
    column.base_value = option_value(column, now_[t.fit], Real(0), Real(1));
    tables_.options.push_back(column);
  }

  std::uint32_t add_growth(const Reading& price) { return add(RowTransform::exponential, {price}, 0.0); }

  /// Log return of the contract's price in settlement currency, times `direction`.
  std::uint32_t add_return(const InstrumentTerms& t, RowTransform transform, double direction) {
    const auto turned = [&](const Reading& r, double sign) { return Reading{r.row, direction * sign * r.weight}; };
    return add(transform,
               {turned(t.spot, 1.0), turned(t.spot_before, 1.0), turned(t.basis, 1.0), turned(t.basis_slope, 1.0),
                turned(t.dislocation, 1.0), turned(t.quote, -1.0), turned(t.quote_before, -1.0)},
               direction * t.basis_roll);
  }

  std::uint32_t add(RowTransform transform, std::initializer_list<Reading> readings, double constant,
                    double lower = -row_not_cut, double upper = row_not_cut) {
    std::array<std::uint32_t, max_row_terms> rows{};
    std::array<double, max_row_terms> weights{};
    std::size_t used = 0;
    for (const Reading& reading : readings) {
      if (reading.weight == 0.0) { continue; }
      if (used == max_row_terms) { throw std::logic_error("a market row has more terms than it can hold"); }
      rows[used] = reading.row;
      weights[used++] = reading.weight;
    }
    const auto key = std::make_tuple(transform, rows, weights, constant, lower, upper);
    const auto [found, added] = index_.try_emplace(key, static_cast<std::uint32_t>(tables_.market_rows.size()));
    if (added) {
      MarketRow<Real> row{transform, {}, {}, Real(constant), Real(lower), Real(upper)};
      for (std::size_t i = 0; i < max_row_terms; ++i) {
        row.observation[i] = rows[i];
        row.weight[i] = Real(weights[i]);
      }
      tables_.market_rows.push_back(row);
    }
    return found->second;
  }

  const ColumnPlan& plan_;
  std::vector<math::SsviSmile<Real>> now_;  ///< [fit]
  ColumnTables<Real> tables_;
  std::map<std::tuple<RowTransform, std::array<std::uint32_t, max_row_terms>, std::array<double, max_row_terms>, double,
                      double, double>,
           std::uint32_t>
      index_;
  std::uint32_t ones_ = 0;
};

}  // namespace

template <class Real>
ColumnTables<Real> build_tables(const ColumnPlan& plan) {
  return TableBuilder<Real>(plan).take();
}

template ColumnTables<float> build_tables<float>(const ColumnPlan& plan);
template ColumnTables<double> build_tables<double>(const ColumnPlan& plan);

}  // namespace tailmargin
