// What-ifs: the same bits as full runs of the book before and after, the standard error of a change, hedges.
#include "tailmargin/whatif.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "host/engine/kept_scenarios.hpp"
#include "host/prepare/prepare_run.hpp"
#include "host/prepare/trades.hpp"
#include "tailmargin/accuracy.hpp"
#include "tests/support/small_exchange.hpp"

namespace tailmargin::test {
namespace {

TEST(WhatIf, WithoutTradesIsTheMarginRun) {
  const Exchange exchange;
  for (const Setting& s : settings()) {
    const std::vector<AccountMargin> margins = run_margin(exchange.book(), s.model, s.config).margins;
    const WhatIf whatif(exchange.book(), s.model, s.config);

    for (AccountId a = 0; a < margins.size(); ++a) {
      const WhatIfMargins found = whatif.evaluate(a, {});
      EXPECT_EQ(bits_of(found.before), bits_of(margins[a])) << s.name << " " << margins[a].account;
      EXPECT_EQ(bits_of(found.after), bits_of(margins[a])) << s.name << " " << margins[a].account;
      EXPECT_EQ(found.es_change_usd, 0.0) << s.name;
      EXPECT_EQ(found.es_change_se_usd, 0.0) << s.name;
      EXPECT_EQ(found.tail_overlap, 1.0) << s.name;
    }
    EXPECT_EQ(margins[exchange.hedged].exact_precision, s.config.backend != BackendChoice::reference) << s.name;
  }
}

// The changed book made by hand: perpetuals, futures and options settled in USD change nothing but their row.
TEST(WhatIf, TradesGiveTheMarginRunOfTheChangedBook) {
  Exchange exchange;
  const AccountId account = 1;
  const std::vector<Trade> trades = {{exchange.perpetual, 2.5}, {exchange.call, -3.0}, {exchange.perpetual, 0.25}};
  Book changed = exchange.book();
  const auto add = [&](InstrumentId instrument, double quantity) {
    auto place = std::find_if(changed.positions.begin(), changed.positions.end(), [&](const Position& p) {
      return p.account > account || (p.account == account && p.instrument >= instrument);
    });
    if (place->account == account && place->instrument == instrument) {
      place->quantity += quantity;
    } else {
      changed.positions.insert(place, {account, instrument, quantity, {}});
    }
  };
  add(exchange.perpetual, 2.75);
  add(exchange.call, -3.0);

  for (const Setting& s : settings()) {
    const AccountMargin expected = run_margin(changed, s.model, s.config).margins[account];
    const WhatIfMargins found = WhatIf(exchange.book(), s.model, s.config).evaluate(account, trades);

    EXPECT_EQ(bits_of(found.after, false), bits_of(expected, false)) << s.name;
    EXPECT_EQ(found.es_change_usd, found.after.es_usd - found.before.es_usd) << s.name;
    EXPECT_GT(found.es_change_se_usd, 0.0) << s.name;
    EXPECT_EQ(found.after.equity_usd, found.before.equity_usd) << s.name;
  }
}

// Every instrument and account; premiums and the profit of entry prices move between balances.
TEST(WhatIf, TradesOfAnyInstrumentGiveTheMarginRunOfTheBookAfter) {
  Exchange exchange;
  for (std::size_t p = 0; p < exchange.maker.edit().positions.size(); p += 3) {
    Position& position = exchange.maker.edit().positions[p];
    position.entry_price = exchange.book().instruments[position.instrument].kind == InstrumentKind::option
                               ? 0.01
                               : 0.9 * exchange.book().quotes[position.instrument].mark_price.value();
  }
  const Model model = weighted();
  const RunConfig config = config_of(1'000);
  const PreparedRun run = prepare_run(exchange.book(), model, config.num_paths, config.seed);
  const WhatIf whatif(exchange.book(), model, config);

  for (AccountId a = 0; a < exchange.book().accounts.size(); ++a) {
    const std::vector<Trade> trades = {{static_cast<InstrumentId>(a % exchange.book().instruments.size()), 1.5},
                                       {exchange.put, -2.0},
                                       {exchange.eth_call, 3.0}};
    const Book after = book_after(exchange.book(), run.columns, a, trades);
    const AccountMargin expected = run_margin(after, model, config).margins[a];
    const AccountMargin found = whatif.evaluate(a, trades).after;

    EXPECT_EQ(bits_of(found, false), bits_of(expected, false)) << found.account;
    EXPECT_NEAR(found.equity_usd, expected.equity_usd, 1e-12 * found.gross_notional_usd) << found.account;
  }
}

TEST(WhatIf, ClosingAPositionRemovesItsRow) {
  const Exchange exchange;
  const Position held = exchange.book().positions.front();
  const WhatIfMargins found =
      WhatIf(exchange.book(), regimes(), config_of(500)).evaluate(0, {{held.instrument, -held.quantity}});

  EXPECT_EQ(found.after.num_positions + 1, found.before.num_positions);
}

TEST(WhatIf, ScopeChangesNoAnswer) {
  const Exchange exchange;
  const std::vector<Trade> trades = {{exchange.perpetual, 2.5}, {exchange.eth_call, -3.0}};
  for (const Setting& s : settings()) {
    for (const Sampler sampler : {Sampler::plain, Sampler::stratified, Sampler::sobol}) {
      RunConfig config = s.config;
      config.sampler = sampler;
      const WhatIf whole(exchange.book(), s.model, config);
      const WhatIfScope scope = {1, {exchange.perpetual, exchange.eth_call, exchange.put}};
      const WhatIf narrow(exchange.book(), s.model, config, scope);

      const WhatIfMargins expected = whole.evaluate(1, trades), found = narrow.evaluate(1, trades);
      EXPECT_EQ(bits_of(found.before), bits_of(expected.before)) << s.name << " " << to_string(sampler);
      EXPECT_EQ(bits_of(found.after), bits_of(expected.after)) << s.name << " " << to_string(sampler);
      EXPECT_EQ(found.es_change_se_usd, expected.es_change_se_usd) << s.name << " " << to_string(sampler);
      const Hedge other = whole.find_hedges(1, trades, {exchange.put}).at(0),
                  hedge = narrow.find_hedges(1, trades, {exchange.put}).at(0);
      EXPECT_EQ(hedge.quantity, other.quantity) << s.name << " " << to_string(sampler);
      EXPECT_EQ(bits_of(hedge.margins.after), bits_of(other.margins.after)) << s.name << " " << to_string(sampler);
    }
  }
}

TEST(WhatIf, RefusesWhatIsOutOfScope) {
  const Exchange exchange;
  const WhatIf narrow(exchange.book(), regimes(), config_of(500), WhatIfScope{exchange.empty, {exchange.perpetual}});

  EXPECT_NO_THROW(narrow.evaluate(exchange.empty, {{exchange.perpetual, 1.0}}));
  EXPECT_THROW(narrow.evaluate(exchange.empty, {{exchange.eth_call, 1.0}}), UsageError);
  EXPECT_THROW(narrow.find_hedges(exchange.empty, {}, {exchange.eth_perpetual}), UsageError);
  EXPECT_THROW(WhatIf(exchange.book(), regimes(), config_of(500), WhatIfScope{99, {}}), UsageError);
  EXPECT_THROW(WhatIf(exchange.book(), regimes(), config_of(500), WhatIfScope{0, {99}}), UsageError);
}

TEST(WhatIf, MeetsTheReference) {
  const Exchange exchange;
  const std::vector<Trade> trades = {{exchange.put, 4.0}, {exchange.future, -1.0}, {exchange.eth_perpetual, 30.0}};
  const WhatIf cpu(exchange.book(), weighted(), config_of(1'000));
  const WhatIf reference(exchange.book(), weighted(), config_of(1'000, BackendChoice::reference));

  for (AccountId a = 0; a < exchange.book().accounts.size(); ++a) {
    const WhatIfMargins c = cpu.evaluate(a, trades), r = reference.evaluate(a, trades);
    // Contracts are computed in the size of their forward or strike, which is their notional here within a tenth.
    const double bound = 1.2 * accuracy::account_rounding *
                         (r.before.gross_notional_usd + r.after.gross_notional_usd + 20.0 * 60'000.0 +
                          (a == exchange.hedged ? 6e6 : 0.0));
    EXPECT_NEAR(c.after.es_usd, r.after.es_usd, bound) << c.after.account;
    EXPECT_NEAR(c.es_change_usd, r.es_change_usd, bound) << c.after.account;
    EXPECT_NEAR(c.es_change_se_usd, r.es_change_se_usd, bound) << c.after.account;
    EXPECT_NEAR(c.tail_overlap, r.tail_overlap, 0.11) << c.after.account;
  }
}

// The s.e. of a change is the spread of the change over seeds, and less than tails of other paths would have.
TEST(WhatIf, StandardErrorOfTheChangeIsItsSpreadOverSeeds) {
  const Exchange exchange;
  const AccountId account = 2;
  const std::vector<Trade> trades = {{exchange.perpetual, -2.0}, {exchange.call, 4.0}};
  constexpr int seeds = 50;
  double sum = 0.0, squares = 0.0, variance = 0.0, apart = 0.0;
  for (int seed = 1; seed <= seeds; ++seed) {
    RunConfig config = config_of(4'000);
    config.seed = static_cast<std::uint64_t>(seed);
    const WhatIfMargins found = WhatIf(exchange.book(), weighted(), config).evaluate(account, trades);
    sum += found.es_change_usd;
    squares += found.es_change_usd * found.es_change_usd;
    variance += found.es_change_se_usd * found.es_change_se_usd / seeds;
    apart += (std::pow(found.before.es_se_usd, 2) + std::pow(found.after.es_se_usd, 2)) / seeds;
  }

  const double spread = std::sqrt((squares - sum * sum / seeds) / (seeds - 1));
  // The spread of 50 is known to 1 / sqrt(98), a tenth; three of these.
  EXPECT_NEAR(spread / std::sqrt(variance), 1.0, 0.3) << spread;
  EXPECT_LT(variance, 0.7 * apart);
}

TEST(WhatIf, HedgeOfAPerpetualIsItsOpposite) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  const InstrumentId perpetual = maker.perpetual("BTC-PERP", btc, Payoff::linear);
  const AccountId account = maker.account("a");
  maker.hold(account, perpetual, 12.375);
  const WhatIf whatif(maker.book(), gaussian_model(1.0, {price_only("BTC", 0.6)}), config_of(5'000));

  const std::vector<Hedge> hedges = whatif.find_hedges(account, {}, {perpetual});

  ASSERT_EQ(hedges.size(), 1u);
  EXPECT_EQ(hedges[0].quantity, -12.375);
  EXPECT_EQ(hedges[0].margins.after.initial_margin_usd, 0.0);
  EXPECT_EQ(hedges[0].cut_usd, hedges[0].margins.before.initial_margin_usd);
  EXPECT_EQ(hedges[0].notional_usd, 12.375 * 60'000.0);
  EXPECT_FALSE(hedges[0].at_limit);
}

// Nearly normal losses: the ES is least where the variance is, at rho times the ratio of the vols.
TEST(WhatIf, HedgeOfOneCoinWithAnotherIsTheRegressionCoefficient) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 1'000.0), eth = maker.underlying("ETH", 1'000.0);
  const InstrumentId long_leg = maker.perpetual("BTC-PERP", btc, Payoff::linear),
                     hedge = maker.perpetual("ETH-PERP", eth, Payoff::linear);
  const AccountId account = maker.account("a");
  maker.hold(account, long_leg, 100.0);
  const Model model =
      gaussian_model(1.0, {price_only("BTC", 0.3), price_only("ETH", 0.4)},
                     {{{"BTC", FactorKind::price}, {"ETH", FactorKind::price}, SameUnderlying::any, 0.8}});
  const WhatIf whatif(maker.book(), model, config_of(50'000));

  const std::vector<Hedge> hedges = whatif.find_hedges(account, {}, {hedge, long_leg});

  ASSERT_EQ(hedges.size(), 2u);
  EXPECT_EQ(hedges[0].instrument, long_leg) << "the larger cut comes first";
  EXPECT_NEAR(hedges[1].quantity, -100.0 * 0.8 * 0.3 / 0.4, 4.0);
  EXPECT_NEAR(hedges[1].margins.after.es_usd / hedges[1].margins.before.es_usd, 0.6, 0.03);  // sqrt(1 - rho^2)
}

// Whatever the book: no size nearby or on a coarse grid is better, and the margin is that of the trade.
TEST(WhatIf, NoOtherSizeCutsMore) {
  const Exchange exchange;
  for (const Model& model : {weighted(), worst_on_the_way(), closed_late(weighted())}) {
    const WhatIf whatif(exchange.book(), model, config_of(1'500));
    const std::vector<Trade> trades = {{exchange.call, 2.0}};

    const std::vector<Hedge> hedges =
        whatif.find_hedges(3, trades, {exchange.perpetual, exchange.inverse, exchange.put, exchange.eth_perpetual});

    ASSERT_EQ(hedges.size(), 4u);
    for (std::size_t h = 1; h < hedges.size(); ++h) { EXPECT_GE(hedges[h - 1].cut_usd, hedges[h].cut_usd); }
    for (const Hedge& hedge : hedges) {
      const AccountMargin& best = hedge.margins.after;
      ASSERT_NE(hedge.quantity, 0.0);
      EXPECT_GT(hedge.cut_usd, 0.0);
      EXPECT_DOUBLE_EQ(hedge.cut_per_contract * std::fabs(hedge.quantity), hedge.cut_usd);
      EXPECT_DOUBLE_EQ(hedge.cut_per_notional * hedge.notional_usd, hedge.cut_usd);
      for (const double factor : {-1.0, 0.5, 0.9, 0.99, 1.01, 1.1, 2.0}) {
        const double other = whatif.evaluate(3, {trades[0], {hedge.instrument, factor * hedge.quantity}}).after.es_usd;
        EXPECT_GE(other, best.es_usd - 1e-6 * best.gross_notional_usd) << hedge.instrument << " " << factor;
      }
      EXPECT_EQ(bits_of(whatif.evaluate(3, {trades[0], {hedge.instrument, hedge.quantity}}).after), bits_of(best));
    }
  }
}

TEST(WhatIf, NothingToHedge) {
  const Exchange exchange;
  const WhatIf whatif(exchange.book(), regimes(), config_of(500));

  const std::vector<Hedge> hedges = whatif.find_hedges(exchange.empty, {}, {exchange.perpetual});

  EXPECT_EQ(hedges.at(0).quantity, 0.0);
  EXPECT_EQ(hedges[0].cut_usd, 0.0);
  EXPECT_EQ(hedges[0].cut_per_notional, 0.0);
}

TEST(WhatIf, RefusesWhatCannotBe) {
  const Exchange exchange;
  const WhatIf whatif(exchange.book(), regimes(), config_of(500));
  const double nan = std::numeric_limits<double>::quiet_NaN();

  EXPECT_THROW(whatif.evaluate(99, {}), UsageError);
  EXPECT_THROW(whatif.evaluate(0, {{99, 1.0}}), UsageError);
  EXPECT_THROW(whatif.evaluate(0, {{exchange.call, 0.0}}), UsageError);
  EXPECT_THROW(whatif.evaluate(0, {{exchange.call, nan}}), UsageError);
  EXPECT_THROW(whatif.find_hedges(0, {}, {99}), UsageError);
  EXPECT_THROW(whatif.evaluate(0, {{exchange.call, 1e12}}), InputError);
  EXPECT_THROW(WhatIf(exchange.book(), regimes(), config_of(99)), UsageError);
  EXPECT_THROW(WhatIf(exchange.book(), regimes(), config_of(0)), UsageError);
}

TEST(WhatIf, StopsWhenAsked) {
  const Exchange exchange;
  const std::atomic<bool> stop = true;
  RunConfig config = config_of(500);
  config.stop = &stop;

  EXPECT_THROW(WhatIf(exchange.book(), regimes(), config), Interrupted);
}

TEST(KeptScenarios, SimulatingAgainGivesTheSame) {
  const Exchange exchange;
  const PreparedRun run = prepare_run(exchange.book(), worst_on_the_way(), 700, 3);
  const AccountPlan account = select_accounts(run.accounts, {4});
  KeptScenarios::Options options;
  options.kernels = &choose_kernels(Isa::automatic);
  const KeptScenarios kept(run, options);
  options.largest_bytes = 0;
  const KeptScenarios again(run, options);

  ASSERT_NE(kept.observations(), nullptr);
  EXPECT_EQ(again.observations(), nullptr);
  EXPECT_EQ(kept.pnl(run.columns, account), again.pnl(run.columns, account));
}

}  // namespace
}  // namespace tailmargin::test
