// What preparation promises: marks reproduced, unshocked P&L zero, problems named.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "host/prepare/prepare_run.hpp"
#include "host/prepare/surface.hpp"
#include "tests/support/normal_oracle.hpp"
#include "tests/support/small_book.hpp"

namespace tailmargin::test {
namespace {

PreparedRun prepare(const BookMaker& maker, const Model& model) { return prepare_run(maker.book(), model, 5000, 1); }

TEST(Prepare, FactorsAreOnlyThoseTheListingNeeds) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  const UnderlyingId doge = maker.underlying("DOGE", 0.1);
  maker.underlying("USDC", 1.0);
  maker.option("BTC-C", btc, 30.0, 60'000.0, OptionType::call, 0.5);
  maker.perpetual("DOGE-PERP", doge, Payoff::linear);
  maker.deposit(maker.account("a"), btc, 1.0);

  const PreparedRun run = prepare(maker, gaussian_model(1.0, {{"*", {0.5, 0.5, 0.5, 0.5}}}));

  std::string found;
  for (const Factor& f : run.scenarios.factors) {
    found += maker.book().underlyings[f.underlying].name + "." + to_string(f.kind) + " ";
  }
  EXPECT_EQ(found, "BTC.price BTC.vol BTC.carry DOGE.price DOGE.premium USDC.price ");
}

TEST(Prepare, AFutureOrAnOptionAloneHasCarry) {
  for (const bool option : {true, false}) {
    BookMaker maker;
    const UnderlyingId coin = maker.underlying("BTC", 100.0);
    if (option) {
      maker.option("BTC-C", coin, 60.0, 100.0, OptionType::call, 0.6);
    } else {
      maker.future("BTC-F", coin, 60.0, 100.0);
    }
    const PreparedRun run = prepare_run(
        maker.book(), gaussian_model(1.0, {{"*", {0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5}}}), 1'000, 1);

    std::vector<FactorKind> kinds;
    for (const Factor& factor : run.scenarios.factors) { kinds.push_back(factor.kind); }

    using enum FactorKind;
    EXPECT_EQ(kinds, option ? std::vector({price, vol, carry, term, skew, butterfly, carry_slope, dislocation})
                            : std::vector({price, carry, carry_slope, dislocation}));
  }
}

// Every option's value now comes back from its own terms: Black-76 at the mark vol, smile and residual together.
TEST(Prepare, ModelValueIsBlack76AtTheMarkVol) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  std::vector<double> ivs, strikes;
  for (int i = 0; i < 15; ++i) {
    strikes.push_back(40'000.0 + 3'000.0 * i);
    const double k = std::log(strikes.back() / 60'000.0);
    ivs.push_back(0.6 - 0.2 * k + 0.9 * k * k + (i % 2 == 0 ? 0.004 : -0.004));
    maker.option("BTC-" + std::to_string(100 + i), btc, 45.0, strikes.back(), OptionType::call, ivs.back(),
                 Payoff::inverse);
  }
  maker.deposit(maker.account("a"), btc, 1.0);

  const PreparedRun run = prepare(maker, gaussian_model(1.0, {{"*", {0.5, 0.5, 0.5, 0.5}}}));

  for (std::size_t i = 0; i < ivs.size(); ++i) {
    const double s = ivs[i] * std::sqrt(45.0 / year_days);
    const double d1 = std::log(60'000.0 / strikes[i]) / s + 0.5 * s;
    EXPECT_NEAR(run.columns.model_value[i], normal_cdf(d1) - strikes[i] / 60'000.0 * normal_cdf(d1 - s), 1e-12)
        << strikes[i];
  }
}

TEST(Prepare, UnshockedPnlIsExactlyZero) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  const InstrumentId call = maker.option("BTC-C", btc, 30.0, 65'000.0, OptionType::call, 0.61);
  const InstrumentId future = maker.future("BTC-F", btc, 90.0, 61'000.0);
  const InstrumentId put = maker.option("BTC-P", btc, 30.0, 55'000.0, OptionType::put, 0.63, Payoff::inverse);
  const AccountId account = maker.account("a");
  maker.hold(account, call, 3.0).hold(account, future, -2.0).hold(account, put, -5.0);
  Model model = gaussian_model(1.0, {price_only("*", 0.0)});
  model.time_roll = TimeRoll::off;
  RunConfig config;
  config.num_paths = 128;

  for (const BackendChoice backend : {BackendChoice::cpu, BackendChoice::reference}) {
    config.backend = backend;
    const AccountMargin margin = run_margin(maker.book(), model, config).margins.front();

    EXPECT_EQ(margin.es_usd, 0.0);
    EXPECT_EQ(margin.worst_loss_usd, 0.0);
    EXPECT_FALSE(std::signbit(margin.es_usd));
  }
}

TEST(Prepare, ImpliedVolInvertsBlack76) {
  for (const double v : {0.01, 0.2, 1.5}) {
    for (const double k : {-0.4, 0.0, 0.3}) {
      if (v < 0.05 && k != 0.0) { continue; }  // no time value left to read a vol from
      const double value = math::black76_over_forward(-1.0, k, std::exp(k), v);
      const std::optional<double> found = implied_total_vol(-1.0, k, value);
      ASSERT_TRUE(found.has_value()) << v << " " << k;
      EXPECT_NEAR(*found, v, 1e-7) << k;
    }
  }
  EXPECT_FALSE(implied_total_vol(1.0, 0.0, 1.5).has_value());
  EXPECT_FALSE(implied_total_vol(1.0, 0.36, 0.0).has_value()) << "worth nothing: no vol can be read from it";
  EXPECT_FALSE(implied_total_vol(1.0, std::log(0.4), 0.6).has_value()) << "worth its intrinsic value";
  EXPECT_FALSE(implied_total_vol(1.0, -0.5, 0.1).has_value());
}

std::string first_problem(const BookMaker& maker, const Model& model) {
  try {
    prepare(maker, model);
  } catch (const InputError& error) {
    const Diagnostic& d = error.diagnostics().items().front();
    return d.field + "|" + d.value;
  }
  return "accepted";
}

BookMaker two_coins() {
  BookMaker maker;
  maker.underlying("BTC", 60'000.0);
  const UnderlyingId eth = maker.underlying("ETH", 2'000.0);
  maker.underlying("SOL", 100.0);
  maker.deposit(maker.account("a"), eth, 1.0);
  return maker;
}

TEST(Prepare, ImpossibleCorrelationsAreRefused) {
  const CorrelationRule up{{"BTC", FactorKind::price}, {"ETH", FactorKind::price}, SameUnderlying::any, 0.6};
  const CorrelationRule up2{{"BTC", FactorKind::price}, {"SOL", FactorKind::price}, SameUnderlying::any, 0.6};
  const CorrelationRule down{{"ETH", FactorKind::price}, {"SOL", FactorKind::price}, SameUnderlying::any, -0.6};

  EXPECT_EQ(first_problem(two_coins(), gaussian_model(1.0, {price_only("*", 0.5)}, {up, up2, down})),
            "regime.only.correlations|SOL.price");
  EXPECT_EQ(first_problem(two_coins(), gaussian_model(1.0, {price_only("*", 0.5)}, {up, up2})), "accepted");
}

TEST(Prepare, EveryUnderlyingNeedsAVolRule) {
  EXPECT_EQ(first_problem(two_coins(), gaussian_model(1.0, {price_only("BTC", 0.5)})), "regime.only.vols|ETH");
}

TEST(Prepare, StationaryStartNeedsAUniqueLaw) {
  Model model = gaussian_model(1.0, {price_only("*", 0.5)});
  model.regimes.push_back(model.regimes.front());
  model.transition = {{1.0, 0.0}, {0.0, 1.0}};

  EXPECT_EQ(first_problem(two_coins(), model), "chain.start|stationary");
}

TEST(Prepare, StationaryBoundsAreTheChainsOwn) {
  Model model = gaussian_model(1.0, {price_only("*", 0.5)});
  model.regimes.push_back(model.regimes.front());
  model.transition = {{0.9, 0.1}, {0.3, 0.7}};

  const PreparedRun run = prepare(two_coins(), model);

  EXPECT_NEAR(run.scenarios.start_bounds[0] / 2147483648.0, 0.75, 1e-9);
}

// Correlation of two factors = kinds times underlyings, unless a rule says otherwise.
TEST(Prepare, CorrelationsAreProductsOfKindAndUnderlying) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  const UnderlyingId eth = maker.underlying("ETH", 2'000.0);
  maker.perpetual("BTC-PERP", btc, Payoff::linear);
  maker.perpetual("ETH-PERP", eth, Payoff::linear);
  maker.deposit(maker.account("a"), btc, 1.0);
  Model model = gaussian_model(1.0, {{"*", {1.0, 1.0, 1.0, 1.0}}});
  model.regimes[0].kinds = {{FactorKind::premium, FactorKind::price, 0.5}};
  model.regimes[0].underlyings = {{"ETH", "BTC", 0.8}, {"*", "*", 0.1}};
  model.regimes[0].correlations = {
      {{"BTC", FactorKind::premium}, {"ETH", FactorKind::premium}, SameUnderlying::any, 0.3}};

  const PreparedRun run = prepare(maker, model);

  const auto covariance = [&](std::uint32_t f, std::uint32_t g) {
    return step_covariance(run.scenarios, f, g) / run.scenarios.step_years;
  };
  ASSERT_EQ(run.scenarios.factors.size(), 4u);  // BTC price, premium, ETH price, premium
  EXPECT_NEAR(covariance(0, 1), 0.5, 1e-12);
  EXPECT_NEAR(covariance(0, 2), 0.8, 1e-12);
  EXPECT_NEAR(covariance(0, 3), 0.4, 1e-12);
  EXPECT_NEAR(covariance(1, 2), 0.4, 1e-12);
  EXPECT_NEAR(covariance(1, 3), 0.3, 1e-12);
  EXPECT_NEAR(covariance(3, 3), 1.0, 1e-12);
}

// A and B share a block, C is in another, D in none. With an exception the product is written out over all factors, and
// the other correlations stay as they are.
TEST(Prepare, LoadingsOnCommonAndBlocksAddUpWithAndWithoutExceptions) {
  BookMaker maker;
  for (const char* name : {"A", "B", "C", "D"}) {
    const UnderlyingId coin = maker.underlying(name, 100.0);
    maker.perpetual(std::string(name) + "-PERP", coin, Payoff::linear);
  }
  Model model = gaussian_model(1.0, {{"*", {1.0, 0.0, 0.0, 1.0}}});
  model.regimes[0].kinds = {{FactorKind::premium, FactorKind::price, 0.5}};
  model.regimes[0].underlying_factors = {
      {"A", 0.6, "first", 0.5}, {"B", 0.7, "first", 0.4}, {"C", 0.8, "second", 0.3}, {"D", 0.9, "", 0.0}};
  const double a_b = 0.6 * 0.7 + 0.5 * 0.4;
  const double coins[4][4] = {{1.0, a_b, 0.6 * 0.8, 0.6 * 0.9},
                              {a_b, 1.0, 0.7 * 0.8, 0.7 * 0.9},
                              {0.6 * 0.8, 0.7 * 0.8, 1.0, 0.8 * 0.9},
                              {0.6 * 0.9, 0.7 * 0.9, 0.8 * 0.9, 1.0}};
  for (const bool exception : {false, true}) {
    if (exception) {
      model.regimes[0].correlations = {{{"C", FactorKind::price}, {"D", FactorKind::price}, SameUnderlying::any, 0.11}};
    }

    const PreparedRun run = prepare(maker, model);

    ASSERT_EQ(run.scenarios.factors.size(), 8u);  // a price and a premium each
    for (std::uint32_t f = 0; f < 8; ++f) {
      for (std::uint32_t g = 0; g < 8; ++g) {
        const bool excepted = exception && ((f == 4 && g == 6) || (f == 6 && g == 4));
        const double product = coins[f / 2][g / 2] * (f % 2 == g % 2 ? 1.0 : 0.5);
        EXPECT_NEAR(step_covariance(run.scenarios, f, g) / run.scenarios.step_years, excepted ? 0.11 : product, 1e-12)
            << f << ' ' << g << ' ' << exception;
      }
    }
  }
}

// Eigenvalues 1 - rho and 1 + rho: with at least 0.01 asked for, 0.995 is a law but moves to 0.99, and 0.985 stays.
TEST(Prepare, EigenvaluesTooSmallAreRepairedThoughPositive) {
  Model model = gaussian_model(1.0, {price_only("*", 1.0)});
  model.repair = Repair::nearest;
  model.min_eigenvalue = 0.01;
  for (const double rho : {0.995, 0.985}) {
    model.regimes[0].underlyings = {{"*", "*", rho}};

    const PreparedRun run = prepare(two_coins(), model);

    EXPECT_NEAR(step_covariance(run.scenarios, 0, 1) / run.scenarios.step_years, std::min(rho, 0.99), 1e-9);
    EXPECT_EQ(run.warnings.size(), rho > 0.99 ? 1u : 0u);
  }
}

TEST(Prepare, BoundsAreCumulativeProbabilities) {
  Model model = gaussian_model(1.0, {price_only("*", 0.5)});
  model.regimes.assign(3, model.regimes.front());
  model.transition = {{0.5, 0.3, 0.2}, {0.0, 1.0, 0.0}, {0.25, 0.25, 0.5}};
  model.start = StartKind::probabilities;
  model.start_probabilities = {0.1, 0.6, 0.3};

  const ScenarioPlan plan = prepare(two_coins(), model).scenarios;

  const double one = 2147483648.0;
  const double expected[] = {0.1, 0.7, 1.0, 0.5, 0.8, 1.0, 0.0, 1.0, 1.0, 0.25, 0.5, 1.0};
  for (int i = 0; i < 12; ++i) {
    EXPECT_NEAR((i < 3 ? plan.start_bounds[i] : plan.transition_bounds[i - 3]) / one, expected[i], 1e-9) << i;
  }
}

TEST(Prepare, FirstMatchingRuleCounts) {
  const Model model = gaussian_model(1.0, {price_only("@majors", 0.5), price_only("*", 2.0)});
  Model grouped = model;
  grouped.groups = {{"majors", {"BTC", "ETH"}}};

  const PreparedRun run = prepare(two_coins(), grouped);

  const double years = run.scenarios.step_years;
  EXPECT_NEAR(step_covariance(run.scenarios, 0, 0), 0.25 * years, 1e-15);
  EXPECT_NEAR(step_covariance(run.scenarios, 1, 1), 0.25 * years, 1e-15);
  EXPECT_NEAR(step_covariance(run.scenarios, 2, 2), 4.0 * years, 1e-15);
}

TEST(Prepare, UnrealisedPnlCountsToEquityInItsCurrency) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  const UnderlyingId usdc = maker.underlying("USDC", 0.99);
  const InstrumentId inverse = maker.perpetual("BTC-INV", btc, Payoff::inverse);
  const InstrumentId linear = maker.perpetual("BTC-LIN", btc, Payoff::linear, usdc);
  maker.account("a");
  maker.edit().positions = {{0, inverse, 30'000.0, 50'000.0}, {0, linear, 2.0, 60'000.0}};

  const PreparedRun run = prepare(maker, gaussian_model(1.0, {price_only("*", 0.5)}));

  const double coin = 30'000.0 * (1.0 / 50'000.0 - 1.0 / 60'000.0), usdc_pnl = 2.0 * (60'000.0 / 0.99 - 60'000.0);
  EXPECT_NEAR(run.accounts.equity_usd[0], coin * 60'000.0 + usdc_pnl * 0.99, 1e-6);
  EXPECT_DOUBLE_EQ(run.accounts.gross_notional_usd[0], 30'000.0 + 120'000.0);
  EXPECT_DOUBLE_EQ(run.accounts.net_delta_usd[0], 150'000.0);
}

// Spot and options were paid for out of the balances: without an entry price their market value is equity.
TEST(Prepare, MarketValueOfWhatWasPaidForCountsToEquity) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  const InstrumentId call = maker.option("BTC-C", btc, 30.0, 60'000.0, OptionType::call, 0.5, Payoff::inverse);
  const InstrumentId perpetual = maker.perpetual("BTC-PERP", btc, Payoff::linear);
  maker.edit().quotes[call].mark_price = 0.06;
  const AccountId account = maker.account("a");
  maker.hold(account, call, -2.0).hold(account, perpetual, 5.0).deposit(account, btc, 1.0);

  const PreparedRun run = prepare(maker, gaussian_model(1.0, {price_only("*", 0.5)}));

  EXPECT_NEAR(run.accounts.equity_usd[0], (1.0 - 2.0 * 0.06) * 60'000.0, 1e-9);
  EXPECT_NEAR(run.accounts.quantities[0], 1.0 - 2.0 * 0.06, 1e-15);  // coins that move with the index
}

// Worth 1e-36 coins: nothing, and no mistake of whoever holds it. What somebody entered as that small still is one.
TEST(Prepare, OptionWorthNextToNothingIsWorthNothing) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  const InstrumentId call = maker.option("BTC-C", btc, 30.0, 370'000.0, OptionType::call, 0.5, Payoff::inverse);
  maker.hold(maker.account("a"), call, 3.0);

  const PreparedRun run = prepare(maker, gaussian_model(1.0, {price_only("*", 0.5)}));

  EXPECT_GT(run.columns.model_value[call], 0.0);
  EXPECT_LT(run.columns.model_value[call], min_quantity / 3.0);
  EXPECT_EQ(run.accounts.equity_usd[0], 0.0);
  EXPECT_EQ(run.accounts.quantities, std::vector<double>{3.0});

  maker.edit().positions[0].quantity = 1e-31;
  EXPECT_EQ(first_problem(maker, gaussian_model(1.0, {price_only("*", 0.5)})), "account|a");
}

// 1 % of 4999 paths is less than 50; jumps sampled 500 times as often make the others e^2.7 times as heavy.
TEST(Prepare, SaysWhenATailRestsOnFewPaths) {
  const Model model = gaussian_model(1.0, {price_only("*", 0.5)});
  EXPECT_TRUE(prepare_run(two_coins().book(), model, 5'000, 1).warnings.empty());

  const std::vector<Diagnostic> few = prepare_run(two_coins().book(), model, 4'900, 1).warnings;

  ASSERT_EQ(few.size(), 1u);
  EXPECT_EQ(few[0].field, "paths");
  EXPECT_EQ(few[0].value, "4900");
  EXPECT_EQ(few[0].reason,
            "a tail may rest on no more than 49 paths' worth, (sum of weights)^2 / sum of their squares (margins are "
            "rough then, and so are their standard errors). Take 5000 paths.");
}

TEST(Prepare, SaysWhenUnequalWeightsLeaveFewPathsToATail) {
  Model model = gaussian_model(1.0, {price_only("*", 0.5)});
  JumpRule rule;
  rule.name = "rare";
  rule.per_year = {2.0};
  rule.location = 0.3;
  rule.effects = {{"*", {-1.0}}};
  rule.sample_multiple = 500.0;  // 2.74 a path, where 0.0055 happen: a path without weighs e^2.73 = 15
  model.jumps = {rule};

  const std::vector<Diagnostic> warnings = prepare_run(two_coins().book(), model, 20'000, 1).warnings;

  ASSERT_EQ(warnings.size(), 1u);  // 1 % of 20000 is 200 paths, at 15 each 13
  EXPECT_EQ(warnings[0].field, "paths");
  EXPECT_TRUE(warnings[0].reason.starts_with("a tail may rest on no more than 13")) << warnings[0].reason;
  EXPECT_NE(warnings[0].reason.find("or lower sample_multiple"), std::string::npos) << warnings[0].reason;
  EXPECT_TRUE(prepare_run(two_coins().book(), model, 100'000, 1).warnings.empty());
}

TEST(Prepare, SaysWhenTheBookHasANameInOtherCapitals) {
  Model model = gaussian_model(
      1.0, {price_only("btc", 0.5), price_only("DOGE", 1.0), price_only("@big", 1.0), price_only("*", 0.5)});
  model.groups = {{"big", {"ETH", "Sol"}}};

  const std::vector<Diagnostic> warnings = prepare_run(two_coins().book(), model, 5'000, 1).warnings;

  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_EQ(warnings[0].field, "groups.big[2]");
  EXPECT_EQ(warnings[0].value, "Sol");
  EXPECT_EQ(warnings[1].field, "regime[1].vols[1].match");
  EXPECT_EQ(
      warnings[1].reason,
      "the book has no underlying of this name, but BTC (capitals count in names, so the rule does not match it). "
      "Is that meant?");
}

TEST(Prepare, SaysWhenNothingInTheBookHasAHaircutOrAPegThatBreaks) {
  const auto warnings_of = [](std::vector<AssetShare> haircuts, std::vector<AssetShare> depegs) {
    Model model = gaussian_model(1.0, {price_only("*", 0.5)});
    model.groups = {{"stable", {"USDC", "USDT"}}};
    model.haircuts = std::move(haircuts);
    model.depegs = std::move(depegs);
    std::vector<std::string> found;
    for (const Diagnostic& d : prepare_run(two_coins().book(), model, 5'000, 1).warnings) {
      found.push_back(d.field + "|" + d.value + "|" + d.reason);
    }
    return found;
  };
  const std::string numeraire =
      "|USD|this is the numeraire, whose value does not change (the row matches nothing). Drop it, or name the coin "
      "that "
      "is meant.";
  const auto nothing = [](const std::string& list, const std::string& figure) {
    return list + "||no row of this list matches an underlying of the book (" + figure +
           " is 0 for every account). Add rows for its coins, or leave the list out.";
  };
  const std::vector<std::string> none;
  EXPECT_EQ(warnings_of({}, {}), none);
  EXPECT_EQ(warnings_of({{"USDC", 0.1}, {"BTC", 0.1}}, {{"@stable", 0.1}, {"*", 0.0}}), none);

  EXPECT_EQ(
      warnings_of({{"USDC", 0.1}, {"BTCC", 0.1}}, {{"@stable", 0.1}}),
      (std::vector<std::string>{nothing("haircut", "collateral_haircut_usd"), nothing("depeg", "depeg_loss_usd")}));
  EXPECT_EQ(warnings_of({{"BTC", 0.1}, {"USD", 0.1}}, {{"USD", 0.1}}),
            (std::vector<std::string>{"haircut[2].match" + numeraire, "depeg[1].match" + numeraire}));
  EXPECT_EQ(warnings_of({}, {{"USD", 0.1}, {"USDC", 0.1}}),
            (std::vector<std::string>{"depeg[1].match" + numeraire, nothing("depeg", "depeg_loss_usd")}));
}

TEST(Prepare, ForwardOfAContractQuotedInAStablecoinDefaultsToTheIndexInThatCoin) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  const UnderlyingId usdc = maker.underlying("USDC", 0.8);
  const InstrumentId call = maker.option("BTC-C", btc, 30.0, 75'000.0, OptionType::call, 0.5);
  maker.edit().instruments[call].settlement = usdc;
  maker.edit().quotes[call].forward.reset();
  maker.deposit(maker.account("a"), btc, 1.0);

  const PreparedRun run = prepare(maker, gaussian_model(1.0, {price_only("*", 0.5)}));

  EXPECT_DOUBLE_EQ(run.columns.terms[run.columns.instrument_column[call]].price_now, 75'000.0);
}

TEST(Prepare, NumbersThatWouldOverflowAreRefused) {
  BookMaker maker = two_coins();
  maker.deposit(maker.account("whale"), 0, 2e10);
  EXPECT_EQ(first_problem(maker, gaussian_model(1.0, {price_only("*", 0.5)})), "account|whale");

  BookMaker dust = two_coins();
  dust.deposit(dust.account("dust"), 0, -1e-31);
  EXPECT_EQ(first_problem(dust, gaussian_model(1.0, {price_only("*", 0.5)})), "account|dust");

  EXPECT_EQ(first_problem(two_coins(), gaussian_model(365.0, {price_only("*", 2.01)})), "regime.only.vols|BTC.price");
  EXPECT_EQ(first_problem(two_coins(), gaussian_model(365.0, {price_only("*", 1.99)})), "accepted");
}

// Of a t law with index 2.2 a cap of 20 takes 42 % of the variance (integrated outside); with index 4 it takes 0.1 %.
TEST(Prepare, SaysWhatTheLargestScaleTakes) {
  Model model = gaussian_model(1.0, {price_only("*", 0.5)});
  model.regimes[0].vols[0].tail_index = 4.0;
  EXPECT_TRUE(prepare(two_coins(), model).warnings.empty());
  model.regimes[0].vols[0].tail_index = 2.2;

  const std::vector<Diagnostic> warnings = prepare(two_coins(), model).warnings;

  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].field, "mixing.max_scale");
  EXPECT_NE(warnings[0].reason.find("41.7"), std::string::npos) << warnings[0].reason;
}

// Rates cannot lead from 1 to 2 in most of a day and never to 3: the nearest chain is another one.
TEST(Prepare, RefusesAChainThatWouldHaveToChangeMuch) {
  Model model = gaussian_model(1.0, {price_only("*", 0.5)});
  model.regimes.assign(3, model.regimes.front());
  model.transition = {{0.1, 0.9, 0.0}, {0.0, 0.1, 0.9}, {0.9, 0.0, 0.1}};
  model.transition_hours = 24.0;

  EXPECT_EQ(first_problem(two_coins(), model), "chain.transition|");
}

}  // namespace
}  // namespace tailmargin::test
