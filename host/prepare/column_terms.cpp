#include "host/prepare/column_terms.hpp"

#include <map>
#include <string>
#include <tuple>

#include "host/prepare/closing.hpp"
#include "host/prepare/matching.hpp"

namespace tailmargin {
namespace {

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

class TermsBuilder {
 public:
  TermsBuilder(const Book& book, const Model& model, const ObservationIndex& observations, Diagnostics& diagnostics)
      : book_(book),
        model_(model),
        grid_(time_grid(model)),
        steps_(read_steps(model)),
        observations_(observations),
        diagnostics_(diagnostics) {}

  ColumnPlan build() {
    set_times();
    number_columns();
    plan_.terms.resize(plan_.cube_columns());
    for (std::uint32_t t = 0; t < steps_.size(); ++t) { build_time(t); }
    for (InstrumentId i = 0; i < book_.instruments.size(); ++i) {
      warn_of_odd_price(i, plan_.terms[plan_.instrument_column[i]]);
    }
    fit_surfaces();
    if (!diagnostics_.has_errors()) { place_smiles(); }
    return std::move(plan_);
  }

 private:
  /// Closing times are columns of one slice, other read times slices.
  void set_times() {
    plan_.closing_step = closing_steps(model_);
    if (model_.closing) { plan_.closing_contracts = closing_contracts(book_, model_); }
    plan_.slice_step = model_.closing ? std::vector<std::uint32_t>{steps_.front()} : steps_;
    plan_.num_slices = static_cast<std::uint32_t>(plan_.slice_step.size());
  }

  /// Assets first within their underlying, then instruments; both are sorted by name.
  void number_columns() {
    std::vector<std::vector<InstrumentId>> of_underlying(book_.underlyings.size());
    for (InstrumentId i = 0; i < book_.instruments.size(); ++i) {
      of_underlying[book_.instruments[i].underlying].push_back(i);
    }
    plan_.instrument_column.resize(book_.instruments.size());
    for (UnderlyingId u = 0; u < of_underlying.size(); ++u) {
      plan_.asset_column.push_back(add_columns(u));
      for (const InstrumentId i : of_underlying[u]) { plan_.instrument_column[i] = add_columns(u); }
    }
  }

  /// One for each closing time. @return the first
  std::uint32_t add_columns(UnderlyingId underlying) {
    const std::uint32_t first = plan_.num_columns;
    plan_.num_columns += plan_.num_closing_times();
    plan_.column_underlying.resize(plan_.num_columns, underlying);
    return first;
  }

  void build_time(std::uint32_t time) {
    const std::uint32_t step = steps_[time];
    for (UnderlyingId u = 0; u < book_.underlyings.size(); ++u) {
      const std::uint32_t column = plan_.at_time(plan_.asset_column[u], time);
      plan_.terms[column] = asset_terms(u, step, column);
    }
    for (InstrumentId i = 0; i < book_.instruments.size(); ++i) {
      const std::uint32_t column = plan_.at_time(plan_.instrument_column[i], time);
      plan_.terms[column] = instrument_terms(i, step, column);
    }
  }

  /// One coin: a linear contract on the index, in USD.
  InstrumentTerms asset_terms(UnderlyingId underlying, std::uint32_t step, std::uint32_t column) const {
    InstrumentTerms terms;
    terms.column = column;
    terms.index_now_usd = book_.underlyings[underlying].index_price_usd;
    terms.price_now = terms.index_now_usd;
    terms.index = observations_.read(step, underlying, FactorKind::price, 1.0);
    terms.spot = terms.index;
    return terms;
  }

  InstrumentTerms instrument_terms(InstrumentId i, std::uint32_t step, std::uint32_t column) const {
    const Instrument& instrument = book_.instruments[i];
    InstrumentTerms terms = asset_terms(instrument.underlying, step, column);
    terms.kind = instrument.kind;
    terms.payoff = instrument.payoff;
    terms.contract_size = instrument.contract_size;
    terms.price_now = forward_now(book_, i);
    terms.settlement_now_usd = quote_currency_price(book_, instrument);
    terms.settled = expired_by(book_, model_, instrument, step);
    if (instrument.settlement != no_underlying && instrument.payoff == Payoff::linear) {
      terms.settlement = observations_.read(step, instrument.settlement, FactorKind::price, 1.0);
      terms.quote = terms.settlement;
    }
    if (!terms.settled) {
      terms.dislocation = observations_.read(step, instrument.underlying, FactorKind::dislocation, 1.0);
    }
    if (instrument.kind == InstrumentKind::perpetual) {
      terms.basis = observations_.read(step, instrument.underlying, FactorKind::premium, 1.0);
      terms.funding = funding(instrument, step);
    }
    if (instrument.kind == InstrumentKind::future || instrument.kind == InstrumentKind::option) {
      set_dates(instrument, step, terms);
    }
    if (instrument.kind == InstrumentKind::option) {
      terms.strike = instrument.strike;
      terms.sign = instrument.option_type == OptionType::call ? 1.0 : -1.0;
      terms.follow = model_.sticky == Sticky::strike ? 0.0 : 1.0;
    }
    return terms;
  }

  /// Time left, carry and its roll.
  void set_dates(const Instrument& instrument, std::uint32_t step, InstrumentTerms& terms) const {
    terms.years_now = static_cast<double>(instrument.expiry.seconds - book_.as_of.seconds) / seconds_per_year;
    const double log_basis = math::log(terms.price_now * terms.settlement_now_usd / terms.index_now_usd);
    if (terms.settled) {
      set_settlement(instrument, step, terms);
      terms.basis_roll = -log_basis;  // at expiry the forward is the index: the basis has gone
      return;
    }
    terms.years_left = terms.years_now;
    if (model_.time_roll == TimeRoll::on) {
      terms.years_left -= static_cast<double>(std::int64_t{step} * grid_.step_seconds) / seconds_per_year;
      terms.basis_roll = -log_basis * (1.0 - terms.years_left / terms.years_now);  // constant annual carry
    }
    const double short_tenor = math::exp(-terms.years_left * 365.0 / model_.carry_slope_days);
    terms.basis = observations_.read(step, instrument.underlying, FactorKind::carry, terms.years_left);
    terms.basis_slope =
        observations_.read(step, instrument.underlying, FactorKind::carry_slope, terms.years_left * short_tenor);
  }

  /// Expired by `step`: the contract pays on prices at its own grid step. Their average over the last minutes before,
  /// log prices being lines between grid points, has this much of the step before in it.
  void set_settlement(const Instrument& instrument, std::uint32_t step, InstrumentTerms& terms) const {
    const std::uint32_t expiry = expiry_step(book_, model_, instrument, step);
    const double minutes = static_cast<double>(grid_.step_seconds) / 60.0;
    const double before = 0.5 * math::smaller(model_.settlement_average_minutes / minutes, 1.0);
    terms.spot = observations_.read(expiry, instrument.underlying, FactorKind::price, 1.0 - before);
    terms.spot_before = observations_.read(expiry - 1, instrument.underlying, FactorKind::price, before);
    if (instrument.settlement != no_underlying && instrument.payoff == Payoff::linear) {
      terms.quote = observations_.read(expiry, instrument.settlement, FactorKind::price, 1.0 - before);
      terms.quote_before = observations_.read(expiry - 1, instrument.settlement, FactorKind::price, before);
    }
  }

  /// Payments up to a grid step. Rates are per 8 hours; a payment is for its interval.
  std::vector<FundingTerms> funding(const Instrument& instrument, std::uint32_t last) const {
    std::vector<FundingTerms> payments;
    const double share = model_.funding_interval_hours / 8.0;
    for (std::uint32_t step = 1; step <= last; ++step) {
      const std::uint32_t count = funding_payments(book_, model_, step);
      if (count == 0) { continue; }
      FundingTerms payment;
      payment.payments = static_cast<double>(count);
      payment.rate = book_.underlyings[instrument.underlying].funding_rate_8h.value_or(0.0) * share;
      payment.premium = observations_.read(step, instrument.underlying, FactorKind::premium, share);
      payment.largest = model_.funding_cap;
      payment.price = observations_.read(step, instrument.underlying, FactorKind::price, 1.0);
      payments.push_back(payment);
    }
    return payments;
  }

  /// A forward at half or double the index is more likely a mistake than a market.
  void warn_of_odd_price(InstrumentId i, const InstrumentTerms& terms) const {
    const double ratio = terms.price_now * terms.settlement_now_usd / terms.index_now_usd;
    if (ratio > 0.5 && ratio < 2.0) { return; }
    diagnostics_.warning("market", 0, book_.instruments[i].kind == InstrumentKind::option ? "forward" : "mark_price",
                         book_.instruments[i].name,
                         "the price is " + short_number(ratio) +
                             " times the index (one of them may be wrong, and margins "
                             "follow both). Check them.");
  }

  /// The options of one expiry, in the order of the instruments.
  struct Expiry {
    SmileFit fit;
    std::vector<InstrumentId> members;
    std::vector<std::optional<double>> marks;  ///< [member] total vol
  };

  /// One surface per (underlying, settlement), fitted over all its expiries.
  void fit_surfaces() {
    std::map<std::tuple<UnderlyingId, UnderlyingId>, std::map<UtcTime, Expiry>> surfaces;
    for (InstrumentId i = 0; i < book_.instruments.size(); ++i) {
      const Instrument& instrument = book_.instruments[i];
      if (instrument.kind != InstrumentKind::option) { continue; }
      const InstrumentTerms& terms = plan_.terms[plan_.instrument_column[i]];
      Expiry& expiry = surfaces[{instrument.underlying, instrument.settlement}][instrument.expiry];
      expiry.fit.underlying = instrument.underlying;
      expiry.fit.settlement = instrument.settlement;
      expiry.fit.expiry = instrument.expiry;
      expiry.fit.years = terms.years_now;
      expiry.members.push_back(i);
      expiry.marks.push_back(mark_total_vol(terms, book_.quotes[i]));
    }
    for (auto& [key, expiries] : surfaces) { fit_one_surface(expiries); }
  }

  void fit_one_surface(const std::map<UtcTime, Expiry>& expiries) {
    std::vector<ExpiryQuotes> quotes;
    for (const auto& [time, expiry] : expiries) {
      quotes.push_back({expiry.fit.years, {}});
      for (std::size_t n = 0; n < expiry.members.size(); ++n) {
        const InstrumentTerms& terms = plan_.terms[plan_.instrument_column[expiry.members[n]]];
        if (!expiry.marks[n]) { continue; }
        quotes.back().points.push_back({math::log(terms.strike / terms.price_now), *expiry.marks[n]});
      }
      if (quotes.back().points.empty()) {
        diagnostics_.error("market", 0, "mark_iv", book_.instruments[expiry.members.front()].name,
                           "no option of this expiry has a vol, and none can be implied from a mark price (the smile "
                           "is unknown). Give mark_iv.");
        return;
      }
    }
    const std::vector<FittedSmile> fitted = fit_surface(quotes);
    std::size_t n = 0;
    for (const auto& [time, expiry] : expiries) {
      plan_.fits.push_back(expiry.fit);
      plan_.fits.back().smile = fitted[n].smile;
      plan_.fits.back().error = fitted[n++].error;
      for (std::size_t m = 0; m < expiry.members.size(); ++m) { set_residual(expiry.members[m], expiry.marks[m]); }
    }
  }

  /// Each option keeps its distance to the smile, so that now it is worth its mark.
  void set_residual(InstrumentId i, const std::optional<double>& mark) {
    const auto fit = static_cast<std::uint32_t>(plan_.fits.size() - 1);
    const math::SsviSmile<double>& smile = plan_.fits.back().smile;
    for (std::uint32_t t = 0; t < steps_.size(); ++t) {
      InstrumentTerms& terms = plan_.terms[plan_.at_time(plan_.instrument_column[i], t)];
      const double fitted = math::ssvi_total_vol(smile, math::log(terms.strike / terms.price_now));
      terms.fit = fit;
      terms.total_vol_now = mark.value_or(fitted);
      terms.residual = mark ? (*mark - fitted) / smile.level : 0.0;
    }
    if (!mark) {
      diagnostics_.warning("market", 0, "mark_price", book_.instruments[i].name,
                           "the mark price is outside the no-arbitrage bounds and there is no mark_iv; the smile of "
                           "the expiry is used.");
    }
  }

  /// The smiles of each read time: those of expiries that are still to come.
  void place_smiles() {
    for (std::uint32_t time = 0; time < steps_.size(); ++time) {
      const std::uint32_t step = steps_[time];
      const double passed = model_.time_roll == TimeRoll::off
                                ? 0.0
                                : static_cast<double>(std::int64_t{step} * grid_.step_seconds) / seconds_per_year;
      std::vector<std::uint32_t> number(plan_.fits.size());
      const SmileFit* before = nullptr;
      for (std::uint32_t f = 0; f < plan_.fits.size(); ++f) {
        const SmileFit& fit = plan_.fits[f];
        if (!(fit.years > passed)) { continue; }
        const double years = fit.years - passed, short_tenor = math::exp(-years * 365.0 / model_.term_days);
        SmileTerms terms;
        terms.fit = f;
        terms.first = before == nullptr || before->underlying != fit.underlying || before->settlement != fit.settlement;
        terms.years_left = years;
        terms.vol = observations_.read(step, fit.underlying, FactorKind::vol, 1.0);
        terms.term = observations_.read(step, fit.underlying, FactorKind::term, short_tenor);
        terms.skew = observations_.read(step, fit.underlying, FactorKind::skew, 1.0);
        terms.butterfly = observations_.read(step, fit.underlying, FactorKind::butterfly, 1.0);
        number[f] = static_cast<std::uint32_t>(plan_.smiles.size());
        plan_.smiles.push_back(terms);
        before = &fit;
      }
      for (const std::uint32_t column : plan_.instrument_column) {
        InstrumentTerms& terms = plan_.terms[plan_.at_time(column, time)];
        if (terms.kind == InstrumentKind::option && !terms.settled) { terms.smile = number[terms.fit]; }
      }
    }
  }

  const Book& book_;
  const Model& model_;
  TimeGrid grid_;
  std::vector<std::uint32_t> steps_;  // that P&L is read at
  const ObservationIndex& observations_;
  Diagnostics& diagnostics_;
  ColumnPlan plan_;
};

}  // namespace

ColumnPlan build_terms(const Book& book, const Model& model, const ObservationIndex& observations,
                       Diagnostics& diagnostics) {
  return TermsBuilder(book, model, observations, diagnostics).build();
}

}  // namespace tailmargin
