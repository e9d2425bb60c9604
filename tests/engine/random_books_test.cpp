// What holds of margins whatever the book: random accounts over every kind of instrument, with balances and debts.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "host/engine/account_margins.hpp"
#include "tests/support/small_exchange.hpp"

namespace tailmargin::test {
namespace {

constexpr std::size_t num_accounts = 24;

/// A multiple of 1/8 from -largest to largest: sums and doubles of them are exact.
double random_eighths(std::mt19937& random, double largest) {
  const auto steps = static_cast<std::uint32_t>(16.0 * largest) + 1;
  return static_cast<double>(random() % steps) / 8.0 - largest;
}

/// One to seven instruments and up to three balances each, a third of the positions with an entry price.
Book random_book(std::uint32_t seed) {
  Exchange exchange;
  std::mt19937 random(seed);
  Book book = exchange.book();
  book.accounts.clear();
  book.positions.clear();
  book.collateral.clear();
  for (AccountId a = 0; a < num_accounts; ++a) {
    book.accounts.push_back("random-" + std::to_string(100 + a));
    const std::uint32_t wanted = 1 + random() % 4;
    for (InstrumentId i = 0; i < book.instruments.size(); ++i) {
      if (random() % 4 >= wanted) { continue; }
      const double usd_contracts = i == exchange.inverse ? 10'000.0 : 1.0;
      Position position = {a, i, usd_contracts * random_eighths(random, 20.0), {}};
      if (book.quotes[i].mark_price && random() % 3 == 0) { position.entry_price = *book.quotes[i].mark_price * 1.25; }
      book.positions.push_back(position);
    }
    for (const UnderlyingId asset : {exchange.btc, exchange.eth, exchange.usdc}) {
      if (random() % 3 == 0) { book.collateral.push_back({a, asset, random_eighths(random, 8.0)}); }
    }
    book.collateral.push_back({a, no_underlying, random_eighths(random, 50'000.0)});
  }
  return book;
}

Book scaled(Book book, double factor) {
  for (Position& position : book.positions) { position.quantity *= factor; }
  for (CollateralBalance& balance : book.collateral) { balance.amount *= factor; }
  return book;
}

std::vector<AccountMargin> margins_of(const Book& book, const Model& model, Sampler sampler = Sampler::plain) {
  RunConfig config = config_of(2'000);
  config.sampler = sampler;
  return run_margin(book, model, config).margins;
}

/// Weights, the worst look on the way, terms: all with as many paths.
std::vector<Model> models_without_closing() { return {regimes(), worst_on_the_way(), with_terms()}; }

class RandomBooks : public testing::TestWithParam<std::uint32_t> {};

// Twice a book without a market's depth in it has twice every figure, to the bit: a factor of two rounds nothing. What
// closing costs grows with the power 3/2, so the margin with terms grows faster.
TEST_P(RandomBooks, AreHomogeneous) {
  const Book book = random_book(GetParam());
  for (Model model : models_without_closing()) {
    if (model.terms) { model.terms->spread_multiple = 0.0; }
    for (const Sampler sampler : {Sampler::plain, Sampler::sobol}) {
      const std::vector<AccountMargin> once = margins_of(book, model, sampler),
                                       twice = margins_of(scaled(book, 2.0), model, sampler);
      for (AccountId a = 0; a < num_accounts; ++a) {
        const AccountMargin &x = once[a], &y = twice[a];
        EXPECT_EQ(y.equity_usd, 2.0 * x.equity_usd) << x.account;
        EXPECT_EQ(y.gross_notional_usd, 2.0 * x.gross_notional_usd) << x.account;
        EXPECT_EQ(y.var_usd, 2.0 * x.var_usd) << x.account;
        EXPECT_EQ(y.es_usd, 2.0 * x.es_usd) << x.account;
        EXPECT_EQ(y.es_se_usd, 2.0 * x.es_se_usd) << x.account;
        EXPECT_EQ(y.worst_path, x.worst_path) << x.account;
        EXPECT_EQ(y.collateral.wrong_way_usd, 2.0 * x.collateral.wrong_way_usd) << x.account;
        if (!model.terms) {
          EXPECT_EQ(y.initial_margin_usd, 2.0 * x.initial_margin_usd) << x.account;
          continue;
        }
        EXPECT_EQ(y.terms.isolated_usd, 2.0 * x.terms.isolated_usd) << x.account;
        EXPECT_EQ(y.terms.cross_usd, 2.0 * x.terms.cross_usd) << x.account;
        EXPECT_EQ(y.terms.correlation_usd, 2.0 * x.terms.correlation_usd) << x.account;
        EXPECT_EQ(y.terms.concentration_usd, 2.0 * x.terms.concentration_usd) << x.account;
        EXPECT_EQ(y.terms.fragility, x.terms.fragility) << x.account;
        EXPECT_GE(y.initial_margin_usd, 2.0 * x.initial_margin_usd) << x.account;
        EXPECT_LE(y.initial_margin_usd, std::sqrt(8.0) * x.initial_margin_usd * (1.0 + 1e-12) + 1e-9) << x.account;
      }
    }
  }
}

// ES is at least VaR, at most the worst loss, and no figure falls as the confidence rises.
TEST_P(RandomBooks, AreMonotoneInConfidence) {
  const Book book = random_book(GetParam());
  for (Model model : {regimes(), worst_on_the_way(), closed_late(weighted())}) {
    std::vector<AccountMargin> before;
    for (const double confidence : {0.9, 0.95, 0.975, 0.99}) {
      model.confidence = confidence;
      const std::vector<AccountMargin> now = margins_of(book, model);
      for (AccountId a = 0; a < num_accounts; ++a) {
        const double rounding = 1e-6 * (1.0 + std::fabs(now[a].worst_loss_usd));
        EXPECT_GE(now[a].es_usd, now[a].var_usd - rounding) << now[a].account;
        EXPECT_LE(now[a].es_usd, now[a].worst_loss_usd + rounding) << now[a].account;
        if (before.empty()) { continue; }
        EXPECT_GE(now[a].var_usd, before[a].var_usd - rounding) << now[a].account;
        EXPECT_GE(now[a].es_usd, before[a].es_usd - rounding) << now[a].account;
        EXPECT_EQ(now[a].worst_path, before[a].worst_path) << now[a].account;
      }
      before = now;
    }
  }
}

/// The holdings of accounts 2 n and 2 n + 1 together.
Book merged_in_pairs(const Book& book) {
  Book out = book;
  out.accounts.resize(num_accounts / 2);
  for (Position& position : out.positions) { position.account /= 2; }
  for (CollateralBalance& balance : out.collateral) { balance.account /= 2; }
  std::stable_sort(out.positions.begin(), out.positions.end(), [](const Position& a, const Position& b) {
    return std::pair(a.account, a.instrument) < std::pair(b.account, b.instrument);
  });
  std::stable_sort(out.collateral.begin(), out.collateral.end(),
                   [](const CollateralBalance& a, const CollateralBalance& b) {
                     return std::pair(a.account, a.asset) < std::pair(b.account, b.asset);
                   });
  return out;
}

// Two accounts together need no more than both apart, whatever they hold.
TEST_P(RandomBooks, AreSubadditive) {
  const Book book = random_book(GetParam());
  for (const Model& model : models_without_closing()) {
    const std::vector<AccountMargin> apart = margins_of(book, model),
                                     together = margins_of(merged_in_pairs(book), model);
    for (std::size_t pair = 0; pair < together.size(); ++pair) {
      const AccountMargin &a = apart[2 * pair], &b = apart[2 * pair + 1], &both = together[pair];
      const double rounding = 1e-5 * (std::fabs(a.worst_loss_usd) + std::fabs(b.worst_loss_usd) + 1.0);
      EXPECT_LE(both.es_usd, a.es_usd + b.es_usd + rounding) << a.account;
      EXPECT_LE(both.worst_loss_usd, a.worst_loss_usd + b.worst_loss_usd + rounding) << a.account;
      EXPECT_NEAR(both.equity_usd, a.equity_usd + b.equity_usd, 1e-9 * (std::fabs(a.equity_usd) + 1e6)) << a.account;
    }
  }
}

// A book with its exact opposite moves nothing: neither ES, nor a wrong-way risk, nor a cost of closing. With closing
// times, too: what nets needs no closing.
TEST_P(RandomBooks, AndTheirOppositesNeedNothing) {
  Book book = random_book(GetParam());
  for (Position& position : book.positions) { position.entry_price.reset(); }
  const std::vector<Position> positions = book.positions;
  const std::vector<CollateralBalance> collateral = book.collateral;
  book.positions.clear();
  book.collateral.clear();
  for (const Position& p : positions) {
    book.positions.insert(book.positions.end(), {p, {p.account, p.instrument, -p.quantity, {}}});
  }
  for (const CollateralBalance& c : collateral) {
    book.collateral.insert(book.collateral.end(), {c, {c.account, c.asset, -c.amount}});
  }
  for (const Model& model : {worst_on_the_way(), with_terms(), closed_late(with_terms())}) {
    for (const AccountMargin& margin : margins_of(book, model)) {
      EXPECT_EQ(margin.equity_usd, 0.0) << margin.account;
      EXPECT_EQ(margin.es_usd, 0.0) << margin.account;
      EXPECT_EQ(margin.initial_margin_usd, 0.0) << margin.account;
      EXPECT_EQ(margin.collateral.wrong_way_usd, 0.0) << margin.account;
      EXPECT_EQ(margin.shortfall_probability, 0.0) << margin.account;
    }
  }
}

// The time that paths spend in each regime divides the ES, and nothing of it is left over.
TEST_P(RandomBooks, HaveRegimePartsThatAddUp) {
  const Book book = random_book(GetParam());
  for (const Model& model : {with_terms(), closed_late(with_terms())}) {
    for (const AccountMargin& m : margins_of(book, model, Sampler::sobol)) {
      const double sum = std::accumulate(m.regime_es_usd.begin(), m.regime_es_usd.end(), 0.0);
      EXPECT_NEAR(sum, m.es_usd, 1e-9 * (1.0 + std::fabs(m.worst_loss_usd))) << m.account;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomBooks, testing::Values(1u, 2u, 3u));

/// One coin with a deep market and one whose contracts, of the same coin, nobody trades.
struct TwoSpeeds {
  BookMaker maker;
  UnderlyingId coin = maker.underlying("AAA", 100.0);
  InstrumentId market = maker.perpetual("AAA-1", coin, Payoff::linear),
               nobody = maker.perpetual("AAA-2", coin, Payoff::linear);

  TwoSpeeds() {
    maker.edit().quotes[market].volume_24h = 1'000.0;  // a tenth in a day: 100
    maker.edit().quotes[nobody].volume_24h = 0.0;
  }
};

Model closed_in_four_days() {
  Model model = gaussian_model(1.0, {price_only("*", 0.3)});
  model.step_hours = 12.0;
  model.closing = Closing{0.1, {48.0, 96.0}};
  return model;
}

// Of one position the ES grows faster than its size, from the size on that no longer fits the horizon, and as its size
// again once nearly all of it waits for the last time.
TEST(ClosingSize, MakesOnePositionCostMoreThanItsSize) {
  TwoSpeeds books;
  const std::vector<double> sizes = {50.0, 100.0, 200.0, 400.0, 800.0, 1'600.0, 1e6};
  for (const double side : {1.0, -1.0}) {
    TwoSpeeds sided = books;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      sided.maker.hold(sided.maker.account("account-" + std::to_string(i)), sided.market, side * sizes[i]);
    }
    std::vector<double> per_contract;
    for (const AccountMargin& m : margins_of(sided.maker.book(), closed_in_four_days())) {
      per_contract.push_back(m.es_usd / sizes[per_contract.size()]);
    }
    EXPECT_NEAR(per_contract[1], per_contract[0], 1e-6 * per_contract[0]);  // both fit the horizon
    for (std::size_t i = 2; i < sizes.size(); ++i) { EXPECT_GT(per_contract[i], per_contract[i - 1]) << sizes[i]; }
    EXPECT_NEAR(per_contract.back() / per_contract[0], 2.0, 0.2);  // four days, but for what is not normal
  }
}

// Of a hedge it need not: once both legs have to wait for the last time, they wait together. Long what nobody trades,
// 100 sold against it close three days before it; of 10,000 sold all but 400 close with it.
TEST(ClosingSize, CanMakeALargeHedgeCheaper) {
  TwoSpeeds books;
  const AccountId small = books.maker.account("account-1"), large = books.maker.account("account-2");
  books.maker.hold(small, books.market, -100.0).hold(small, books.nobody, 100.0);
  books.maker.hold(large, books.market, -10'000.0).hold(large, books.nobody, 10'000.0);

  const std::vector<AccountMargin> margins = margins_of(books.maker.book(), closed_in_four_days());

  EXPECT_LT(margins[large].es_usd, 5.0 * margins[small].es_usd);
  EXPECT_GT(margins[large].es_usd, margins[small].es_usd);
}

}  // namespace
}  // namespace tailmargin::test
