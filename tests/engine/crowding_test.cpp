// Crowding: against plain sums over losses of the reference's prices, the sign of moves by hand, and itself however the
// work and the book are cut.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "host/engine/crowding.hpp"
#include "host/engine/exchange_shortfall.hpp"
#include "host/prepare/prepare_run.hpp"
#include "host/reference/reference_prices.hpp"
#include "tests/estimators/support.hpp"
#include "tests/support/small_exchange.hpp"
#include "tests/support/small_model.hpp"

namespace tailmargin::test {
namespace {

constexpr double fund_usd = 30'000.0;

RunConfig cpu_config(std::uint64_t paths, Sampler sampler = Sampler::plain) {
  RunConfig config;
  config.num_paths = paths;
  config.seed = 7;
  config.sampler = sampler;
  config.backend = BackendChoice::cpu;
  config.keep_liquidations = true;
  return config;
}

/// A normal and a wild model have a first regime without, and with a name.
Model with_crowding(Model model, double depth = 1.0) {
  model.crowding = Crowding{model.regimes.back().name, 1.2, depth, 0.12};
  return model;
}

/// What one contract of an instrument has of delta, by hand.
double delta_of(const Book& book, const Instrument& i, double iv) {
  const double price = book.underlyings[i.underlying].index_price_usd;
  if (i.kind != InstrumentKind::option) { return i.payoff == Payoff::inverse ? i.contract_size : price; }
  const double total_vol =
      iv * std::sqrt(static_cast<double>(i.expiry.seconds - book.as_of.seconds) / (365.0 * 86'400));
  const double d1 = std::log(price / i.strike) / total_vol + 0.5 * total_vol;
  const double sign = i.option_type == OptionType::call ? 1.0 : -1.0;
  return price * sign * 0.5 * std::erfc(-sign * d1 / std::sqrt(2.0));
}

/// Two coins with a volume and one without; perpetuals of both payoffs and options of the first. Most accounts are long
/// of the first coin; the last but one is hedged so well that it is computed in double, the last holds nothing.
Book crowded_positions() {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0), eth = maker.underlying("ETH", 3'000.0),
                     sol = maker.underlying("SOL", 150.0);
  const std::array<InstrumentId, 6> ids = {maker.option("BTC-C", btc, 30.0, 66'000.0, OptionType::call, 0.8),
                                           maker.perpetual("BTC-I", btc, Payoff::inverse),
                                           maker.option("BTC-O", btc, 30.0, 57'000.0, OptionType::put, 0.8),
                                           maker.perpetual("BTC-P", btc, Payoff::linear),
                                           maker.perpetual("ETH-P", eth, Payoff::linear),
                                           maker.perpetual("SOL-P", sol, Payoff::linear)};
  constexpr std::array<double, 6> sizes = {2.0, 90'000.0, -2.0, 3.0, 40.0, -300.0};
  for (std::size_t a = 0; a < 24; ++a) {
    const AccountId account = maker.account("account-" + std::to_string(100 + a));
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if ((a + i) % 3 == 0) { continue; }
      const double side = (a + 2 * i) % 5 == 0 ? -1.0 : 1.0;
      maker.hold(account, ids[i], side * sizes[i] * (0.4 + 0.1 * static_cast<double>((3 * a + i) % 9)));
    }
    if (a % 4 == 1) { maker.deposit(account, btc, 1.5 - 0.25 * static_cast<double>(a % 7)); }
  }
  const AccountId hedged = maker.account("hedged");
  maker.hold(hedged, ids[3], 1'000.0).deposit(hedged, btc, -999.9);
  maker.deposit(maker.account("idle"), no_underlying, 10.0);
  maker.edit().underlyings[btc].adv_usd = 40e6;
  maker.edit().underlyings[eth].adv_usd = 2e5;
  maker.edit().insurance_fund_usd = fund_usd;
  return maker.book();
}

/// With equities in parts of each account's ES: liquidated often, now and then, never; some short.
Book crowded_book() {
  Book book = crowded_positions();
  const std::vector<AccountMargin> margins = run_margin(book, one_regime_model(), cpu_config(1'000)).margins;
  constexpr std::array<double, 5> parts = {1.3, 0.9, 100.0, 1.7, 0.6};
  for (AccountId a = 0; a + 1 < margins.size(); ++a) {
    const double part = book.accounts[a] == "hedged" ? 1.1 : parts[a % parts.size()];
    book.collateral.push_back({a, no_underlying, part * margins[a].es_usd - margins[a].equity_usd});
  }
  std::stable_sort(book.collateral.begin(), book.collateral.end(),
                   [](const CollateralBalance& a, const CollateralBalance& b) { return a.account < b.account; });
  return book;
}

/// Some accounts of a book, in their order.
Book part_of(const Book& whole, const std::vector<AccountId>& accounts) {
  Book book = whole;
  std::map<AccountId, AccountId> number;
  book.accounts.clear();
  for (const AccountId a : accounts) {
    number[a] = book.accounts.size();
    book.accounts.push_back(whole.accounts[a]);
  }
  std::erase_if(book.positions, [&](const Position& p) { return !number.contains(p.account); });
  std::erase_if(book.collateral, [&](const CollateralBalance& c) { return !number.contains(c.account); });
  for (Position& p : book.positions) { p.account = number[p.account]; }
  for (CollateralBalance& c : book.collateral) { c.account = number[c.account]; }
  return book;
}

/// Everything by plain loops over accounts and paths, with the reference's prices in double.
struct Oracle {
  const Book& book;
  const PreparedRun& run;
  const Model& model;
  const Crowding& rule;
  ReferencePrices prices;
  std::vector<std::vector<double>> observed;  // [path][row]
  std::vector<double> weights;
  double all = 0.0;

  Oracle(const Book& b, const PreparedRun& r, const Model& m)
      : book(b), run(r), model(m), rule(*m.crowding), prices(r.columns) {
    const SimulateTables tables(run);
    const SimulatePayload payload = tables.payload();
    std::vector<float> scratch(scratch_rows(payload)), row(payload.num_observations);
    for (std::uint64_t path = 0; path < run.num_paths; ++path) {
      simulate_lanes<1>(payload, path, scratch.data(), 1, row.data(), 1, nullptr);
      observed.emplace_back(row.begin(), row.end());
      weights.push_back(run.path_weights.empty() ? 1.0 : run.path_weights[path]);
    }
    all = std::accumulate(weights.begin(), weights.end(), 0.0);
  }

  /// [account][path]
  std::vector<std::vector<double>> losses() const {
    const AccountPlan& accounts = run.accounts;
    std::vector<std::vector<double>> out(book.accounts.size(), std::vector<double>(run.num_paths));
    for (std::uint64_t path = 0; path < run.num_paths; ++path) {
      const std::vector<double> pnl = prices.pnl(observed[path]);
      for (std::size_t a = 0; a < book.accounts.size(); ++a) {
        double worst = -1e300;
        for (std::uint32_t s = 0; s < run.columns.num_slices; ++s) {
          double loss = 0.0;
          for (std::uint64_t p = accounts.offsets[a]; p < accounts.offsets[a + 1]; ++p) {
            loss -= accounts.quantities[p] * pnl[s * run.columns.num_columns + accounts.columns[p].column()];
          }
          worst = std::max(worst, loss);
        }
        out[a][path] = worst;
      }
    }
    return out;
  }

  /// Of the models here, whose only row is for the first coin.
  double haircut(std::size_t account) const {
    double sum = 0.0;
    for (const CollateralBalance& c : book.collateral) {
      if (c.account != account || c.asset != 0 || model.haircuts.empty()) { continue; }
      sum += model.haircuts[0].share * std::max(c.amount, 0.0) * 60'000.0;
    }
    return sum;
  }

  /// What an account may lose before it is liquidated.
  double room(const AccountMargin& margin, std::size_t account) const {
    return margin.equity_usd - haircut(account) - margin.maintenance_margin_usd;
  }

  struct Sums {
    std::vector<std::vector<double>> delta_usd;  // [underlying][path]
    std::vector<double> liquidated, shortfall, deleveraged;
  };

  Sums add_up(const std::vector<std::vector<double>>& losses, const std::vector<AccountMargin>& margins) const {
    Sums out;
    out.delta_usd.assign(book.underlyings.size(), std::vector<double>(run.num_paths, 0.0));
    for (std::uint64_t path = 0; path < run.num_paths; ++path) {
      double liquidated = 0.0, shortfall = 0.0, notional = 0.0;
      for (std::size_t a = 0; a < margins.size(); ++a) {
        const double left = margins[a].equity_usd - losses[a][path];
        if (losses[a][path] > room(margins[a], a)) {
          liquidated += 1.0;
          for (const Position& p : book.positions) {
            if (p.account != a) { continue; }
            const Instrument& i = book.instruments[p.instrument];
            out.delta_usd[i.underlying][path] +=
                p.quantity * delta_of(book, i, book.quotes[p.instrument].mark_iv.value_or(0.0));
          }
        }
        if (left <= -0.005) {
          shortfall -= left;
          notional += margins[a].gross_notional_usd;
        }
      }
      out.liquidated.push_back(liquidated);
      out.shortfall.push_back(shortfall);
      out.deleveraged.push_back(shortfall > fund_usd ? notional * (shortfall - fund_usd) / shortfall : 0.0);
    }
    return out;
  }

  double log_move(std::size_t u, double delta_usd, double vol_per_year) const {
    if (!book.underlyings[u].adv_usd || std::fabs(delta_usd) < 0.005) { return 0.0; }
    const double days = std::fabs(delta_usd) / (rule.depth * *book.underlyings[u].adv_usd);
    const double size = std::min(rule.impact * vol_per_year / std::sqrt(365.0) * std::sqrt(days), rule.largest_move);
    return delta_usd > 0.0 ? -size : size;
  }

  void move(const Sums& sums, double vol_per_year) {
    for (std::size_t row = 0; row < run.scenarios.observations.size(); ++row) {
      const Observation& o = run.scenarios.observations[row];
      const Factor& factor = run.scenarios.factors[o.factor];
      if (o.step != run.scenarios.num_steps || factor.kind != FactorKind::price) { continue; }
      for (std::uint64_t path = 0; path < run.num_paths; ++path) {
        observed[path][row] += log_move(factor.underlying, sums.delta_usd[factor.underlying][path], vol_per_year);
      }
    }
  }

  double es(std::vector<double> losses, double confidence) const {
    std::vector<std::size_t> order(losses.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return losses[a] > losses[b]; });
    double left = (1.0 - confidence) * all, total = 0.0;
    for (const std::size_t path : order) {
      const double taken = std::min(left, weights[path]);
      total += taken * losses[path];
      left -= taken;
    }
    return total / ((1.0 - confidence) * all);
  }

  double mean(const std::vector<double>& values) const {
    return std::inner_product(values.begin(), values.end(), weights.begin(), 0.0) / all;
  }

  double standard_error(const std::vector<double>& values) const {
    const double middle = mean(values);
    double squares = 0.0;
    for (std::size_t p = 0; p < values.size(); ++p) { squares += std::pow(weights[p] * (values[p] - middle), 2); }
    return std::sqrt(squares) / all;
  }
};

void expect_round(const CrowdingRound& found, const Oracle& oracle, const Oracle::Sums& sums) {
  EXPECT_NEAR(found.liquidated.value, oracle.mean(sums.liquidated), 1e-9);
  EXPECT_NEAR(found.liquidated.standard_error, oracle.standard_error(sums.liquidated), 1e-9);
  EXPECT_NEAR(found.shortfall.expected_usd.value, oracle.mean(sums.shortfall), 1e-5 * oracle.mean(sums.shortfall));
  ASSERT_TRUE(found.deleveraging);
  const double expected = oracle.mean(sums.deleveraged);
  EXPECT_GT(expected, 0.0) << "not tested";
  EXPECT_NEAR(found.deleveraging->expected_usd.value, expected, 1e-4 * expected);
  EXPECT_NEAR(found.deleveraging->expected_usd.standard_error, oracle.standard_error(sums.deleveraged),
              1e-4 * oracle.standard_error(sums.deleveraged));
  const auto worst = std::max_element(sums.deleveraged.begin(), sums.deleveraged.end());
  EXPECT_NEAR(found.deleveraging->worst_usd, *worst, 1e-5 * *worst);
  EXPECT_EQ(found.deleveraging->worst_path, worst - sums.deleveraged.begin());
}

void expect_price(const CrowdedPrice& found, const Oracle& oracle, std::size_t u, const Oracle::Sums& sums,
                  double vol_per_year) {
  double weight = 0.0, moves = 0.0, largest = 0.0, capped = 0.0;
  std::size_t at = 0;
  for (std::size_t path = 0; path < sums.liquidated.size(); ++path) {
    const double delta = sums.delta_usd[u][path], move = oracle.log_move(u, delta, vol_per_year);
    weight += std::fabs(delta) >= 0.005 ? oracle.weights[path] : 0.0;
    moves += oracle.weights[path] * move;
    capped += std::fabs(move) >= oracle.rule.largest_move ? oracle.weights[path] : 0.0;
    if (std::fabs(move) > std::fabs(largest)) {
      largest = move;
      at = path;
    }
  }
  EXPECT_NEAR(found.probability, weight / oracle.all, 1e-12);
  EXPECT_NEAR(found.mean_move, moves / weight, 1e-9);
  EXPECT_NEAR(found.capped, capped / oracle.all, 1e-12);
  EXPECT_NEAR(found.largest_move, largest, 1e-9);
  if (largest == 0.0) { return; }
  EXPECT_EQ(found.path, at);
  EXPECT_NEAR(found.delta_usd, sums.delta_usd[u][at], 0.3);
}

struct Case {
  const char* name;
  Model model;

  friend void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
};

Model worst_look() {
  Model model = one_regime_model();
  model.measure = PathMeasure::worst;
  model.measure_hours = 16.0;
  return model;
}

Model with_haircut() {
  Model model = one_regime_model();
  model.haircuts = {{"BTC", 0.2}};
  return model;
}

class PlainLoops : public testing::TestWithParam<Case> {};

TEST_P(PlainLoops, FindWhatARunSays) {
  const Book book = crowded_book();
  const Model model = with_crowding(GetParam().model);

  const RunResult found = run_margin(book, model, cpu_config(2'000));

  const PreparedRun run = prepare_run(book, model, 2'000, 7);
  const double vol_per_year = model.regimes.back().vols[0].vol[0];
  Oracle oracle(book, run, model);
  const auto before = oracle.losses();
  const Oracle::Sums first = oracle.add_up(before, found.margins);
  oracle.move(first, vol_per_year);
  const auto after = oracle.losses();
  const Oracle::Sums second = oracle.add_up(after, found.margins);
  ASSERT_TRUE(found.crowding);
  ASSERT_EQ(found.liquidations.delta_cents.size(), 3u * 2'000u);
  for (std::size_t path = 0; path < 2'000; ++path) {
    EXPECT_EQ(double(found.liquidations.accounts[path]), first.liquidated[path]) << path;
    for (std::size_t u = 0; u < 3; ++u) {
      EXPECT_NEAR(double(found.liquidations.delta_cents[u * 2'000 + path]), 100.0 * first.delta_usd[u][path], 26.0);
    }
  }
  expect_round(found.crowding->without, oracle, first);
  expect_round(found.crowding->with, oracle, second);
  ASSERT_EQ(found.crowding->prices.size(), 3u);
  for (std::size_t u = 0; u < 3; ++u) {
    EXPECT_EQ(found.crowding->prices[u].underlying, book.underlyings[u].name);
    expect_price(found.crowding->prices[u], oracle, u, first, vol_per_year);
  }
  EXPECT_GT(found.crowding->prices[1].capped, 0.0) << "the largest move is not tested";
  EXPECT_LT(found.crowding->prices[1].capped, found.crowding->prices[1].probability) << "nor what is below it";
  double largest_share = 0.0;
  std::size_t in_double = 0;
  for (std::size_t a = 0; a < found.margins.size(); ++a) {
    const AccountMargin& m = found.margins[a];
    const double bound = (m.exact_precision ? 1e-9 : 2e-6) * run.accounts.rounding_scale_usd[a] + 1e-9;
    EXPECT_EQ(m.crowding.es_usd, m.es_usd);
    EXPECT_EQ(m.crowding.es_se_usd, m.es_se_usd);
    EXPECT_EQ(m.crowding.initial_margin_usd, m.initial_margin_usd);
    EXPECT_NEAR(m.crowding.es_usd, oracle.es(before[a], model.confidence), bound) << m.account;
    EXPECT_NEAR(m.crowding.crowded_es_usd, oracle.es(after[a], model.confidence), bound) << m.account;
    EXPECT_EQ(m.crowding.crowded_initial_margin_usd, std::max(m.crowding.crowded_es_usd, 0.0));
    double liquidated = 0.0, uncovered = 0.0;
    for (std::size_t p = 0; p < before[a].size(); ++p) {
      if (before[a][p] > oracle.room(m, a)) { liquidated += oracle.weights[p]; }
      uncovered += oracle.weights[p] * std::max(after[a][p] - m.equity_usd, 0.0);
    }
    EXPECT_NEAR(m.crowding.liquidation_probability, liquidated / oracle.all, 1e-12) << m.account;
    EXPECT_NEAR(m.crowding.crowded_uncovered_loss_usd, uncovered / oracle.all, bound + 0.01) << m.account;
    if (m.es_usd > 1'000.0) { largest_share = std::max(largest_share, m.crowding.crowding_usd() / m.es_usd); }
    in_double += m.exact_precision ? 1 : 0;
  }
  EXPECT_GT(largest_share, 0.1) << "a bound too wide to find an error";
  EXPECT_EQ(in_double, 1u) << "the pass in double is not tested";
}

INSTANTIATE_TEST_SUITE_P(Models, PlainLoops,
                         testing::Values(Case{"Plain", one_regime_model()}, Case{"WorstOnTheWay", worst_look()},
                                         Case{"Weighted", wild_model()}, Case{"Haircut", with_haircut()}),
                         [](const auto& c) { return c.param.name; });

// Crowding is beside the margins: they are those of a run without it.
TEST(Crowding, LeavesTheRunAsItIs) {
  const Book book = crowded_book();

  const RunResult with = run_margin(book, with_crowding(wild_model()), cpu_config(1'000));
  const RunResult without = run_margin(book, wild_model(), cpu_config(1'000));

  for (std::size_t a = 0; a < with.margins.size(); ++a) {
    EXPECT_EQ(bits_of(with.margins[a]), bits_of(without.margins[a]));
    EXPECT_EQ(with.margins[a].expected_uncovered_loss_usd, without.margins[a].expected_uncovered_loss_usd);
  }
  EXPECT_EQ(with.prepared_tables, without.prepared_tables);
  EXPECT_FALSE(without.crowding);
  const ExchangeShortfall& first = with.crowding->without.shortfall;
  EXPECT_EQ(first.expected_usd.value, without.exchange.expected_usd.value);
  EXPECT_EQ(first.expected_usd.standard_error, without.exchange.expected_usd.standard_error);
  EXPECT_EQ(first.fund->excess_usd.value, without.exchange.fund->excess_usd.value);
  EXPECT_EQ(first.levels[0].es_usd.value, without.exchange.levels[0].es_usd.value);
  EXPECT_EQ(first.num_short_accounts, without.exchange.num_short_accounts);
  EXPECT_GT(first.expected_usd.value, 0.0) << "not tested";
}

TEST(PriceImpact, MovesDownWhereLongsAreSold) {
  PriceImpact impact;
  impact.scale = 0.04;
  impact.depth_usd = 100.0;
  impact.largest = 0.1;

  EXPECT_DOUBLE_EQ(impact.log_move(25'00), -0.02);  // a quarter of the depth: half the scale
  EXPECT_DOUBLE_EQ(impact.log_move(-25'00), 0.02);
  EXPECT_EQ(impact.log_move(100'00), -0.04);
  EXPECT_EQ(impact.log_move(100'000'00), -0.1);
  EXPECT_EQ(impact.log_move(-100'000'00), 0.1);
  EXPECT_EQ(impact.log_move(0), 0.0);
  impact.depth_usd = 0.0;
  EXPECT_EQ(impact.log_move(25'00), 0.0);
}

/// One account on the edge with `size` coins, and rich ones: long, short, and short of it but long of a wilder coin
/// that moves with it, so that it loses when the first coin falls.
Book sided_book(double size) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0), eth = maker.underlying("ETH", 3'000.0);
  const InstrumentId p = maker.perpetual("BTC-P", btc, Payoff::linear),
                     q = maker.perpetual("ETH-P", eth, Payoff::linear);
  const AccountId edge = maker.account("edge"), other = maker.account("other side"), same = maker.account("same side");
  maker.hold(edge, p, 50.0 * size).deposit(edge, no_underlying, 250'000.0);
  maker.hold(other, p, -size).hold(other, q, 60.0 * size).deposit(other, no_underlying, 1e9);
  maker.hold(same, p, size).deposit(same, no_underlying, 1e9);
  maker.edit().underlyings[btc].adv_usd = 50e6;
  maker.edit().underlyings[eth].adv_usd = 50e6;
  return maker.book();
}

Model two_coins(double depth) {
  Model model = gaussian_model(1.0, {price_only("BTC", 0.6), price_only("ETH", 1.2)});
  model.regimes[0].underlyings = {{"*", "*", 0.95}};
  return with_crowding(model, depth);
}

TEST(Crowding, HurtsTheCrowdedSideAndHelpsTheOther) {
  for (const double side : {1.0, -1.0}) {
    double same_before = 0.0, other_before = 1e300;
    for (const double depth : {100.0, 10.0, 1.0, 0.1}) {
      const RunResult found = run_margin(sided_book(side), two_coins(depth), cpu_config(4'000));

      ASSERT_EQ(found.crowding->prices.size(), 1u);
      EXPECT_EQ(found.crowding->prices[0].underlying, "BTC");
      EXPECT_LT(side * found.crowding->prices[0].largest_move, 0.0) << "longs sold push the price down";
      EXPECT_LT(side * found.crowding->prices[0].mean_move, 0.0);
      EXPECT_GT(side * found.crowding->prices[0].delta_usd, 0.0);
      const CrowdedFigures &other = found.margins[1].crowding, &same = found.margins[2].crowding;
      EXPECT_GT(same.crowded_es_usd, std::max(same.es_usd, same_before)) << depth;
      EXPECT_LT(other.crowded_es_usd, std::min(other.es_usd, other_before)) << depth;
      same_before = same.crowded_es_usd;
      other_before = other.crowded_es_usd;
    }
  }
}

void expect_nothing_moved(const RunResult& found) {
  for (const AccountMargin& m : found.margins) {
    EXPECT_EQ(m.crowding.crowded_es_usd, m.es_usd);
    EXPECT_EQ(m.crowding.crowded_es_se_usd, m.es_se_usd);
    EXPECT_EQ(m.crowding.crowded_initial_margin_usd, m.initial_margin_usd);
    EXPECT_EQ(m.crowding.crowded_uncovered_loss_usd, m.expected_uncovered_loss_usd);
    EXPECT_EQ(m.crowding.crowded_shortfall_probability, m.shortfall_probability);
  }
  EXPECT_EQ(found.crowding->with.shortfall.expected_usd.value, found.crowding->without.shortfall.expected_usd.value);
}

TEST(Crowding, WithoutLiquidationsIsTheRun) {
  Book book = crowded_positions();
  for (AccountId a = 0; a < book.accounts.size(); ++a) { book.collateral.push_back({a, no_underlying, 1e12}); }
  std::stable_sort(book.collateral.begin(), book.collateral.end(),
                   [](const CollateralBalance& a, const CollateralBalance& b) { return a.account < b.account; });

  const RunResult found = run_margin(book, with_crowding(wild_model()), cpu_config(1'000));

  expect_nothing_moved(found);
  EXPECT_EQ(found.crowding->without.liquidated.value, 0.0);
  EXPECT_TRUE(found.crowding->prices.empty());
  EXPECT_EQ(found.crowding->with.deleveraging->expected_usd.value, 0.0);
}

// Moves too small for a float are none; with an impact of 0 there is no second round at all.
TEST(Crowding, InDeepMarketsIsTheRun) {
  Book book = crowded_book();
  for (Underlying& underlying : book.underlyings) { underlying.adv_usd = 1e30; }
  const RunResult deep = run_margin(book, with_crowding(wild_model()), cpu_config(1'000));
  expect_nothing_moved(deep);
  EXPECT_GT(deep.crowding->without.liquidated.value, 0.0);
  ASSERT_FALSE(deep.crowding->prices.empty());
  EXPECT_LT(deep.crowding->prices[0].mean_move, 0.0);

  Model still = with_crowding(wild_model());
  still.crowding->impact = 0.0;
  const RunResult unmoved = run_margin(crowded_book(), still, cpu_config(1'000));
  expect_nothing_moved(unmoved);
  EXPECT_GT(unmoved.crowding->with.deleveraging->expected_usd.value, 0.0);
}

TEST(Crowding, WarnsOfPricesThatCannotMove) {
  const RunResult found = run_margin(crowded_book(), with_crowding(one_regime_model()), cpu_config(1'000));

  std::vector<std::string> names;
  for (const Diagnostic& d : found.warnings) {
    if (d.field == "adv_usd") { names.push_back(d.value); }
  }
  EXPECT_EQ(names, std::vector<std::string>{"SOL"});
  ASSERT_EQ(found.crowding->prices.size(), 3u);
  EXPECT_EQ(found.crowding->prices[2].largest_move, 0.0);
  EXPECT_GT(found.crowding->prices[2].probability, 0.0);
}

// The core is replaced, what the terms add stays.
TEST(Crowding, IsInTheMarginWithItsTerms) {
  Exchange exchange;
  Book book = exchange.book();
  for (Underlying& underlying : book.underlyings) { underlying.adv_usd = 1e6; }
  Model model = with_crowding(with_terms());
  model.uplift_confidence = 0.9;

  const RunResult found = run_margin(book, model, config_of(2'000));

  double moved = 0.0;
  for (const AccountMargin& m : found.margins) {
    EXPECT_EQ(m.crowding.initial_margin_usd, m.initial_margin_usd) << m.account;
    AccountTerms terms = m.terms;
    terms.core_usd = std::max(m.crowding.crowded_es_usd + 1.2815515655446004 * m.crowding.crowded_es_se_usd, 0.0);
    EXPECT_NEAR(m.crowding.crowded_initial_margin_usd, terms.initial_margin_usd(),
                1e-9 * m.crowding.crowded_initial_margin_usd);
    moved = std::max(moved, m.crowding.crowded_initial_margin_usd - m.crowding.initial_margin_usd);
  }
  EXPECT_GT(moved, 0.0) << "not tested";
}

// A buffer is a share of the core: it grows with it.
TEST(Crowding, IsInTheBufferOnTheCore) {
  Exchange exchange;
  Book book = exchange.book();
  for (Underlying& underlying : book.underlyings) { underlying.adv_usd = 1e6; }
  Model model = with_crowding(with_terms());
  model.terms->anti_procyclical = AntiProcyclical::buffer;
  model.terms->buffer = 0.3;
  model.terms->crisis_start_weight = model.terms->correlation_weight = 0.0;
  model.terms->dependence_weight = model.terms->concentration_weight = 0.0;

  const RunResult found = run_margin(book, model, config_of(2'000));

  double moved = 0.0;
  for (const AccountMargin& m : found.margins) {
    EXPECT_EQ(m.crowding.initial_margin_usd, m.initial_margin_usd) << m.account;
    if (!(m.terms.core_usd > 0.0)) { continue; }
    const double buffered = m.terms.floor_usd / m.terms.core_usd * std::max(m.crowding.crowded_es_usd, 0.0);
    const double expected = std::max(buffered + m.terms.liquidity_usd, m.terms.short_option_minimum_usd);
    EXPECT_NEAR(m.crowding.crowded_initial_margin_usd, expected, 1e-9 * expected) << m.account;
    EXPECT_GT(m.terms.floor_usd, m.terms.core_usd) << m.account;
    moved = std::max(moved, m.crowding.crowded_initial_margin_usd - m.crowding.initial_margin_usd);
  }
  EXPECT_GT(moved, 0.0) << "not tested";
}

void add(std::string& bytes, const PathEstimate& x) { bytes.append(reinterpret_cast<const char*>(&x), sizeof x); }

/// An account's figures, to the bit.
std::string bytes_of(const AccountMargin& m) {
  std::string bytes = m.account;
  bytes.append(reinterpret_cast<const char*>(&m.crowding), sizeof m.crowding);
  return bytes;
}

/// Everything of a run, to the bit.
std::string bytes_of(const RunResult& result) {
  std::string bytes;
  for (const AccountMargin& m : result.margins) { bytes += bytes_of(m); }
  for (const CrowdingRound* round : {&result.crowding->without, &result.crowding->with}) {
    for (const PathEstimate& x :
         {round->liquidated, round->shortfall.expected_usd, round->shortfall.probability,
          round->deleveraging->expected_usd, round->shortfall.fund->excess_usd, round->shortfall.levels[0].es_usd}) {
      add(bytes, x);
    }
    bytes += std::to_string(round->deleveraging->worst_path);
  }
  for (const CrowdedPrice& price : result.crowding->prices) {
    add(bytes, {price.mean_move, price.largest_move});
    add(bytes, {price.delta_usd, price.capped});
  }
  const std::vector<std::int64_t>& cents = result.liquidations.delta_cents;
  bytes.append(reinterpret_cast<const char*>(cents.data()), cents.size() * sizeof(std::int64_t));
  return bytes;
}

TEST(CrowdingBits, DoNotDependOnHowTheWorkIsCut) {
  const Book book = crowded_book();
  const auto run = [&](const RunConfig& config) {
    return bytes_of(run_margin(book, with_crowding(wild_model()), config));
  };
  RunConfig config = cpu_config(1'500);
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
  config = cpu_config(1'500);
  for (const char* isa : {"baseline", "avx2", "avx512"}) {
    config.isa = isa;
    try {
      EXPECT_EQ(run(config), expected) << isa;
    } catch (const BackendUnavailable& error) { GTEST_SKIP() << isa << ": " << error.what(); }
  }
}

// A run of the reference is crowded in the cpu's arithmetic, on the margins of the reference.
TEST(Crowding, OfTheReferenceIsThatOfTheCpu) {
  const Book book = crowded_book();
  RunConfig config = cpu_config(500);
  const RunResult cpu = run_margin(book, with_crowding(one_regime_model()), config);
  config.backend = BackendChoice::reference;

  const RunResult reference = run_margin(book, with_crowding(one_regime_model()), config);

  EXPECT_EQ(reference.liquidations.delta_cents, cpu.liquidations.delta_cents);
  for (std::size_t a = 0; a < cpu.margins.size(); ++a) {
    EXPECT_EQ(reference.margins[a].crowding.es_usd, cpu.margins[a].es_usd);
    EXPECT_EQ(reference.margins[a].crowding.crowded_es_usd, cpu.margins[a].crowding.crowded_es_usd);
    EXPECT_EQ(reference.margins[a].crowding.crowded_initial_margin_usd,
              cpu.margins[a].crowding.crowded_initial_margin_usd);
  }
}

class Parts : public testing::TestWithParam<std::size_t> {};

// Workers with every n-th account each: first they tell what they liquidate, then the sum moves everybody's prices.
TEST_P(Parts, SayTogetherWhatTheWholeSays) {
  const Book book = crowded_book();
  const Model model = with_crowding(wild_model());
  const RunResult whole = run_margin(book, model, cpu_config(1'500));
  std::vector<Book> books;
  std::vector<PathLiquidations> sums;
  for (std::size_t part = 0; part < GetParam(); ++part) {
    std::vector<AccountId> accounts;
    for (AccountId a = part; a < book.accounts.size(); a += GetParam()) { accounts.push_back(a); }
    books.push_back(part_of(book, accounts));
    sums.insert(sums.begin(), run_margin(books.back(), model, cpu_config(1'500)).liquidations);  // the last comes first
  }

  const PathLiquidations joined = join_liquidations(sums);

  EXPECT_EQ(joined.delta_cents, whole.liquidations.delta_cents);
  EXPECT_EQ(joined.accounts, whole.liquidations.accounts);
  EXPECT_EQ(joined.num_accounts, book.accounts.size());
  RunConfig config = cpu_config(1'500);
  config.liquidations = &joined;
  for (std::size_t part = 0; part < books.size(); ++part) {
    const RunResult found = run_margin(books[part], model, config);
    for (std::size_t i = 0; i < found.margins.size(); ++i) {
      EXPECT_EQ(bytes_of(found.margins[i]), bytes_of(whole.margins[part + i * GetParam()]));
    }
    EXPECT_EQ(found.crowding->prices[0].largest_move, whole.crowding->prices[0].largest_move);
  }
}

INSTANTIATE_TEST_SUITE_P(Numbers, Parts, testing::Values(1, 2, 7));

TEST(JoinLiquidations, RefusesOtherPathsAndSumsTooLarge) {
  PathLiquidations large{1, 3, 1, {2}, {9'000'000'000'000'000'000}, 0, {}, {}}, small{1, 4, 1, {5}, {-7}, 0, {}, {}},
      other = small;
  other.scenarios = 2;

  EXPECT_EQ(join_liquidations({large, small}).delta_cents.front(), 8'999'999'999'999'999'993);
  EXPECT_EQ(join_liquidations({small, large}).accounts.front(), 7u);
  EXPECT_THROW(join_liquidations({large, large}), UsageError);
  EXPECT_THROW(join_liquidations({small, other}), UsageError);
  EXPECT_THROW(join_liquidations({}), UsageError);
}

/// What is wrong with parts, each read from a file.
std::vector<std::string> problems_of(const std::vector<PathLiquidations>& parts) {
  Diagnostics diagnostics;
  check_parts(parts, diagnostics);
  std::vector<std::string> found;
  for (const Diagnostic& d : diagnostics.items()) { found.push_back(d.file + ": " + d.reason.substr(0, 50)); }
  EXPECT_EQ(diagnostics.num_errors(), found.size());
  return found;
}

TEST(JoinLiquidations, NamesThePartThatDoesNotGoWithTheOthers) {
  const PathLiquidations one{1, 2, 1, {2}, {5}, 9, {{10, 1}, {30, 2}}, {"one"}};
  PathLiquidations two{1, 2, 1, {1}, {6}, 9, {{20, 3}, {40, 4}}, {"two"}};
  EXPECT_EQ(problems_of({one, two}), std::vector<std::string>{});
  const PathLiquidations sum = join_liquidations({two, one});
  EXPECT_EQ(sum.marks, (std::vector<AccountMark>{{10, 1}, {20, 3}, {30, 2}, {40, 4}}));
  EXPECT_EQ(sum.files, (std::vector<std::string>{"two", "one"}));

  two.marks = {{20, 3}, {30, 99}};  // the same account with other holdings is still in both
  EXPECT_EQ(problems_of({one, two}),
            std::vector<std::string>{"two: 1 of its accounts are in a part before (their liqu"});
  two.marks = {{20, 3}, {40, 4}};
  two.model = 8;
  EXPECT_EQ(problems_of({one, two}),
            std::vector<std::string>{"two: these liquidations come from another model than th"});
  EXPECT_THROW(join_liquidations({one, two}), UsageError);
  two.model = 0;  // not told
  EXPECT_EQ(problems_of({one, two}), std::vector<std::string>{});
  two.num_paths = 2;
  EXPECT_EQ(problems_of({one, two}),
            std::vector<std::string>{"two: these liquidations are not of the same paths as th"});
}

/// What is wrong with liquidations that are to move the prices of a run.
std::vector<std::string> problems_of_run(const Book& book, const PathLiquidations& given) {
  RunConfig config = cpu_config(1'000);
  config.liquidations = &given;
  std::vector<std::string> found;
  try {
    run_margin(book, with_crowding(one_regime_model()), config);
  } catch (const InputError& error) {
    for (const Diagnostic& d : error.diagnostics().items()) {
      found.push_back(d.file + "|" + d.value + "|" + d.reason.substr(0, 40));
    }
  }
  return found;
}

TEST(CrowdingGuards, RefuseLiquidationsThatAreNotOfTheBooksAccounts) {
  const Book book = crowded_book();
  PathLiquidations given = run_margin(book, with_crowding(one_regime_model()), cpu_config(1'000)).liquidations;
  given.files = {"part"};
  EXPECT_EQ(problems_of_run(book, given), std::vector<std::string>{});
  EXPECT_EQ(problems_of_run(part_of(book, {0, 3}), given), std::vector<std::string>{}) << "a part of what is given";

  Book other = book;
  other.accounts[4] = "newcomer";
  EXPECT_EQ(problems_of_run(other, given),
            std::vector<std::string>{"part|newcomer|1 accounts of the book are in none of th"});
  other = book;
  other.positions[0].quantity *= 2.0;
  other.positions[1].entry_price = 1.0;
  const std::string first = book.accounts[book.positions[0].account];
  EXPECT_EQ(book.positions[1].account, book.positions[0].account);
  EXPECT_EQ(problems_of_run(other, given),
            std::vector<std::string>{"part|" + first + "|1 accounts of the book hold something el"});
  other = book;
  other.collateral.back().amount += 1.0;
  EXPECT_EQ(problems_of_run(other, given),
            std::vector<std::string>{"part|" + book.accounts[book.collateral.back().account] +
                                     "|1 accounts of the book hold something el"});

  given.scenarios += 1;
  given.files = {"part", "rest"};
  EXPECT_EQ(problems_of_run(book, given), (std::vector<std::string>{"part||these liquidations are not of the same p",
                                                                    "rest||these liquidations are not of the same p"}));
}

TEST(CrowdingGuards, RefuseWhatCannotBe) {
  const Book book = sided_book(1.0);
  Model model = two_coins(1.0);
  const PathLiquidations other{1, 3, 1, {2}, {5}, 0, {}, {}};
  RunConfig config = cpu_config(1'000);
  config.liquidations = &other;
  EXPECT_THROW(run_margin(book, model, config), UsageError) << "liquidations of other paths";
  EXPECT_THROW(run_margin(book, model, cpu_config(3'000'000'000)), UsageError) << "too many to keep";
  model.crowding->regime = "stormy";
  EXPECT_THROW(run_margin(book, model, cpu_config(1'000)), UsageError) << "no such regime";
}

// What closes after the horizon would close on prices that did not move; margins alone are another matter.
TEST(CrowdingGuards, RefuseClosingTimes) {
  const Book book = sided_book(1.0);
  Model model = two_coins(1.0);
  model.closing = Closing{0.1, {2.0 * model.horizon_hours}};
  try {
    run_margin(book, model, cpu_config(1'000));
    FAIL() << "nothing was refused";
  } catch (const InputError& error) {
    ASSERT_EQ(error.diagnostics().items().size(), 1u);
    EXPECT_EQ(error.diagnostics().items()[0].field, "crowding");
  }
  model.crowding.reset();
  EXPECT_NO_THROW(run_margin(book, model, cpu_config(1'000)));
}

TEST(CrowdingGuards, RefuseSumsTooLarge) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
  const InstrumentId p = maker.perpetual("BTC-P", btc, Payoff::linear);
  for (std::size_t a = 0; a < 100; ++a) {
    maker.hold(maker.account("account-" + std::to_string(100 + a)), p, (a % 2 == 0 ? 1.0 : -1.0) * 9.9e14 / 60'000.0);
  }
  Model model = with_crowding(gaussian_model(1.0, {price_only("*", 0.6)}));

  try {
    run_margin(maker.book(), model, cpu_config(1'000));
    FAIL() << "nothing was refused";
  } catch (const InputError& error) {
    ASSERT_EQ(error.diagnostics().items().size(), 1u);
    EXPECT_EQ(error.diagnostics().items()[0].value, "account-190");
    EXPECT_EQ(error.diagnostics().items()[0].field, "account");
  }
}

}  // namespace
}  // namespace tailmargin::test
