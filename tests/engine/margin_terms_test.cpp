// Margin terms against closed forms of normal books, published arithmetic, and hand-computed costs.
#include "host/engine/margin_terms.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "host/prepare/model_variants.hpp"
#include "host/prepare/prepare_run.hpp"
#include "tests/support/small_book.hpp"
#include "tests/support/small_exchange.hpp"

namespace tailmargin::test {
namespace {

// Expected shortfalls of a standard normal loss: density at the quantile over the tail, at 99 % and 99.5 %.
constexpr double es_99 = 2.665214220, es_995 = 2.891949;
constexpr double day_vol = 0.01;  // small, so that a book's loss is nearly normal

/// Two coins and a third, USD-settled, and books of known make-up.
struct Books {
  BookMaker maker;
  UnderlyingId a = maker.underlying("AAA", 100.0), b = maker.underlying("BBB", 50.0), c = maker.underlying("CCC", 1.0);
  InstrumentId pa = maker.perpetual("AAA-P", a, Payoff::linear), pb = maker.perpetual("BBB-P", b, Payoff::linear),
               pc = maker.perpetual("CCC-P", c, Payoff::linear);
  AccountId directional = maker.account("directional"), flat = maker.account("flat"), pair = maker.account("pair"),
            spread_out = maker.account("spread-out");

  Books() {
    maker.hold(directional, pa, 1'000.0);  // 100,000 USD
    maker.hold(pair, pa, 1'000.0);
    maker.hold(pair, pb, -2'000.0);
    maker.hold(spread_out, pa, 1'000.0);
    maker.hold(spread_out, pb, 2'000.0);
    maker.hold(spread_out, pc, 100'000.0);
    maker.deposit(flat, no_underlying, 5.0);
  }
};

/// One vol, correlations 0.6 in calm and 0.9 in stress; `stress` is `ratio` times as wild and lasts for ever.
Model two_regimes(double stress_ratio = 1.0) {
  Model model;
  model.name = "two";
  model.horizon_hours = 24.0;
  model.step_hours = 24.0;
  model.drift = Drift::zero;
  const auto regime = [](const std::string& name, double vol, double rho) {
    Regime r;
    r.name = name;
    r.vols = {{"*", {vol * std::sqrt(365.0), 0.0, 0.0, 0.0}}};
    r.underlyings = {{"*", "*", rho}};
    return r;
  };
  model.regimes = {regime("calm", day_vol, 0.6), regime("stress", day_vol * stress_ratio, 0.9)};
  model.transition = {{1.0, 0.0}, {0.0, 1.0}};
  model.transition_hours = 24.0;
  model.start = StartKind::probabilities;
  model.start_probabilities = {1.0, 0.0};
  MarginTerms terms;
  terms.calm_regime = "calm";
  terms.crisis_regime = "stress";
  terms.dependence_weight = terms.concentration_weight = 0.25;
  terms.crisis_start_weight = terms.correlation_weight = 1.0;
  terms.paths_share = 1.0;
  model.terms = terms;
  return model;
}

RunConfig plain_config(std::uint64_t paths = 200'000) {
  RunConfig config;
  config.num_paths = paths;
  config.seed = 3;
  config.backend = BackendChoice::cpu;
  return config;
}

/// Standard deviation of two legs of 100,000 USD with weights +1 and `sign`.
double pair_sd(double sign, double rho) { return 100'000.0 * day_vol * std::sqrt(2.0 + 2.0 * sign * rho); }

/// Within four standard errors, and half a per cent for what of a price move is not normal.
void expect_es(const EsFigure& figure, double expected, const char* what) {
  EXPECT_GT(figure.se_usd, 0.0) << what;
  EXPECT_NEAR(figure.es_usd, expected, 4.0 * figure.se_usd + 0.02 * expected) << what;
}

TEST(MarginTerms, AreThoseOfANormalBook) {
  const Books books;
  const RunResult run = run_margin(books.maker.book(), two_regimes(2.0), plain_config());
  const AccountTerms& pair = run.margins[books.pair].terms;
  const double one = 100'000.0 * day_vol;
  expect_es(pair.own, es_99 * pair_sd(-1.0, 0.6), "own");
  expect_es(pair.independent, es_995 * pair_sd(-1.0, 0.0), "independent");
  EXPECT_LT(pair.perfect.es_usd, 0.1 * one);  // both legs move as one
  EXPECT_NEAR(pair.own_stressed_es_usd, es_995 * pair_sd(-1.0, 0.6), 0.04 * one);
  EXPECT_NEAR(pair.adverse_es_usd, 2.0 * es_995 * one, 0.06 * one);
  EXPECT_NEAR(pair.cross_usd, 2.0 * es_99 * one, 0.06 * one);
  EXPECT_NEAR(pair.isolated_usd, pair.cross_usd, 0.001 * one);
  EXPECT_NEAR(pair.offset_credit_usd, 2.0 * es_99 * one - es_99 * pair_sd(-1.0, 0.6), 0.08 * one);
  EXPECT_NEAR(pair.efficiency, 1.0 - pair_sd(-1.0, 0.6) / (2.0 * one), 0.02);
  EXPECT_EQ(run.margins[books.pair].leverage(), std::nullopt);  // no equity: no leverage
  EXPECT_EQ(run.margins[books.flat].leverage(), 0.0);
  // All paths start in calm and stay there.
  ASSERT_EQ(run.margins[books.pair].regime_es_usd.size(), 2u);
  EXPECT_NEAR(run.margins[books.pair].regime_es_usd[0], run.margins[books.pair].es_usd, 1e-9 * one);
  EXPECT_EQ(run.margins[books.pair].regime_es_usd[1], 0.0);
  expect_es(pair.calm_correlation, es_99 * pair_sd(-1.0, 0.6), "calm correlation");
  expect_es(pair.crisis_start, 2.0 * es_99 * pair_sd(-1.0, 0.9), "crisis start");

  const AccountTerms& out = run.margins[books.spread_out].terms;
  const double three = one * std::sqrt(3.0 + 6.0 * 0.6);
  expect_es(out.own, es_99 * three, "three coins");
  expect_es(out.worst_correlation, es_99 * one * std::sqrt(3.0 + 6.0 * 0.9), "three coins in stress");
  EXPECT_EQ(out.worst_regime, 1u);
  expect_es(out.perfect, es_995 * 3.0 * one, "three coins as one");
  expect_es(out.rest, es_99 * one, "the third coin");
  EXPECT_NEAR(out.largest_two_es_usd, 2.0 * es_995 * one, 0.1 * one);
}

TEST(MarginTerms, FragilityTellsWhichOffsetsLiveOnCorrelation) {
  const Books books;
  Model model = two_regimes();
  // As in the shipped model coins part in one regime: there a long-short pair loses its offset.
  model.regimes[1].underlyings = {{"*", "*", 0.1}};
  const RunResult run = run_margin(books.maker.book(), model, plain_config());
  EXPECT_NEAR(run.margins[books.directional].terms.fragility, 1.0, 0.02);
  EXPECT_NEAR(run.margins[books.pair].terms.fragility, std::sqrt((2.0 - 0.2) / (2.0 - 1.2)), 0.05);
  EXPECT_NEAR(run.margins[books.spread_out].terms.fragility, 1.0, 1e-12);  // long three coins: calm is the worst
  EXPECT_EQ(run.margins[books.flat].terms.fragility, 1.0);
}

/// The arithmetic of OCC's published example: 100 at 99 %; 118, 150 and 110 at 99.5 %; two largest 70 and 45, rest 30.
TEST(MarginTerms, DependenceAndConcentrationAreThePublishedArithmetic) {
  AccountTerms terms;
  terms.own = {100.0, 1.0};
  terms.own_stressed_es_usd = 118.0;
  terms.perfect = {150.0, 1.0};
  terms.independent = {110.0, 1.0};
  terms.largest_two_es_usd = 70.0 + 45.0;
  terms.rest = {30.0, 1.0};
  EXPECT_DOUBLE_EQ(terms.dependence_excess_usd(), 50.0);
  EXPECT_DOUBLE_EQ(terms.concentration_excess_usd(), 45.0);
  terms.core_usd = 100.0;
  terms.dependence_usd = 0.25 * terms.dependence_excess_usd();
  terms.concentration_usd = 0.25 * terms.concentration_excess_usd();
  EXPECT_DOUBLE_EQ(terms.initial_margin_usd(), 112.5);
  terms.adverse_es_usd = 160.0;  // which the published rule does not look at
  EXPECT_DOUBLE_EQ(terms.dependence_excess_usd(), 60.0);
}

TEST(MarginTerms, AddUpAsSaid) {
  AccountTerms terms;
  terms.core_usd = 100.0;
  terms.crisis_start_usd = 120.0;
  terms.correlation_usd = 130.0;
  terms.floor_usd = 125.0;
  terms.dependence_usd = 10.0;
  terms.concentration_usd = 12.0;
  terms.liquidity_usd = 3.0;
  EXPECT_DOUBLE_EQ(terms.initial_margin_usd(), 145.0);
  terms.short_option_minimum_usd = 200.0;
  EXPECT_DOUBLE_EQ(terms.initial_margin_usd(), 200.0);
  terms = {};
  EXPECT_EQ(terms.initial_margin_usd(), 0.0);
}

TEST(MarginTerms, MarginIsTheTermsReaddedAndCoreIsTheRunsOwn) {
  const Books books;
  Model model = two_regimes();
  model.uplift_confidence = 0.9;
  const RunResult with = run_margin(books.maker.book(), model, plain_config(20'000));
  model.terms.reset();
  const RunResult without = run_margin(books.maker.book(), model, plain_config(20'000));
  for (std::size_t a = 0; a < with.margins.size(); ++a) {
    EXPECT_TRUE(with.margins[a].has_terms);
    EXPECT_FALSE(without.margins[a].has_terms);
    EXPECT_EQ(with.margins[a].terms.core_usd, without.margins[a].initial_margin_usd);
    EXPECT_EQ(with.margins[a].es_usd, without.margins[a].es_usd);
    EXPECT_EQ(with.margins[a].initial_margin_usd, with.margins[a].terms.initial_margin_usd());
    EXPECT_EQ(with.margins[a].maintenance_margin_usd, 0.8 * with.margins[a].initial_margin_usd);
  }
}

/// All weights at 0: the margin is the expected shortfall, whatever is computed beside it.
TEST(MarginTerms, AreOffAtZero) {
  const Books books;
  Model model = two_regimes();
  MarginTerms off;
  off.calm_regime = "calm";
  off.crisis_regime = "stress";
  model.terms = off;
  for (const AccountMargin& m : run_margin(books.maker.book(), model, plain_config(20'000)).margins) {
    EXPECT_EQ(m.initial_margin_usd, m.terms.core_usd);
    EXPECT_EQ(m.terms.dependence_usd + m.terms.concentration_usd + m.terms.liquidity_usd + m.terms.floor_usd, 0.0);
  }
}

TEST(AntiProcyclical, ToolsAreFloorsOfTheirOwn) {
  const Books books;
  Model model = two_regimes(2.0);
  model.transition = {{0.9, 0.1}, {0.3, 0.7}};  // a quarter of the time in stress
  const auto terms_with = [&](AntiProcyclical tool) {
    model.terms->anti_procyclical = tool;
    return run_margin(books.maker.book(), model, plain_config(50'000)).margins[books.directional].terms;
  };
  EXPECT_EQ(terms_with(AntiProcyclical::none).floor_usd, 0.0);
  const AccountTerms stressed = terms_with(AntiProcyclical::stressed);
  EXPECT_DOUBLE_EQ(stressed.floor_usd, 0.75 * stressed.own.es_usd + 0.25 * stressed.crisis_start.es_usd);
  EXPECT_GT(stressed.crisis_start.es_usd, 1.8 * stressed.own.es_usd);
  const AccountTerms floor = terms_with(AntiProcyclical::floor);
  EXPECT_EQ(floor.floor_usd, floor.long_run_start.es_usd);
  EXPECT_GT(floor.floor_usd, 1.3 * floor.own.es_usd);  // three quarters calm, one quarter twice as wild
}

/// The buffer is whole while stress is no likelier at the start than in the long run, and used up when it is certain.
TEST(AntiProcyclical, BufferIsUsedUpInACrisis) {
  const Books books;
  Model model = two_regimes();
  model.transition = {{0.9, 0.1}, {0.3, 0.7}};  // in the long run a quarter of the time in stress
  model.terms->anti_procyclical = AntiProcyclical::buffer;
  for (const auto& [stress, left] :
       {std::pair{0.0, 0.25}, std::pair{0.25, 0.25}, std::pair{0.625, 0.125}, std::pair{1.0, 0.0}}) {
    model.start_probabilities = {1.0 - stress, stress};
    const AccountTerms terms =
        run_margin(books.maker.book(), model, plain_config(20'000)).margins[books.directional].terms;
    EXPECT_NEAR(terms.floor_usd, (1.0 + left) * terms.core_usd, 1e-9 * terms.core_usd) << stress;
  }
}

TEST(PositionTerms, CostHalfSpreadsAndTheRootOfSize) {
  BookMaker maker;
  const UnderlyingId coin = maker.underlying("AAA", 200.0);
  const InstrumentId call = maker.option("AAA-C", coin, 30.0, 200.0, OptionType::call, 0.5),
                     perpetual = maker.perpetual("AAA-P", coin, Payoff::linear);
  const AccountId account = maker.account("one");
  maker.hold(account, call, -10.0);
  maker.hold(account, perpetual, -400.0);
  Book book = maker.book();
  book.quotes[call].mark_price = 11.0;
  book.quotes[perpetual].bid = 199.0;
  book.quotes[perpetual].ask = 201.0;
  book.quotes[perpetual].volume_24h = 1'600.0;
  Model model = two_regimes(2.0);
  MarginTerms& terms = *model.terms;
  terms.spread_multiple = 3.0;
  terms.default_half_spread = 0.02;
  terms.impact = 0.5;
  terms.short_option_minimum = 0.1;
  const PreparedRun run = prepare_run(book, model, 1'000, 1);
  const std::vector<ContractCosts> costs = contract_costs(book, model, run.columns);
  const double delta = unit_delta(run.columns.terms[run.columns.instrument_column[call]]);
  EXPECT_NEAR(delta, 0.5285, 1e-3);  // Phi(0.5 * 0.5 * sqrt(30 / 365))
  // Ten calls of 11 USD at 2 %; no volume is known, so they count as a day's. 400 perpetuals a quarter of a day's.
  const double spread = 10.0 * 3.0 * 0.02 * 11.0 + 400.0 * 3.0 * 0.005 * 200.0;
  const double crisis_vol = 2.0 * day_vol;
  const double impact = 10.0 * 0.5 * crisis_vol * delta * 200.0 + 400.0 * 0.5 * crisis_vol * 200.0 * std::sqrt(0.25);
  EXPECT_NEAR(liquidity_cost(run.columns, run.accounts, 0, costs), spread + impact, 1e-9 * (spread + impact));
  EXPECT_NEAR(short_option_minimum(run.accounts, 0, costs), 10.0 * 0.1 * 200.0, 1e-12);
}

/// Without a market of its own a contract costs what its hedge in the underlying's does: never less than a day's
/// volume.
TEST(PositionTerms, NoVolumeIsNoMarket) {
  BookMaker maker;
  const UnderlyingId coin = maker.underlying("AAA", 200.0);
  const InstrumentId perpetual = maker.perpetual("AAA-P", coin, Payoff::linear);
  maker.hold(maker.account("one"), perpetual, -400.0);
  Model model = two_regimes(2.0);
  model.terms->impact = 0.5;
  const auto cost_of = [&](std::optional<double> volume, std::optional<double> adv_usd) {
    Book book = maker.book();
    book.quotes[perpetual].volume_24h = volume;
    book.underlyings[coin].adv_usd = adv_usd;
    const PreparedRun run = prepare_run(book, model, 1'000, 1);
    return liquidity_cost(run.columns, run.accounts, 0, contract_costs(book, model, run.columns));
  };
  const double a_day = 400.0 * 0.5 * (2.0 * day_vol) * 200.0;

  EXPECT_DOUBLE_EQ(cost_of(400.0, 1e3), a_day);
  EXPECT_DOUBLE_EQ(cost_of(std::nullopt, std::nullopt), a_day);
  EXPECT_DOUBLE_EQ(cost_of(std::nullopt, 16.0 * 80'000.0), 0.25 * a_day) << "no volume of its own is known";
  EXPECT_DOUBLE_EQ(cost_of(0.0, std::nullopt), a_day);
  EXPECT_DOUBLE_EQ(cost_of(0.0, 0.0), a_day);
  EXPECT_DOUBLE_EQ(cost_of(0.0, 16.0 * 80'000.0), a_day) << "nobody trades it, so it is not as liquid as its coin";
  EXPECT_DOUBLE_EQ(cost_of(0.0, 80'000.0 / 9.0), 3.0 * a_day) << "a position beyond what its coin trades in a day";
}

/// Cost grows with the power 3/2 of size where impact rules: the margin of twice the book is more than twice.
TEST(PositionTerms, AreSuperlinear) {
  Books books;
  Book book = books.maker.book();
  for (Quote& quote : book.quotes) { quote.volume_24h = 10'000.0; }
  Model model = two_regimes();
  model.terms->impact = 1.0;
  const std::vector<AccountMargin> once = run_margin(book, model, plain_config(20'000)).margins;
  for (Position& position : book.positions) { position.quantity *= 2.0; }
  const std::vector<AccountMargin> twice = run_margin(book, model, plain_config(20'000)).margins;
  for (const AccountId a : {books.directional, books.pair, books.spread_out}) {
    EXPECT_NEAR(twice[a].terms.liquidity_usd, std::sqrt(8.0) * once[a].terms.liquidity_usd,
                1e-12 * twice[a].terms.liquidity_usd);
    EXPECT_NEAR(twice[a].terms.core_usd, 2.0 * once[a].terms.core_usd, 1e-6 * twice[a].terms.core_usd);
    EXPECT_GT(twice[a].initial_margin_usd, 2.0 * once[a].initial_margin_usd);
  }
}

/// ES is subadditive on any sample: alone, by underlying, and together on the same paths never grows. Books of eight
/// instruments, balances and debts.
TEST(MarginTerms, NettingNeverCosts) {
  const Exchange exchange;
  std::size_t netted = 0;
  for (const Model& model : {with_terms(), closed_late(with_terms())}) {
    for (const AccountMargin& m : run_margin(exchange.book(), model, plain_config(4'000)).margins) {
      const double rounding = 1e-5 * (1.0 + m.terms.isolated_usd);
      EXPECT_GE(m.terms.isolated_usd, m.terms.cross_usd - rounding) << m.account;
      EXPECT_GE(m.terms.cross_usd, m.terms.own.es_usd - rounding) << m.account;
      EXPECT_GE(m.terms.adverse_es_usd, m.terms.own_stressed_es_usd - rounding) << m.account;
      EXPECT_GE(m.terms.own_stressed_es_usd, m.terms.own.es_usd - rounding) << m.account;  // monotone in confidence
      netted += m.terms.isolated_usd > 1.5 * m.terms.cross_usd ? 1 : 0;
    }
  }
  EXPECT_GT(netted, 4U);
}

/// The margin of a book and its exact opposite together is none but what closing costs.
TEST(MarginTerms, AnExactOppositeLeavesNoCore) {
  Books books;
  BookMaker maker = books.maker;
  Book book = maker.book();
  const std::vector<Position> positions = book.positions;
  book.positions.clear();
  for (Position position : positions) {
    if (position.account != books.spread_out) { continue; }
    book.positions.push_back(position);
    position.quantity = -position.quantity;
    book.positions.push_back(position);
  }
  const AccountMargin margin = run_margin(book, two_regimes(), plain_config(10'000)).margins[books.spread_out];
  EXPECT_EQ(margin.es_usd, 0.0);
  EXPECT_EQ(margin.initial_margin_usd, 0.0);
}

TEST(MarginTerms, HaveTheSameBitsForThreadsTilesAndBatches) {
  const Books books;
  const RunConfig base = plain_config(20'000);
  RunConfig other = base;
  other.threads = 3;
  other.paths_per_tile = 64;
  other.accounts_per_batch = 2;
  other.isa = "baseline";
  const RunResult a = run_margin(books.maker.book(), two_regimes(2.0), base);
  const RunResult b = run_margin(books.maker.book(), two_regimes(2.0), other);
  for (std::size_t i = 0; i < a.margins.size(); ++i) {
    EXPECT_EQ(a.margins[i].initial_margin_usd, b.margins[i].initial_margin_usd);
    EXPECT_EQ(a.margins[i].terms.fragility, b.margins[i].terms.fragility);
    EXPECT_EQ(a.margins[i].terms.isolated_usd, b.margins[i].terms.isolated_usd);
    EXPECT_EQ(a.margins[i].terms.rest.es_usd, b.margins[i].terms.rest.es_usd);
    EXPECT_EQ(a.margins[i].terms.perfect.se_usd, b.margins[i].terms.perfect.se_usd);
  }
}

TEST(MarginTerms, AgreeWithTheReference) {
  const Books books;
  RunConfig config = plain_config(10'000);
  const RunResult cpu = run_margin(books.maker.book(), two_regimes(2.0), config);
  config.backend = BackendChoice::reference;
  const RunResult reference = run_margin(books.maker.book(), two_regimes(2.0), config);
  for (std::size_t i = 0; i < cpu.margins.size(); ++i) {
    const AccountTerms &ours = cpu.margins[i].terms, &theirs = reference.margins[i].terms;
    const double tolerance = 1e-4 * (1.0 + theirs.adverse_es_usd);
    EXPECT_NEAR(ours.own_stressed_es_usd, theirs.own_stressed_es_usd, tolerance);
    EXPECT_NEAR(ours.adverse_es_usd, theirs.adverse_es_usd, tolerance);
    EXPECT_NEAR(ours.rest.es_usd, theirs.rest.es_usd, tolerance);
    EXPECT_NEAR(ours.worst_correlation.es_usd, theirs.worst_correlation.es_usd, tolerance);
    EXPECT_NEAR(cpu.margins[i].initial_margin_usd, reference.margins[i].initial_margin_usd, tolerance);
  }
}

/// The same model gives the same tables, so variants share their draws with the run.
TEST(ModelVariants, OfTheModelItselfIsTheRun) {
  const Books books;
  const Model model = two_regimes(2.0);
  const PreparedRun run = prepare_run(books.maker.book(), model, 1'000, 5);
  const PreparedRun same = prepare_variant(run, books.maker.book(), model, 1'000);
  EXPECT_EQ(same.scenarios.num_draws, run.scenarios.num_draws);
  EXPECT_EQ(same.scenarios.start_bounds, run.scenarios.start_bounds);
  EXPECT_EQ(same.scenarios.transition_bounds, run.scenarios.transition_bounds);
  EXPECT_EQ(same.scenarios.shared.coefficients, run.scenarios.shared.coefficients);
  EXPECT_EQ(same.scenarios.shocks.inputs, run.scenarios.shocks.inputs);
  EXPECT_EQ(same.scenarios.shocks.coefficients, run.scenarios.shocks.coefficients);
  EXPECT_EQ(same.path_weights, run.path_weights);
}

/// Without its neighbours' draws a coin moves as it did: the run's points drive the variant too, whose own principal
/// components would be others.
TEST(ModelVariants, MoveACoinByTheRunsOwnPoints) {
  const Books books;
  RunConfig config = plain_config(10'000);
  config.sampler = Sampler::sobol;

  const std::vector<AccountMargin> margins = run_margin(books.maker.book(), two_regimes(2.0), config).margins;

  const AccountTerms& one_coin = margins[books.directional].terms;
  EXPECT_GT(one_coin.own_stressed_es_usd, 0.0);
  EXPECT_NEAR(one_coin.independent.es_usd, one_coin.own_stressed_es_usd, 0.05 * one_coin.own_stressed_es_usd);
}

TEST(ModelVariants, WeighPathsOfAnotherStartAnew) {
  const Books books;
  Model model = two_regimes(2.0);
  JumpRule jumps;
  jumps.name = "jumps";
  jumps.per_year = {10.0, 100.0};
  jumps.sample_multiple = 2.0;
  jumps.location = -0.01;
  jumps.effects = {{"*", {1.0}}};
  model.jumps = {jumps};
  const Model stress = with_start_in(model, "stress");
  const PreparedRun run = prepare_run(books.maker.book(), model, 1'000, 5);
  const PreparedRun from_stress = prepare_run(books.maker.book(), stress, 500, 5);
  ASSERT_FALSE(run.path_weights.empty());
  const std::vector<std::uint32_t> first(run.path_weights.begin(), run.path_weights.begin() + 500);
  ASSERT_NE(first, from_stress.path_weights);

  EXPECT_EQ(prepare_variant(run, books.maker.book(), with_correlations_of(model, "stress"), 500).path_weights, first);
  EXPECT_EQ(prepare_variant(run, books.maker.book(), stress, 500).path_weights, from_stress.path_weights);
}

TEST(StressScenarios, SimulatedTogetherAsAlone) {
  const Books books;
  const Model model = two_regimes(2.0);
  const PreparedRun run = prepare_run(books.maker.book(), model, 900, 5, Sampler::sobol);
  std::vector<PreparedRun> variants = {first_paths(run, 900)};
  for (const Model& variant : {with_correlations_of(model, "stress"), with_start_in(model, "stress")}) {
    variants.push_back(prepare_variant(run, books.maker.book(), variant, 900));
    ASSERT_TRUE(have_common_draws(variants.front(), variants.back()));
  }
  const SimulateOptions options = {&choose_kernels(Isa::automatic), 2, {}, nullptr};

  const std::vector<Observations> together = simulate_together({&variants[0], &variants[1], &variants[2]}, options);

  for (std::size_t v = 0; v < variants.size(); ++v) {
    const Observations alone = std::move(simulate_together({&variants[v]}, options).front());
    ASSERT_EQ(together[v].values.size(), alone.values.size());
    const std::size_t tiles = alone.values.size() / alone.tile_width / run.scenarios.observations.size();
    EXPECT_EQ(tiles, 4u);
    EXPECT_TRUE(std::equal(alone.values.data(), alone.values.data() + alone.values.size(), together[v].values.data()))
        << v;
    if (v == 0) { continue; }
    EXPECT_FALSE(std::equal(alone.values.data(), alone.values.data() + alone.values.size(), together[0].values.data()));
  }
  EXPECT_FALSE(have_common_draws(variants.front(), first_paths(run, 800)));
}

TEST(ModelVariants, DifferInOneRespect) {
  Model model = two_regimes();
  model.regimes[0].correlations = {{{"AAA", FactorKind::price}, {"BBB", FactorKind::price}, SameUnderlying::any, 0.2}};
  EXPECT_EQ(with_start_in(model, "stress").start_probabilities, (std::vector<double>{0.0, 1.0}));
  EXPECT_EQ(with_long_run_start(model).start, StartKind::stationary);
  const Model calm = with_correlations_of(model, "calm");
  for (const Regime& regime : calm.regimes) {
    EXPECT_EQ(regime.underlyings.front().rho, 0.6);
    EXPECT_EQ(regime.correlations.size(), 1u);
  }
  for (const Regime& regime : with_dependence(model, UnderlyingDependence::perfect).regimes) {
    EXPECT_TRUE(regime.underlyings.empty());
    EXPECT_TRUE(regime.correlations.empty());
    EXPECT_EQ(regime.underlying_factors.front().common, 1.0);
  }
  EXPECT_THROW(with_start_in(model, "none"), std::out_of_range);
}

}  // namespace
}  // namespace tailmargin::test
