// One suite for every backend: the same bits however the work is cut, and the reference within docs/accuracy.md.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "host/backends/backend.hpp"
#include "host/backends/run_tables.hpp"
#include "host/cpu/host_loops.hpp"
#include "host/cpu/near_tails.hpp"
#include "host/prepare/prepare_run.hpp"
#include "host/prepare/scenario_laws.hpp"
#include "tailmargin/accuracy.hpp"
#include "tests/support/margin_bits.hpp"
#include "tests/support/small_book.hpp"

namespace tailmargin::test {
namespace {

/// Three coins, every kind of instrument, accounts of 0 to 30 positions, one of them hedged to the last cent.
BookMaker mixed_exchange(std::size_t num_accounts) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  const UnderlyingId eth = maker.underlying("ETH", 2'000.0);
  const UnderlyingId usdc = maker.underlying("USDC", 0.999);
  std::vector<InstrumentId> ids;
  for (const auto& [name, coin, price] : {std::tuple{"BTC", btc, 60'000.0}, std::tuple{"ETH", eth, 2'000.0}}) {
    const std::string base = name;
    for (int i = 0; i < 24; ++i) {
      const double days = i % 3 == 0 ? 0.4 : i % 3 == 1 ? 20.0 : 200.0;
      const Payoff payoff = i % 2 == 0 ? Payoff::inverse : Payoff::linear;
      ids.push_back(maker.option(base + "-" + std::to_string(100 + i), coin, days, price * (0.7 + 0.025 * i),
                                 i % 4 < 2 ? OptionType::call : OptionType::put, 0.5 + 0.01 * i, payoff));
    }
    ids.push_back(maker.future(base + "-FUT", coin, 60.0, price * 1.01));
    ids.push_back(maker.perpetual(base + "-INV", coin, Payoff::inverse));
    ids.push_back(maker.perpetual(base + "-PERP", coin, Payoff::linear, usdc));
    std::sort(ids.begin(), ids.end());
  }
  std::mt19937 random(5);
  for (std::size_t a = 0; a < num_accounts; ++a) {
    const AccountId account = maker.account("account-" + std::to_string(1000 + a));
    for (const InstrumentId i : ids) {
      if (random() % 32 < a % 20) { maker.hold(account, i, (static_cast<double>(random() % 2001) - 1000.0) / 100.0); }
    }
    if (a % 3 == 0) { maker.deposit(account, eth, static_cast<double>(random() % 100) - 20.0); }
  }
  return maker;
}

/// Long the future, short nearly the same perpetual: the legs cancel to a hundred-thousandth of their size.
void add_hedged_account(BookMaker& maker) {
  Book& book = maker.edit();
  const auto find = [&](const std::string& name) {
    return static_cast<InstrumentId>(std::find_if(book.instruments.begin(), book.instruments.end(),
                                                  [&](const Instrument& i) { return i.name == name; }) -
                                     book.instruments.begin());
  };
  const AccountId account = maker.account("hedged");
  maker.hold(account, find("BTC-INV"), 6'000'000.0);
  maker.deposit(account, 0, -100.0);
}

Model regime_model() {
  Model model;
  model.name = "regimes";
  const auto regime = [](double vol, double rho, double coupling) {
    Regime r;
    r.name = "r" + std::to_string(vol);
    r.vols = {{"USDC", {0.01, 0.0, 0.0, 0.0}}, {"*", {vol, vol, 0.3, 0.001}}};
    r.kinds = {{FactorKind::price, FactorKind::vol, coupling}, {FactorKind::carry, FactorKind::price, 0.2}};
    r.underlyings = {{"USDC", "*", 0.0}, {"*", "*", rho}};
    return r;
  };
  model.regimes = {regime(0.5, 0.6, -0.4), regime(0.9, 0.3, 0.4), regime(1.6, 0.9, -0.6)};
  model.transition = {{0.95, 0.03, 0.02}, {0.05, 0.9, 0.05}, {0.1, 0.05, 0.85}};
  return model;
}

RunConfig cpu_config(std::uint64_t paths) {
  RunConfig config;
  config.num_paths = paths;
  config.seed = 7;
  config.backend = BackendChoice::cpu;
  config.keep_tail_paths = true;
  return config;
}

/// All bits of all figures.
std::string bits_of(const std::vector<AccountMargin>& margins) {
  std::string bytes;
  for (const AccountMargin& m : margins) {
    const double shortfall[] = {m.shortfall_probability, m.expected_uncovered_loss_usd};
    bytes += test::bits_of(m);
    bytes.append(reinterpret_cast<const char*>(shortfall), sizeof shortfall);
  }
  return bytes;
}

template <class T>
using StdVector = std::vector<T>;

class SameBits : public testing::Test {
 protected:
  SameBits() : maker_(mixed_exchange(60)) { add_hedged_account(maker_); }
  std::string run(const RunConfig& config) const {
    return bits_of(run_margin(maker_.book(), regime_model(), config).margins);
  }
  BookMaker maker_;
};

TEST_F(SameBits, ForAnyThreadCount) {
  RunConfig config = cpu_config(5'000);
  config.threads = 1;
  const std::string one = run(config);

  for (const int threads : {2, 3, 8}) {
    config.threads = threads;
    EXPECT_EQ(run(config), one) << threads;
  }
}

/// All bits of what a backend says of accounts.
std::string bits_of(const Tails& tails) {
  std::string bytes;
  for (const TailFigures& f : tails.figures) {
    const double figures[] = {f.var, f.var_standard_error, f.es, f.es_standard_error, f.worst_loss};
    bytes.append(reinterpret_cast<const char*>(figures), sizeof figures);
    bytes.append(std::to_string(f.worst_path) + " " + std::to_string(f.tail_count) + " " + std::to_string(f.var_path));
  }
  bytes.append(reinterpret_cast<const char*>(tails.regime_es.data()), tails.regime_es.size() * sizeof(double));
  bytes.append(reinterpret_cast<const char*>(tails.tail_paths.data()), tails.tail_paths.size() * sizeof(std::uint32_t));
  return bytes;
}

/// A run that also splits ES by regime.
PreparedRun prepare_split_run(const Book& book, std::uint64_t num_paths, Sampler sampler = Sampler::plain) {
  PreparedRun run = prepare_run(book, regime_model(), num_paths, 7, sampler);
  run.regime_steps = count_regime_steps(run.scenarios, run.points, run.seed, run.num_paths);
  return run;
}

// Foretold from the first paths with no margin for chance, about half of the accounts come out short of their tails and
// are computed again.
TEST_F(SameBits, HoweverSureTheForetoldTailsAre) {
  PreparedRun run = prepare_split_run(maker_.book(), 5'000);
  TailsRequest request;
  request.keep_paths = KeepTailPaths::yes;
  for (const bool weighted : {false, true}) {
    if (weighted) {
      std::mt19937 random(3);
      for (std::uint64_t p = 0; p < run.num_paths; ++p) { run.path_weights.push_back(1 + random() % 9); }
    }
    CpuOptions options;
    options.tail_sigmas = std::numeric_limits<double>::infinity();
    const std::string plain = bits_of(make_cpu_backend(options)->tails(run, run.accounts, request));

    for (const double sigmas : {0.0, 1.0, 3.0, 7.0}) {
      for (const std::uint32_t tile : {64u, 512u}) {
        options.tail_sigmas = sigmas;
        options.paths_per_tile = tile;
        EXPECT_EQ(bits_of(make_cpu_backend(options)->tails(run, run.accounts, request)), plain)
            << weighted << " " << sigmas << " " << tile;
      }
    }
  }
}

// An account whose tail begins below what is expected comes out short and is computed again.
TEST_F(SameBits, WhereverTailsAreExpectedToBegin) {
  PreparedRun run = prepare_split_run(maker_.book(), 5'000);
  TailsRequest request;
  request.keep_paths = KeepTailPaths::yes;
  const auto backend = make_cpu_backend({});
  const Tails plain = backend->tails(run, run.accounts, request);

  for (const double times : {-1.0, 0.5, 1.0, 1.6, 100.0}) {
    std::vector<double> expected;
    for (const TailFigures& figures : plain.figures) { expected.push_back(times * figures.var); }
    request.expected_var = &expected;
    EXPECT_EQ(bits_of(backend->tails(run, run.accounts, request)), bits_of(plain)) << times;
  }
}

/// Tails in double of all accounts of a run in float that need them.
struct DoubleTails {
  std::vector<std::uint64_t> accounts;
  ExactHints hints;
  std::string all_paths;  // what a pass over all paths says

  DoubleTails(const PreparedRun& run, Backend& backend, TailsRequest request) {
    Tails tails = backend.tails(run, run.accounts, request);
    for (NearPaths& near : tails.hints.near) {
      accounts.push_back(near.account);
      near.account = accounts.size() - 1;
    }
    hints = std::move(tails.hints);
    request.precision = Precision::exact;
    all_paths = bits_of(backend.tails(run, select_accounts(run.accounts, accounts), request));
  }
};

TEST_F(SameBits, InDoubleFromTheNearPathsOnly) {
  PreparedRun run = prepare_split_run(maker_.book(), 5'000);
  TailsRequest request;
  request.keep_paths = KeepTailPaths::yes;
  const auto backend = make_cpu_backend({});
  DoubleTails exact(run, *backend, request);
  ASSERT_GT(exact.accounts.size(), 0u);
  std::size_t listed = 0;
  for (const NearPaths& near : exact.hints.near) { listed += near.paths.size(); }
  ASSERT_GT(listed, 0u);
  EXPECT_LT(listed, 5'000u * exact.accounts.size());
  request.precision = Precision::exact;
  request.hints = &exact.hints;
  const AccountPlan accounts = select_accounts(run.accounts, exact.accounts);

  EXPECT_EQ(bits_of(backend->tails(run, accounts, request)), exact.all_paths);
  // Not by falling back on all paths: an account whose list is not empty has its figures from the list.
  const NearTails near_only = near_tails(run, accounts, request, choose_kernels(Isa::automatic));
  for (const NearPaths& near : exact.hints.near) {
    EXPECT_EQ(near.paths.empty(), std::binary_search(near_only.missing.begin(), near_only.missing.end(), near.account))
        << near.account;
  }

  // A list that may have left paths out is not trusted: here it lacks the worst one, and is long enough without it.
  for (NearPaths& near : exact.hints.near) {
    if (near.paths.empty()) { continue; }
    near.slack = 0.0;
    const auto worst = std::max_element(near.losses.begin(), near.losses.end()) - near.losses.begin();
    near.paths.erase(near.paths.begin() + worst);
    near.losses.erase(near.losses.begin() + worst);
  }
  EXPECT_EQ(bits_of(backend->tails(run, accounts, request)), exact.all_paths);
}

// Path numbers beyond 32 bits have an upper word of the counter to themselves.
TEST_F(SameBits, OfScenariosFarOut) {
  const PreparedRun run = prepare_run(maker_.book(), regime_model(), 1'000, 7);
  const StepTables<StdVector> tables(run, [](const auto& values) { return values; });
  const SimulatePayload in = tables.payload();
  const cpu::Tile tile = {5'000'000'000'000ull, cpu::lanes, cpu::lanes};
  std::vector<float> scratch(std::size_t{scratch_rows(in)} * cpu::lanes);
  std::vector<float> plain(std::size_t{in.num_observations} * cpu::lanes), wide = plain;

  choose_kernels(Isa::baseline).simulate(in, tile, scratch.data(), plain.data());
  choose_kernels(Isa::automatic).simulate(in, tile, scratch.data(), wide.data());

  EXPECT_EQ(wide, plain);
}

TEST_F(SameBits, ForAnyInstructionSet) {
  RunConfig config = cpu_config(2'000);
  config.isa = "baseline";
  const std::string baseline = run(config);

  for (const char* isa : {"avx2", "avx512", "auto"}) {
    config.isa = isa;
    try {
      EXPECT_EQ(run(config), baseline) << isa;
    } catch (const BackendUnavailable& error) { GTEST_SKIP() << isa << ": " << error.what(); }
  }
}

TEST_F(SameBits, ForAnyTileAndBatch) {
  RunConfig config = cpu_config(5'000);
  const std::string chosen = run(config);

  for (const std::uint32_t tile : {64u, 192u, 8192u}) {
    for (const std::uint64_t batch : {1u, 7u, 1000u}) {
      config.paths_per_tile = tile;
      config.accounts_per_batch = batch;
      EXPECT_EQ(run(config), chosen) << tile << " " << batch;
    }
  }
}

TEST_F(SameBits, WhenAccountsAreSplitInTwoBooksAndJoined) {
  const RunConfig config = cpu_config(5'000);
  const std::string whole = run(config);

  const auto part = [&](AccountId first, AccountId last) {
    Book book = maker_.book();
    book.accounts.assign(book.accounts.begin() + static_cast<std::ptrdiff_t>(first),
                         book.accounts.begin() + static_cast<std::ptrdiff_t>(last));
    std::erase_if(book.positions, [&](const Position& p) { return p.account < first || p.account >= last; });
    std::erase_if(book.collateral, [&](const CollateralBalance& c) { return c.account < first || c.account >= last; });
    for (Position& p : book.positions) { p.account -= first; }
    for (CollateralBalance& c : book.collateral) { c.account -= first; }
    return bits_of(run_margin(book, regime_model(), config).margins);
  };

  EXPECT_EQ(part(0, 23) + part(23, 61), whole);
}

TEST_F(SameBits, OnASecondRun) { EXPECT_EQ(run(cpu_config(3'000)), run(cpu_config(3'000))); }

TEST_F(SameBits, AnotherSeedGivesOthers) {
  RunConfig config = cpu_config(3'000);
  const std::string first = run(config);
  config.seed = 8;
  EXPECT_NE(run(config), first);
}

class Conformance : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Conformance, CpuMeetsReferenceWithinItsBounds) {
  BookMaker maker = mixed_exchange(40);
  add_hedged_account(maker);
  RunConfig config = cpu_config(GetParam());
  const RunResult cpu = run_margin(maker.book(), regime_model(), config);
  config.backend = BackendChoice::reference;
  const RunResult reference = run_margin(maker.book(), regime_model(), config);

  const PreparedRun prepared = prepare_run(maker.book(), regime_model(), GetParam(), 7);
  for (std::size_t a = 0; a < cpu.margins.size(); ++a) {
    const AccountMargin &c = cpu.margins[a], &r = reference.margins[a];
    const double scale = c.exact_precision ? accuracy::scenario_rounding * prepared.accounts.rounding_scale_usd[a]
                                           : accuracy::account_rounding * prepared.accounts.rounding_scale_usd[a];
    EXPECT_NEAR(c.var_usd, r.var_usd, scale) << c.account;
    EXPECT_NEAR(c.es_usd, r.es_usd, scale) << c.account;
    EXPECT_NEAR(c.worst_loss_usd, r.worst_loss_usd, 4.0 * scale) << c.account;
    EXPECT_NEAR(c.es_se_usd, r.es_se_usd, scale + 1e-3 * r.es_se_usd) << c.account;
    EXPECT_EQ(c.tail_paths.size(), r.tail_paths.size()) << c.account;
  }
}

INSTANTIATE_TEST_SUITE_P(Paths, Conformance, testing::Values(100, 101, 127, 255, 257, 1000, 4097));

TEST(RegimeSplit, AddsUpToEsOnEveryBackendAndSampler) {
  BookMaker maker = mixed_exchange(40);
  add_hedged_account(maker);
  for (const Sampler sampler : {Sampler::plain, Sampler::sobol}) {
    for (const bool weighted : {false, true}) {
      PreparedRun run = prepare_split_run(maker.book(), 2'001, sampler);
      std::mt19937 random(3);
      for (std::uint64_t p = 0; weighted && p < run.num_paths; ++p) { run.path_weights.push_back(1 + random() % 9); }
      TailsRequest request;
      request.precision = Precision::exact;
      const Tails cpu = make_cpu_backend({})->tails(run, run.accounts, request);
      const Tails reference = make_reference_backend()->tails(run, run.accounts, request);

      ASSERT_EQ(cpu.regime_es.size(), 3 * cpu.figures.size());
      ASSERT_EQ(reference.regime_es.size(), cpu.regime_es.size());
      for (std::size_t a = 0; a < cpu.figures.size(); ++a) {
        const double scale = accuracy::scenario_rounding * run.accounts.rounding_scale_usd[a];
        double sum = 0.0;
        for (std::size_t k = 0; k < 3; ++k) {
          EXPECT_NEAR(cpu.regime_es[3 * a + k], reference.regime_es[3 * a + k], scale) << a << " " << k;
          sum += cpu.regime_es[3 * a + k];
        }
        EXPECT_NEAR(sum, cpu.figures[a].es, 1e-12 * std::fabs(cpu.figures[a].es)) << a;
      }
    }
  }
}

// Half of the paths stay in a calm that moves nothing, half in a storm: all of the tail is of the storm. The steps of
// paths that change are those of the chain.
TEST(RegimeSplit, GivesTheTailToTheRegimeThatMakesIt) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 100.0);
  maker.hold(maker.account("long"), maker.perpetual("BTC-P", btc, Payoff::linear), 1.0);
  Model model = regime_model();
  model.regimes.resize(2);
  model.regimes[0].vols = {{"*", {1e-6, 0.0, 0.0, 0.0}}};
  model.regimes[1].vols = {{"*", {1.0, 0.0, 0.0, 0.0}}};
  for (Regime& regime : model.regimes) { regime.kinds.clear(); }
  model.transition = {{1.0, 0.0}, {0.0, 1.0}};
  model.start = StartKind::probabilities;
  model.start_probabilities = {0.5, 0.5};
  PreparedRun run = prepare_run(maker.book(), model, 10'000, 7);
  run.regime_steps = count_regime_steps(run.scenarios, run.points, run.seed, run.num_paths);

  const Tails tails = make_cpu_backend({})->tails(run, run.accounts, {});
  EXPECT_EQ(tails.regime_es[0], 0.0);
  EXPECT_NEAR(tails.regime_es[1], tails.figures[0].es, 1e-9);
  EXPECT_GT(tails.figures[0].es, 1.0);

  // A chain that spends a quarter of its steps in calm: 5,000 paths of 24 steps know that to 0.003.
  model.transition = {{0.25, 0.75}, {0.25, 0.75}};
  run = prepare_run(maker.book(), model, 5'000, 7);
  run.regime_steps = count_regime_steps(run.scenarios, run.points, run.seed, run.num_paths);
  double calm = 0.0;
  for (std::size_t p = 0; p < run.num_paths; ++p) {
    calm += run.regime_steps[2 * p];
    EXPECT_EQ(run.regime_steps[2 * p] + run.regime_steps[2 * p + 1], 24) << p;
  }
  const double starts = 0.5 / 24.0, later = 0.25 * 23.0 / 24.0;
  EXPECT_NEAR(calm / (24.0 * 5'000.0), starts + later, 0.006);
}

TEST(Conformance, HedgedAccountIsComputedInDouble) {
  BookMaker maker = mixed_exchange(3);
  add_hedged_account(maker);

  const RunResult result = run_margin(maker.book(), regime_model(), cpu_config(2'000));

  EXPECT_TRUE(result.margins.back().exact_precision);
  EXPECT_GT(result.num_exact_accounts, 0u);
}

class WeightedPaths : public testing::Test {
 protected:
  PreparedRun prepared(std::uint64_t paths) const {
    return prepare_run(mixed_exchange(25).book(), regime_model(), paths, 3);
  }
  static Tails cpu(const PreparedRun& run) { return make_cpu_backend({})->tails(run, run.accounts, {}); }
};

TEST_F(WeightedPaths, EqualWeightsChangeNothing) {
  PreparedRun run = prepared(2'000);
  const Tails plain = cpu(run);
  run.path_weights.assign(2'000, 5);

  const Tails weighted = cpu(run);

  for (std::size_t a = 0; a < plain.figures.size(); ++a) {
    EXPECT_EQ(weighted.figures[a].var, plain.figures[a].var);
    EXPECT_NEAR(weighted.figures[a].es, plain.figures[a].es, 1e-12 * std::fabs(plain.figures[a].es));
    EXPECT_NEAR(weighted.figures[a].es_standard_error, plain.figures[a].es_standard_error,
                1e-12 * plain.figures[a].es_standard_error);
  }
}

TEST_F(WeightedPaths, CpuMeetsReference) {
  PreparedRun run = prepared(2'000);
  std::mt19937 random(9);
  for (int p = 0; p < 2'000; ++p) { run.path_weights.push_back(1 + random() % 7); }

  const Tails weighted = cpu(run);
  const Tails reference = make_reference_backend()->tails(run, run.accounts, {});

  for (std::size_t a = 0; a < weighted.figures.size(); ++a) {
    const double bound = accuracy::account_rounding * run.accounts.rounding_scale_usd[a];
    EXPECT_NEAR(weighted.figures[a].var, reference.figures[a].var, bound);
    EXPECT_NEAR(weighted.figures[a].es, reference.figures[a].es, bound);
    EXPECT_NEAR(weighted.figures[a].es_standard_error, reference.figures[a].es_standard_error,
                bound + 1e-3 * reference.figures[a].es_standard_error);
  }
}

TEST_F(WeightedPaths, BadWeightsAreRefused) {
  PreparedRun run = prepared(1'000);
  run.path_weights.assign(999, 1);
  EXPECT_THROW(cpu(run), UsageError);
  run.path_weights.assign(1'000, 0);
  EXPECT_THROW(cpu(run), UsageError);
}

// A capped loss: nearly every path ends exactly at the premium. The tail takes the smallest path numbers of the tie.
TEST(Tail, TiesGoToTheFirstPaths) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  const InstrumentId call = maker.option("BTC-C", btc, 0.5, 90'000.0, OptionType::call, 0.5);
  maker.hold(maker.account("a"), call, 1.0);

  const AccountMargin m =
      run_margin(maker.book(), gaussian_model(1.0, {price_only("*", 0.5)}), cpu_config(10'000)).margins.front();

  ASSERT_EQ(m.tail_paths.size(), 100u);
  for (std::uint32_t i = 0; i < 100; ++i) { EXPECT_EQ(m.tail_paths[i], i); }
  EXPECT_EQ(m.es_usd, m.var_usd);
  EXPECT_EQ(m.es_se_usd, 0.0);
}

TEST(Tail, AnAccountWithoutRiskHasZeroMargin) {
  BookMaker maker;
  maker.underlying("BTC", 60'000.0);
  maker.deposit(maker.account("a"), no_underlying, 100.0);

  const AccountMargin m =
      run_margin(maker.book(), gaussian_model(1.0, {price_only("*", 0.5)}), cpu_config(1'000)).margins.front();

  EXPECT_EQ(m.initial_margin_usd, 0.0);
  EXPECT_EQ(m.equity_usd, 100.0);
}

TEST(Tail, ABookWithoutUnderlyingsHasZeroMargins) {
  BookMaker maker;
  maker.deposit(maker.account("a"), no_underlying, -5.0);

  for (const BackendChoice backend : {BackendChoice::cpu, BackendChoice::reference}) {
    RunConfig config = cpu_config(1'000);
    config.backend = backend;
    const AccountMargin m =
        run_margin(maker.book(), gaussian_model(1.0, {price_only("*", 0.5)}), config).margins.front();

    EXPECT_EQ(m.initial_margin_usd, 0.0);
    EXPECT_EQ(m.equity_usd, -5.0);
  }
}

TEST(Guards, TooFewPathsForTheLevel) {
  BookMaker maker = mixed_exchange(2);
  EXPECT_THROW(run_margin(maker.book(), regime_model(), cpu_config(99)), UsageError);
  EXPECT_NO_THROW(run_margin(maker.book(), regime_model(), cpu_config(100)));
}

TEST(Guards, OddTileWidth) {
  RunConfig config = cpu_config(1'000);
  config.paths_per_tile = 100;
  EXPECT_THROW(run_margin(mixed_exchange(2).book(), regime_model(), config), UsageError);
}

TEST(Guards, UnknownInstructionSet) {
  RunConfig config = cpu_config(1'000);
  config.isa = "sse9";
  EXPECT_THROW(run_margin(mixed_exchange(2).book(), regime_model(), config), UsageError);
}

TEST(Guards, AStopRequestEndsTheRun) {
  const std::atomic<bool> stop{true};
  for (const BackendChoice backend : {BackendChoice::cpu, BackendChoice::reference}) {
    RunConfig config = cpu_config(1'000);
    config.backend = backend;
    config.stop = &stop;
    EXPECT_THROW(run_margin(mixed_exchange(2).book(), regime_model(), config), Interrupted);
  }
}

TEST(Guards, ProgressReachesTheEnd) {
  RunConfig config = cpu_config(20'000);
  double last = 0.0;
  config.progress = [&](const std::string&, double fraction) {
    EXPECT_GE(fraction, 0.0);
    EXPECT_LE(fraction, 1.0);
    last = fraction;
  };
  run_margin(mixed_exchange(5).book(), regime_model(), config);
  EXPECT_EQ(last, 1.0);
}

}  // namespace
}  // namespace tailmargin::test
