// Margins venue by venue: closed forms of a normal book with one factor, plain sets of paths, and the run's own bits.
#include <gtest/gtest.h>

#include <cmath>

#include "host/engine/short_paths.hpp"
#include "host/engine/venue_margins.hpp"
#include "host/prepare/prepare_run.hpp"
#include "tests/support/normal_oracle.hpp"
#include "tests/support/small_exchange.hpp"
#include "tests/support/venue_book.hpp"

namespace tailmargin::test {
namespace {

constexpr double day_vol = 0.02;

RunConfig cpu_config(std::uint64_t paths) {
  RunConfig config = config_of(paths);
  config.keep_tail_paths = false;
  return config;
}

Model one_day() {
  Model model = gaussian_model(1.0, {price_only("*", day_vol * std::sqrt(year_days))});
  model.step_hours = 24.0;
  return model;
}

/// "carry" holds a hedge that no venue sees, "half" half of one, "single" is at one venue.
struct TwoVenues {
  static constexpr double carry_a = 5'000.0, carry_b = 4'000.0, half_a = 5'000.0, half_b = 1'000.0;
  static constexpr std::uint32_t a = 0, b = 1;
  AccountId carry = 0, half = 1, single = 2;
  VenueBook rows;

  TwoVenues() : rows(market(), {"A", "B"}) {
    rows.hold(carry, a, 0, 1'000.0).deposit(carry, a, no_underlying, carry_a);
    rows.hold(carry, b, 0, -1'000.0).deposit(carry, b, no_underlying, carry_b);
    rows.hold(half, a, 0, 1'000.0).deposit(half, a, no_underlying, half_a);
    rows.hold(half, b, 0, -500.0).deposit(half, b, no_underlying, half_b);
    rows.hold(single, b, 0, 1'000.0).deposit(single, b, no_underlying, 3'000.0);
  }

 private:
  static BookMaker market() {
    BookMaker maker;
    maker.perpetual("COIN-PERP", maker.underlying("COIN", 100.0), Payoff::linear);
    for (const char* name : {"carry", "half", "single"}) { maker.account(name); }
    return maker;
  }
};

/// Chance that the loss of `notional` held long exceeds `equity`: log prices are normal with mean zero.
double long_short_of(double notional, double equity) { return normal_cdf(std::log(1.0 - equity / notional) / day_vol); }
/// Of as much sold.
double sold_short_of(double notional, double equity) {
  return 1.0 - normal_cdf(std::log(1.0 + equity / notional) / day_vol);
}

void expect_probability(double found, double expected, double paths) {
  EXPECT_GT(expected, 0.0) << "not tested";
  EXPECT_NEAR(found, expected, 4.0 * std::sqrt(expected * (1.0 - expected) / paths));
}

TEST(VenueMargins, AreThoseOfANormalBook) {
  constexpr double paths = 400'000;
  const TwoVenues two;

  const RunResult run = run_margin(two.rows.book(), one_day(), cpu_config(static_cast<std::uint64_t>(paths)));

  ASSERT_EQ(run.venues.parts.size(), 5u);
  ASSERT_EQ(run.venues.accounts.size(), 3u);
  const std::vector<VenueMargin>& parts = run.venues.parts;
  const double z = normal_quantile(0.99), half_variance = 0.5 * day_vol * day_vol;
  const double es_long = 100'000.0 * (1.0 - std::exp(half_variance) * normal_cdf(-z - day_vol) / 0.01);
  const double es_sold = 100'000.0 * (std::exp(half_variance) * normal_cdf(-z + day_vol) / 0.01 - 1.0);
  const double es_of[] = {es_long, es_sold, es_long, 0.5 * es_sold, es_long};
  for (std::size_t p = 0; p < 5; ++p) {
    EXPECT_NEAR(parts[p].es_usd, es_of[p], 3.0 * parts[p].es_se_usd) << p;
    EXPECT_EQ(parts[p].margin_usd, parts[p].es_usd) << p;  // no uplift in the model
  }
  EXPECT_EQ(parts[1].account, "carry");
  EXPECT_EQ(parts[1].venue, "B");
  EXPECT_EQ(parts[1].equity_usd, TwoVenues::carry_b);
  EXPECT_EQ(parts[1].gross_notional_usd, 100'000.0);
  EXPECT_EQ(parts[1].num_positions, 1u);

  // A hedge that no venue sees: both legs margined in full, the account has nothing at risk.
  const AccountVenues& carry = run.venues.accounts[two.carry];
  EXPECT_EQ(carry.num_venues, 2u);
  EXPECT_EQ(carry.consolidated_margin_usd, 0.0);
  EXPECT_DOUBLE_EQ(carry.hidden_offset_usd(), parts[0].es_usd + parts[1].es_usd);
  const double carry_a = long_short_of(1e5, TwoVenues::carry_a), carry_b = sold_short_of(1e5, TwoVenues::carry_b);
  expect_probability(parts[0].shortfall_probability, carry_a, paths);
  expect_probability(parts[1].shortfall_probability, carry_b, paths);
  EXPECT_EQ(parts[0].stranded_probability, parts[0].shortfall_probability);
  EXPECT_EQ(parts[1].stranded_probability, parts[1].shortfall_probability);
  EXPECT_NEAR(carry.stranded_probability, parts[0].shortfall_probability + parts[1].shortfall_probability, 1e-12)
      << "one price cannot rise and fall";

  // Half a hedge: the long leg falls short first, the account only when prices fall further.
  const AccountVenues& half = run.venues.accounts[two.half];
  const double leg = long_short_of(1e5, TwoVenues::half_a),
               whole = long_short_of(5e4, TwoVenues::half_a + TwoVenues::half_b);
  expect_probability(parts[2].shortfall_probability, leg, paths);
  expect_probability(run.margins[two.half].shortfall_probability, whole, paths);
  expect_probability(parts[2].stranded_probability, leg - whole, paths);
  expect_probability(half.stranded_probability, leg - whole + sold_short_of(5e4, TwoVenues::half_b), paths);
  EXPECT_NEAR(half.consolidated_margin_usd, 0.5 * es_long, 3.0 * run.margins[two.half].es_se_usd);

  const AccountVenues& single = run.venues.accounts[two.single];
  EXPECT_EQ(single.num_venues, 1u);
  EXPECT_EQ(single.hidden_offset_usd(), 0.0);
  EXPECT_EQ(single.stranded_probability, 0.0);
  EXPECT_EQ(parts[4].shortfall_probability, run.margins[two.single].shortfall_probability);
}

/// Debt at a venue without a position there: it is short on every path, and the account never is.
TEST(VenueMargins, CountADebtThatIsCoveredElsewhere) {
  BookMaker maker;
  maker.underlying("COIN", 100.0);
  maker.perpetual("COIN-PERP", 0, Payoff::linear);
  maker.account("a");
  VenueBook rows(maker, {"", "B"});
  rows.deposit(0, 0, no_underlying, 100.0).deposit(0, 1, no_underlying, -10.0);

  const RunResult run = run_margin(rows.book(), one_day(), cpu_config(1'000));

  EXPECT_EQ(run.venues.parts[0].venue, "");
  EXPECT_EQ(run.venues.parts[0].shortfall_probability, 0.0);
  EXPECT_EQ(run.venues.parts[1].shortfall_probability, 1.0);
  EXPECT_EQ(run.venues.parts[1].stranded_probability, 1.0);
  EXPECT_EQ(run.venues.accounts[0].stranded_probability, 1.0);
}

TEST(VenueMargins, AreNoneOfABookWithOneVenue) {
  const Exchange exchange;
  const RunResult run = run_margin(exchange.book(), regimes(), cpu_config(500));
  EXPECT_TRUE(run.venues.parts.empty());
  EXPECT_TRUE(run.venues.accounts.empty());
}

/// Long 100 coins inverse and 99.999 coins in debt: float loses cents of what moves by a dollar.
TEST(VenueMargins, AreInDoubleWhereFloatCancels) {
  BookMaker maker;
  maker.perpetual("COIN-PERP", maker.underlying("COIN", 60'000.0), Payoff::inverse);
  maker.account("a");
  maker.account("b");
  VenueBook rows(maker, {"A", "B"});
  rows.deposit(0, 0, no_underlying, 1.0);
  rows.hold(1, 1, 0, 6e6).deposit(1, 1, 0, -99.999).deposit(1, 1, no_underlying, 99.999 * 60'000.0 + 0.5);

  const RunResult run = run_margin(rows.book(), one_day(), cpu_config(20'000));

  ASSERT_TRUE(run.margins[1].exact_precision) << "not tested";
  EXPECT_GT(run.margins[1].shortfall_probability, 0.1);
  EXPECT_EQ(run.venues.parts[1].shortfall_probability, run.margins[1].shortfall_probability);
}

TEST(VenueMargins, RefuseHoldingsOfOtherAccounts) {
  Book book = TwoVenues().rows.book();
  book.accounts.pop_back();
  book.positions.pop_back();
  book.collateral.pop_back();
  EXPECT_THROW(run_margin(book, one_day(), cpu_config(500)), UsageError);
}

/// The exchange with every position at one of three venues, and equities so low that parts and accounts fall short.
Book scattered() {
  const Exchange exchange;
  BookMaker maker = exchange.maker;
  std::vector<Position> positions;
  std::swap(positions, maker.edit().positions);
  std::vector<CollateralBalance> collateral;
  std::swap(collateral, maker.edit().collateral);
  VenueBook rows(maker, {"", "A", "B"});
  for (AccountId account = 0; account < exchange.book().accounts.size(); ++account) {
    for (std::uint32_t venue = 0; venue < 3; ++venue) {
      for (const Position& p : positions) {
        if (p.account == account && p.instrument % 3 == venue) { rows.hold(account, venue, p.instrument, p.quantity); }
      }
      for (const CollateralBalance& b : collateral) {
        if (b.account == account && venue == 1) { rows.deposit(account, venue, b.asset, b.amount); }
      }
      if ((account + venue) % 2 == 0) { rows.deposit(account, venue, no_underlying, 2'000.0 * (1.0 + account)); }
    }
  }
  return rows.book();
}

std::string venue_bits(const VenueMargins& venues) {
  std::string bits;
  const auto add = [&](double value) { bits.append(reinterpret_cast<const char*>(&value), sizeof value); };
  for (const VenueMargin& part : venues.parts) {
    for (const double value : {part.equity_usd, part.es_usd, part.es_se_usd, part.margin_usd,
                               part.shortfall_probability, part.stranded_probability}) {
      add(value);
    }
  }
  for (const AccountVenues& account : venues.accounts) {
    for (const double value :
         {account.venue_margins_usd, account.consolidated_margin_usd, account.stranded_probability}) {
      add(value);
    }
  }
  return bits;
}

TEST(VenueMargins, HaveTheSameBitsHoweverTheWorkIsCut) {
  for (const Model& model : {weighted(), worst_on_the_way()}) {
    for (const Sampler sampler : {Sampler::plain, Sampler::sobol}) {
      RunConfig config = cpu_config(1'500);
      config.sampler = sampler;
      const std::string bits = venue_bits(run_margin(scattered(), model, config).venues);
      config.threads = 3;
      config.paths_per_tile = 64;
      config.accounts_per_batch = 2;
      config.isa = "baseline";
      EXPECT_EQ(venue_bits(run_margin(scattered(), model, config).venues), bits);
    }
  }
}

TEST(VenueMargins, LeaveTheWholeAccountsAsTheyAre) {
  Book alone = scattered();
  alone.by_venue = {};
  const RunResult with = run_margin(scattered(), with_terms(), cpu_config(1'500)),
                  without = run_margin(alone, with_terms(), cpu_config(1'500));
  for (std::size_t a = 0; a < with.margins.size(); ++a) {
    EXPECT_EQ(bits_of(with.margins[a]), bits_of(without.margins[a]));
    EXPECT_EQ(with.margins[a].shortfall_probability, without.margins[a].shortfall_probability);
  }
}

TEST(VenueMargins, AddUpAndAreAtLeastThoseOfTheWhole) {
  Model model = with_terms();
  model.uplift_confidence = 0.95;
  const RunResult run = run_margin(scattered(), model, cpu_config(1'500));
  std::vector<double> margins(run.margins.size(), 0.0), equity = margins, es = margins;
  const Book book = scattered();
  for (std::size_t p = 0; p < run.venues.parts.size(); ++p) {
    const VenueMargin& part = run.venues.parts[p];
    margins[book.by_venue.parts[p].account] += part.margin_usd;
    equity[book.by_venue.parts[p].account] += part.equity_usd;
    es[book.by_venue.parts[p].account] += std::max(part.es_usd, 0.0);
    if (part.es_se_usd > 0.0) { EXPECT_GT(part.margin_usd, part.es_usd) << "the uplift"; }
  }
  bool hides = false;
  for (std::size_t a = 0; a < run.margins.size(); ++a) {
    const AccountVenues& account = run.venues.accounts[a];
    EXPECT_EQ(account.venue_margins_usd, margins[a]);
    EXPECT_EQ(account.consolidated_margin_usd, run.margins[a].terms.core_usd) << "without the terms";
    EXPECT_NEAR(equity[a], run.margins[a].equity_usd, 1e-9 * (1.0 + std::fabs(equity[a])));
    EXPECT_GE(es[a], run.margins[a].es_usd - 1e-5 * es[a]) << "expected shortfall is subadditive";
    hides = hides || account.hidden_offset_usd() > 0.1 * account.venue_margins_usd;
  }
  EXPECT_TRUE(hides) << "not tested";
}

/// Paths on which single rows fall short, one pass each; then sets of them by plain loops over weights.
void expect_plain_sets(const Book& book, const Model& model, BackendChoice choice) {
  const RunConfig config = [&] {
    RunConfig c = cpu_config(700);
    c.backend = choice;
    c.sampler = Sampler::plain;
    return c;
  }();
  const PreparedRun run = prepare_run(book, model, config.num_paths, config.seed);
  std::vector<std::string> notes;
  const std::unique_ptr<Backend> backend = make_backend(config, notes);
  Diagnostics diagnostics;
  std::vector<std::string> names(book.by_venue.parts.size(), "part");
  const AccountPlan parts =
      prepare_accounts(book, {names, book.by_venue.positions, book.by_venue.collateral}, run.columns, diagnostics);
  const auto short_on = [&](const AccountPlan& plan, std::uint64_t row) {
    const AccountPlan alone = select_accounts(plan, {row});
    const bool exact = !find_tails(*backend, run, alone, config).inexact.empty();
    ShortfallsRequest request;
    request.precision = exact ? Precision::exact : Precision::single;
    std::vector<bool> out;
    for (const PathShortfall& path : backend->shortfalls(run, alone, request).paths) { out.push_back(path.sum > 0); }
    return out;
  };
  const auto probability = [&](const std::vector<bool>& paths) {
    double sum = 0.0, all = 0.0;
    for (std::size_t p = 0; p < paths.size(); ++p) {
      const double weight = run.path_weights.empty() ? 1.0 : run.path_weights[p];
      sum += paths[p] ? weight : 0.0;
      all += weight;
    }
    return sum / all;
  };

  const VenueMargins found = run_margin(book, model, config).venues;

  std::vector<std::vector<bool>> whole, any(found.accounts.size(), std::vector<bool>(run.num_paths, false));
  for (std::uint64_t a = 0; a < found.accounts.size(); ++a) { whole.push_back(short_on(run.accounts, a)); }
  std::size_t told_apart = 0;
  for (std::uint64_t p = 0; p < found.parts.size(); ++p) {
    const AccountId account = book.by_venue.parts[p].account;
    std::vector<bool> paths = short_on(parts, p);
    EXPECT_EQ(found.parts[p].shortfall_probability, probability(paths)) << p;
    for (std::size_t path = 0; path < paths.size(); ++path) {
      paths[path] = paths[path] && !whole[account][path];
      any[account][path] = any[account][path] || paths[path];
    }
    EXPECT_EQ(found.parts[p].stranded_probability, probability(paths)) << p;
    const bool some = found.parts[p].stranded_probability > 0.0;
    told_apart += some && found.parts[p].stranded_probability < found.parts[p].shortfall_probability ? 1 : 0;
  }
  EXPECT_GT(told_apart, 3u) << "not tested";
  for (std::uint64_t a = 0; a < found.accounts.size(); ++a) {
    EXPECT_EQ(found.accounts[a].stranded_probability, probability(any[a])) << a;
  }
}

TEST(VenueMargins, AreThoseOfPlainSetsOfPaths) {
  expect_plain_sets(scattered(), regimes(), BackendChoice::cpu);
  expect_plain_sets(scattered(), worst_on_the_way(), BackendChoice::cpu);
  expect_plain_sets(scattered(), weighted(), BackendChoice::reference);
}

TEST(ShortPaths, AreAddedUpWithTheirWeights) {
  const PathSet some = {0b1011, 0b1}, others = {0b0010, 0b0};
  EXPECT_EQ(weight_outside(some, {}, {}), 4u);
  EXPECT_EQ(weight_outside(some, others, {}), 3u);
  std::vector<std::uint32_t> weights(65, 0);
  weights[0] = 4'294'967'295u;
  weights[1] = 7;
  weights[3] = 4'294'967'295u;
  weights[64] = 100;
  EXPECT_EQ(weight_outside(some, {}, weights), 2 * 4'294'967'295ull + 107);
  EXPECT_EQ(weight_outside(some, others, weights), 2 * 4'294'967'295ull + 100);
  PathSet sum;
  add_paths(others, sum);
  add_paths({0b0100, 0b1000}, sum);
  EXPECT_EQ(sum, (PathSet{0b0110, 0b1000}));
}

}  // namespace
}  // namespace tailmargin::test
