// Haircuts by hand, wrong-way risk against closed forms of normal books, broken pegs against literal revaluation.
#include <gtest/gtest.h>

#include <cmath>

#include "host/engine/collateral_rules.hpp"
#include "host/prepare/prepare_run.hpp"
#include "tailmargin/explain.hpp"
#include "tests/support/normal_oracle.hpp"
#include "tests/support/small_exchange.hpp"

namespace tailmargin::test {
namespace {

constexpr double day_vol = 0.01;  // small, so that losses are nearly normal

RunConfig cpu_config(std::uint64_t paths) {
  RunConfig config = config_of(paths);
  config.keep_tail_paths = false;
  return config;
}

Model one_day(double vol = day_vol) {
  Model model = gaussian_model(1.0, {price_only("USDC", 0.0), price_only("*", vol * std::sqrt(year_days))});
  model.step_hours = 24.0;
  return model;
}

/// A coin of 100 USD, a stablecoin off its peg, a linear and an inverse perpetual.
struct Coins {
  BookMaker maker;
  UnderlyingId coin = maker.underlying("COIN", 100.0), usdc = maker.underlying("USDC", 0.999);
  InstrumentId linear = maker.perpetual("COIN-LINEAR", coin, Payoff::linear),
               inverse = maker.perpetual("COIN-INVERSE", coin, Payoff::inverse);
};

TEST(Haircuts, TakeASharesOfBalancesAndNothingOfDebts) {
  Coins c;
  const AccountId holder = c.maker.account("holder"), trader = c.maker.account("trader");
  c.maker.deposit(holder, c.coin, 20.0).deposit(holder, c.usdc, -500.0).deposit(holder, no_underlying, 1'000.0);
  c.maker.hold(trader, c.linear, 100.0).deposit(trader, no_underlying, 90.0).deposit(trader, c.usdc, 1'000.0);
  Model model = one_day();
  model.groups = {{"stable", {"USDC"}}};
  const RunResult without = run_margin(c.maker.book(), model, cpu_config(2'000));
  model.haircuts = {{"@stable", 0.02}, {"*", 0.25}};

  const RunResult with = run_margin(c.maker.book(), model, cpu_config(2'000));

  EXPECT_DOUBLE_EQ(with.margins[holder].collateral.haircut_usd, 0.25 * 20.0 * 100.0);
  EXPECT_DOUBLE_EQ(with.margins[trader].collateral.haircut_usd, 0.02 * 1'000.0 * 0.999);
  EXPECT_EQ(without.margins[holder].collateral.haircut_usd, 0.0);
  for (const AccountId account : {holder, trader}) {  // a column of its own: nothing else moves
    EXPECT_EQ(bits_of(with.margins[account]), bits_of(without.margins[account]));
  }
  const AccountMargin& margin = with.margins[trader];
  EXPECT_DOUBLE_EQ(margin.margin_ratio().value(), (90.0 + 999.0 - 19.98) / margin.maintenance_margin_usd);
  EXPECT_LT(*margin.margin_ratio(), *without.margins[trader].margin_ratio());
}

TEST(Haircuts, MayTakeARatioBelowOne) {
  AccountMargin margin;
  margin.equity_usd = 100.0;
  margin.maintenance_margin_usd = 80.0;
  EXPECT_DOUBLE_EQ(margin.margin_ratio().value(), 1.25);
  margin.collateral.haircut_usd = 30.0;
  EXPECT_DOUBLE_EQ(margin.margin_ratio().value(), 0.875);
  margin.maintenance_margin_usd = 0.0;
  EXPECT_FALSE(margin.margin_ratio().has_value()) << "nothing is asked for, so there is no ratio";
}

/// Expected shortfall of `notional` held long (+1) or short (-1), price lognormal with zero log drift.
double coin_es(double side, double notional, double confidence = 0.99) {
  const double z = normal_quantile(confidence);
  const double growth = std::exp(0.5 * day_vol * day_vol) * normal_cdf(-z - side * day_vol) / (1.0 - confidence);
  return side * notional * (1.0 - growth);
}

TEST(WrongWay, IsTheDifferenceThatMovingBalancesMake) {
  Coins c;
  const AccountId cash = c.maker.account("cash"), helped = c.maker.account("helped"),
                  indebted = c.maker.account("indebted"), wrong = c.maker.account("wrong");
  c.maker.hold(cash, c.linear, 1'000.0).deposit(cash, no_underlying, 50'000.0);
  c.maker.hold(helped, c.inverse, -100'000.0).deposit(helped, c.coin, 500.0);
  c.maker.hold(indebted, c.linear, 1'000.0).deposit(indebted, c.coin, -400.0);
  c.maker.hold(wrong, c.linear, 1'000.0).deposit(wrong, c.coin, 1'000.0);

  const RunResult run = run_margin(c.maker.book(), one_day(), cpu_config(1'000'000));

  ASSERT_EQ(run.wrong_way.size(), 3u) << "cash does not move";
  EXPECT_EQ(run.margins[cash].collateral.wrong_way_usd, 0.0);
  const WrongWayFigures &of_helped = run.wrong_way[0], &of_indebted = run.wrong_way[1], &of_wrong = run.wrong_way[2];
  const auto expect_es = [](const EsFigure& found, double expected) {
    EXPECT_NEAR(found.es_usd, expected, 3.0 * found.se_usd);
    EXPECT_LT(found.se_usd, 0.02 * std::fabs(expected)) << "a bound too wide to find an error";
  };
  EXPECT_EQ(of_helped.account, "helped");
  expect_es(of_helped.moving, coin_es(-1.0, 50'000.0));  // half of a short of 100,000 is hedged by 50,000 of the coin
  expect_es(of_helped.fixed, coin_es(-1.0, 100'000.0));
  expect_es(of_indebted.moving, coin_es(1.0, 60'000.0));
  expect_es(of_indebted.fixed, coin_es(1.0, 100'000.0));
  expect_es(of_wrong.moving, coin_es(1.0, 200'000.0));
  expect_es(of_wrong.fixed, coin_es(1.0, 100'000.0));
  // The same paths: differences of multiples of one loss are multiples of its figure, whatever the noise.
  EXPECT_NEAR(of_wrong.wrong_way_usd(), of_wrong.fixed.es_usd, 1e-5 * of_wrong.fixed.es_usd);
  EXPECT_NEAR(of_helped.wrong_way_usd(), -0.5 * of_helped.fixed.es_usd, 1e-5 * of_helped.fixed.es_usd);
  EXPECT_NEAR(of_indebted.wrong_way_usd(), -0.4 * of_indebted.fixed.es_usd, 1e-5 * of_indebted.fixed.es_usd);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(run.margins[i + 1].collateral.wrong_way_usd, run.wrong_way[i].wrong_way_usd());
  }
}

TEST(WrongWay, IsThatOfTheTermsPathsWithTermsAndWithout) {
  const Exchange exchange;
  Model model = with_terms();
  const RunResult with = run_margin(exchange.book(), model, cpu_config(25'000));
  model.terms.reset();
  const RunResult without = run_margin(exchange.book(), model, cpu_config(25'000));

  ASSERT_FALSE(with.wrong_way.empty());
  ASSERT_EQ(with.wrong_way.size(), without.wrong_way.size());
  for (std::size_t i = 0; i < with.wrong_way.size(); ++i) {
    EXPECT_EQ(with.wrong_way[i].account, without.wrong_way[i].account);
    EXPECT_EQ(with.wrong_way[i].moving.es_usd, without.wrong_way[i].moving.es_usd);
    EXPECT_EQ(with.wrong_way[i].moving.se_usd, without.wrong_way[i].moving.se_usd);
    EXPECT_EQ(with.wrong_way[i].fixed.es_usd, without.wrong_way[i].fixed.es_usd);
    EXPECT_NE(with.wrong_way[i].fixed.es_usd, with.wrong_way[i].moving.es_usd);
  }
}

std::string collateral_bits(const RunResult& run) {
  std::string bits;
  for (const AccountMargin& margin : run.margins) {
    bits.append(reinterpret_cast<const char*>(&margin.collateral), sizeof margin.collateral);
  }
  return bits;
}

Model with_everything() {
  Model model = weighted();
  model.haircuts = {{"USDC", 0.01}, {"*", 0.1}};
  model.depegs = {{"USDC", 0.12}};
  return model;
}

TEST(Collateral, HasTheSameBitsHoweverTheWorkIsCut) {
  const Exchange exchange;
  for (const Sampler sampler : {Sampler::plain, Sampler::sobol}) {
    RunConfig config = cpu_config(12'000);  // more than the part that is looked at
    config.sampler = sampler;
    const std::string bits = collateral_bits(run_margin(exchange.book(), with_everything(), config));
    config.threads = 3;
    config.paths_per_tile = 64;
    config.accounts_per_batch = 2;
    config.isa = "baseline";
    EXPECT_EQ(collateral_bits(run_margin(exchange.book(), with_everything(), config)), bits);
  }
}

TEST(Collateral, OfTheReferenceIsTheSameUpToItsRoundings) {
  const Exchange exchange;
  const RunResult cpu = run_margin(exchange.book(), with_everything(), config_of(400)),
                  reference = run_margin(exchange.book(), with_everything(), config_of(400, BackendChoice::reference));
  for (std::size_t a = 0; a < cpu.margins.size(); ++a) {
    const CollateralFigures &found = cpu.margins[a].collateral, &expected = reference.margins[a].collateral;
    EXPECT_EQ(found.haircut_usd, expected.haircut_usd);
    EXPECT_EQ(found.depeg_loss_usd, expected.depeg_loss_usd);
    EXPECT_NEAR(found.wrong_way_usd, expected.wrong_way_usd, 1e-4 * (1.0 + std::fabs(expected.wrong_way_usd)));
  }
}

TEST(Collateral, IsExplainedToTheBit) {
  const Exchange exchange;
  for (Model model : {with_everything(), with_terms()}) {
    model.haircuts = with_everything().haircuts;
    const RunResult run = run_margin(exchange.book(), model, cpu_config(3'000));
    for (AccountId account = 0; account < run.margins.size(); ++account) {
      const Explanation found = explain_account(exchange.book(), model, cpu_config(3'000), account);

      const CollateralFigures &of_run = run.margins[account].collateral, &again = found.margin.collateral;
      EXPECT_EQ(again.haircut_usd, of_run.haircut_usd);
      EXPECT_EQ(again.depeg_loss_usd, of_run.depeg_loss_usd);
      EXPECT_EQ(again.wrong_way_usd, of_run.wrong_way_usd);
      double haircut = 0.0;
      for (const BalanceValue& balance : found.balances) { haircut += balance.haircut_usd; }
      EXPECT_EQ(haircut, of_run.haircut_usd) << "re-added";
    }
  }
}

// --- broken pegs -----------------------------------------------------------------------------------------------------

constexpr double fall = 0.1;  // of the stablecoin

/// Loss of one account when USDC falls by a tenth.
double depeg_loss(const BookMaker& maker, const std::vector<AssetShare>& falls = {{"USDC", fall}}) {
  Model model = one_day();
  model.depegs = falls;
  return run_margin(maker.book(), model, cpu_config(200)).margins.front().collateral.depeg_loss_usd;
}

TEST(Depeg, TakesTheFallFromBalancesAndGivesItToDebts) {
  for (const double amount : {1'000.0, -1'000.0}) {
    Coins c;
    c.maker.deposit(c.maker.account("a"), c.usdc, amount);
    c.maker.deposit(0, no_underlying, 77.0).deposit(0, c.coin, 3.0);
    EXPECT_NEAR(depeg_loss(c.maker), amount * 0.999 * fall, 1e-9);
  }
}

TEST(Depeg, IsNothingWithoutARule) {
  Coins c;
  c.maker.deposit(c.maker.account("a"), c.usdc, 1'000.0);
  EXPECT_EQ(depeg_loss(c.maker, {}), 0.0);
  EXPECT_EQ(depeg_loss(c.maker, {{"USDT", fall}}), 0.0);
  EXPECT_EQ(depeg_loss(c.maker, {{"USDC", 0.0}, {"*", fall}}), 0.0);
}

/// The coin keeps its price in USD, so it rises in USDC: what is long gains in USDC what USDC loses in USD.
TEST(Depeg, ReachesProfitThatIsPaidInTheCoin) {
  for (const double quantity : {10.0, -10.0}) {
    Coins c;
    const InstrumentId perpetual = c.maker.perpetual("Z-USDC-PERP", c.coin, Payoff::linear, c.usdc);
    c.maker.hold(c.maker.account("a"), perpetual, quantity);
    EXPECT_NEAR(depeg_loss(c.maker), -quantity * 100.0 * fall, 1e-9);
    // Ten USDC of profit a coin so far, in the balance.
    c.maker.edit().positions.front().entry_price = 100.0 / 0.999 - 10.0;
    EXPECT_NEAR(depeg_loss(c.maker), -quantity * 100.0 * fall + quantity * 10.0 * 0.999 * fall, 1e-9);
  }
}

TEST(Depeg, LeavesWhatIsNeitherQuotedNorPaidInTheCoin) {
  Coins c;
  c.maker.hold(c.maker.account("a"), c.linear, 5.0).hold(0, c.inverse, -700.0);
  EXPECT_EQ(depeg_loss(c.maker), 0.0);
}

/// Black (1976) from the C library.
double black(double sign, double forward, double strike, double total_vol) {
  const double d1 = std::log(forward / strike) / total_vol + 0.5 * total_vol;
  return sign * (forward * normal_cdf(sign * d1) - strike * normal_cdf(sign * (d1 - total_vol)));
}

/// The coin itself falls: every kind of contract revalued literally.
TEST(Depeg, RevaluesEveryKindOfContract) {
  const double vol = 0.6 * std::sqrt(30.0 / year_days), low = 100.0 * (1.0 - fall);
  Coins c;
  const InstrumentId call = c.maker.option("X-CALL", c.coin, 30.0, 110.0, OptionType::call, 0.6),
                     put = c.maker.option("X-PUT-COIN", c.coin, 30.0, 95.0, OptionType::put, 0.6, Payoff::inverse),
                     usdc_future = c.maker.future("Y-FUT", c.coin, 30.0, 102.0);
  c.maker.edit().instruments[usdc_future].settlement = c.usdc;  // 102 USDC now
  c.maker.account("a");
  const double b_call = black(1.0, low, 110.0, vol) - black(1.0, 100.0, 110.0, vol);
  const double put_now = black(-1.0, 100.0, 95.0, vol) / 100.0, put_then = black(-1.0, low, 95.0, vol) / low;
  const struct {
    InstrumentId instrument;
    double gain_usd;  // of one contract, with what it is worth in coins where it is paid for up front
  } cases[] = {{c.linear, -10.0},
               {c.inverse, (1.0 / 100.0 - 1.0 / low) * low},
               {call, b_call},
               {put, (put_then - put_now) * low - put_now * 100.0 * fall},
               {usdc_future, 102.0 * ((1.0 - fall) - 1.0) * 0.999}};
  for (const auto& [instrument, gain] : cases) {
    c.maker.edit().positions = {{0, instrument, 3.0, {}}};
    EXPECT_NEAR(depeg_loss(c.maker, {{"COIN", fall}}), -3.0 * gain, 1e-7) << "instrument " << instrument;
  }
  // Both fall alike: the price in USDC stays, so there is no profit to be paid.
  c.maker.edit().positions = {{0, usdc_future, 3.0, {}}};
  EXPECT_NEAR(depeg_loss(c.maker, {{"*", fall}}), 0.0, 1e-9);
}

}  // namespace
}  // namespace tailmargin::test
