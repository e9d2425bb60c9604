// Shortfalls of all accounts together: against plain sums over all losses, a closed form, the other backends, and
// themselves however the work and the book are cut.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <initializer_list>
#include <numeric>

#include "host/engine/exchange_shortfall.hpp"
#include "host/prepare/prepare_run.hpp"
#include "tailmargin/accuracy.hpp"
#include "tests/cuda/small_run.hpp"
#include "tests/estimators/support.hpp"
#include "tests/support/normal_oracle.hpp"

namespace tailmargin::test {
namespace {

RunConfig cpu_config(std::uint64_t paths, Sampler sampler = Sampler::plain) {
  RunConfig config;
  config.num_paths = paths;
  config.seed = 7;
  config.sampler = sampler;
  config.backend = BackendChoice::cpu;
  config.keep_shortfalls = true;
  return config;
}

/// The accounts of three coins many times over at growing sizes, and one hedged so well that it is computed in double.
Book crowded_positions(std::size_t copies) {
  const Book base = three_coin_book();
  Book book = base;
  book.accounts.clear();
  book.positions.clear();
  for (std::size_t copy = 0; copy < copies; ++copy) {
    for (AccountId account = 0; account < base.accounts.size(); ++account) {
      const AccountId id = book.accounts.size();
      book.accounts.push_back("account-" + std::to_string(100 + id));
      for (Position p : base.positions) {
        if (p.account != account) { continue; }
        p.account = id;
        p.quantity *= 1.0 + 0.37 * static_cast<double>(copy);
        book.positions.push_back(p);
      }
    }
  }
  const AccountId hedged = book.accounts.size();
  book.accounts.push_back("hedged");
  book.positions.push_back({hedged, 4, 1'000.0, {}});
  book.collateral.push_back({hedged, 0, -999.9});
  return book;
}

/// With equities in parts of each account's ES, so that some are never short, some now and then, some on most paths;
/// one has less than nothing.
Book crowded_book(std::size_t copies = 12) {
  Book book = crowded_positions(copies);
  RunConfig config = cpu_config(1'000);
  const std::vector<AccountMargin> margins = run_margin(book, one_regime_model(), config).margins;
  constexpr std::array<double, 6> parts = {1.3, 0.9, 100.0, 0.3, 1.6, 0.05};
  for (AccountId a = 0; a < margins.size(); ++a) {
    const double part = a == 4 ? -0.3 : a + 1 == margins.size() ? 0.9 : parts[(a / 4 + a) % parts.size()];
    book.collateral.push_back({a, no_underlying, part * margins[a].es_usd - margins[a].equity_usd});
  }
  std::stable_sort(book.collateral.begin(), book.collateral.end(),
                   [](const CollateralBalance& a, const CollateralBalance& b) { return a.account < b.account; });
  return book;
}

/// The accounts [first, last) of a book.
Book part_of(const Book& whole, AccountId first, AccountId last) {
  Book book = whole;
  book.accounts.assign(whole.accounts.begin() + static_cast<std::ptrdiff_t>(first),
                       whole.accounts.begin() + static_cast<std::ptrdiff_t>(last));
  std::erase_if(book.positions, [&](const Position& p) { return p.account < first || p.account >= last; });
  std::erase_if(book.collateral, [&](const CollateralBalance& c) { return c.account < first || c.account >= last; });
  for (Position& p : book.positions) { p.account -= first; }
  for (CollateralBalance& c : book.collateral) { c.account -= first; }
  return book;
}

/// Losses of all accounts on all paths one by one: [account][path].
template <class Real>
std::vector<std::vector<double>> plain_losses(const PreparedRun& run) {
  const std::vector<Real> cube = plain_cube<Real>(run);
  std::vector<std::vector<double>> out;
  for (std::uint64_t a = 0; a + 1 < run.accounts.offsets.size(); ++a) {
    out.emplace_back();
    for (std::uint64_t path = 0; path < run.num_paths; ++path) {
      double worst = -1e300;
      for (std::uint32_t s = 0; s < run.columns.num_slices; ++s) {
        Real total = 0, partial = 0;
        for (std::uint64_t p = run.accounts.offsets[a]; p < run.accounts.offsets[a + 1]; ++p) {
          const std::uint64_t column = s * run.columns.num_columns + run.accounts.columns[p].column();
          partial =
              std::fma(static_cast<Real>(run.accounts.quantities[p]), cube[column * run.num_paths + path], partial);
          if (run.accounts.columns[p].last_of_underlying()) {
            total += partial;
            partial = 0;
          }
        }
        worst = std::max(worst, static_cast<double>(-total));
      }
      out.back().push_back(worst);
    }
  }
  return out;
}

/// What a run must say, by plain sums over shortfalls of every account on every path, in cents.
struct Oracle {
  std::vector<std::vector<long double>> cents;  // [account][path]
  std::vector<long double> weights, sum, two;   // [path]
  long double all = 0.0;
  std::uint32_t replicates = 0;

  Oracle(const PreparedRun& run, const std::vector<AccountMargin>& margins) {
    const auto single = plain_losses<float>(run), exact = plain_losses<double>(run);
    replicates = run.points.num_replicates();
    for (std::uint64_t p = 0; p < run.num_paths; ++p) {
      weights.push_back(run.path_weights.empty() ? 1.0L : run.path_weights[p]);
    }
    all = std::accumulate(weights.begin(), weights.end(), 0.0L);
    sum.resize(run.num_paths);
    two.resize(run.num_paths);
    for (std::size_t a = 0; a < margins.size(); ++a) {
      cents.emplace_back();
      for (const double loss : margins[a].exact_precision ? exact[a] : single[a]) {
        cents.back().push_back(std::llround(std::max(100.0 * (loss - margins[a].equity_usd), 0.0)));
      }
    }
    for (std::uint64_t p = 0; p < run.num_paths; ++p) {
      std::vector<long double> of_path;
      for (const auto& account : cents) { of_path.push_back(account[p]); }
      std::sort(of_path.rbegin(), of_path.rend());
      sum[p] = std::accumulate(of_path.begin(), of_path.end(), 0.0L) / 100;
      two[p] = (of_path[0] + of_path[1]) / 100;
    }
  }

  template <class Function>
  PathEstimate mean(const std::vector<long double>& values, Function f) const {
    long double total = 0.0;
    for (std::size_t p = 0; p < values.size(); ++p) { total += weights[p] * f(values[p]); }
    const long double mean = total / all;
    std::vector<long double> parts(replicates == 0 ? values.size() : replicates);
    for (std::size_t p = 0; p < values.size(); ++p) { parts[p % parts.size()] += weights[p] * (f(values[p]) - mean); }
    long double squares = 0.0;
    for (const long double part : parts) { squares += part * part; }
    if (replicates != 0) { squares *= static_cast<long double>(replicates) / (replicates - 1); }
    return {static_cast<double>(mean), static_cast<double>(std::sqrt(squares) / all)};
  }

  std::vector<std::size_t> worst_first(const std::vector<long double>& values) const {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
    return order;
  }

  double quantile(const std::vector<long double>& values, double confidence) const {
    long double beyond = 0.0;
    for (const std::size_t path : worst_first(values)) {
      beyond += weights[path];
      if (beyond > (1.0 - confidence) * all * (1 + 1e-12L)) { return static_cast<double>(values[path]); }
    }
    return 0.0;
  }

  double es(const std::vector<long double>& values, double confidence) const {
    long double left = (1.0 - confidence) * all, total = 0.0;
    for (const std::size_t path : worst_first(values)) {
      const long double taken = std::min(left, weights[path]);
      total += taken * values[path];
      left -= taken;
    }
    return static_cast<double>(total / ((1.0 - confidence) * all));
  }

  /// The worst paths that weigh no more than a hundredth together.
  std::vector<std::size_t> worst_paths() const {
    std::vector<std::size_t> out;
    long double weight = 0.0;
    for (const std::size_t path : worst_first(sum)) {
      weight += weights[path];
      if (weight > 0.01 * all * (1 + 1e-12L)) { break; }
      out.push_back(path);
    }
    return out;
  }
};

void expect_estimate(const PathEstimate& found, const PathEstimate& expected, const char* what) {
  EXPECT_NEAR(found.value, expected.value, 1e-9 * std::fabs(expected.value)) << what;
  EXPECT_NEAR(found.standard_error, expected.standard_error, 1e-9 * expected.standard_error) << what;
  EXPECT_GT(expected.standard_error, 0.0) << what << " is not tested";
}

void expect_distribution(const ExchangeShortfall& found, const Oracle& oracle, double fund) {
  const auto excess = [=](long double s) { return std::max(s - fund, 0.0L); };
  expect_estimate(found.expected_usd, oracle.mean(oracle.sum, [](long double s) { return s; }), "expected");
  expect_estimate(found.probability, oracle.mean(oracle.sum, [](long double s) { return s > 0 ? 1.0L : 0.0L; }), "any");
  ASSERT_TRUE(found.fund);
  EXPECT_EQ(found.fund->fund_usd, fund);
  expect_estimate(found.fund->exceeded, oracle.mean(oracle.sum, [=](long double s) { return s > fund ? 1.0L : 0.0L; }),
                  "exceeded");
  expect_estimate(found.fund->excess_usd, oracle.mean(oracle.sum, excess), "excess");
  expect_estimate(found.fund->used_usd, oracle.mean(oracle.sum, [=](long double s) { return s - excess(s); }), "used");
  ASSERT_EQ(found.levels.size(), 2u);
  for (const ShortfallLevel& level : found.levels) {
    EXPECT_EQ(level.quantile_usd.value, oracle.quantile(oracle.sum, level.confidence));
    EXPECT_EQ(level.cover_two_quantile_usd.value, oracle.quantile(oracle.two, level.confidence));
    EXPECT_NEAR(level.es_usd.value, oracle.es(oracle.sum, level.confidence), 1e-7 * level.es_usd.value);
    EXPECT_GT(level.es_usd.standard_error, 0.0);
    EXPECT_LT(level.cover_two_quantile_usd.value, level.quantile_usd.value) << "not tested";
  }
}

void expect_parts(const ExchangeShortfall& found, const Oracle& oracle, const std::vector<AccountMargin>& margins) {
  const std::vector<std::size_t> worst = oracle.worst_paths();
  EXPECT_EQ(found.num_worst_paths, worst.size());
  long double weight = 0.0, total = 0.0;
  std::vector<long double> part(margins.size());
  for (const std::size_t path : worst) {
    weight += oracle.weights[path];
    for (std::size_t a = 0; a < margins.size(); ++a) { part[a] += oracle.weights[path] * oracle.cents[a][path] / 100; }
  }
  for (const long double p : part) { total += p; }
  EXPECT_NEAR(found.worst_mean_usd, static_cast<double>(total / weight), 1e-9 * found.worst_mean_usd);
  const auto order = oracle.worst_first(part);
  double sum = found.others_usd, shares = found.others_share;
  const auto with_part =
      static_cast<std::size_t>(std::count_if(part.begin(), part.end(), [](auto x) { return x > 0; }));
  ASSERT_EQ(found.largest.size(), std::min<std::size_t>(20, with_part));
  EXPECT_EQ(found.num_others, with_part - found.largest.size());
  EXPECT_GT(found.num_others, 0u) << "not tested";
  for (std::size_t i = 0; i < found.largest.size(); ++i) {
    EXPECT_EQ(found.largest[i].account, margins[order[i]].account);
    EXPECT_NEAR(found.largest[i].part_usd, static_cast<double>(part[order[i]] / weight), 1e-9 * found.worst_mean_usd);
    sum += found.largest[i].part_usd;
    shares += found.largest[i].share;
  }
  EXPECT_NEAR(sum, found.worst_mean_usd, 1e-9 * sum);
  EXPECT_NEAR(shares, 1.0, 1e-12);
}

struct Case {
  const char* name;
  Model model;
  Sampler sampler;
};

Model worst_on_the_way() {
  Model model = one_regime_model();
  model.measure = PathMeasure::worst;
  model.measure_hours = 16.0;
  return model;
}

class PlainSums : public testing::TestWithParam<Case> {};

TEST_P(PlainSums, AreWhatARunSays) {
  Book book = crowded_book();
  const double fund = 150'000.0;
  book.insurance_fund_usd = fund;

  const RunResult found = run_margin(book, GetParam().model, cpu_config(3'000, GetParam().sampler));

  const PreparedRun run = prepare_run(book, GetParam().model, 3'000, 7, GetParam().sampler);
  const Oracle oracle(run, found.margins);
  EXPECT_TRUE(found.margins.back().exact_precision);
  EXPECT_GT(found.margins.back().shortfall_probability, 0.0) << "the pass in double is not tested";
  expect_distribution(found.exchange, oracle, fund);
  expect_parts(found.exchange, oracle, found.margins);
  std::uint64_t short_accounts = 0;
  for (std::size_t a = 0; a < found.margins.size(); ++a) {
    long double weight = 0.0, expected = 0.0;
    for (std::size_t p = 0; p < oracle.sum.size(); ++p) {
      weight += oracle.cents[a][p] > 0 ? oracle.weights[p] : 0.0L;
      expected += oracle.weights[p] * oracle.cents[a][p] / 100;
    }
    short_accounts += weight > 0 ? 1 : 0;
    EXPECT_NEAR(found.margins[a].shortfall_probability, static_cast<double>(weight / oracle.all), 1e-15);
    EXPECT_NEAR(found.margins[a].expected_uncovered_loss_usd, static_cast<double>(expected / oracle.all),
                1e-12 * static_cast<double>(expected / oracle.all));
  }
  EXPECT_EQ(found.exchange.num_accounts, book.accounts.size());
  EXPECT_EQ(found.exchange.num_short_accounts, short_accounts);
  EXPECT_LT(short_accounts, book.accounts.size());
}

INSTANTIATE_TEST_SUITE_P(Models, PlainSums,
                         testing::Values(Case{"Plain", one_regime_model(), Sampler::plain},
                                         Case{"WorstOnTheWay", worst_on_the_way(), Sampler::plain},
                                         Case{"Weighted", wild_model(), Sampler::plain},
                                         Case{"WeightedReplicates", wild_model(), Sampler::sobol}),
                         [](const auto& c) { return c.param.name; });

/// Every number of exchange.json, to the bit.
std::string bytes_of(const ExchangeShortfall& e) {
  std::string text;
  const auto add = [&text](std::initializer_list<double> numbers) {
    text.append(reinterpret_cast<const char*>(numbers.begin()), numbers.size() * sizeof(double));
  };
  const auto add_estimate = [&](const PathEstimate& x) { add({x.value, x.standard_error}); };
  for (const std::uint64_t n : {e.num_accounts, e.num_short_accounts, e.num_worst_paths, e.num_others}) {
    text += std::to_string(n) + " ";
  }
  add_estimate(e.expected_usd);
  add_estimate(e.probability);
  for (const ShortfallLevel& level : e.levels) {
    add({level.confidence});
    for (const auto& x : {level.quantile_usd, level.es_usd, level.cover_two_quantile_usd}) { add_estimate(x); }
  }
  if (e.fund) {
    add({e.fund->fund_usd});
    for (const auto& x : {e.fund->used_usd, e.fund->exceeded, e.fund->excess_usd}) { add_estimate(x); }
  }
  add({e.worst_mean_usd, e.others_usd, e.others_share});
  for (const ShortfallPart& part : e.largest) {
    text += part.account;
    add({part.part_usd, part.share});
  }
  return text;
}

/// Everything a run says of shortfalls.
std::string bytes_of(const RunResult& result) {
  std::string bytes = bytes_of(result.exchange);
  for (const auto* values : {&result.shortfalls.sum, &result.shortfalls.largest, &result.shortfalls.second}) {
    bytes.append(reinterpret_cast<const char*>(values->data()), values->size() * sizeof(std::int64_t));
  }
  for (const AccountMargin& m : result.margins) {
    const double figures[] = {m.shortfall_probability, m.expected_uncovered_loss_usd};
    bytes.append(reinterpret_cast<const char*>(figures), sizeof figures);
  }
  return bytes;
}

TEST(ShortfallBits, DoNotDependOnHowTheWorkIsCut) {
  const Book book = crowded_book();
  const auto run = [&](const RunConfig& config) { return bytes_of(run_margin(book, wild_model(), config)); };
  RunConfig config = cpu_config(3'000);
  config.threads = 1;
  const std::string expected = run(config);
  for (const int threads : {2, 3}) {
    for (const std::uint32_t tile : {0u, 64u, 192u}) {
      for (const std::uint64_t batch : {0u, 1u, 5u}) {
        config.threads = threads;
        config.paths_per_tile = tile;
        config.accounts_per_batch = batch;
        EXPECT_EQ(run(config), expected) << threads << " " << tile << " " << batch;
      }
    }
  }
  config = cpu_config(3'000);
  for (const char* isa : {"baseline", "avx2", "avx512"}) {
    config.isa = isa;
    try {
      EXPECT_EQ(run(config), expected) << isa;
    } catch (const BackendUnavailable& error) { GTEST_SKIP() << isa << ": " << error.what(); }
  }
}

void expect_same(const Shortfalls& found, const Shortfalls& expected) {
  ASSERT_EQ(found.paths.size(), expected.paths.size());
  for (std::size_t p = 0; p < found.paths.size(); ++p) {
    EXPECT_EQ(found.paths[p].sum, expected.paths[p].sum) << p;
    EXPECT_EQ(found.paths[p].largest, expected.paths[p].largest) << p;
    EXPECT_EQ(found.paths[p].second, expected.paths[p].second) << p;
  }
  ASSERT_EQ(found.accounts.size(), expected.accounts.size());
  for (std::size_t a = 0; a < found.accounts.size(); ++a) {
    EXPECT_EQ(found.accounts[a].weight, expected.accounts[a].weight) << a;
    EXPECT_EQ(found.accounts[a].low, expected.accounts[a].low) << a;
    EXPECT_EQ(found.accounts[a].high, expected.accounts[a].high) << a;
  }
}

// What tails list is what a pass over all paths finds, on some paths and on all; also in double, for one
// of the models.
TEST(ShortfallFinder, FindsInTailsWhatAPassOverAllPathsFinds) {
  const Book book = crowded_book();
  std::size_t exact_lists = 0;
  for (const Model& model : {one_regime_model(), wild_model()}) {
    const PreparedRun run = prepare_run(book, model, 3'000, 7);
    const RunConfig config = cpu_config(3'000);
    const auto backend = make_cpu_backend({});
    AccountTails tails = find_tails(*backend, run, run.accounts, config, nullptr, ListShortfalls::yes);
    ASSERT_GT(tails.single.shortfalls.size(), 3u);
    ASSERT_FALSE(tails.observations.empty());
    exact_lists += tails.exact.shortfalls.size();
    const ShortfallFinder listed(*backend, run, run.accounts, tails, config, book.accounts);
    const Shortfalls found = listed.find();
    std::vector<std::uint32_t> some(run.num_paths, 0);
    for (std::size_t p = 0; p < some.size(); p += 7) { some[p] = static_cast<std::uint32_t>(p + 3); }
    const Shortfalls found_on_some = listed.find(some);

    tails.single.shortfalls.clear();
    tails.exact.shortfalls.clear();
    tails.observations = {};
    const ShortfallFinder plain(*backend, run, run.accounts, tails, config, book.accounts);
    expect_same(found, plain.find());
    expect_same(found_on_some, plain.find(some));
  }
  EXPECT_EQ(exact_lists, 1u) << "lists of the pass in double are not tested";
}

// The reference rounds to cents what differs from the cpu's losses by float rounding.
TEST(ShortfallFinder, CpuMeetsReferenceWithinRounding) {
  const Book book = crowded_book();
  const PreparedRun run = prepare_run(book, one_regime_model(), 500, 7);
  ShortfallsRequest request;
  const Shortfalls cpu = make_cpu_backend({})->shortfalls(run, run.accounts, request);

  const Shortfalls reference = make_reference_backend()->shortfalls(run, run.accounts, request);

  const double scale =
      4.0 * accuracy::account_rounding *
      std::accumulate(run.accounts.rounding_scale_usd.begin(), run.accounts.rounding_scale_usd.end(), 0.0);
  const double bound = 100.0 * scale + static_cast<double>(book.accounts.size());
  double largest = 0.0;
  for (std::size_t p = 0; p < cpu.paths.size(); ++p) {
    EXPECT_NEAR(double(cpu.paths[p].sum), double(reference.paths[p].sum), bound) << p;
    EXPECT_NEAR(double(cpu.paths[p].largest), double(reference.paths[p].largest), bound) << p;
    EXPECT_NEAR(double(cpu.paths[p].second), double(reference.paths[p].second), bound) << p;
    largest = std::max(largest, double(reference.paths[p].sum));
  }
  EXPECT_GT(largest, 10.0 * bound) << "a bound too wide to find an error";
  for (std::size_t a = 0; a < cpu.accounts.size(); ++a) {
    EXPECT_NEAR(cpu.accounts[a].weighted_usd(), reference.accounts[a].weighted_usd(), 5.0 * bound) << a;
  }
}

TEST(Shortfalls, PathsOfWeightZeroAreLeftOutOnEveryBackend) {
  const PreparedRun run = prepare_run(crowded_book(), one_regime_model(), 300, 7);
  std::vector<std::uint32_t> weights(300, 0);
  weights[17] = 5;
  weights[299] = 1;
  ShortfallsRequest request;
  request.weights = &weights;
  for (const auto& backend : {make_cpu_backend({}), make_reference_backend()}) {
    const Shortfalls found = backend->shortfalls(run, run.accounts, request);
    std::uint64_t most = 0;
    for (std::size_t p = 0; p < 300; ++p) { EXPECT_EQ(found.paths[p].sum != 0, weights[p] != 0) << p; }
    for (const AccountShortfall& account : found.accounts) { most = std::max(most, account.weight); }
    EXPECT_EQ(most, 6u) << backend->name();
  }
}

class Parts : public testing::TestWithParam<std::size_t> {};

/// Bounds of parts of about the same size, the last one without any account if there are more than accounts.
std::vector<std::pair<AccountId, AccountId>> cut(std::size_t accounts, std::size_t parts) {
  std::vector<std::pair<AccountId, AccountId>> out;
  for (std::size_t i = 0; i < parts; ++i) { out.emplace_back(accounts * i / parts, accounts * (i + 1) / parts); }
  return out;
}

// As workers would: each finds the shortfalls of its accounts, the sums are joined, and each says what its accounts
// have in the worst paths of the whole.
TEST_P(Parts, SayTogetherWhatTheWholeSays) {
  Book book = crowded_book();
  book.insurance_fund_usd = 150'000.0;
  const RunResult whole = run_margin(book, wild_model(), cpu_config(3'000));
  struct Worker {
    PreparedRun run;
    AccountTails tails;
    std::vector<std::string> names;
    PathShortfalls paths;
  };
  const RunConfig config = cpu_config(3'000);
  const auto backend = make_cpu_backend({});
  std::vector<Worker> workers;
  std::vector<PathShortfalls> sums;
  for (const auto& [first, last] : cut(book.accounts.size(), GetParam())) {
    const Book part = part_of(book, first, last);
    Worker& worker = workers.emplace_back();
    worker.run = prepare_run(part, wild_model(), 3'000, 7);
    worker.names = part.accounts;
    worker.tails = find_tails(*backend, worker.run, worker.run.accounts, config, nullptr, ListShortfalls::yes);
    const ShortfallFinder finder(*backend, worker.run, worker.run.accounts, worker.tails, config, worker.names);
    sums.push_back(path_shortfalls(worker.run, finder.find(), serialise_tables(worker.run)));
    EXPECT_EQ(run_margin(part, wild_model(), config).shortfalls.sum, sums.back().sum);
  }

  const PathShortfalls joined = join_shortfalls(sums);
  ExchangeShortfall summary = summarise_shortfalls(joined, book.insurance_fund_usd);
  const std::vector<std::uint32_t> worst = worst_paths(joined);
  std::vector<NamedShortfall> parts;
  for (const Worker& worker : workers) {
    const ShortfallFinder finder(*backend, worker.run, worker.run.accounts, worker.tails, config, worker.names);
    const Shortfalls found = finder.find(worst);
    for (std::size_t a = 0; a < worker.names.size(); ++a) {
      if (found.accounts[a].weight != 0) { parts.push_back({worker.names[a], found.accounts[a]}); }
    }
  }
  add_largest_parts(worst, parts, summary);

  EXPECT_EQ(bytes_of(summary), bytes_of(whole.exchange));
  EXPECT_EQ(joined.sum, whole.shortfalls.sum);
  EXPECT_EQ(joined.largest, whole.shortfalls.largest);
  EXPECT_EQ(joined.second, whole.shortfalls.second);
}

INSTANTIATE_TEST_SUITE_P(Numbers, Parts, testing::Values(1, 2, 7));

TEST(JoinShortfalls, RefusesOtherPathsAndSumsTooLarge) {
  PathShortfalls a;
  a.sum = {std::int64_t{9'000'000'000'000'000'000}};
  a.largest = a.sum;
  a.second = {0};
  PathShortfalls small = a, other = a;
  small.sum = small.largest = {5};
  other.scenarios = 1;

  EXPECT_EQ(join_shortfalls({a, small}).sum.front(), 9'000'000'000'000'000'005);
  EXPECT_EQ(join_shortfalls({small, a}).second.front(), 5);
  EXPECT_THROW(join_shortfalls({a, a}), UsageError);
  EXPECT_THROW(join_shortfalls({small, other}), UsageError);
  EXPECT_THROW(join_shortfalls({}), UsageError);
}

/// An account with a perpetual on one coin, short (-1) or long (+1), and so much equity.
Book one_position(double side, double equity) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  const InstrumentId perpetual = maker.perpetual("BTC-PERP", btc, Payoff::linear);
  const AccountId account = maker.account("a");
  maker.hold(account, perpetual, 2.0 * side).deposit(account, no_underlying, equity);
  return maker.book();
}

// Long: shortfall max(0, N (1 - e^x) - E), a put on N e^x struck at N - E; short: a call struck at N + E (Black 1976).
TEST(ClosedForm, ShortfallOfOnePositionIsAnOption) {
  const double notional = 120'000.0, s = 0.6 / std::sqrt(365.0), growth = std::exp(0.5 * s * s);
  for (const double side : {1.0, -1.0}) {
    for (const double equity : {6'000.0, -1'000.0}) {
      const std::uint64_t paths = 200'000;
      const RunResult found =
          run_margin(one_position(side, equity), gaussian_model(1.0, {price_only("*", 0.6)}), cpu_config(paths));

      const double strike = notional - side * equity, level = std::log(strike / notional) / s;
      const double probability = normal_cdf(side * level);
      const double expected =
          side * (strike * normal_cdf(side * level) - notional * growth * normal_cdf(side * (level - s)));
      const AccountMargin& margin = found.margins.front();
      EXPECT_NEAR(margin.shortfall_probability, probability, 4.0 * found.exchange.probability.standard_error);
      EXPECT_NEAR(margin.expected_uncovered_loss_usd, expected, 4.0 * found.exchange.expected_usd.standard_error);
      EXPECT_NEAR(found.exchange.probability.standard_error,
                  std::sqrt(probability * (1.0 - probability) / static_cast<double>(paths)), 0.02 * probability);
      EXPECT_LT(found.exchange.expected_usd.standard_error, 0.02 * expected) << "a bound too wide to find an error";
      EXPECT_NEAR(found.exchange.expected_usd.value, margin.expected_uncovered_loss_usd, 1e-9 * expected);
    }
  }
}

TEST(Shortfalls, NoAccountShortIsZeroEverywhere) {
  Book book = one_position(1.0, 1e9);
  book.insurance_fund_usd = 0.0;
  for (const BackendChoice choice : {BackendChoice::cpu, BackendChoice::reference}) {
    RunConfig config = cpu_config(1'000);
    config.backend = choice;

    const RunResult found = run_margin(book, gaussian_model(1.0, {price_only("*", 0.6)}), config);

    EXPECT_EQ(found.margins.front().shortfall_probability, 0.0);
    EXPECT_EQ(found.exchange.num_short_accounts, 0u);
    EXPECT_EQ(found.exchange.probability.value, 0.0);
    EXPECT_EQ(found.exchange.expected_usd.standard_error, 0.0);
    EXPECT_EQ(found.exchange.fund->exceeded.value, 0.0);
    EXPECT_EQ(found.exchange.levels.back().quantile_usd.value, 0.0);
    EXPECT_EQ(found.exchange.worst_mean_usd, 0.0);
    EXPECT_TRUE(found.exchange.largest.empty());
  }
}

// Without positions an account with a debt lacks the same on every path.
TEST(Shortfalls, ADebtIsAShortfallOnEveryPath) {
  BookMaker maker;
  maker.underlying("BTC", 60'000.0);
  maker.deposit(maker.account("a"), no_underlying, -5.126);
  maker.deposit(maker.account("b"), no_underlying, -7.0);
  maker.deposit(maker.account("c"), no_underlying, -0.004);
  for (const BackendChoice choice : {BackendChoice::cpu, BackendChoice::reference}) {
    RunConfig config = cpu_config(1'000);
    config.backend = choice;

    const RunResult found = run_margin(maker.book(), gaussian_model(1.0, {price_only("*", 0.6)}), config);

    EXPECT_EQ(found.margins[0].shortfall_probability, 1.0);
    EXPECT_DOUBLE_EQ(found.margins[0].expected_uncovered_loss_usd, 5.13);
    EXPECT_EQ(found.margins[2].shortfall_probability, 0.0) << "less than half a cent";
    EXPECT_EQ(found.exchange.num_short_accounts, 2u);
    EXPECT_EQ(found.exchange.probability.value, 1.0);
    EXPECT_NEAR(found.exchange.expected_usd.value, 12.13, 1e-12);
    EXPECT_EQ(found.exchange.levels.front().quantile_usd.value, 12.13);
    EXPECT_EQ(found.exchange.levels.front().cover_two_quantile_usd.value, 12.13);
    EXPECT_FALSE(found.exchange.fund);
    ASSERT_EQ(found.exchange.largest.size(), 2u);
    EXPECT_EQ(found.exchange.largest[0].account, "b");
    EXPECT_DOUBLE_EQ(found.exchange.largest[1].share, 5.13 / 12.13);
  }
}

TEST(Shortfalls, FewerThanAThousandPathsHaveOneLevel) {
  const RunResult found =
      run_margin(one_position(1.0, 0.0), gaussian_model(1.0, {price_only("*", 0.6)}), cpu_config(999));

  ASSERT_EQ(found.exchange.levels.size(), 1u);
  EXPECT_EQ(found.exchange.levels[0].confidence, 0.99);
  EXPECT_EQ(found.exchange.num_worst_paths, 9u);
}

// With weights the tail is made a whole number, which may be a little less than a path's mean weight.
TEST(Shortfalls, LevelsOfWeightedPathsNeedNoMorePaths) {
  const Book book = three_coin_book();
  for (std::uint64_t seed = 1; seed < 6; ++seed) {
    RunConfig config = cpu_config(1'000);
    config.seed = seed;
    EXPECT_EQ(run_margin(book, wild_model(), config).exchange.levels.size(), 2u) << seed;
    config.num_paths = 100;
    EXPECT_EQ(run_margin(book, wild_model(), config).exchange.levels.size(), 1u) << seed;
  }
}

TEST(Guards, ShortfallsTooLargeForExactSumsAreRefused) {
  const auto with_debts = [](double debt) {
    BookMaker maker;
    maker.underlying("BTC", 60'000.0);
    for (const char* name : {"a", "b", "c"}) { maker.deposit(maker.account(name), no_underlying, -debt); }
    return maker.book();
  };
  const Model model = gaussian_model(1.0, {price_only("*", 0.6)});

  const RunResult large = run_margin(with_debts(2.9e16), model, cpu_config(1'000));
  EXPECT_EQ(large.exchange.levels.front().quantile_usd.value, 8.7e16);
  try {
    run_margin(with_debts(3.1e16), model, cpu_config(1'000));
    FAIL() << "no exception";
  } catch (const InputError& error) {
    ASSERT_EQ(error.diagnostics().items().size(), 1u);
    EXPECT_EQ(error.diagnostics().items().front().value, "c");
    EXPECT_NE(error.diagnostics().items().front().reason.find("9e16"), std::string::npos);
  }
}

// Weights take 20 bits of each product, so less fits: a debt that is fine on plain paths.
TEST(Guards, WeightedSumsAreGuardedToo) {
  Book book = three_coin_book();
  book.collateral.push_back({3, no_underlying, -2.5e16});
  EXPECT_NO_THROW(run_margin(book, one_regime_model(), cpu_config(40'000)));
  EXPECT_THROW(run_margin(book, wild_model(), cpu_config(40'000)), InputError);
}

TEST(ShortfallCents, RoundToTheNearest) {
  EXPECT_EQ(shortfall_cents(1.0, 0.996), 0);
  EXPECT_EQ(shortfall_cents(1.0, 0.994), 1);
  EXPECT_EQ(shortfall_cents(1.0, 0.986), 1);
  EXPECT_EQ(shortfall_cents(-3.0, -5.5), 250);
  EXPECT_EQ(shortfall_cents(5.0, 7.0), 0);
  EXPECT_EQ(shortfall_cents(1e15, -1e15), 200'000'000'000'000'000);
}

TEST(AccountShortfall, HoldsSumsOfNinetySixBits) {
  AccountShortfall sum{}, twice{};
  const std::int64_t cents = 1'234'567'890'123'456'789;
  for (int i = 0; i < 5; ++i) { sum.add(4'000'000'000u, cents); }
  twice.add(sum);
  twice.add(sum);
  EXPECT_EQ(sum.weight, 20'000'000'000u);
  EXPECT_NEAR(sum.weighted_usd() / (1.234567890123456789e16 * 2e10), 1.0, 1e-15);
  EXPECT_EQ(twice.weighted_usd(), 2.0 * sum.weighted_usd());
}

}  // namespace
}  // namespace tailmargin::test
