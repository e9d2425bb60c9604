// Explanations: the row of the margins file, shares that add up to the ES and are its derivatives, their standard
// errors, paths, greeks.
#include "tailmargin/explain.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "host/engine/price_paths.hpp"
#include "host/prepare/prepare_run.hpp"
#include "host/reference/reference_prices.hpp"
#include "tests/support/small_exchange.hpp"
#include "tests/support/small_model.hpp"

namespace tailmargin::test {
namespace {

double sum_of_shares(const Explanation& e) {
  double sum = 0.0;
  for (const HoldingShare& h : e.holdings) { sum += h.es.usd; }
  return sum;
}

TEST(Explain, HasTheRowOfTheMarginRun) {
  const Exchange exchange;
  for (const Setting& s : settings()) {
    const std::vector<AccountMargin> margins = run_margin(exchange.book(), s.model, s.config).margins;

    for (AccountId a = 0; a < margins.size(); ++a) {
      const Explanation found = explain_account(exchange.book(), s.model, s.config, a);

      EXPECT_EQ(bits_of(found.margin), bits_of(margins[a])) << s.name << " " << margins[a].account;
    }
  }
}

TEST(Explain, SharesAddUpToTheEs) {
  const Exchange exchange;
  for (const Setting& s : settings()) {
    const bool reference = s.config.backend == BackendChoice::reference;
    for (AccountId a = 0; a < exchange.book().accounts.size(); ++a) {
      const Explanation found = explain_account(exchange.book(), s.model, s.config, a);
      double gross = 0.0, by_underlying = 0.0;
      for (const HoldingShare& h : found.holdings) { gross += std::fabs(h.es.usd); }
      for (const UnderlyingShare& u : found.underlyings) { by_underlying += u.es.usd; }
      // Sums of floats with a relative rounding of 2^-24 in each of a few steps; the reference prices by itself.
      const double rounding = found.margin.exact_precision ? 1e-12 : reference ? 1e-4 : 4e-7;

      EXPECT_EQ(found.rounding_usd, found.margin.es_usd - sum_of_shares(found)) << s.name;
      EXPECT_LE(std::fabs(found.rounding_usd), rounding * gross + 1e-12) << s.name << " account " << a;
      EXPECT_NEAR(by_underlying, sum_of_shares(found), 1e-12 * gross + 1e-12) << s.name;
    }
  }
}

/// An account with a bit of everything, sizes and entry prices by chance; then the same with each holding a little
/// larger, and a little smaller.
struct BumpedBook {
  static constexpr double bump = 1e-3;
  Exchange exchange;
  std::size_t num_holdings = 0;

  explicit BumpedBook(std::uint64_t seed) {
    Book& book = exchange.maker.edit();
    book.accounts.clear();
    book.positions.clear();
    book.collateral.clear();
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<double> uniform(-1.0, 1.0);
    std::vector<Position> positions;
    for (InstrumentId i = 0; i < book.instruments.size(); ++i) {
      const bool coins = i == exchange.eth_call || i == exchange.eth_perpetual;
      const double size = i == exchange.inverse ? 2e5 : coins ? 60.0 : 4.0;
      positions.push_back({0, i, size * uniform(random), {}});
      const std::optional<double>& mark = book.quotes[i].mark_price;
      if (mark && uniform(random) > 0.0) { positions.back().entry_price = *mark * (1.0 + 0.1 * uniform(random)); }
    }
    const std::vector<CollateralBalance> balances = {{0, exchange.btc, 3.0 * uniform(random)},
                                                     {0, exchange.eth, 50.0 * uniform(random)}};
    num_holdings = positions.size() + balances.size();
    for (std::size_t account = 0; account <= 2 * num_holdings; ++account) {
      book.accounts.push_back("account-" + std::to_string(1'000 + account));
      const auto factor = [&](std::size_t holding) {
        if (account == 0 || (account - 1) / 2 != holding) { return 1.0; }
        return account % 2 == 1 ? 1.0 + bump : 1.0 - bump;
      };
      for (std::size_t h = 0; h < num_holdings; ++h) {
        if (h < positions.size()) {
          book.positions.push_back(positions[h]);
          book.positions.back().account = account;
          book.positions.back().quantity *= factor(h);
        } else {
          book.collateral.push_back(balances[h - positions.size()]);
          book.collateral.back().account = account;
          book.collateral.back().amount *= factor(h);
        }
      }
    }
  }
};

// The slope of the ES in the size of a holding, times the size, on the same paths.
TEST(Explain, SharesAreTheSlopesOfTheEs) {
  const Model models[] = {regimes(), weighted(), worst_on_the_way()};
  double furthest = 0.0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const BumpedBook bumped(seed);
    const Model& model = models[seed % 3];
    RunConfig config = config_of(4'000);
    config.seed = seed;
    const std::vector<AccountMargin> margins = run_margin(bumped.exchange.book(), model, config).margins;

    const Explanation found = explain_account(bumped.exchange.book(), model, config, 0);

    ASSERT_EQ(found.holdings.size(), bumped.num_holdings);
    for (std::size_t h = 0; h < bumped.num_holdings; ++h) {
      const double slope = (margins[1 + 2 * h].es_usd - margins[2 + 2 * h].es_usd) / (2.0 * BumpedBook::bump);
      const EsShare& share = found.holdings[h].es;
      EXPECT_NEAR(share.usd, slope, 3.0 * share.se_usd + 1e-4 * found.margin.gross_notional_usd) << seed << " " << h;
      furthest = std::max(furthest, std::fabs(share.usd - slope) / found.margin.es_usd);
    }
  }
  EXPECT_LT(furthest, 0.01);  // the same paths: what is left are paths that change places, and float
}

// Linear positions of two coins in one regime: the share is ES factor x covariance / standard deviation.
TEST(Explain, GaussianBook) {
  BookMaker maker;
  const UnderlyingId a = maker.underlying("AAA", 100.0), b = maker.underlying("BBB", 50.0);
  const InstrumentId pa = maker.perpetual("AAA-PERP", a, Payoff::linear),
                     pb = maker.perpetual("BBB-PERP", b, Payoff::linear);
  const AccountId account = maker.account("one");
  maker.hold(account, pa, 1'000.0).hold(account, pb, -1'200.0);
  const double vol_a = 0.01, vol_b = 0.015, rho = 0.5;  // per root of a year: so small that prices are all but normal
  const Model model = gaussian_model(1.0, {price_only("AAA", vol_a), price_only("BBB", vol_b)},
                                     {{{"*", FactorKind::price}, {"*", FactorKind::price}, SameUnderlying::any, rho}});
  const double day = std::sqrt(1.0 / year_days);
  const double sd[] = {100'000.0 * vol_a * day, -60'000.0 * vol_b * day};
  const double variance = sd[0] * sd[0] + sd[1] * sd[1] + 2.0 * rho * sd[0] * sd[1];

  const Explanation found = explain_account(maker.book(), model, config_of(100'000), account);

  ASSERT_EQ(found.holdings.size(), 2u);
  for (int i = 0; i < 2; ++i) {
    const double expected = 2.665214220345806 * (sd[i] * sd[i] + rho * sd[0] * sd[1]) / std::sqrt(variance);
    EXPECT_NEAR(found.holdings[i].es.usd, expected, 4.0 * found.holdings[i].es.se_usd) << i;
    EXPECT_LT(found.holdings[i].es.se_usd, 0.03 * std::fabs(expected)) << i;
  }
  EXPECT_EQ(found.underlyings.size(), 2u);
  EXPECT_EQ(found.underlyings[1].es.usd, found.holdings[1].es.usd);
}

TEST(Explain, StandardErrorIsTheSpreadOverSeeds) {
  const BumpedBook bumped(5);
  constexpr int repeats = 80;
  for (const Sampler sampler : {Sampler::plain, Sampler::sobol}) {
    std::vector<double> sum(bumped.num_holdings), squares(bumped.num_holdings), errors(bumped.num_holdings);
    for (int r = 0; r < repeats; ++r) {
      RunConfig config = config_of(2'000);
      config.seed = 1'000 + r;
      config.sampler = sampler;
      const Explanation found = explain_account(bumped.exchange.book(), weighted(), config, 0);
      for (std::size_t h = 0; h < bumped.num_holdings; ++h) {
        sum[h] += found.holdings[h].es.usd;
        squares[h] += found.holdings[h].es.usd * found.holdings[h].es.usd;
        errors[h] += found.holdings[h].es.se_usd * found.holdings[h].es.se_usd;
      }
    }
    double log_ratio = 0.0;
    for (std::size_t h = 0; h < bumped.num_holdings; ++h) {
      const double spread = std::sqrt((squares[h] - sum[h] * sum[h] / repeats) / (repeats - 1));
      const double ratio = std::sqrt(errors[h] / repeats) / spread;
      EXPECT_NEAR(ratio, 1.0, 0.35) << "holding " << h;  // the spread of 80 is off by 8 % itself
      log_ratio += std::log(ratio) / static_cast<double>(bumped.num_holdings);
    }
    EXPECT_NEAR(log_ratio, 0.0, 0.2) << to_string(sampler);
  }
}

TEST(Explain, TermsAddUpToTheMargins) {
  const Exchange exchange;
  Model model = regimes();
  model.uplift_confidence = 0.95;
  for (AccountId a = 0; a < exchange.book().accounts.size(); ++a) {
    const Explanation found = explain_account(exchange.book(), model, config_of(1'000), a);
    double initial = 0.0, maintenance = 0.0;
    for (const MarginTerm& term : found.initial_terms) { initial += term.usd; }
    for (const MarginTerm& term : found.maintenance_terms) { maintenance += term.usd; }

    EXPECT_EQ(initial, found.margin.initial_margin_usd) << a;
    EXPECT_EQ(maintenance, found.margin.maintenance_margin_usd) << a;
    EXPECT_EQ(maintenance, model.maintenance_ratio * initial) << a;
    EXPECT_EQ(found.initial_terms[0].usd, found.margin.es_usd) << a;
    EXPECT_NEAR(found.initial_terms[1].usd, 1.6448536269514722 * found.margin.es_se_usd, 1e-9 * initial) << a;
  }
}

TEST(Explain, WorstPathsAreThoseOfTheRun) {
  const Exchange exchange;
  const Book& book = exchange.book();
  for (const Setting& s : settings()) {
    const PreparedRun run = prepare_run(book, s.model, s.config.num_paths, s.config.seed, s.config.sampler);
    const SimulateTables tables(run);
    const Scenarios all = simulate<64>(tables.payload(), s.config.num_paths);
    for (AccountId a = 0; a < book.accounts.size(); ++a) {
      const Explanation found = explain_account(book, s.model, s.config, a, {7});
      if (found.holdings.empty()) { continue; }
      ASSERT_EQ(found.worst_paths.size(), std::min<std::size_t>(7, found.margin.tail_paths.size() + 1));
      EXPECT_EQ(found.worst_paths[0].path, found.margin.worst_path);
      EXPECT_EQ(found.worst_paths[0].loss_usd, found.margin.worst_loss_usd);
      for (std::size_t i = 0; i < found.worst_paths.size(); ++i) {
        const TailPath& path = found.worst_paths[i];
        double hours = 0.0, pnl = 0.0;
        std::uint32_t step = 0;
        for (const RegimeSpell& spell : path.regimes) {
          for (double h = 0.0; h + 0.5 < spell.hours; h += 1.0) {
            EXPECT_EQ(spell.regime, all.regime(step++, path.path)) << s.name;
          }
          hours += spell.hours;
        }
        EXPECT_NEAR(hours, path.read_hours, 1e-9) << s.name;
        for (const UnderlyingMove& move : path.moves) { pnl += move.pnl_usd; }
        EXPECT_NEAR(pnl, -path.loss_usd, 1e-5 * found.margin.gross_notional_usd + 1.0) << s.name << " " << a;
        if (i < found.margin.tail_paths.size()) { EXPECT_EQ(path.path, found.margin.tail_paths[i]); }
        const auto last = static_cast<std::uint32_t>(std::lround(path.read_hours));
        for (const UnderlyingMove& move : path.moves) {
          for (std::uint32_t row = 0; row < run.scenarios.observations.size(); ++row) {
            const Observation& o = run.scenarios.observations[row];
            const Factor& factor = run.scenarios.factors[o.factor];
            if (o.step != last || factor.underlying != move.underlying || factor.kind != FactorKind::price) {
              continue;
            }
            EXPECT_NEAR(move.spot_return, std::expm1(static_cast<double>(all.value(row, path.path))), 1e-12) << s.name;
          }
        }
      }
      double shares = 0.0;
      for (const ReadTimeShare& t : found.read_times) { shares += t.share; }
      EXPECT_NEAR(shares, 1.0, 1e-9) << s.name;
      EXPECT_EQ(found.read_times.size(), run.columns.num_slices) << s.name;
    }
  }
}

TEST(Explain, PathsByTheirPartOfTheEs) {
  const Exchange exchange;
  const Explanation by_loss = explain_account(exchange.book(), weighted(), config_of(3'000), 3, {100'000}),
                    by_part = explain_account(exchange.book(), weighted(), config_of(3'000), 3, {4, PathOrder::part});

  ASSERT_EQ(by_part.worst_paths.size(), 4u);
  std::vector<double> parts;
  for (const TailPath& path : by_loss.worst_paths) { parts.push_back(path.es_part_usd); }
  EXPECT_FALSE(std::is_sorted(parts.rbegin(), parts.rend()));
  std::sort(parts.rbegin(), parts.rend());
  for (std::size_t i = 0; i < 4; ++i) { EXPECT_EQ(by_part.worst_paths[i].es_part_usd, parts[i]) << i; }
}

/// Prices that only jump: falls of the market and, more often in calm, each coin's own.
Model jumps_only() {
  Model model = weighted();
  model.drift = Drift::zero;
  for (Regime& regime : model.regimes) { regime.vols = {{"*", {0.0, 0.1, 0.0, 0.0}}}; }
  model.jumps[0].effects = {{"BTC", {0.5, 1.0}}, {"ETH", {1.5, 1.0}}};
  model.jumps.push_back(model.jumps[0]);
  model.jumps[1].name = "own";
  model.jumps[1].scope = JumpScope::each;
  model.jumps[1].per_year = {60.0, 1.0};
  model.jumps[1].law = JumpLaw::exponential;
  model.jumps[1].location = 0.05;
  return model;
}

/// What told jumps do to the log price of an underlying up to a time.
double sum_of_jumps(const Exchange& exchange, const TailPath& path, UnderlyingId underlying, double hours) {
  double sum = 0.0;
  for (const PathJump& jump : path.jumps) {
    EXPECT_EQ(jump.underlying == no_underlying, jump.rule == 0);
    if (jump.underlying != no_underlying && jump.underlying != underlying) { continue; }
    if (jump.hours > hours + 1e-9) { continue; }
    sum += jump.size * (underlying == exchange.btc ? 0.5 : underlying == exchange.eth ? 1.5 : 0.0);
  }
  return sum;
}

TEST(Explain, JumpsMakeTheMove) {
  const Exchange exchange;
  std::size_t seen = 0;
  for (const Sampler sampler : {Sampler::plain, Sampler::stratified}) {
    RunConfig config = config_of(2'000);
    config.sampler = sampler;

    const Explanation found = explain_account(exchange.book(), jumps_only(), config, 3, {40});

    for (const TailPath& path : found.worst_paths) {
      seen += path.jumps.size();
      for (const UnderlyingMove& move : path.moves) {
        EXPECT_NEAR(std::log1p(move.spot_return), sum_of_jumps(exchange, path, move.underlying, 24.0), 1e-6)
            << path.path << " " << move.underlying;
      }
    }
  }
  EXPECT_GT(seen, 80u);
}

TEST(Explain, JumpsFallWhenThePriceMoves) {
  const Exchange exchange;
  std::vector<std::uint32_t> steps(24);
  std::iota(steps.begin(), steps.end(), 1u);
  RunConfig config = config_of(2'000);
  config.sampler = Sampler::plain;
  Diagnostics diagnostics;
  const PricePaths prices =
      simulate_prices(jumps_only(), {"BTC", "ETH", "USDC"}, steps, config.num_paths, config.seed, diagnostics);

  const Explanation found = explain_account(exchange.book(), jumps_only(), config, 3, {10});

  for (const TailPath& path : found.worst_paths) {
    for (const std::uint32_t step : steps) {
      EXPECT_NEAR(prices.log_change[step - 1][exchange.eth][path.path],
                  sum_of_jumps(exchange, path, exchange.eth, step), 1e-6)
          << path.path << " " << step;
    }
  }
}

// Two tail laws share the day's score. Coins have the wilder one, the stablecoin the other; in stress coins are normal.
TEST(Explain, ShockScaleIsThatOfTheAccountsTailLaw) {
  Exchange exchange;
  Model model = regimes();
  model.regimes[0].vols[0].tail_index = model.regimes[1].vols[0].tail_index = 9.0;
  model.regimes[0].vols[1].tail_index = 3.0;
  const PreparedRun run = prepare_run(exchange.book(), model, 2'000, 7);
  const std::vector<float> pieces(run.scenarios.scale_pieces.begin(), run.scenarios.scale_pieces.end());
  ASSERT_EQ(run.scenarios.num_classes, 2u);
  std::size_t seen[2] = {};
  RunConfig config = config_of(2'000);
  config.sampler = Sampler::plain;
  for (const AccountId account : {1u, 2u, 3u, 4u}) {
    const Explanation found = explain_account(exchange.book(), model, config, account, {30});
    const bool holds_usdc = found.greeks.size() == 3;
    for (const TailPath& path : found.worst_paths) {
      const math::PhiloxBlock words = math::philox4x32_10(7, math::rng_block(math::RngStream::mixing, 0, 0), path.path);
      const float score = math::normal_from_word(math::word_of(words, 0));
      float scale[2] = {tail_scale(pieces.data(), score),
                        tail_scale(pieces.data() + 4 * ScaleTable::num_pieces, score)};
      if ((scale[0] > scale[1]) != (score > 1.0f)) { std::swap(scale[0], scale[1]); }  // wild days: index 3 is larger
      const std::uint32_t regime = path.regimes.front().regime;
      const float coins = regime == 0 ? scale[0] : 1.0f;
      const float expected = holds_usdc ? std::max(coins, scale[1]) : coins;

      if (std::fabs(score) < 1.2f) { continue; }  // where the two laws may cross
      ASSERT_EQ(path.shock_scales.size(), 1u);
      EXPECT_EQ(path.shock_scales[0], static_cast<double>(expected)) << path.path << " " << score;
      ++seen[regime];
    }
  }
  EXPECT_GT(seen[0], 3u);
  EXPECT_GT(seen[1], 3u);
}

// All paths of a tail shown, their weighted means taken by hand.
TEST(Explain, TailMeanIsThatOfItsPaths) {
  const Exchange exchange;
  double all_jumps = 0.0;
  for (const AccountId account : {1u, 3u, 5u, 7u}) {
    const Model model = account < 4 ? weighted() : worst_on_the_way();
    const Explanation found = explain_account(exchange.book(), model, config_of(2'000), account, {100'000});
    double sum = 0.0, jumps = 0.0, stress = 0.0, spot = 0.0, vol = 0.0, with_vol = 0.0, es = 0.0;
    for (const TailPath& path : found.worst_paths) {
      const double share = path.es_part_usd / path.loss_usd;
      sum += share;
      es += path.es_part_usd;
      if (!path.jumps.empty()) { jumps += share; }
      for (const RegimeSpell& spell : path.regimes) {
        if (spell.regime == 1) { stress += share * spell.hours / path.read_hours; }
      }
      spot += share * path.moves[0].spot_return;
      if (!path.moves[0].vol) { continue; }
      with_vol += share;
      vol += share * (path.moves[0].vol->then - path.moves[0].vol->now);
    }

    EXPECT_NEAR(sum, 1.0, 1e-9);
    EXPECT_NEAR(es, found.margin.es_usd, 1e-9 * es);
    EXPECT_NEAR(found.tail.with_jump, jumps, 1e-9);
    EXPECT_NEAR(found.tail.regimes[1], stress, 1e-9);
    EXPECT_NEAR(found.tail.regimes[0], 1.0 - stress, 1e-9);
    EXPECT_NEAR(found.tail.moves[0].spot_return, spot, 1e-9);
    ASSERT_TRUE(found.tail.moves[0].vol_change);
    EXPECT_NEAR(*found.tail.moves[0].vol_change, vol / with_vol, 1e-9);
    all_jumps += jumps;
  }
  EXPECT_GT(all_jumps, 0.0);
}

TEST(Explain, VolsOnThePathAreThoseOfTheirFactor) {
  const Exchange exchange;
  Model model = regimes();
  for (Regime& regime : model.regimes) { regime.vols = {{"*", {0.5, 1.0}}}; }

  const Explanation found = explain_account(exchange.book(), model, config_of(2'000), 7);

  std::size_t seen = 0;
  for (const TailPath& path : found.worst_paths) {
    for (const UnderlyingMove& move : path.moves) {
      if (!move.vol) { continue; }
      const auto vol = std::find_if(move.factors.begin(), move.factors.end(),
                                    [](const FactorMove& f) { return f.kind == FactorKind::vol; });
      ASSERT_NE(vol, move.factors.end());
      // One strike an expiry and nothing held up by the expiry before, unless vol falls a lot.
      EXPECT_NEAR(move.vol->then / move.vol->now, std::exp(vol->change), 0.01) << path.path;
      EXPECT_NEAR(move.vol->now, move.underlying == exchange.btc ? 0.6 : 0.8, 0.01);
      ++seen;
    }
  }
  EXPECT_GT(seen, 0u);
}

/// Gain of an account by the reference's prices, from observations.
double gain_of(const PreparedRun& run, AccountId account, const std::vector<double>& observations) {
  const std::vector<double> pnl = ReferencePrices(run.columns).pnl(observations);
  double sum = 0.0;
  for (std::uint64_t p = run.accounts.offsets[account]; p < run.accounts.offsets[account + 1]; ++p) {
    sum += run.accounts.quantities[p] * pnl[run.accounts.columns[p].column()];
  }
  return sum;
}

// First and second differences of the reference's prices of whole accounts, balances and settlement currencies
// included.
TEST(Explain, GreeksAreTheDifferencesOfReferencePrices) {
  const BumpedBook bumped(9);
  const Book& book = bumped.exchange.book();
  Model model = regimes();
  model.time_roll = TimeRoll::off;
  const PreparedRun run = prepare_run(book, model, 200, 1);
  const auto gain = [&](UnderlyingId underlying, FactorKind kind, double change) {
    std::vector<double> x(run.scenarios.observations.size(), 0.0);
    for (std::size_t row = 0; row < x.size(); ++row) {
      const Factor& factor = run.scenarios.factors[run.scenarios.observations[row].factor];
      if (factor.underlying == underlying && factor.kind == kind) { x[row] = change; }
    }
    return gain_of(run, 0, x);
  };

  const Explanation found = explain_account(book, model, config_of(200), 0);

  ASSERT_EQ(found.greeks.size(), 3u);
  double gross = 0.0;
  for (const UnderlyingGreeks& g : found.greeks) {
    const double h = 1e-4, up = gain(g.underlying, FactorKind::price, h),
                 down = gain(g.underlying, FactorKind::price, -h);
    const double slope = (up - down) / (2.0 * h), curve = (up + down) / (h * h) - slope;
    EXPECT_NEAR(g.delta_usd, slope, 1e-6 * found.margin.gross_notional_usd) << g.underlying;
    EXPECT_NEAR(g.gamma_usd, curve / 100.0, 1e-5 * found.margin.gross_notional_usd) << g.underlying;
    gross += g.gross_usd;
  }
  EXPECT_NEAR(gross, found.margin.gross_notional_usd, 1e-9 * gross);
}

// Linear options in a stablecoin: its price moves strike and value.
TEST(Explain, GreeksInACurrencyWithAPriceOfItsOwn) {
  BookMaker maker;
  const UnderlyingId btc = maker.underlying("BTC", 60'000.0), usdc = maker.underlying("USDC", 0.98);
  const InstrumentId call = maker.option("BTC-C", btc, 30.0, 66'000.0, OptionType::call, 0.6);
  Book& book = maker.edit();
  book.instruments[call].settlement = usdc;
  book.quotes[call].forward = 60'000.0 / 0.98;
  maker.hold(maker.account("one"), call, -5.0);
  Model model = regimes();
  model.time_roll = TimeRoll::off;
  const PreparedRun run = prepare_run(book, model, 200, 1);

  const Explanation found = explain_account(book, model, config_of(200), 0);

  ASSERT_EQ(found.greeks.size(), 2u);
  for (const UnderlyingGreeks& g : found.greeks) {
    const auto gain = [&](double change) {
      std::vector<double> x(run.scenarios.observations.size(), 0.0);
      for (std::size_t row = 0; row < x.size(); ++row) {
        const Factor& factor = run.scenarios.factors[run.scenarios.observations[row].factor];
        if (factor.underlying == g.underlying && factor.kind == FactorKind::price) { x[row] = change; }
      }
      return gain_of(run, 0, x);
    };
    const double h = 1e-4, slope = (gain(h) - gain(-h)) / (2.0 * h), curve = (gain(h) + gain(-h)) / (h * h) - slope;
    EXPECT_NEAR(g.delta_usd, slope, 1e-6 * std::fabs(slope)) << g.underlying;
    EXPECT_NEAR(g.gamma_usd, curve / 100.0, 1e-4 * std::fabs(curve) / 100.0) << g.underlying;
    EXPECT_GT(std::fabs(g.gamma_usd), 100.0);
  }
}

// One option an underlying, so that a change of the vol factor is one of its own vol.
TEST(Explain, VegaIsTheDifferenceOfReferencePrices) {
  Exchange exchange;
  Book& book = exchange.maker.edit();
  book.accounts = {"a", "b"};
  book.collateral.clear();
  book.positions = {{0, exchange.call, 10.0, {}}, {0, exchange.eth_call, -40.0, {}}, {1, exchange.put, 3.0, {}}};
  Model model = regimes();
  model.time_roll = TimeRoll::off;
  const PreparedRun run = prepare_run(book, model, 200, 1);
  const double vols[] = {0.6, 0.8};
  for (const UnderlyingId u : {exchange.btc, exchange.eth}) {
    const auto gain = [&](double change) {
      std::vector<double> x(run.scenarios.observations.size(), 0.0);
      for (std::size_t row = 0; row < x.size(); ++row) {
        const Factor& factor = run.scenarios.factors[run.scenarios.observations[row].factor];
        if (factor.underlying == u && factor.kind == FactorKind::vol) { x[row] = change; }
      }
      return gain_of(run, 0, x);
    };

    const Explanation found = explain_account(book, model, config_of(200), 0);

    const double per_log = (gain(1e-4) - gain(-1e-4)) / 2e-4;
    const UnderlyingGreeks& g = found.greeks[u == exchange.btc ? 0 : 1];
    EXPECT_NEAR(g.vega_usd, 0.01 * per_log / vols[u], 2e-3 * std::fabs(g.vega_usd)) << u;
    EXPECT_GT(std::fabs(g.vega_usd), 1.0);
  }
}

// What 36 seconds do when nothing moves, times 2,400.
TEST(Explain, ThetaAndFundingAreWhatTimeDoesInTheReference) {
  const BumpedBook bumped(13);
  Book book = bumped.exchange.book();
  for (Underlying& u : book.underlyings) { u.funding_rate_8h = 0.0002; }
  Model model = regimes();
  model.horizon_hours = model.step_hours = 0.01;
  model.funding_interval_hours = 0.01;
  const PreparedRun run = prepare_run(book, model, 200, 1);
  const double gain = gain_of(run, 0, std::vector<double>(run.scenarios.observations.size(), 0.0));

  const Explanation found = explain_account(book, model, config_of(200), 0);

  double theta = 0.0, funding = 0.0;
  for (const UnderlyingGreeks& g : found.greeks) {
    theta += g.theta_usd;
    funding += g.funding_usd;
  }
  EXPECT_NEAR(theta + funding, 2'400.0 * gain, 2e-3 * (std::fabs(theta) + std::fabs(funding)));
  EXPECT_GT(std::fabs(theta), 1.0);
  EXPECT_GT(std::fabs(funding), 1.0);
}

TEST(Explain, AccountsWithNothingToExplain) {
  const Exchange exchange;

  const Explanation found = explain_account(exchange.book(), regimes(), config_of(500), exchange.empty);

  EXPECT_TRUE(found.holdings.empty());
  EXPECT_TRUE(found.greeks.empty());
  EXPECT_EQ(found.rounding_usd, 0.0);
  EXPECT_EQ(found.margin.initial_margin_usd, 0.0);
}

// A row of the collateral table that says 0 is no holding, whatever its asset.
TEST(Explain, BalancesOfNothing) {
  Exchange exchange;
  exchange.maker.edit().collateral.push_back({exchange.empty, exchange.btc, 0.0});
  Book& book = exchange.maker.edit();
  std::stable_sort(book.collateral.begin(), book.collateral.end(),
                   [](const CollateralBalance& a, const CollateralBalance& b) { return a.account < b.account; });

  const Explanation found = explain_account(book, regimes(), config_of(500), exchange.empty);

  EXPECT_TRUE(found.holdings.empty());
  EXPECT_TRUE(found.greeks.empty());
  EXPECT_EQ(found.margin.equity_usd, 1'000.0);
}

// Sold options that expire worthless on every path: the tail is a gain, and the floor takes it back.
TEST(Explain, AccountsWithoutLossInTheTail) {
  Exchange exchange;
  Book& book = exchange.maker.edit();
  book.accounts = {"a"};
  book.collateral.clear();
  book.positions = {{0, exchange.eth_call, -10.0, {}}};
  Model model = regimes();
  for (Regime& regime : model.regimes) { regime.vols = {{"*", {0.01, 0.01}}}; }

  const Explanation found = explain_account(book, model, config_of(1'000), 0);

  EXPECT_LT(found.margin.es_usd, 0.0);
  EXPECT_NEAR(sum_of_shares(found), found.margin.es_usd, 1e-3);
  EXPECT_EQ(found.margin.initial_margin_usd, 0.0);
  EXPECT_EQ(found.initial_terms[2].usd, -found.margin.es_usd);
}

TEST(Explain, RefusesWhatCannotBe) {
  const Exchange exchange;

  EXPECT_THROW(explain_account(exchange.book(), regimes(), config_of(500), 99), UsageError);
  EXPECT_THROW(explain_account(exchange.book(), regimes(), config_of(0), 0), UsageError);
  EXPECT_THROW(explain_account(exchange.book(), regimes(), config_of(99), 0), UsageError);
}

}  // namespace
}  // namespace tailmargin::test
