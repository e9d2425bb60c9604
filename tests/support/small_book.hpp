// Small books and models for engine tests, built by name.
#pragma once

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "host/prepare/prepared_run.hpp"
#include "tailmargin/engine.hpp"

namespace tailmargin::test {

inline constexpr std::int64_t day_seconds = 86'400;
inline constexpr double year_days = 365.0;

/// Builds a sorted book. Underlyings, instruments and accounts must be added in the order of their names.
class BookMaker {
 public:
  BookMaker() { book_.as_of = {1'770'000'000}; }

  UnderlyingId underlying(const std::string& name, double price) {
    book_.underlyings.push_back({name, price, {}, {}});
    return static_cast<UnderlyingId>(book_.underlyings.size() - 1);
  }

  InstrumentId instrument(const Instrument& instrument, const Quote& quote) {
    book_.instruments.push_back(instrument);
    book_.quotes.push_back(quote);
    return static_cast<InstrumentId>(book_.instruments.size() - 1);
  }

  /// A perpetual of one coin (linear) or one dollar (inverse), marked at the index.
  InstrumentId perpetual(const std::string& name, UnderlyingId coin, Payoff payoff,
                         UnderlyingId settlement = no_underlying) {
    Instrument i;
    i.name = name;
    i.kind = InstrumentKind::perpetual;
    i.underlying = coin;
    i.settlement = payoff == Payoff::inverse ? coin : settlement;
    i.payoff = payoff;
    Quote q;
    q.mark_price = book_.underlyings[coin].index_price_usd;
    if (i.settlement != no_underlying && payoff == Payoff::linear) {
      *q.mark_price /= book_.underlyings[i.settlement].index_price_usd;
    }
    return instrument(i, q);
  }

  /// A linear future settled in USD, marked at `forward`.
  InstrumentId future(const std::string& name, UnderlyingId coin, double days, double forward) {
    Instrument i;
    i.name = name;
    i.kind = InstrumentKind::future;
    i.underlying = coin;
    i.expiry = {book_.as_of.seconds + static_cast<std::int64_t>(days * day_seconds)};
    Quote q;
    q.mark_price = forward;
    return instrument(i, q);
  }

  /// An option on the index, forward = index; linear in USD or inverse.
  InstrumentId option(const std::string& name, UnderlyingId coin, double days, double strike, OptionType type,
                      double iv, Payoff payoff = Payoff::linear) {
    Instrument i;
    i.name = name;
    i.kind = InstrumentKind::option;
    i.underlying = coin;
    i.settlement = payoff == Payoff::inverse ? coin : no_underlying;
    i.payoff = payoff;
    i.expiry = {book_.as_of.seconds + static_cast<std::int64_t>(days * day_seconds)};
    i.strike = strike;
    i.option_type = type;
    Quote q;
    q.forward = book_.underlyings[coin].index_price_usd;
    q.mark_iv = iv;
    return instrument(i, q);
  }

  AccountId account(const std::string& name) {
    book_.accounts.push_back(name);
    return book_.accounts.size() - 1;
  }
  BookMaker& hold(AccountId account, InstrumentId instrument, double quantity) {
    book_.positions.push_back({account, instrument, quantity, {}});
    return *this;
  }
  BookMaker& deposit(AccountId account, UnderlyingId asset, double amount) {
    book_.collateral.push_back({account, asset, amount});
    return *this;
  }
  const Book& book() const { return book_; }
  Book& edit() { return book_; }

 private:
  Book book_;
};

/// One Gaussian regime with zero log drift; every factor uncorrelated unless a rule says so.
inline Model gaussian_model(double horizon_days, const std::vector<VolRule>& vols,
                            const std::vector<CorrelationRule>& correlations = {}) {
  Model model;
  model.name = "gaussian";
  model.horizon_hours = 24.0 * horizon_days;
  model.step_hours = 1.0;
  model.drift = Drift::zero;
  model.regimes.push_back({"only", vols, {}, {}, {}, correlations});
  model.transition = {{1.0}};
  return model;
}

inline VolRule price_only(const std::string& match, double vol) { return {match, {vol}}; }

/// Covariance of the shocks of two factors in one step of a regime, from the tables the kernels read.
inline double step_covariance(const ScenarioPlan& plan, std::uint32_t f, std::uint32_t g, std::uint32_t regime = 0) {
  const auto draws_of = [&](std::uint32_t factor) {
    std::vector<double> draws(plan.num_draws, 0.0);
    for (std::uint32_t s = plan.shocks.offsets[factor]; s < plan.shocks.offsets[factor + 1]; ++s) {
      const std::uint32_t row = plan.shocks.inputs[s];
      for (std::uint32_t e = plan.shared.offsets[row]; e < plan.shared.offsets[row + 1]; ++e) {
        draws[plan.shared.inputs[e]] += plan.shocks.coefficients[s * plan.num_regimes + regime] *
                                        plan.shared.coefficients[e * plan.num_regimes + regime];
      }
    }
    return draws;
  };
  const std::vector<double> a = draws_of(f), b = draws_of(g);
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

}  // namespace tailmargin::test
