// Shares of all holdings of a book: they add up to the ES of their account, are those of its explanation and of a plain
// loop, and have the same bits however the work is cut.
#include "host/engine/contributions.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

#include "host/prepare/prepare_run.hpp"
#include "host/reference/reference_prices.hpp"
#include "tailmargin/accuracy.hpp"
#include "tailmargin/explain.hpp"
#include "tests/support/small_exchange.hpp"
#include "tests/support/small_model.hpp"

namespace tailmargin::test {
namespace {

/// Those whose backend has the prices that shares are taken from.
std::vector<Setting> shared_price_settings() {
  std::vector<Setting> all = settings();
  std::erase_if(all, [](const Setting& s) { return s.config.backend == BackendChoice::reference; });
  return all;
}

using Shares = std::vector<std::vector<HoldingShare>>;  // [account][holding]

/// The small exchange with accounts by chance: none to nine rows of positions, some with entry prices, some twice in
/// one instrument, balances, debts, a row of nothing; every seventh holds legs that cancel too far for float.
struct RandomExchange {
  Exchange exchange;

  explicit RandomExchange(std::size_t accounts, std::uint64_t seed = 1) {
    Book& book = exchange.maker.edit();
    book.accounts.clear();
    book.positions.clear();
    book.collateral.clear();
    std::mt19937_64 random(seed);
    const auto uniform = [&] { return 2.0 * static_cast<double>(random() >> 11) * 0x1p-53 - 1.0; };
    for (AccountId a = 0; a < accounts; ++a) {
      book.accounts.push_back("account-" + std::to_string(10'000 + a));
      if (a % 7 == 6) {
        const double coins = 50.0 + 50.0 * uniform();
        book.positions.push_back({a, exchange.inverse, 60'000.0 * coins, {}});
        book.collateral.push_back({a, exchange.btc, -coins});
        continue;
      }
      for (InstrumentId i = 0; i < book.instruments.size() && a % 10 != 9; ++i) {
        for (int row = 0; row < 2 && uniform() > (row == 0 ? 0.0 : 0.6); ++row) {
          const double size = i == exchange.inverse ? 2e5 : i == exchange.eth_call ? 40.0 : 6.0;
          book.positions.push_back({a, i, size * uniform(), {}});
          const std::optional<double>& mark = book.quotes[i].mark_price;
          if (mark && uniform() > 0.0) { book.positions.back().entry_price = *mark * (1.0 + 0.1 * uniform()); }
        }
      }
      for (const UnderlyingId asset : {exchange.btc, exchange.eth, exchange.usdc, no_underlying}) {
        if (uniform() > 0.3) { book.collateral.push_back({a, asset, a % 5 == 4 ? 0.0 : 3.0 * uniform()}); }
      }
    }
  }

  const Book& book() const { return exchange.book(); }
};

/// The accounts of a book whose number leaves a rest.
Book part_of(const Book& book, AccountId divisor, AccountId rest) {
  Book out = book;
  std::vector<AccountId> number(book.accounts.size(), 0);
  out.accounts.clear();
  for (AccountId a = 0; a < book.accounts.size(); ++a) {
    if (a % divisor != rest) { continue; }
    number[a] = out.accounts.size();
    out.accounts.push_back(book.accounts[a]);
  }
  const auto keep = [&](auto& rows) {
    std::erase_if(rows, [&](const auto& row) { return row.account % divisor != rest; });
    for (auto& row : rows) { row.account = number[row.account]; }
  };
  keep(out.positions);
  keep(out.collateral);
  return out;
}

RunConfig with_shares(RunConfig config) {
  config.keep_tail_paths = false;
  config.contributions = true;
  return config;
}

/// Everything of the shares of one account as bytes.
std::string bytes_of(const std::vector<HoldingShare>& holdings) {
  std::string out;
  for (const HoldingShare& h : holdings) {
    out += h.instrument ? "i" + std::to_string(*h.instrument) : "b";
    out += " " + std::to_string(h.underlying) + (h.entry_price ? "p" : "");
    for (const double value : {h.quantity, h.entry_price.value_or(0.0), h.es.usd, h.es.se_usd}) {
      out.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
  }
  return out;
}

std::vector<std::string> bytes_of(const Shares& accounts) {
  std::vector<std::string> out;
  for (const std::vector<HoldingShare>& holdings : accounts) { out.push_back(bytes_of(holdings)); }
  return out;
}

TEST(Contributions, AddUpToTheEsOfEveryAccount) {
  const RandomExchange random(300);
  std::size_t in_double = 0, nothing = 0;
  for (const Setting& s : shared_price_settings()) {
    const RunResult result = run_margin(random.book(), s.model, with_shares(s.config));

    ASSERT_EQ(result.contributions.size(), result.margins.size()) << s.name;
    for (AccountId a = 0; a < result.margins.size(); ++a) {
      const AccountMargin& margin = result.margins[a];
      double sum = 0.0, gross = 0.0;
      for (const HoldingShare& h : result.contributions[a]) {
        sum += h.es.usd;
        gross += std::fabs(h.es.usd);
        EXPECT_GE(h.es.se_usd, 0.0) << s.name << " " << margin.account;
      }
      // Sums of floats with a relative rounding of 2^-24 in each of a few steps.
      const double rounding = margin.exact_precision ? 1e-12 : 4e-7;
      EXPECT_NEAR(sum, margin.es_usd, rounding * gross + 1e-12) << s.name << " " << margin.account;
      in_double += margin.exact_precision ? 1 : 0;
      nothing += result.contributions[a].empty() ? 1 : 0;
    }
  }
  EXPECT_GT(in_double, 100u);
  EXPECT_GT(nothing, 10u);
}

TEST(Contributions, AreThoseOfTheExplanations) {
  const RandomExchange random(60);
  for (const Setting& s : shared_price_settings()) {
    const Shares found = run_margin(random.book(), s.model, with_shares(s.config)).contributions;

    for (AccountId a = 0; a < found.size(); a += s.model.terms ? 6 : 2) {
      const Explanation explained = explain_account(random.book(), s.model, s.config, a);
      EXPECT_EQ(bytes_of(found[a]), bytes_of(explained.holdings)) << s.name << " account " << a;
    }
  }
}

/// Losses of every holding of an account on all paths, by the formulas of the reference: a contract, and the coins that
/// it is worth; or the coins of a balance.
std::vector<std::vector<double>> losses_by_hand(const PreparedRun& run, const Book& book, AccountId account) {
  const SimulateTables tables(run);
  const Scenarios scenarios = simulate<64>(tables.payload(), run.num_paths);
  const ReferencePrices prices(run.columns);
  std::vector<std::vector<double>> out;
  std::vector<double> x(run.scenarios.observations.size());
  for (std::uint64_t path = 0; path < run.num_paths; ++path) {
    for (std::uint32_t row = 0; row < x.size(); ++row) { x[row] = static_cast<double>(scenarios.value(row, path)); }
    const std::vector<double> gain = prices.pnl(x);
    std::vector<double> losses;
    for (const Position& p : book.positions) {
      if (p.account != account) { continue; }
      const UnderlyingId settlement = book.instruments[p.instrument].settlement;
      losses.push_back(-p.quantity * gain[run.columns.instrument_column[p.instrument]]);
      if (settlement == no_underlying) { continue; }
      losses.back() -= position_value(book, run.columns, p) * gain[run.columns.asset_column[settlement]];
    }
    for (const CollateralBalance& b : book.collateral) {
      if (b.account != account || b.asset == no_underlying || b.amount == 0.0) { continue; }
      losses.push_back(-b.amount * gain[run.columns.asset_column[b.asset]]);
    }
    out.push_back(losses);
  }
  return out;
}

// All paths sorted by the account's loss, and the worst hundredth of their weight taken, the last in part.
TEST(Contributions, AreThoseOfAPlainLoopOverAllPaths) {
  const RandomExchange random(40, 5);
  const Book& book = random.book();
  for (const Model& model : {regimes(), weighted()}) {
    const RunConfig config = config_of(2'000);
    const PreparedRun run = prepare_run(book, model, config.num_paths, config.seed, config.sampler);
    const auto weight = [&](std::uint32_t path) { return run.path_weights.empty() ? 1.0 : run.path_weights[path]; };
    double all = 0.0;
    for (std::uint32_t path = 0; path < run.num_paths; ++path) { all += weight(path); }

    const Shares found = run_margin(book, model, with_shares(config)).contributions;

    for (AccountId a = 0; a < found.size(); ++a) {
      const std::vector<std::vector<double>> losses = losses_by_hand(run, book, a);
      std::vector<std::pair<double, std::uint32_t>> order;
      for (std::uint32_t path = 0; path < losses.size(); ++path) {
        order.push_back({-std::accumulate(losses[path].begin(), losses[path].end(), 0.0), path});
      }
      std::sort(order.begin(), order.end());
      std::vector<double> shares(found[a].size(), 0.0);
      double left = 0.01 * all, gross = 0.0;
      for (std::size_t i = 0; left > 0.0; ++i) {
        const double part = std::min(left, weight(order[i].second));
        left -= part;
        for (std::size_t h = 0; h < shares.size(); ++h) {
          shares[h] += part * losses[order[i].second][h] / (0.01 * all);
          gross += part * std::fabs(losses[order[i].second][h]) / (0.01 * all);
        }
      }

      ASSERT_EQ(shares.size(), losses[0].size());
      for (std::size_t h = 0; h < shares.size(); ++h) {
        EXPECT_NEAR(found[a][h].es.usd, shares[h], 1e-5 * gross) << model.name << " account " << a << " holding " << h;
      }
    }
  }
}

TEST(Contributions, HaveTheSameBitsHoweverTheWorkIsCut) {
  const RandomExchange random(120);
  for (const Model& model : {weighted(), worst_on_the_way(), closed_late(regimes())}) {
    const RunConfig config = with_shares(config_of(2'000));
    const std::vector<std::string> expected = bytes_of(run_margin(random.book(), model, config).contributions);

    for (const int threads : {1, 2, 7}) {
      RunConfig other = config;
      other.threads = threads;
      other.accounts_per_batch = static_cast<std::uint64_t>(threads) * 11;
      other.paths_per_tile = threads == 7 ? 192 : 64;
      other.isa = threads == 2 ? "baseline" : "auto";
      EXPECT_EQ(bytes_of(run_margin(random.book(), model, other).contributions), expected) << threads;
    }
    for (const AccountId part : {0u, 1u}) {
      const Shares found = run_margin(part_of(random.book(), 2, part), model, config).contributions;
      for (std::size_t i = 0; i < found.size(); ++i) { EXPECT_EQ(bytes_of(found[i]), expected[2 * i + part]) << i; }
    }
  }
}

// Batches of accounts, and scenarios that were not kept.
TEST(Contributions, HaveTheSameBitsIfScenariosAreSimulatedAgain) {
  const RandomExchange random(80);
  const RunConfig config = with_shares(config_of(1'500));
  const PreparedRun run = prepare_run(random.book(), weighted(), config.num_paths, config.seed, config.sampler);
  const std::vector<std::string> expected = bytes_of(run_margin(random.book(), weighted(), config).contributions);
  const std::unique_ptr<Backend> backend = make_cpu_backend({});

  for (const ListShortfalls keep_observations : {ListShortfalls::no, ListShortfalls::yes}) {
    AccountTails tails = find_tails(*backend, run, run.accounts, config, nullptr, keep_observations);
    if (keep_observations == ListShortfalls::no) { tails.observations = {}; }
    EXPECT_EQ(tails.observations.empty(), keep_observations == ListShortfalls::no);
    for (const std::uint64_t batch_bytes : {std::uint64_t{1}, std::uint64_t{20'000}, contribution_batch_bytes}) {
      EXPECT_EQ(bytes_of(find_contributions(run, random.book(), tails, config, batch_bytes)), expected) << batch_bytes;
    }
  }
}

TEST(Contributions, LeaveTheMarginsAsTheyAre) {
  const RandomExchange random(50);
  for (const bool keep_tail_paths : {false, true}) {
    RunConfig config = config_of(1'000);
    config.keep_tail_paths = keep_tail_paths;
    const RunResult without = run_margin(random.book(), with_terms(), config);
    config.contributions = true;

    const RunResult with = run_margin(random.book(), with_terms(), config);

    EXPECT_TRUE(without.contributions.empty());
    for (AccountId a = 0; a < with.margins.size(); ++a) {
      EXPECT_EQ(bits_of(with.margins[a]), bits_of(without.margins[a])) << a;
      EXPECT_EQ(with.margins[a].tail_paths.empty(), !keep_tail_paths) << a;
    }
  }
}

TEST(Contributions, NoticeTailsThatAreNotTheAccounts) {
  const RandomExchange random(6);
  const RunConfig config = config_of(500);
  const PreparedRun run = prepare_run(random.book(), regimes(), config.num_paths, config.seed, config.sampler);
  const std::unique_ptr<Backend> backend = make_cpu_backend({});
  AccountTails fewer = find_tails(*backend, run, run.accounts, config),
               other = find_tails(*backend, run, run.accounts, config);
  fewer.single.figures[0].var *= 1.5;
  other.single.figures[0].var_path += 1;

  EXPECT_THROW(find_contributions(run, random.book(), fewer, config), std::runtime_error);
  EXPECT_THROW(find_contributions(run, random.book(), other, config), std::runtime_error);
}

TEST(Contributions, AreNotThoseOfTheReference) {
  const Exchange exchange;

  EXPECT_THROW(run_margin(exchange.book(), regimes(), with_shares(config_of(200, BackendChoice::reference))),
               UsageError);
}

}  // namespace
}  // namespace tailmargin::test
