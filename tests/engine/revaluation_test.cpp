// P&L of contracts under factor changes written by hand, against numbers worked out here: prices, funding, settlement,
// smiles; and the tables against the reference.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/support/normal_oracle.hpp"
#include "tests/support/shocked_columns.hpp"
#include "tests/support/small_book.hpp"
#include "tests/support/static_arbitrage.hpp"

namespace tailmargin::test {
namespace {

constexpr double spot = 60'000.0;

/// A model of one day that moves every factor.
Model everything_moves() {
  VolRule rule{"*", {}};
  rule.vol.fill(0.1);
  return gaussian_model(1.0, {rule});
}

/// A change that is the same at every step.
FactorChange steady(std::vector<std::pair<FactorKind, double>> changes) {
  return [=](std::uint32_t, UnderlyingId, FactorKind kind) {
    for (const auto& [moved, by] : changes) {
      if (moved == kind) { return by; }
    }
    return 0.0;
  };
}

/// One coin with one contract of each kind; USDC beside it.
struct Listed {
  BookMaker maker;
  UnderlyingId btc = 0, usdc = 0;

  Listed() {
    btc = maker.underlying("BTC", spot);
    usdc = maker.underlying("USDC", 0.98);
    maker.deposit(maker.account("a"), btc, 1.0);
  }
  InstrumentId spot_pair(const std::string& name) {
    Instrument i;
    i.name = name;
    i.underlying = btc;
    Quote q;
    q.mark_price = spot;
    return maker.instrument(i, q);
  }
  PreparedRun prepare(const Model& model) const { return prepare_run(maker.book(), model, 64, 1); }
};

/// P&L of an instrument in the last slice, by the tables in double; the reference must agree.
double pnl(const PreparedRun& run, std::uint32_t column, const FactorChange& change) {
  const std::vector<float> observed = observe(run, change);
  const std::uint32_t number = (run.columns.num_slices - 1) * run.columns.num_columns + column;
  const double found = shock<double>(run.columns, observed).pnl[number];
  EXPECT_NEAR(reference_pnl(run.columns, observed)[number], found, 1e-7) << "reference";
  return found;
}

double instrument_pnl(const PreparedRun& run, InstrumentId i, const FactorChange& change) {
  return pnl(run, run.columns.instrument_column[i], change);
}

double black76(double sign, double forward, double strike, double total_vol) {
  const double d1 = std::log(forward / strike) / total_vol + 0.5 * total_vol, d2 = d1 - total_vol;
  return sign * (forward * normal_cdf(sign * d1) - strike * normal_cdf(sign * d2));
}

// 1e-4 USD on 60,000: the changes themselves are floats.
constexpr double cents = 5e-3;

TEST(Revaluation, CarryHasALevelAndAShortEnd) {
  Listed listed;
  const double days = 61.0, forward = 61'000.0;
  const InstrumentId future = listed.maker.future("BTC-F", listed.btc, days, forward);
  Model model = everything_moves();
  model.carry_slope_days = 45.0;

  const PreparedRun run = listed.prepare(model);

  const double left = 60.0 / year_days, carry = 0.2, slope = -0.1;
  const double roll = -std::log(forward / spot) / days;
  const double expected = forward * std::exp(0.05 + (carry + slope * std::exp(-60.0 / 45.0)) * left + roll) - forward;
  EXPECT_NEAR(
      instrument_pnl(run, future,
                     steady({{FactorKind::price, 0.05}, {FactorKind::carry, carry}, {FactorKind::carry_slope, slope}})),
      expected, cents);
}

TEST(Revaluation, DislocationMovesTheVenuesPricesOnly) {
  Listed listed;
  const InstrumentId call = listed.maker.option("BTC-C", listed.btc, 31.0, spot, OptionType::call, 0.6);
  const InstrumentId near_call = listed.maker.option("BTC-D", listed.btc, 0.5, spot, OptionType::call, 0.6);
  const InstrumentId future = listed.maker.future("BTC-F", listed.btc, 31.0, spot);
  const InstrumentId expiring = listed.maker.future("BTC-G", listed.btc, 0.5, spot);
  const InstrumentId perpetual = listed.maker.perpetual("BTC-PERP", listed.btc, Payoff::linear);
  const InstrumentId pair = listed.spot_pair("BTC-USD");
  Model model = everything_moves();
  model.time_roll = TimeRoll::on;
  model.funding_interval_hours = 0.0;

  const PreparedRun run = listed.prepare(model);

  const FactorChange down = steady({{FactorKind::dislocation, -0.04}});
  const double moved = spot * std::expm1(-0.04);
  EXPECT_NEAR(instrument_pnl(run, future, down), moved, cents);
  EXPECT_NEAR(instrument_pnl(run, perpetual, down), moved, cents);
  EXPECT_NEAR(instrument_pnl(run, pair, down), moved, cents);
  const double v0 = 0.6 * std::sqrt(31.0 / year_days), v1 = 0.6 * std::sqrt(30.0 / year_days);
  EXPECT_NEAR(instrument_pnl(run, call, down), black76(1.0, spot + moved, spot, v1) - black76(1.0, spot, spot, v0),
              cents);
  EXPECT_NEAR(instrument_pnl(run, expiring, down), 0.0, 1e-9);
  EXPECT_NEAR(instrument_pnl(run, near_call, down), -black76(1.0, spot, spot, 0.6 * std::sqrt(0.5 / year_days)), cents);
  EXPECT_NEAR(pnl(run, run.columns.asset_column[listed.btc], down), 0.0, 1e-9);
}

// Books start at 02:40 UTC: the hours of a day pass 08:00 in step 6, 16:00 in step 14, midnight in step 22.
FactorChange three_payments(double premium) {
  return [=](std::uint32_t step, UnderlyingId, FactorKind kind) {
    if (kind == FactorKind::price) { return step == 24 ? 0.0 : 0.01 * step; }
    if (kind == FactorKind::premium) { return step == 24 ? 0.0 : step == 14 ? premium : 0.0; }
    return 0.0;
  };
}

TEST(Funding, LongsPayTheRateAndThePremiumOnThePathsPrice) {
  for (const double rate : {0.0001, -0.0004}) {
    for (const double premium : {0.002, -0.005}) {
      Listed listed;
      listed.maker.edit().underlyings[listed.btc].funding_rate_8h = rate;
      const InstrumentId inverse = listed.maker.perpetual("BTC-INV", listed.btc, Payoff::inverse);
      const InstrumentId linear = listed.maker.perpetual("BTC-LIN", listed.btc, Payoff::linear);
      listed.maker.edit().instruments[linear].contract_size = 0.5;

      const PreparedRun run = listed.prepare(everything_moves());

      // The price is back at the horizon, so that funding is all there is.
      const double coins = rate * std::exp(0.06) + (rate + premium) * std::exp(0.14) + rate * std::exp(0.22);
      EXPECT_NEAR(instrument_pnl(run, linear, three_payments(premium)), -0.5 * spot * coins, 1e-4);
      EXPECT_NEAR(instrument_pnl(run, inverse, three_payments(premium)), -(3.0 * rate + premium), 1e-8);
    }
  }
}

TEST(Funding, ARateIsCut) {
  for (const double premium : {0.2, -0.2}) {
    Listed listed;
    const InstrumentId inverse = listed.maker.perpetual("BTC-INV", listed.btc, Payoff::inverse);
    Model model = everything_moves();
    model.funding_cap = 0.0075;

    EXPECT_NEAR(instrument_pnl(listed.prepare(model), inverse, three_payments(premium)),
                premium > 0.0 ? -0.0075 : 0.0075, 1e-8);
  }
}

TEST(Funding, IsPaidByTheInterval) {
  Listed listed;
  listed.maker.edit().underlyings[listed.btc].funding_rate_8h = 0.0008;
  const InstrumentId inverse = listed.maker.perpetual("BTC-INV", listed.btc, Payoff::inverse);
  Model model = everything_moves();
  const auto paid = [&] { return -instrument_pnl(listed.prepare(model), inverse, steady({})); };

  model.funding_interval_hours = 4.0;
  EXPECT_NEAR(paid(), 6 * 0.0004, 1e-9);
  EXPECT_NEAR(-instrument_pnl(listed.prepare(model), inverse, three_payments(0.002)), 6 * 0.0004 + 0.001, 1e-8);
  model.funding_interval_hours = 1.0;  // 03:00 to 02:00
  EXPECT_NEAR(paid(), 24 * 0.0001, 1e-9);
  model.funding_interval_hours = 0.5;  // two a step
  EXPECT_NEAR(paid(), 48 * 0.00005, 1e-9);
  model.funding_interval_hours = 24.0;
  EXPECT_NEAR(paid(), 0.0024, 1e-9);
  model.funding_interval_hours = 0.0;
  EXPECT_EQ(paid(), 0.0);
  model.funding_interval_hours = 8.0;
  model.time_roll = TimeRoll::off;
  EXPECT_EQ(paid(), 0.0);
}

// Expiry after 12 h: the average over the last half hour of a straight line from x(11) to x(12) is x(12) less a quarter
// of the step.
TEST(Settlement, IsTheAverageOfTheLastMinutes) {
  Listed listed;
  const InstrumentId future = listed.maker.future("BTC-F", listed.btc, 0.5, spot);
  Model model = everything_moves();
  model.settlement_average_minutes = 30.0;
  const FactorChange path = [](std::uint32_t step, UnderlyingId, FactorKind kind) {
    return kind != FactorKind::price ? 0.0 : step == 11 ? 0.02 : step == 12 ? 0.10 : 0.5;
  };

  EXPECT_NEAR(instrument_pnl(listed.prepare(model), future, path), spot * std::expm1(0.10 - 0.25 * 0.08), cents);
  model.settlement_average_minutes = 60.0;
  EXPECT_NEAR(instrument_pnl(listed.prepare(model), future, path), spot * std::expm1(0.06), cents);
  model.settlement_average_minutes = 0.0;
  EXPECT_NEAR(instrument_pnl(listed.prepare(model), future, path), spot * std::expm1(0.10), cents);
}

TEST(Settlement, AveragesFromNowInTheFirstStepAndTheCurrencyToo) {
  Listed listed;
  const InstrumentId future = listed.maker.future("BTC-F", listed.btc, 1.0 / 24.0, spot / 0.98);
  listed.maker.edit().instruments[future].settlement = listed.usdc;
  Model model = everything_moves();
  model.settlement_average_minutes = 60.0;
  const FactorChange path = [&](std::uint32_t step, UnderlyingId u, FactorKind kind) {
    if (kind != FactorKind::price) { return 0.0; }
    if (u == listed.usdc) { return step == 1 ? -0.04 : -0.01; }
    return step == 1 ? 0.1 : 0.3;
  };

  const double forward = spot / 0.98 * std::exp(0.05 + 0.02);
  EXPECT_NEAR(instrument_pnl(listed.prepare(model), future, path), (forward - spot / 0.98) * 0.98 * std::exp(-0.01),
              cents);
}

TEST(Settlement, AveragesTheCurrencyOverTheSameMinutes) {
  Listed listed;
  const InstrumentId future = listed.maker.future("BTC-F", listed.btc, 0.5, spot / 0.98);
  listed.maker.edit().instruments[future].settlement = listed.usdc;
  Model model = everything_moves();
  model.settlement_average_minutes = 60.0;
  const FactorChange path = [&](std::uint32_t step, UnderlyingId u, FactorKind kind) {
    return kind != FactorKind::price || u != listed.usdc ? 0.0 : step == 11 ? -0.02 : step == 12 ? -0.08 : 0.0;
  };

  EXPECT_NEAR(instrument_pnl(listed.prepare(model), future, path), spot * std::expm1(0.05), cents);
}

TEST(Settlement, IsAtTheNearestGridStep) {
  for (const double hours : {11.4, 11.6, 12.4}) {
    Listed listed;
    const InstrumentId future = listed.maker.future("BTC-F", listed.btc, hours / 24.0, spot);
    const FactorChange path = [](std::uint32_t step, UnderlyingId, FactorKind kind) {
      return kind == FactorKind::price ? 0.01 * step : 0.0;
    };

    EXPECT_NEAR(instrument_pnl(listed.prepare(everything_moves()), future, path),
                spot * std::expm1(hours < 11.5 ? 0.11 : 0.12), cents)
        << hours;
  }
}

// In the last step and at the horizon itself, contracts have expired; a second later they are alive.
TEST(Settlement, BelongsToWhatHasExpiredByTheHorizon) {
  for (const double hours : {23.4, 24.0, 24.0 + 1.0 / 3600.0}) {
    Listed listed;
    const InstrumentId future = listed.maker.future("BTC-F", listed.btc, hours / 24.0, spot);

    const PreparedRun run = listed.prepare(everything_moves());

    EXPECT_EQ(run.columns.terms[run.columns.instrument_column[future]].settled, hours <= 24.0) << hours;
    EXPECT_NEAR(instrument_pnl(run, future, steady({{FactorKind::dislocation, 0.1}})),
                hours <= 24.0 ? 0.0 : spot * std::expm1(0.1), cents);
  }
}

TEST(Smiles, LevelAndTermMoveVolsByTenor) {
  Listed listed;
  const InstrumentId late = listed.maker.option("BTC-A", listed.btc, 181.0, spot, OptionType::put, 0.5);
  const InstrumentId soon = listed.maker.option("BTC-B", listed.btc, 8.0, spot, OptionType::put, 0.7);
  Model model = everything_moves();
  model.term_days = 40.0;

  const PreparedRun run = listed.prepare(model);

  const FactorChange up = steady({{FactorKind::vol, 0.1}, {FactorKind::term, 0.3}});
  const auto expected = [&](double days, double vol) {
    const double moved = vol * std::exp(0.1 + 0.3 * std::exp(-(days - 1.0) / 40.0));
    return black76(-1.0, spot, spot, moved * std::sqrt((days - 1.0) / year_days)) -
           black76(-1.0, spot, spot, vol * std::sqrt(days / year_days));
  };
  EXPECT_NEAR(instrument_pnl(run, late, up), expected(181.0, 0.5), cents);
  EXPECT_NEAR(instrument_pnl(run, soon, up), expected(8.0, 0.7), cents);
}

/// Fifteen strikes of a skewed smile, 46 days to run.
std::vector<InstrumentId> list_smile(Listed& listed) {
  std::vector<InstrumentId> options;
  for (int i = 0; i < 15; ++i) {
    const double strike = 40'000.0 + 3'000.0 * i, k = std::log(strike / spot);
    options.push_back(listed.maker.option("BTC-" + std::to_string(100 + i), listed.btc, 46.0, strike, OptionType::call,
                                          0.6 - 0.2 * k + 0.5 * k * k));
  }
  return options;
}

/// Vol of a call, read back from its value by bisection.
double implied_vol(double value, double forward, double strike, double years) {
  double low = 0.01, high = 5.0;
  for (int i = 0; i < 100; ++i) {
    const double middle = 0.5 * (low + high);
    (black76(1.0, forward, strike, middle * std::sqrt(years)) < value ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

/// Vols of a run's options (all calls) after a change, in the order given.
std::vector<double> vols_after(const Listed& listed, const PreparedRun& run, const std::vector<InstrumentId>& options,
                               double forward, const FactorChange& change) {
  std::vector<double> vols;
  for (const InstrumentId i : options) {
    const double strike = listed.maker.book().instruments[i].strike;
    const double value = instrument_pnl(run, i, change) + run.columns.model_value[i];
    vols.push_back(implied_vol(value, forward, strike, 45.0 / year_days));
  }
  return vols;
}

TEST(Smiles, StickyMoneynessOrStrike) {
  Listed listed;
  const std::vector<InstrumentId> options = list_smile(listed);
  const double forward = spot * std::exp(-0.1);
  const FactorChange down = steady({{FactorKind::price, -0.1}});
  Model model = everything_moves();

  model.sticky = Sticky::strike;
  const std::vector<double> by_strike = vols_after(listed, listed.prepare(model), options, forward, down);
  model.sticky = Sticky::moneyness;
  const std::vector<double> by_moneyness = vols_after(listed, listed.prepare(model), options, forward, down);

  for (std::size_t n = 0; n < options.size(); ++n) {
    const double strike = listed.maker.book().instruments[options[n]].strike;
    const double quoted = *listed.maker.book().quotes[options[n]].mark_iv;
    if (strike < 44'000.0 || strike > 78'000.0) { continue; }  // no time value to read a vol from
    // A day older, the smile is a hundredth narrower in moneyness.
    EXPECT_NEAR(by_strike[n], quoted, 0.004) << strike;
    const double k = std::log(strike / forward), moved = 0.6 - 0.2 * k + 0.5 * k * k;
    EXPECT_NEAR(by_moneyness[n], moved, 0.006) << strike;
  }
}

// The vols of the options nearest to 25 deltas move against each other by the skew, those at the money hardly.
TEST(Smiles, RiskReversalMovesByTheSkew) {
  Listed listed;
  const std::vector<InstrumentId> options = list_smile(listed);

  const PreparedRun run = listed.prepare(everything_moves());

  const std::vector<double> now = vols_after(listed, run, options, spot, steady({}));
  const std::vector<double> tilted = vols_after(listed, run, options, spot, steady({{FactorKind::skew, 0.1}}));
  const auto log_ratio = [](const std::vector<double>& vols) { return std::log(vols[9] / vols[4]); };
  // Strikes 67,000 and 52,000 are 0.55 and -0.72 standard deviations out; 0.6745 each way has 0.1 exactly.
  EXPECT_NEAR(log_ratio(tilted) - log_ratio(now), 0.1, 0.015);
  EXPECT_GT(tilted[9], now[9]);
  EXPECT_LT(tilted[4], now[4]);
}

TEST(Smiles, ButterflyLiftsBothWings) {
  Listed listed;
  const std::vector<InstrumentId> options = list_smile(listed);

  const PreparedRun run = listed.prepare(everything_moves());

  const std::vector<double> now = vols_after(listed, run, options, spot, steady({}));
  const std::vector<double> bent = vols_after(listed, run, options, spot, steady({{FactorKind::butterfly, 0.3}}));
  EXPECT_GT(bent[2], now[2] + 0.01);
  EXPECT_GT(bent[12], now[12] + 0.003);
  EXPECT_NEAR(bent[6], now[6], 0.004);  // 58,000
}

TEST(Smiles, FactorsThatDoNotMoveAreNotThere) {
  Listed listed;
  const std::vector<InstrumentId> options = list_smile(listed);
  listed.maker.perpetual("BTC-PERP", listed.btc, Payoff::linear);

  const PreparedRun run = listed.prepare(gaussian_model(1.0, {price_only("*", 0.5)}));

  for (const Factor& factor : run.scenarios.factors) { EXPECT_EQ(factor.kind, FactorKind::price); }
  const double k = 0.1;
  const double value = run.columns.model_value[options[7]];
  EXPECT_LT(instrument_pnl(run, options[7], steady({{FactorKind::price, -k}})), 0.0);
  EXPECT_GT(instrument_pnl(run, options[7], steady({{FactorKind::price, k}})), 0.0);
  EXPECT_GE(instrument_pnl(run, options[7], steady({{FactorKind::price, -0.9}})), -value - cents);
}

/// A book of everything, with several expiries in two settlements.
Listed full_listing() {
  Listed listed;
  std::vector<std::pair<std::string, double>> terms = {{"1", 0.4}, {"2", 1.5}, {"3", 8.0}, {"4", 36.0}, {"5", 180.0}};
  for (const Payoff payoff : {Payoff::inverse, Payoff::linear}) {
    for (const auto& [name, days] : terms) {
      for (int i = -3; i <= 3; ++i) {
        const double width = 0.6 * std::sqrt(days / year_days), k = i * width * 0.7;
        const InstrumentId option = listed.maker.option(
            "BTC-" + name + (payoff == Payoff::inverse ? "I" : "L") + std::to_string(i + 4), listed.btc, days,
            std::round(spot * std::exp(k)), i % 2 == 0 ? OptionType::call : OptionType::put,
            0.6 + 0.03 * i * i - 0.02 * i + 0.003 * (i % 3), payoff);
        if (payoff == Payoff::linear) { listed.maker.edit().instruments[option].settlement = listed.usdc; }
        if (payoff == Payoff::linear) { listed.maker.edit().quotes[option].forward = spot / 0.98; }
      }
    }
  }
  listed.maker.future("BTC-F1", listed.btc, 0.3, 60'100.0);
  listed.maker.future("BTC-F2", listed.btc, 90.0, 61'500.0);
  listed.maker.perpetual("BTC-INV", listed.btc, Payoff::inverse);
  listed.maker.perpetual("BTC-LIN", listed.btc, Payoff::linear, listed.usdc);
  listed.maker.edit().underlyings[listed.btc].funding_rate_8h = 0.0003;
  return listed;
}

Model full_model() {
  Model model = everything_moves();
  model.settlement_average_minutes = 30.0;
  model.funding_cap = 0.004;
  return model;
}

/// Draws every factor at every step; scales as in a bad day.
FactorChange drawn(std::mt19937_64& random, double size = 1.0) {
  std::normal_distribution<double> normal;
  std::vector<double> z(25 * 2 * num_factor_kinds);
  for (double& value : z) { value = size * normal(random); }
  return [=](std::uint32_t step, UnderlyingId u, FactorKind kind) {
    constexpr double scale[] = {0.08, 0.2, 0.1, 0.004, 0.25, 0.15, 0.15, 0.2, 0.01};
    const std::size_t k = static_cast<std::size_t>(kind);
    return (u == 1 ? 0.1 : 1.0) * scale[k] * z[(step * 2 + u) * num_factor_kinds + k];
  };
}

TEST(Revaluation, TablesMeetTheReference) {
  const Listed listed = full_listing();
  for (const Sticky sticky : {Sticky::moneyness, Sticky::strike}) {
    Model model = full_model();
    model.sticky = sticky;
    model.measure = PathMeasure::worst;
    model.measure_hours = 6.0;
    const PreparedRun run = listed.prepare(model);
    ASSERT_EQ(run.columns.num_slices, 4u);
    std::mt19937_64 random(11);
    for (int path = 0; path < 300; ++path) {
      const std::vector<float> observed = observe(run, drawn(random));
      const std::vector<double> reference = reference_pnl(run.columns, observed);
      const std::vector<double> exact = shock<double>(run.columns, observed).pnl;
      const std::vector<float> single = shock<float>(run.columns, observed).pnl;
      for (std::size_t c = 0; c < reference.size(); ++c) {
        const double size = run.columns.column_scale_usd[c % run.columns.num_columns];
        ASSERT_NEAR(exact[c], reference[c], 1e-11 * size) << c << " path " << path;
        ASSERT_NEAR(double{single[c]}, reference[c], 3e-6 * size) << c << " path " << path;
      }
    }
  }
}

// A slice on the way is what a run with that horizon sees at its end.
TEST(Slices, AreHorizonsOfTheirOwn) {
  const Listed listed = full_listing();
  Model model = full_model();
  model.measure = PathMeasure::worst;
  model.measure_hours = 4.0;
  const PreparedRun worst = listed.prepare(model);
  model.measure = PathMeasure::terminal;
  ASSERT_EQ(worst.columns.slice_step, (std::vector<std::uint32_t>{4, 8, 12, 16, 20, 24}));
  std::mt19937_64 random(12);
  const FactorChange change = drawn(random);
  const std::vector<double> all = shock<double>(worst.columns, observe(worst, change)).pnl;

  for (std::uint32_t s = 0; s < 6; ++s) {
    model.horizon_hours = worst.columns.slice_step[s];
    const PreparedRun one = listed.prepare(model);

    const std::vector<double> alone = shock<double>(one.columns, observe(one, change)).pnl;

    ASSERT_EQ(one.columns.num_columns, worst.columns.num_columns);
    for (std::uint32_t c = 0; c < one.columns.num_columns; ++c) {
      EXPECT_EQ(all[s * worst.columns.num_columns + c], alone[c]) << s << ' ' << c;
    }
  }
}

TEST(Slices, UnmovedContractsLoseNothingAnywhere) {
  const Listed listed = full_listing();
  Model model = full_model();
  model.time_roll = TimeRoll::off;
  model.measure = PathMeasure::worst;
  const PreparedRun run = listed.prepare(model);
  const std::vector<float> still = observe(run, steady({}));

  for (const float value : shock<float>(run.columns, still).pnl) { ASSERT_EQ(value, 0.0f); }
  for (const double value : shock<double>(run.columns, still).pnl) { ASSERT_EQ(value, 0.0); }
  for (const double value : reference_pnl(run.columns, still)) { ASSERT_EQ(value, 0.0); }
}

// Shocks of a bad day and of one three times as bad: no path's smiles allow static arbitrage, and all vols are
// positive.
TEST(Smiles, StayFreeOfStaticArbitrageOnPaths) {
  const Listed listed = full_listing();
  const PreparedRun run = listed.prepare(full_model());
  for (const double size : {1.0, 3.0}) {
    std::mt19937_64 random(13);
    int broken = 0;
    for (int path = 0; path < 1000; ++path) {
      const auto smiles = shock<float>(run.columns, observe(run, drawn(random, size))).smiles;
      Slice before{0.0L, 0.0L, 0.0L};
      bool free = true;
      for (std::size_t s = 0; s < smiles.size(); ++s) {
        const Slice slice{smiles[s].level, smiles[s].phi, smiles[s].rho};
        if (run.columns.smiles[s].first) { before.level = 0.0L; }
        free = free && slice.level > 0.0L && worst_butterfly(slice) >= 0.0 && worst_calendar(before, slice) > -2e-6;
        before = slice;
      }
      broken += free ? 0 : 1;
    }
    EXPECT_EQ(broken, 0) << size;
  }
}

}  // namespace
}  // namespace tailmargin::test
