// Margins of whole runs against outside numbers: closed forms, quadrature, published check values. Bounds are three
// standard errors of the run itself (the seeds are fixed), plus what float rounding may add.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/normal_oracle.hpp"
#include "tests/support/small_book.hpp"

namespace tailmargin::test {
namespace {

constexpr double vol = 0.6;
constexpr double alpha = 0.01;

AccountMargin run_one(const Book& book, const Model& model, std::uint64_t paths = 200'000, std::uint64_t seed = 11) {
  RunConfig config;
  config.num_paths = paths;
  config.seed = seed;
  config.sampler = Sampler::plain;
  config.backend = BackendChoice::cpu;
  return run_margin(book, model, config).margins.front();
}

void expect_tail(const AccountMargin& margin, const ValueAtRisk& expected) {
  EXPECT_NEAR(margin.var_usd, expected.var, 3.0 * margin.var_se_usd) << "VaR, s.e. " << margin.var_se_usd;
  EXPECT_NEAR(margin.es_usd, expected.es, 3.0 * margin.es_se_usd) << "ES, s.e. " << margin.es_se_usd;
  EXPECT_LT(margin.es_se_usd, 0.02 * std::fabs(expected.es)) << "a bound too wide to find an error";
}

/// Long (+1) or short (-1) `notional` of a lognormal price with log standard deviation s and zero log drift.
ValueAtRisk lognormal_tail(double side, double notional, double s) {
  const double z = normal_quantile(1.0 - alpha);
  const double es_growth = std::exp(0.5 * s * s) * normal_cdf(-z - side * s) / alpha;  // E[e^{sZ} | tail]
  return {side * notional * (1.0 - std::exp(-side * s * z)), side * notional * (1.0 - es_growth)};
}

double horizon_sd(double annual_vol, double days) { return annual_vol * std::sqrt(days / year_days); }

TEST(ClosedForm, LongAndShortLinearPerpetual) {
  for (const double side : {1.0, -1.0}) {
    BookMaker maker;
    const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
    const InstrumentId perpetual = maker.perpetual("BTC-PERP", btc, Payoff::linear);
    maker.hold(maker.account("a"), perpetual, side * 2.0);

    const AccountMargin margin = run_one(maker.book(), gaussian_model(1.0, {price_only("*", vol)}));

    expect_tail(margin, lognormal_tail(side, 120'000.0, horizon_sd(vol, 1.0)));
  }
}

// In USD an inverse contract at the index has the P&L of the coin: size (S1/S0 - 1).
TEST(ClosedForm, InversePerpetualInUsdIsTheCoin) {
  for (const double side : {1.0, -1.0}) {
    BookMaker maker;
    const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
    const InstrumentId perpetual = maker.perpetual("BTC-PERP", btc, Payoff::inverse);
    maker.hold(maker.account("a"), perpetual, side * 120'000.0);

    const AccountMargin margin = run_one(maker.book(), gaussian_model(1.0, {price_only("*", vol)}));

    expect_tail(margin, lognormal_tail(side, 120'000.0, horizon_sd(vol, 1.0)));
  }
}

// Coin P&L 1/F0 - 1/F1 with the coin fully hedged by debt: USD P&L size (e^x - e^-m - (e^x - 1)) = size (1 - e^-m).
TEST(ClosedForm, InverseContractMovesByItsPremiumWhenTheCoinIsHedged) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  const InstrumentId perpetual = maker.perpetual("BTC-PERP", btc, Payoff::inverse);
  const AccountId account = maker.account("a");
  maker.hold(account, perpetual, 120'000.0).deposit(account, btc, -2.0);
  Model model = gaussian_model(1.0, {{"*", {vol, 0.0, 0.0, 0.4}}});
  model.funding_interval_hours = 0.0;  // the premium alone

  const AccountMargin margin = run_one(maker.book(), model);

  const double s = horizon_sd(0.4, 1.0), z = normal_quantile(1.0 - alpha);
  const double growth = std::exp(0.5 * s * s) * normal_cdf(-z + s) / alpha;
  expect_tail(margin, {120'000.0 * (std::exp(s * z) - 1.0), 120'000.0 * (growth - 1.0)});
}

TEST(ClosedForm, CollateralAndDebtAreRevalued) {
  for (const double side : {1.0, -1.0}) {
    BookMaker maker;
    const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
    maker.deposit(maker.account("a"), btc, side * 2.0);

    const AccountMargin margin = run_one(maker.book(), gaussian_model(2.0, {price_only("*", vol)}));

    expect_tail(margin, lognormal_tail(side, 120'000.0, horizon_sd(vol, 2.0)));
    EXPECT_DOUBLE_EQ(margin.equity_usd, side * 120'000.0);
  }
}

// Settled in a stablecoin that is worth Y: P&L in USD = size (S1 - S0 Y1 / Y0). With S still, only Y moves.
TEST(ClosedForm, StablecoinSettlementIsTheCoinsOwnPrice) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  const UnderlyingId usdc = maker.underlying("USDC", 0.98);
  const InstrumentId perpetual = maker.perpetual("BTC_USDC-PERP", btc, Payoff::linear, usdc);
  maker.hold(maker.account("a"), perpetual, 2.0);

  const AccountMargin margin =
      run_one(maker.book(), gaussian_model(1.0, {price_only("BTC", 0.0), price_only("USDC", 0.3)}));

  expect_tail(margin, lognormal_tail(-1.0, 120'000.0, horizon_sd(0.3, 1.0)));
}

/// Tail of n1 (1 - e^{s1 X}) + n2 (1 - e^{s2 Y}) for correlated X, Y, by conditioning on X.
ValueAtRisk bivariate_tail(double n1, double s1, double n2, double s2, double rho) {
  const double sy = std::sqrt(1.0 - rho * rho);
  // Given X = x: loss = c - n2 e^{s2 (rho x + sy W)}, monotone in W.
  const auto constant = [=](double x) { return n1 * (1.0 - std::exp(s1 * x)) + n2; };
  const auto growth = [=](double x) { return std::exp(s2 * rho * x); };
  const double s = s2 * sy;
  const auto exceedance = [=](double q) {
    return normal_expectation([&](double x) {
      const double level = (constant(x) - q) / (n2 * growth(x));  // loss > q: sign(n2) e^{sW} < sign(n2) level
      if (n2 > 0.0) { return level <= 0.0 ? 0.0 : normal_cdf(std::log(level) / s); }
      return level <= 0.0 ? 1.0 : normal_cdf(-std::log(level) / s);
    });
  };
  const auto excess = [=](double q) {  // E[(c - q - n2 g e^{sW})^+]: a Black put (n2 > 0) or call
    return normal_expectation([&](double x) {
      const double strike = constant(x) - q, slope = n2 * growth(x), mean = std::exp(0.5 * s * s);
      if (n2 > 0.0) {
        if (strike <= 0.0) { return 0.0; }
        const double w = std::log(strike / slope) / s;
        return strike * normal_cdf(w) - slope * mean * normal_cdf(w - s);
      }
      if (strike >= 0.0) { return strike - slope * mean; }
      const double w = std::log(strike / slope) / s;
      return strike * normal_cdf(-w) - slope * mean * normal_cdf(s - w);
    });
  };
  const double scale = std::fabs(n1) + std::fabs(n2);
  return tail_of(exceedance, excess, 1.0 - alpha, -scale, scale);
}

TEST(ClosedForm, BivariateOracleReducesToOneFactor) {
  const ValueAtRisk one = lognormal_tail(1.0, 100.0, 0.05);

  const ValueAtRisk both = bivariate_tail(1e-9, 0.05, 100.0, 0.05, 0.3);

  EXPECT_NEAR(both.var, one.var, 1e-6);
  EXPECT_NEAR(both.es, one.es, 1e-6);
}

TEST(ClosedForm, CrossCoinSpreadIsTheBivariateResult) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  const UnderlyingId eth = maker.underlying("ETH", 2'000.0);
  const InstrumentId long_leg = maker.perpetual("BTC-PERP", btc, Payoff::linear);
  const InstrumentId short_leg = maker.perpetual("ETH-PERP", eth, Payoff::linear);
  const AccountId account = maker.account("a");
  maker.hold(account, long_leg, 1.0).hold(account, short_leg, -30.0);
  const Model model =
      gaussian_model(1.0, {price_only("BTC", 0.5), price_only("ETH", 0.8)},
                     {{{"BTC", FactorKind::price}, {"ETH", FactorKind::price}, SameUnderlying::any, 0.85}});

  const AccountMargin margin = run_one(maker.book(), model);

  expect_tail(margin, bivariate_tail(60'000.0, horizon_sd(0.5, 1.0), -60'000.0, horizon_sd(0.8, 1.0), 0.85));
}

// Two dated futures of one coin: log returns x + T1 c and x + T2 c (aged by a day) with carry c independent of x.
TEST(ClosedForm, CalendarSpreadIsTheBivariateResult) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  const InstrumentId near_leg = maker.future("BTC-1", btc, 31.0, 60'000.0);
  const InstrumentId far_leg = maker.future("BTC-2", btc, 181.0, 60'000.0);
  const AccountId account = maker.account("a");
  maker.hold(account, near_leg, 1.0).hold(account, far_leg, -1.0);
  const double carry_vol = 0.5;
  const Model model = gaussian_model(1.0, {{"*", {vol, 0.0, carry_vol, 0.0}}});

  const AccountMargin margin = run_one(maker.book(), model);

  const double sx = horizon_sd(vol, 1.0), sc = horizon_sd(carry_vol, 1.0), t1 = 30.0 / year_days,
               t2 = 180.0 / year_days;
  const double s1 = std::hypot(sx, t1 * sc), s2 = std::hypot(sx, t2 * sc);
  expect_tail(margin, bivariate_tail(60'000.0, s1, -60'000.0, s2, (sx * sx + t1 * t2 * sc * sc) / (s1 * s2)));
}

// Carry that falls when the price falls makes a far future riskier than the coin: log return x + T c.
TEST(ClosedForm, CarryAddsToThePriceWithItsSign) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  maker.hold(maker.account("a"), maker.future("BTC-1", btc, 366.0, 60'000.0), 1.0);
  const double carry_vol = 0.5, rho = 0.8;
  Model model = gaussian_model(1.0, {{"*", {vol, 0.0, carry_vol, 0.0}}});
  model.regimes[0].kinds = {{FactorKind::price, FactorKind::carry, rho}};

  const AccountMargin margin = run_one(maker.book(), model);

  const double sx = horizon_sd(vol, 1.0), sc = horizon_sd(carry_vol, 1.0);
  expect_tail(margin, lognormal_tail(1.0, 60'000.0, std::sqrt(sx * sx + sc * sc + 2.0 * rho * sx * sc)));
}

// A future above the index settles on the index: the buyer loses the basis.
TEST(ClosedForm, FutureExpiringWithinTheHorizonSettlesOnTheIndex) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  maker.hold(maker.account("a"), maker.future("BTC-1", btc, 0.5, 60'900.0), 1.0);

  const AccountMargin margin = run_one(maker.book(), gaussian_model(1.0, {{"*", {vol, 0.0, 0.3, 0.0}}}));

  const ValueAtRisk coin = lognormal_tail(1.0, 60'000.0, horizon_sd(vol, 0.5));
  expect_tail(margin, {coin.var + 900.0, coin.es + 900.0});
}

TEST(ClosedForm, BasisRollsDownAtConstantCarry) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  const double carry = 0.10, days = 100.0;
  const InstrumentId future = maker.future("BTC-1", btc, days, 60'000.0 * std::exp(carry * days / year_days));
  maker.hold(maker.account("a"), future, 1.0);

  const AccountMargin margin = run_one(maker.book(), gaussian_model(1.0, {price_only("*", 0.0)}), 1'000);

  const double loss = 60'000.0 * (std::exp(carry * days / year_days) - std::exp(carry * (days - 1.0) / year_days));
  EXPECT_NEAR(margin.es_usd, loss, 1e-4 * loss);
}

// The call expires after 12 of 24 hours: it pays on the index then, and the dollars stay.
TEST(ClosedForm, OptionExpiringWithinTheHorizonSettlesOnItsPath) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  const double strike = 61'000.0;
  const InstrumentId call = maker.option("BTC-C", btc, 0.5, strike, OptionType::call, vol);
  maker.hold(maker.account("a"), call, -3.0);

  const AccountMargin margin = run_one(maker.book(), gaussian_model(1.0, {price_only("*", vol)}));

  const double s = horizon_sd(vol, 0.5), z = normal_quantile(1.0 - alpha);
  const double d1 = std::log(60'000.0 / strike) / s + 0.5 * s;
  const double premium = 60'000.0 * normal_cdf(d1) - strike * normal_cdf(d1 - s);
  const double es_price = 60'000.0 * std::exp(0.5 * s * s) * normal_cdf(-z + s) / alpha;
  expect_tail(margin, {3.0 * (60'000.0 * std::exp(s * z) - strike - premium), 3.0 * (es_price - strike - premium)});
}

// An inverse put settled in coin at 12 h: the coins are worth the index at 24 h. Deep in the money it pays
// (K / S12 - 1) coins; held short with strike far above, the loss is linear in S24 / S12 and S24.
TEST(ClosedForm, InverseOptionCashStaysInCoinUntilTheHorizon) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  const double strike = 120'000.0;
  const InstrumentId put = maker.option("BTC-P", btc, 0.5, strike, OptionType::put, vol, Payoff::inverse);
  maker.hold(maker.account("a"), put, 1.0);
  maker.edit().positions.back().entry_price =
      strike / 60'000.0 - 1.0;  // the premium is not in the balances: no coins held

  const AccountMargin margin = run_one(maker.book(), gaussian_model(1.0, {price_only("*", vol)}));

  // Long: P&L = (K/S12 - 1 - (K/S0 - 1)) S24 = 2 S0 (e^v - e^{u + v}), u to 12 h, v after, independent.
  const double s = horizon_sd(vol, 0.5);
  const double n = 2.0 * 60'000.0;
  const auto exceedance = [=](double q) {  // n e^v (e^u - 1) > q
    return normal_expectation([&](double w) { return normal_cdf(-std::log(1.0 + q / (n * std::exp(s * w))) / s); });
  };
  const auto excess = [=](double q) {
    return normal_expectation([&](double w) {
      const double g = n * std::exp(s * w), level = std::log(1.0 + q / g) / s;
      return g * std::exp(0.5 * s * s) * normal_cdf(s - level) - (g + q) * normal_cdf(-level);
    });
  };
  expect_tail(margin, tail_of(exceedance, excess, 1.0 - alpha, 0.0, n));
}

// A deep call in USDC settles at 12 h while the coin stands still: it pays S / Y12 - K USDC, worth Y24 each. With u the
// log move of USDC to 12 h and v after it:
TEST(ClosedForm, StablecoinCashOfAnExpiredOptionMovesUntilTheHorizon) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  const UnderlyingId usdc = maker.underlying("USDC", 1.0);
  const double strike = 20'000.0;
  const InstrumentId call = maker.option("BTC-C", btc, 0.5, strike, OptionType::call, vol);
  maker.edit().instruments[call].settlement = usdc;
  maker.hold(maker.account("a"), call, -1.0);
  maker.edit().positions.back().entry_price = 60'000.0 - strike;  // the premium is not in the balances: no coins held

  const AccountMargin margin =
      run_one(maker.book(), gaussian_model(1.0, {price_only("BTC", 0.0), price_only("USDC", 0.4)}));

  // P&L in USDC is (S e^-u - K) - (S - K), and each is worth e^{u + v}: loss = S e^v - S e^{u + v}.
  const double s = horizon_sd(0.4, 0.5), n = 60'000.0;
  const auto exceedance = [=](double q) {  // n e^v (1 - e^u) > q
    return normal_expectation([&](double w) {
      const double level = 1.0 - q / (n * std::exp(s * w));
      return level <= 0.0 ? 0.0 : normal_cdf(std::log(level) / s);
    });
  };
  const auto excess = [=](double q) {
    return normal_expectation([&](double w) {
      const double g = n * std::exp(s * w), strike_level = g - q;
      if (strike_level <= 0.0) { return 0.0; }
      const double d = std::log(strike_level / g) / s;
      return strike_level * normal_cdf(d) - g * std::exp(0.5 * s * s) * normal_cdf(d - s);
    });
  };
  expect_tail(margin, tail_of(exceedance, excess, 1.0 - alpha, 0.0, n));
}

// Bought with coins: without an entry price the option's value is held in coin. A deep put then is worth K - S in coins
// turned dollars, K S24 / S12 - S24: with the coin it is short, all that is left is the strike's own move after expiry.
TEST(ClosedForm, ValueOfAnOptionThatWasPaidForIsHeldInItsCoin) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  const double strike = 120'000.0;
  const InstrumentId put = maker.option("BTC-P", btc, 0.5, strike, OptionType::put, vol, Payoff::inverse);
  const AccountId account = maker.account("a");
  maker.hold(account, put, 1.0).deposit(account, btc, 1.0);

  const AccountMargin margin = run_one(maker.book(), gaussian_model(1.0, {price_only("*", vol)}));

  // 1 coin + put: S24 + (K / S12 - 1) S24 = K e^v with v the move after expiry.
  expect_tail(margin, lognormal_tail(1.0, strike, horizon_sd(vol, 0.5)));
  EXPECT_NEAR(margin.equity_usd, strike, 1e-6);
}

TEST(ClosedForm, MartingaleDriftKeepsTheMeanPrice) {
  // A long position beyond the quantile: ES99 of a lognormal with mean one is n (1 - Phi(-z - s) / alpha).
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  maker.hold(maker.account("a"), maker.perpetual("BTC-PERP", btc, Payoff::linear), 1.0);
  Model model = gaussian_model(10.0, {price_only("*", 1.5)});
  model.drift = Drift::martingale;

  const AccountMargin margin = run_one(maker.book(), model);

  const double s = horizon_sd(1.5, 10.0), z = normal_quantile(1.0 - alpha);
  expect_tail(margin,
              {60'000.0 * (1.0 - std::exp(-s * z - 0.5 * s * s)), 60'000.0 * (1.0 - normal_cdf(-z - s) / alpha)});
}

// Two regimes that never leave: the loss is a mixture of two lognormals with the start probabilities as weights.
TEST(ClosedForm, AbsorbingRegimesGiveAMixture) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  maker.hold(maker.account("a"), maker.perpetual("BTC-PERP", btc, Payoff::linear), 1.0);
  Model model = gaussian_model(1.0, {price_only("*", 0.4)});
  model.regimes.push_back({"stress", {price_only("*", 1.6)}});
  model.transition = {{1.0, 0.0}, {0.0, 1.0}};
  model.start = StartKind::probabilities;
  model.start_probabilities = {0.9, 0.1};

  const AccountMargin margin = run_one(maker.book(), model);

  const double n = 60'000.0;
  const auto part = [=](double s, double q) { return normal_cdf(std::log(1.0 - q / n) / s); };  // n (1 - e^{sZ}) > q
  const auto part_excess = [=](double s, double q) {
    const double w = std::log(1.0 - q / n) / s;
    return (n - q) * normal_cdf(w) - n * std::exp(0.5 * s * s) * normal_cdf(w - s);
  };
  const double calm = horizon_sd(0.4, 1.0), stress = horizon_sd(1.6, 1.0);
  expect_tail(margin, tail_of([=](double q) { return 0.9 * part(calm, q) + 0.1 * part(stress, q); },
                              [=](double q) { return 0.9 * part_excess(calm, q) + 0.1 * part_excess(stress, q); },
                              1.0 - alpha, 0.0, 0.9 * n));
}

TEST(ClosedForm, StandardErrorsAreTheSpreadOverSeeds) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  maker.hold(maker.account("a"), maker.perpetual("BTC-PERP", btc, Payoff::linear), 1.0);
  const Model model = gaussian_model(1.0, {price_only("*", vol)});
  constexpr int seeds = 50;
  double es_sum = 0.0, es_squares = 0.0, var_sum = 0.0, var_squares = 0.0, es_se = 0.0, var_se = 0.0;
  for (int seed = 1; seed <= seeds; ++seed) {
    const AccountMargin m = run_one(maker.book(), model, 20'000, static_cast<std::uint64_t>(seed));
    es_sum += m.es_usd;
    es_squares += m.es_usd * m.es_usd;
    var_sum += m.var_usd;
    var_squares += m.var_usd * m.var_usd;
    es_se += m.es_se_usd / seeds;
    var_se += m.var_se_usd / seeds;
  }
  const auto spread = [](double sum, double squares) { return std::sqrt((squares - sum * sum / seeds) / (seeds - 1)); };

  // A standard deviation from 50 normal draws has relative error 1 / sqrt(98) = 0.101; three of them.
  EXPECT_NEAR(es_se / spread(es_sum, es_squares), 1.0, 0.303);
  EXPECT_NEAR(var_se / spread(var_sum, var_squares), 1.0, 0.303);
}

}  // namespace
}  // namespace tailmargin::test
