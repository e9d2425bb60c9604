// Closing along the path: shares by hand, closed forms of what a slow leg costs, and nothing else changed.
#include "host/prepare/closing.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "host/engine/margin_terms.hpp"
#include "host/engine/price_paths.hpp"
#include "host/estimators/control_variate.hpp"
#include "host/prepare/prepare_run.hpp"
#include "tailmargin/accuracy.hpp"
#include "tailmargin/explain.hpp"
#include "tailmargin/whatif.hpp"
#include "tests/support/small_exchange.hpp"

namespace tailmargin::test {
namespace {

constexpr double es_99 = 2.665214220;  // of a standard normal loss at 99 %: density at the quantile over the tail
constexpr double day_vol = 0.002;      // small, so that a loss is nearly normal
constexpr double price = 100.0;

/// One coin and contracts on it that differ in volume only; prices are normal, without drift.
struct OneCoin {
  BookMaker maker;
  UnderlyingId coin = maker.underlying("AAA", price);
  InstrumentId fast = maker.perpetual("AAA-FAST", coin, Payoff::linear),
               other = maker.perpetual("AAA-OTHER", coin, Payoff::linear),
               slow = maker.perpetual("AAA-SLOW", coin, Payoff::linear);

  OneCoin() {
    volume(fast, 1e9);
    volume(other, 1e9);
    volume(slow, 2'500.0);  // at 10 % 250 contracts a day
  }
  void volume(InstrumentId instrument, std::optional<double> contracts) {
    maker.edit().quotes[instrument].volume_24h = contracts;
  }
};

Model closing_model(const std::vector<double>& hours, double participation = 0.1) {
  Model model = gaussian_model(1.0, {price_only("*", day_vol * std::sqrt(365.0))});
  model.step_hours = 24.0;
  model.funding_interval_hours = 0.0;
  model.closing = Closing{participation, hours};
  return model;
}

RunConfig many_paths(BackendChoice backend = BackendChoice::cpu) {
  RunConfig config = config_of(200'000, backend);
  config.keep_tail_paths = false;
  return config;
}

AccountMargin margin_of(const OneCoin& one, const Model& model, AccountId account) {
  return run_margin(one.maker.book(), model, many_paths()).margins[account];
}

void expect_es(const AccountMargin& margin, double expected, const std::string& what) {
  EXPECT_GT(margin.es_se_usd, 0.0) << what;
  EXPECT_NEAR(margin.es_usd, expected, 4.0 * margin.es_se_usd + 0.01 * expected) << what;
}

/// Contracts of an account by closing time, as its exposures have them.
std::vector<double> closed_by_time(const PreparedRun& run, AccountId account, std::uint32_t first_column) {
  std::vector<double> out(run.columns.num_closing_times(), 0.0);
  for (std::uint64_t p = run.accounts.offsets[account]; p < run.accounts.offsets[account + 1]; ++p) {
    const std::uint32_t column = run.accounts.columns[p].column();
    if (run.columns.first_column(column) == first_column) { out[column - first_column] += run.accounts.quantities[p]; }
  }
  return out;
}

// Volume 2,500 a day at 10 %: 250 contracts in a day, 500 in two, 1,000 in four; the last time takes what is left.
TEST(Closing, PartsAreWhatFitsEachTime) {
  OneCoin one;
  one.volume(one.other, std::nullopt);
  const std::vector<std::pair<double, std::vector<double>>> cases = {{100.0, {100.0, 0.0, 0.0}},
                                                                     {250.0, {250.0, 0.0, 0.0}},
                                                                     {-300.0, {-250.0, -50.0, 0.0}},
                                                                     {500.0, {250.0, 250.0, 0.0}},
                                                                     {-1'700.0, {-250.0, -250.0, -1'200.0}}};
  for (std::size_t c = 0; c < cases.size(); ++c) {
    one.maker.hold(one.maker.account("account-" + std::to_string(c)), one.slow, cases[c].first);
  }
  const AccountId unknown = one.maker.account("unknown"), rows = one.maker.account("two rows"),
                  opposite = one.maker.account("two sides");
  one.maker.hold(unknown, one.other, 3.0);
  one.maker.hold(rows, one.slow, 400.0).hold(rows, one.slow, 200.0);
  one.maker.hold(opposite, one.slow, 900.0).hold(opposite, one.slow, -600.0);

  const PreparedRun run = prepare_run(one.maker.book(), closing_model({48.0, 96.0}), 10'000, 1);

  const std::uint32_t slow = run.columns.instrument_column[one.slow];
  EXPECT_EQ(run.columns.closing_step, (std::vector<std::uint32_t>{1, 2, 4}));
  EXPECT_EQ(run.scenarios.num_steps, 4u);
  EXPECT_EQ(run.columns.num_slices, 1u);
  for (std::size_t c = 0; c < cases.size(); ++c) {
    EXPECT_EQ(closed_by_time(run, c, slow), cases[c].second) << cases[c].first;
  }
  EXPECT_EQ(closed_by_time(run, unknown, run.columns.instrument_column[one.other]),
            (std::vector<double>{0.0, 0.0, 3.0}));
  const auto expect_parts = [&](AccountId account, const std::vector<double>& parts) {
    const std::vector<double> found = closed_by_time(run, account, slow);
    for (std::size_t t = 0; t < parts.size(); ++t) { EXPECT_NEAR(found[t], parts[t], 1e-12) << account << " " << t; }
  };
  expect_parts(rows, {250.0, 250.0, 100.0});
  expect_parts(opposite, {250.0, 50.0, 0.0});
}

TEST(Closing, VolumeIsThatOfTheUnderlyingWhereTheInstrumentHasNone) {
  OneCoin one;
  one.volume(one.other, std::nullopt);
  one.volume(one.slow, 0.0);
  one.maker.edit().underlyings[one.coin].adv_usd = 400'000.0;  // 4,000 contracts of 100 USD
  one.maker.account("none");

  const std::vector<double> contracts = closing_contracts(one.maker.book(), closing_model({72.0}, 0.25));

  EXPECT_EQ(daily_volume(one.maker.book(), one.other), 4'000.0);
  EXPECT_EQ(contracts, (std::vector<double>{0.25e9, 0.75e9, 1'000.0, 3'000.0, 0.0, 0.0}));
}

// What has expired needs no closing: its cash is there, whatever the volume.
TEST(Closing, WhatHasExpiredIsClosed) {
  BookMaker maker;
  const UnderlyingId coin = maker.underlying("AAA", price);
  const InstrumentId soon = maker.option("AAA-1", coin, 0.6, 110.0, OptionType::call, 0.5),
                     later = maker.option("AAA-2", coin, 1.5, 110.0, OptionType::call, 0.5),
                     last = maker.option("AAA-3", coin, 9.0, 110.0, OptionType::call, 0.5);
  const AccountId account = maker.account("one");
  maker.hold(account, soon, 10.0).hold(account, later, 10.0).hold(account, last, 10.0);
  for (const InstrumentId i : {soon, later, last}) { maker.edit().quotes[i].volume_24h = 40.0; }

  const PreparedRun run = prepare_run(maker.book(), closing_model({48.0, 72.0}), 10'000, 1);

  const auto parts = [&](InstrumentId i) { return closed_by_time(run, account, run.columns.instrument_column[i]); };
  EXPECT_EQ(parts(soon), (std::vector<double>{10.0, 0.0, 0.0}));
  EXPECT_EQ(parts(later), (std::vector<double>{4.0, 6.0, 0.0}));
  EXPECT_EQ(parts(last), (std::vector<double>{4.0, 4.0, 2.0}));
  EXPECT_EQ(run.warnings.size(), 0u);  // 12 fit
}

// A perfect hedge on paper. With two fast legs nothing can be lost; with a slow one what is left of it is alone for a
// day: the rest's value times the vol of that day.
TEST(Closing, ASlowLegCostsWhatIsLeftOfItAlone) {
  OneCoin one;
  const AccountId both_fast = one.maker.account("both fast"), one_slow = one.maker.account("one slow");
  one.maker.hold(both_fast, one.fast, 1'000.0).hold(both_fast, one.other, -1'000.0);
  one.maker.hold(one_slow, one.fast, 1'000.0).hold(one_slow, one.slow, -1'000.0);

  const AccountMargin fast = margin_of(one, closing_model({48.0}), both_fast),
                      slow = margin_of(one, closing_model({48.0}), one_slow),
                      slower = margin_of(one, closing_model({48.0, 96.0}), one_slow);

  EXPECT_LT(fast.initial_margin_usd, 1e-6);
  EXPECT_GT(slow.initial_margin_usd, 300.0);
  expect_es(slow, es_99 * day_vol * price * 750.0, "a day later");
  // 250 close a day later, the other 500 two days after that.
  expect_es(slower, es_99 * day_vol * price * std::sqrt(750.0 * 750.0 + 2.0 * 500.0 * 500.0), "two days after that");
}

TEST(Closing, IsOffWithoutItsTable) {
  OneCoin one;
  const AccountId account = one.maker.account("one slow");
  one.maker.hold(account, one.fast, 1'000.0).hold(account, one.slow, -1'000.0);
  Model model = closing_model({48.0});
  model.closing.reset();
  EXPECT_LT(margin_of(one, model, account).initial_margin_usd, 1e-6);
}

// 250 contracts a day: half of 500 is held for two days, so the variance is that of 500 for one and 250 for another.
TEST(Closing, LargePositionsCostMoreThanInProportion) {
  OneCoin one;
  std::vector<AccountId> accounts;
  const std::vector<double> sizes = {100.0, 200.0, 500.0, 1'000.0};
  for (const double size : sizes) {
    accounts.push_back(one.maker.account("size-" + std::to_string(1'000 + static_cast<int>(size))));
    one.maker.hold(accounts.back(), one.slow, -size);
  }

  const std::vector<AccountMargin> margins = run_margin(one.maker.book(), closing_model({48.0}), many_paths()).margins;

  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const double rest = std::max(sizes[i] - 250.0, 0.0);
    expect_es(margins[i], es_99 * day_vol * price * std::sqrt(sizes[i] * sizes[i] + rest * rest), margins[i].account);
  }
  EXPECT_NEAR(margins[1].es_usd, 2.0 * margins[0].es_usd, 1e-6 * margins[1].es_usd);
  EXPECT_GT(margins[3].es_usd, 2.1 * margins[2].es_usd);
}

// In a market that takes everything nothing changes: the first steps of a path do not know of those after.
TEST(Closing, WhatFitsTheHorizonKeepsItsBits) {
  Exchange exchange;
  for (Quote& quote : exchange.maker.edit().quotes) { quote.volume_24h = 1e12; }
  const Model closing = closed_late(regimes());
  for (const BackendChoice backend : {BackendChoice::cpu, BackendChoice::reference}) {
    RunConfig config = config_of(backend == BackendChoice::cpu ? 3'000 : 300, backend);
    config.sampler = Sampler::plain;  // points depend on how long paths are
    const std::vector<AccountMargin> with = run_margin(exchange.book(), closing, config).margins,
                                     without = run_margin(exchange.book(), regimes(), config).margins;
    for (std::size_t a = 0; a < with.size(); ++a) { EXPECT_EQ(bits_of(with[a]), bits_of(without[a])) << a; }
  }
}

TEST(Closing, IsTheSameOnEveryBackendAndForEveryCut) {
  const Exchange exchange;
  const Model model = closed_late(weighted());
  const PreparedRun run = prepare_run(exchange.book(), model, 2'000, 7);
  const std::vector<AccountMargin> cpu = run_margin(exchange.book(), model, config_of(2'000)).margins;
  RunConfig other = config_of(2'000);
  other.threads = 3;
  other.isa = "baseline";
  other.paths_per_tile = 64;
  other.accounts_per_batch = 2;
  const std::vector<AccountMargin> cut = run_margin(exchange.book(), model, other).margins,
                                   reference =
                                       run_margin(exchange.book(), model, config_of(2'000, BackendChoice::reference))
                                           .margins;
  for (std::size_t a = 0; a < cpu.size(); ++a) {
    EXPECT_EQ(bits_of(cpu[a]), bits_of(cut[a])) << a;
    const double bound = accuracy::account_rounding * run.accounts.rounding_scale_usd[a];
    EXPECT_NEAR(cpu[a].es_usd, reference[a].es_usd, bound) << a;
    EXPECT_NEAR(cpu[a].var_usd, reference[a].var_usd, bound) << a;
  }
}

// The tables know of the market and the model, not of who holds what: parts of an exchange have the same.
TEST(Closing, TablesAreHashedAndDoNotDependOnAccounts) {
  const Exchange exchange;
  const auto tables = [&](const Book& book, const Model& model) {
    return serialise_tables(prepare_run(book, model, 100, 7));
  };
  const std::string whole = tables(exchange.book(), closed_late(weighted()));
  Book part = exchange.book();
  part.positions.clear();
  EXPECT_EQ(tables(part, closed_late(weighted())), whole);
  Model model = closed_late(weighted());
  model.closing->participation = 0.11;
  EXPECT_NE(tables(exchange.book(), model), whole);
  part.quotes[exchange.call].volume_24h = 21.0;
  EXPECT_NE(tables(part, closed_late(weighted())), whole);
  EXPECT_NE(tables(exchange.book(), weighted()), whole);
}

// A call so deep in the money that it is the coin itself, and a perpetual sold against it, both without volume: neither
// closes before the last time, and what the call is worth in coin is held until then.
TEST(Closing, WhatAPositionIsWorthClosesWithIt) {
  BookMaker maker;
  const UnderlyingId coin = maker.underlying("AAA", price);
  const InstrumentId call = maker.option("AAA-1", coin, 60.0, 1.0, OptionType::call, 0.5, Payoff::inverse),
                     perpetual = maker.perpetual("AAA-P", coin, Payoff::linear);
  const AccountId hedged = maker.account("hedged"), naked = maker.account("naked");
  maker.hold(hedged, call, 1'000.0).hold(hedged, perpetual, -1'000.0);
  maker.hold(naked, call, 1'000.0);

  const std::vector<AccountMargin> margins = run_margin(maker.book(), closing_model({96.0}), many_paths()).margins;

  expect_es(margins[naked], es_99 * day_vol * price * std::sqrt(4.0) * 1'000.0, "naked");
  EXPECT_LT(margins[hedged].es_usd, 0.02 * margins[naked].es_usd);
}

// A balance is there at the horizon: against it a slow leg is no hedge.
TEST(Closing, BalancesAreReadAtTheHorizon) {
  OneCoin one;
  const AccountId account = one.maker.account("covered");
  one.maker.deposit(account, one.coin, 1'000.0);
  one.maker.hold(account, one.slow, -1'000.0);
  expect_es(margin_of(one, closing_model({48.0}), account), es_99 * day_vol * price * 750.0, "covered");
}

TEST(Closing, WarnsOfWhatDoesNotCloseInTime) {
  OneCoin one;
  one.volume(one.other, std::nullopt);
  const auto warnings = [&] { return prepare_run(one.maker.book(), closing_model({48.0}), 10'000, 1).warnings; };
  const AccountId a = one.maker.account("a"), b = one.maker.account("b");
  one.maker.hold(a, one.slow, 300.0).hold(a, one.slow, 200.0);  // 500 fit two days
  EXPECT_EQ(warnings().size(), 0u);
  one.maker.hold(b, one.other, 1.0).hold(b, one.slow, -501.0);
  ASSERT_EQ(warnings().size(), 1u);
  EXPECT_EQ(warnings()[0].field, "closing.hours");
  const std::string expected =
      "2 positions of 1 accounts are larger than what closes by the last time, 48 h; 1 of them are in instruments "
      "without "
      "volume";
  EXPECT_EQ(warnings()[0].reason.substr(0, expected.size()), expected);
}

// Models from no file have the same rules.
TEST(Closing, RefusesTimesThatCannotBe) {
  const OneCoin one;
  const auto prepare = [&](const Model& model) { prepare_run(one.maker.book(), model, 1'000, 1); };
  EXPECT_NO_THROW(prepare(closing_model({48.0})));
  EXPECT_THROW(prepare(closing_model({})), InputError);
  EXPECT_THROW(prepare(closing_model({24.0})), InputError);
  EXPECT_THROW(prepare(closing_model({96.0, 48.0})), InputError);
  EXPECT_THROW(prepare(closing_model({48.0}, 0.0)), InputError);
  EXPECT_THROW(prepare(closing_model({48.0}, 1.5)), InputError);
  Model worst = closing_model({48.0});
  worst.measure = PathMeasure::worst;
  worst.measure_hours = 24.0;
  EXPECT_THROW(prepare(worst), InputError);
}

// A position alone costs the same whether it is looked at as an account or as a part of one, in one part or in several.
TEST(Closing, TermsTakeWholePositions) {
  OneCoin one;
  const AccountId alone = one.maker.account("alone"), fast = one.maker.account("fast"),
                  pair = one.maker.account("pair");
  one.maker.hold(alone, one.slow, -1'000.0);
  one.maker.hold(fast, one.fast, 1'000.0);
  one.maker.hold(pair, one.fast, 1'000.0).hold(pair, one.slow, -1'000.0);
  one.maker.edit().quotes[one.slow].bid = 99.0;
  one.maker.edit().quotes[one.slow].ask = 101.0;
  Model model = closing_model({48.0, 72.0});
  model.terms = MarginTerms{};
  model.terms->calm_regime = model.terms->crisis_regime = "only";
  model.terms->spread_multiple = 2.0;
  model.terms->impact = 0.5;
  model.terms->paths_share = 1.0;

  const std::vector<AccountMargin> margins = run_margin(one.maker.book(), model, config_of(20'000)).margins;

  const AccountTerms &single = margins[alone].terms, &both = margins[pair].terms;
  EXPECT_EQ(single.isolated_usd, single.own.es_usd);
  EXPECT_EQ(single.cross_usd, single.own.es_usd);
  EXPECT_NEAR(both.isolated_usd, single.own.es_usd + margins[fast].terms.own.es_usd, 1e-5 * both.isolated_usd);
  EXPECT_EQ(both.cross_usd, both.own.es_usd);
  // 1,000 contracts of 100 USD at twice a half-spread of 1 %, and half the day's vol times the root of 0.4 days.
  const double expected = 1'000.0 * price * (2.0 * 0.01 + 0.5 * day_vol * std::sqrt(0.4));
  EXPECT_NEAR(single.liquidity_usd, expected, 1e-9 * expected);
}

// Rows of one instrument close as the account's whole position does, so that what each adds to the ES adds up.
TEST(Closing, ExplainsRowsOfOneInstrument) {
  OneCoin one;
  const AccountId account = one.maker.account("rows");
  one.maker.hold(account, one.fast, 600.0).hold(account, one.slow, 800.0).hold(account, one.slow, -300.0);
  one.maker.edit().positions[1].entry_price = 90.0;

  const Explanation found = explain_account(one.maker.book(), closing_model({48.0, 96.0}), config_of(5'000), account);

  ASSERT_EQ(found.holdings.size(), 3u);
  double sum = found.rounding_usd;
  for (const HoldingShare& h : found.holdings) { sum += h.es.usd; }
  EXPECT_DOUBLE_EQ(sum, found.margin.es_usd);
  EXPECT_LT(std::fabs(found.rounding_usd), 1e-6 * found.margin.es_usd);
  const auto expect_closed = [](const HoldingShare& h, const std::vector<ClosedPart>& parts) {
    ASSERT_EQ(h.closed.size(), parts.size());
    for (std::size_t t = 0; t < parts.size(); ++t) {
      EXPECT_NEAR(h.closed[t].hours, parts[t].hours, 1e-9);
      EXPECT_NEAR(h.closed[t].quantity, parts[t].quantity, 1e-9);
    }
  };
  expect_closed(found.holdings[0], {{24.0, 600.0}});
  expect_closed(found.holdings[1], {{24.0, 400.0}, {48.0, 400.0}});  // of 500 half
  expect_closed(found.holdings[2], {{24.0, -150.0}, {48.0, -150.0}});
  EXPECT_NEAR(found.worst_paths.at(0).read_hours, 48.0, 1e-9);  // nothing closes later
}

TEST(Closing, StretchesOfATradeEndWhereTheTimeChanges) {
  OneCoin one;
  one.maker.account("none");
  const ColumnPlan columns = prepare_run(one.maker.book(), closing_model({48.0, 96.0}), 1'000, 1).columns;
  const double infinity = std::numeric_limits<double>::infinity();
  const auto expect_stretch = [&](double position, double direction, std::uint32_t time, double end) {
    const ClosingStretch found = closing_stretch(columns, one.slow, position, direction);
    EXPECT_EQ(found.time, time) << position << " " << direction;
    EXPECT_EQ(found.end, end) << position << " " << direction;
  };
  expect_stretch(0.0, 1.0, 0, 250.0);
  expect_stretch(0.0, -1.0, 0, -250.0);
  expect_stretch(100.0, -1.0, 0, 0.0);
  expect_stretch(250.0, 1.0, 1, 500.0);
  expect_stretch(250.0, -1.0, 0, 0.0);
  expect_stretch(-300.0, -1.0, 1, -500.0);
  expect_stretch(-300.0, 1.0, 1, -250.0);
  expect_stretch(500.0, 1.0, 2, infinity);
  expect_stretch(-500.0, 1.0, 1, -250.0);
  expect_stretch(-700.0, -1.0, 2, -infinity);
  expect_stretch(700.0, -1.0, 2, 500.0);
}

// Against 1,000 fast contracts a slow hedge helps for as long as it lasts: what closes a day later is a risk of its
// own. With q sold beyond 250 the variance is (1,000 - q)^2 + (q - 250)^2 days, least at 625.
TEST(Closing, HedgesAreSizedAcrossClosingTimes) {
  OneCoin one;
  const AccountId account = one.maker.account("long"), held = one.maker.account("long and short");
  one.maker.hold(account, one.fast, 1'000.0);
  one.maker.hold(held, one.fast, 1'000.0).hold(held, one.slow, -900.0);
  const WhatIf whatif(one.maker.book(), closing_model({48.0}), config_of(50'000));

  for (const auto& [of, best] : {std::pair{account, -625.0}, std::pair{held, 275.0}}) {
    const Hedge hedge = whatif.find_hedges(of, {}, {one.slow}).at(0);
    EXPECT_NEAR(hedge.quantity, best, 25.0);
    EXPECT_FALSE(hedge.at_limit);
    for (const double factor : {0.5, 0.9, 0.99, 1.01, 1.1, 2.0}) {
      EXPECT_GE(whatif.evaluate(of, {{one.slow, factor * hedge.quantity}}).after.es_usd,
                hedge.margins.after.es_usd * (1.0 - 1e-6))
          << factor;
    }
  }
  EXPECT_NEAR(whatif.find_hedges(account, {}, {one.other}).at(0).quantity, -1'000.0, 1e-3);
}

// The control knows nothing of closing times; what it corrects still has no mean.
TEST(Closing, ControlVariatesStayRight) {
  const Exchange exchange;
  RunConfig config = config_of(20'000);
  config.control_variate = true;
  for (const AccountMargin& m : run_margin(exchange.book(), closed_late(regimes()), config).margins) {
    const ControlledEsFigures& f = m.controlled_es;
    EXPECT_NEAR(f.controlled_es_usd, f.es_usd, 4.0 * (f.es_se_usd + f.controlled_es_se_usd) + 1e-9) << m.account;
  }
}

// What a model shows of the horizon is that of the horizon.
TEST(Closing, FactorsAreShownAtTheHorizon) {
  const Exchange exchange;
  Diagnostics diagnostics;
  const auto factors = [&](const Model& model) {
    return simulate_factors(exchange.book(), model, 200, 3, diagnostics).change;
  };
  EXPECT_EQ(factors(closed_late(regimes())), factors(regimes()));
}

}  // namespace
}  // namespace tailmargin::test
