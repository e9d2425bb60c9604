#include <unistd.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "host/io/book_files.hpp"
#include "host/synth/synth.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {
namespace {

constexpr std::uint64_t many = 100'000;

/// One exchange for the tests of its statistics.
const Book& large_exchange() {
  static const Book book = make_exchange(make_market(1), {.num_accounts = many, .seed = 7});
  return book;
}

std::string slug_of(const std::string& account) { return account.substr(0, account.rfind('-')); }

std::string bytes_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

/// A folder of this test case and process, removed when it is done.
struct TestFolder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("tailmargin-synth-" + std::to_string(getpid()) + "-" +
                                                ::testing::UnitTest::GetInstance()->current_test_info()->name());
  TestFolder() { std::filesystem::remove_all(path); }
  ~TestFolder() { std::filesystem::remove_all(path); }
};

double usd_of(const Book& book, const CollateralBalance& balance) {
  return balance.amount * (balance.asset == no_underlying ? 1.0 : book.underlyings[balance.asset].index_price_usd);
}

std::vector<double> equities(const Book& book) {
  std::vector<double> equity(book.accounts.size());
  for (const CollateralBalance& balance : book.collateral) { equity[balance.account] += usd_of(book, balance); }
  return equity;
}

std::size_t find_archetype(const std::string& slug) {
  const auto& table = synth::archetypes();
  return static_cast<std::size_t>(
      std::find_if(table.begin(), table.end(), [&](const auto& a) { return a.slug == slug; }) - table.begin());
}

/// Value in USD of one contract when the coin's prices are multiplied by `up`, less now, as the book defines its P&L.
/// Plain formulas with the standard library: an oracle for the generator's deltas.
double pnl_of_contract(const Book& book, InstrumentId i, double up) {
  const Instrument& x = book.instruments[i];
  const Quote& quote = book.quotes[i];
  const double index = book.underlyings[x.underlying].index_price_usd;
  const double settlement = x.settlement == no_underlying ? 1.0 : book.underlyings[x.settlement].index_price_usd;
  if (x.kind != InstrumentKind::option) {
    if (x.payoff == Payoff::linear) { return x.contract_size * *quote.mark_price * (up - 1.0) * settlement; }
    return x.contract_size * (1.0 / *quote.mark_price - 1.0 / (*quote.mark_price * up)) * index * up;
  }
  const auto over_forward = [&](double forward) {
    const auto cdf = [](double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); };
    const double years = static_cast<double>(x.expiry.seconds - book.as_of.seconds) / (365.0 * 86400.0);
    const double v = *quote.mark_iv * std::sqrt(years), k = std::log(x.strike / forward);
    const double sign = x.option_type == OptionType::call ? 1.0 : -1.0;
    return sign * (cdf(sign * (0.5 * v - k / v)) - x.strike / forward * cdf(sign * (-0.5 * v - k / v)));
  };
  const double f = *quote.forward;
  if (x.payoff == Payoff::inverse) { return x.contract_size * (over_forward(f * up) - over_forward(f)) * index * up; }
  return x.contract_size * (over_forward(f * up) * f * up - over_forward(f) * f) * settlement;
}

TEST(Synth, SameSeedSameBytesOtherSeedOthers) {
  TestFolder folder;
  const Book market = make_market(4);

  write_book(make_exchange(market, {2000, 4}), folder.path / "a", FileFormat::csv, BookParts::all);
  write_book(make_exchange(market, {2000, 4}), folder.path / "b", FileFormat::csv, BookParts::all);
  write_book(make_exchange(market, {2000, 5}), folder.path / "c", FileFormat::csv, BookParts::all);

  for (const char* file :
       {"book.toml", "underlyings.csv", "instruments.csv", "market.csv", "positions.csv", "collateral.csv"}) {
    EXPECT_FALSE(bytes_of(folder.path / "a" / file).empty()) << file;
    EXPECT_EQ(bytes_of(folder.path / "a" / file), bytes_of(folder.path / "b" / file)) << file;
  }
  EXPECT_NE(bytes_of(folder.path / "a" / "positions.csv"), bytes_of(folder.path / "c" / "positions.csv"));
  EXPECT_NE(bytes_of(folder.path / "a" / "collateral.csv"), bytes_of(folder.path / "c" / "collateral.csv"));
}

/// FNV-1a over everything drawn: the same on every platform and compiler, or this test fails there. A change of
/// kernels/math, of a draw or of a table moves it; put the new value in and list the change in the changelog.
TEST(Synth, SameBookOnEveryPlatform) {
  const Book book = make_exchange(make_market(1), {1000, 1});
  std::uint64_t hash = 14695981039346656037ull;
  const auto add = [&hash](double x) {
    std::uint64_t bits = __builtin_bit_cast(std::uint64_t, x);
    for (int n = 0; n < 8; ++n, bits >>= 8) { hash = (hash ^ (bits & 0xffu)) * 1099511628211ull; }
  };
  for (const Quote& q : book.quotes) {
    add(q.mark_price.value_or(-1));
    add(q.mark_iv.value_or(-1));
    add(q.open_interest.value_or(-1));
  }
  for (const Position& p : book.positions) {
    add(static_cast<double>(p.account));
    add(p.instrument);
    add(p.quantity);
    add(p.entry_price.value_or(-1));
  }
  for (const CollateralBalance& b : book.collateral) {
    add(static_cast<double>(b.account));
    add(b.asset);
    add(b.amount);
  }

  EXPECT_EQ(hash, 8458630597409019985ull);
}

TEST(Synth, AnAccountDoesNotDependOnTheirNumber) {
  const Book market = make_market(1);
  const Book few = make_exchange(market, {100, 3}), more = make_exchange(market, {1000, 3});
  const auto holdings = [](const Book& book, const std::string& account) {
    std::vector<std::pair<InstrumentId, double>> found;
    const auto a =
        static_cast<AccountId>(std::find(book.accounts.begin(), book.accounts.end(), account) - book.accounts.begin());
    for (const Position& p : book.positions) {
      if (p.account == a) { found.emplace_back(p.instrument, p.quantity); }
    }
    return found;
  };

  for (const std::string& account : few.accounts) {
    ASSERT_NE(std::find(more.accounts.begin(), more.accounts.end(), account), more.accounts.end()) << account;
    EXPECT_EQ(holdings(few, account), holdings(more, account)) << account;
  }
}

TEST(Synth, RowsAreSortedAndDistinct) {
  const Book& book = large_exchange();

  EXPECT_TRUE(std::is_sorted(book.accounts.begin(), book.accounts.end()));
  for (std::size_t p = 1; p < book.positions.size(); ++p) {
    const Position &a = book.positions[p - 1], &b = book.positions[p];
    ASSERT_LT(std::make_pair(a.account, a.instrument), std::make_pair(b.account, b.instrument));
  }
  for (std::size_t c = 1; c < book.collateral.size(); ++c) {
    const CollateralBalance &a = book.collateral[c - 1], &b = book.collateral[c];
    ASSERT_LT(std::make_pair(a.account, a.asset), std::make_pair(b.account, b.asset));
  }
  for (const Position& p : book.positions) { ASSERT_NE(p.quantity, 0.0); }
}

TEST(Synth, SharesAreAsStated) {
  std::map<std::string, double> count;
  for (const std::string& account : large_exchange().accounts) { ++count[slug_of(account)]; }
  const auto plan = synth::plan_archetypes(large_exchange());

  EXPECT_TRUE(plan.notes.empty());
  double total = 0.0;
  for (std::size_t a = 0; a < synth::num_archetypes; ++a) {
    const double share = plan.share[a], sd = std::sqrt(share * (1.0 - share) / many);
    total += share;
    EXPECT_NEAR(count[synth::archetypes()[a].slug] / many, share, 4.0 * sd) << synth::archetypes()[a].slug;
  }
  EXPECT_NEAR(total, 1.0, 1e-12);
}

TEST(Synth, SizesAreAsMeasured) {
  std::vector<double> equity = equities(large_exchange());
  std::sort(equity.begin(), equity.end());
  // Quantiles of public on-chain perpetual accounts, 2025-10-10. A log-normal body and a Pareto tail meet them within
  // half a unit of the logarithm from the fifth per cent up; below lie accounts that were emptied.
  const std::array<std::pair<double, double>, 10> measured = {{{0.05, 12.48},
                                                               {0.1, 39.4},
                                                               {0.25, 279.4},
                                                               {0.5, 940.7},
                                                               {0.75, 6035.6},
                                                               {0.9, 43664.4},
                                                               {0.95, 178332.0},
                                                               {0.99, 1.66671e6},
                                                               {0.995, 4.46897e6},
                                                               {0.999, 2.51734e7}}};

  for (const auto& [quantile, usd] : measured) {
    EXPECT_NEAR(std::log(equity[static_cast<std::size_t>(quantile * many)]), std::log(usd), 0.5) << quantile;
  }
  const double total = std::accumulate(equity.begin(), equity.end(), 0.0);
  const double top = std::accumulate(equity.end() - many / 100, equity.end(), 0.0);
  EXPECT_GT(top / total, 0.7);  // measured: 0.82
  EXPECT_LT(top / total, 0.95);
}

TEST(Synth, LeverageIsSensible) {
  const Book& book = large_exchange();
  const std::vector<double> equity = equities(book);
  std::vector<double> gross(book.accounts.size());
  for (const Position& p : book.positions) {
    const Instrument& x = book.instruments[p.instrument];
    const bool usd_contract = x.payoff == Payoff::inverse && x.kind != InstrumentKind::option;
    gross[p.account] +=
        std::abs(p.quantity) * x.contract_size * (usd_contract ? 1.0 : book.underlyings[x.underlying].index_price_usd);
  }
  std::map<std::string, std::vector<double>> leverage;
  for (AccountId a = 0; a < book.accounts.size(); ++a) {
    ASSERT_GT(equity[a], 0.0) << book.accounts[a];
    leverage[slug_of(book.accounts[a])].push_back(gross[a] / equity[a]);
  }

  for (auto& [slug, values] : leverage) {
    std::sort(values.begin(), values.end());
    const synth::Archetype& archetype = synth::archetypes()[find_archetype(slug)];
    // Rounding to lots and position limits take from it; balances are rounded to cents, which matters to the smallest.
    EXPECT_LE(values[values.size() / 2], archetype.leverage_median * 1.1) << slug;
    EXPECT_GE(values[values.size() / 2], archetype.leverage_median * 0.4) << slug;
    EXPECT_LE(values[values.size() * 999 / 1000], archetype.leverage_max * 1.5) << slug;
  }
}

TEST(Synth, MarketMakersAreLargeAndHedged) {
  const Book& book = large_exchange();
  struct Sum {
    std::size_t positions = 0;
    double net = 0.0, gross = 0.0;
  };
  std::map<AccountId, Sum> makers;
  const double up = 1.0001;
  for (const Position& p : book.positions) {
    if (slug_of(book.accounts[p.account]) != "market-maker") { continue; }
    Sum& sum = makers[p.account];
    ++sum.positions;
    const Instrument& x = book.instruments[p.instrument];
    sum.net += p.quantity * pnl_of_contract(book, p.instrument, up) / (up - 1.0);
    if (x.kind == InstrumentKind::option) {
      sum.gross += std::abs(p.quantity) * x.contract_size * book.underlyings[x.underlying].index_price_usd;
    }
  }

  ASSERT_GT(makers.size(), 300u);
  std::vector<double> net_over_gross;
  for (const auto& [account, sum] : makers) {
    EXPECT_GE(sum.positions, 120u) << book.accounts[account];
    net_over_gross.push_back(std::abs(sum.net) / sum.gross);
  }
  std::sort(net_over_gross.begin(), net_over_gross.end());
  EXPECT_LT(net_over_gross[net_over_gross.size() / 2], 0.015);
  EXPECT_LT(net_over_gross[net_over_gross.size() * 99 / 100], 0.05);
}

TEST(Synth, CoveredCallsAreCovered) {
  const Book& book = large_exchange();
  std::map<std::pair<AccountId, UnderlyingId>, double> coins;
  for (const CollateralBalance& balance : book.collateral) {
    coins[{balance.account, balance.asset}] += balance.amount;
  }
  std::map<std::pair<AccountId, UnderlyingId>, double> sold;
  for (const Position& p : book.positions) {
    if (slug_of(book.accounts[p.account]) != "covered-call") { continue; }
    const Instrument& x = book.instruments[p.instrument];
    ASSERT_EQ(x.kind, InstrumentKind::option);
    ASSERT_EQ(x.option_type, OptionType::call);
    ASSERT_LT(p.quantity, 0.0);
    sold[{p.account, x.underlying}] -= p.quantity * x.contract_size;
  }

  ASSERT_GT(sold.size(), 500u);
  for (const auto& [key, amount] : sold) { EXPECT_LE(amount, coins[key] * (1.0 + 1e-12)) << book.accounts[key.first]; }
}

TEST(Synth, AFewHaveDebts) {
  std::size_t debts = 0;
  for (const CollateralBalance& balance : large_exchange().collateral) {
    if (balance.amount >= 0.0) { continue; }
    ++debts;
    const std::string& asset = large_exchange().underlyings[balance.asset].name;
    EXPECT_TRUE(asset == "USDT" || asset == "USDC") << asset;
  }
  const double share = 0.02;  // stated; each has one debt, unless it was too small for a cent
  EXPECT_NEAR(static_cast<double>(debts) / many, share, 4.0 * std::sqrt(share / many));
}

TEST(Synth, BooksPassTheReadersChecks) {
  TestFolder folder;
  const Book book = make_exchange(make_market(9), {5000, 9});

  for (const FileFormat format : {FileFormat::csv, FileFormat::parquet}) {
    write_book(book, folder.path, format, BookParts::all);
    Diagnostics diagnostics;
    const Book again = read_book(folder.path, BookParts::all, diagnostics);

    EXPECT_TRUE(diagnostics.items().empty()) << diagnostics.items()[0].file << ' ' << diagnostics.items()[0].reason;
    EXPECT_EQ(again.accounts, book.accounts);
    ASSERT_EQ(again.positions.size(), book.positions.size());
    for (std::size_t p = 0; p < book.positions.size(); ++p) {
      EXPECT_EQ(again.positions[p].quantity, book.positions[p].quantity);
      EXPECT_EQ(again.positions[p].entry_price, book.positions[p].entry_price);
    }
    EXPECT_EQ(again.collateral.size(), book.collateral.size());
  }
}

/// The market without instruments of some kinds.
Book without(const Book& market, std::vector<InstrumentKind> kinds) {
  Book book = market;
  book.instruments.clear();
  book.quotes.clear();
  for (InstrumentId i = 0; i < market.instruments.size(); ++i) {
    if (std::find(kinds.begin(), kinds.end(), market.instruments[i].kind) != kinds.end()) { continue; }
    book.instruments.push_back(market.instruments[i]);
    book.quotes.push_back(market.quotes[i]);
  }
  return book;
}

TEST(Synth, MarketWithoutOptionsGivesTheirShareToOthers) {
  const Book market = without(make_market(1), {InstrumentKind::option});
  const auto plan = synth::plan_archetypes(market);

  const Book book = make_exchange(market, {5000, 1});

  EXPECT_EQ(plan.notes.size(), 4u);  // covered calls, market makers, spreads, strangles
  double total = 0.0;
  for (const double share : plan.share) { total += share; }
  EXPECT_NEAR(total, 1.0, 1e-12);
  EXPECT_EQ(book.accounts.size(), 5000u);
  for (const std::string& account : book.accounts) {
    const std::string slug = slug_of(account);
    EXPECT_TRUE(slug == "alt-book" || slug == "basis" || slug == "calendar" || slug == "holder" || slug == "retail")
        << slug;
  }
}

TEST(Synth, MarketOfOptionsOnlyWorks) {
  const Book market =
      without(make_market(1), {InstrumentKind::spot, InstrumentKind::perpetual, InstrumentKind::future});

  const Book book = make_exchange(market, {5000, 1});

  EXPECT_EQ(synth::plan_archetypes(market).notes.size(), 2u);  // alt books and basis
  EXPECT_GT(book.positions.size(), 5000u);
}

TEST(Synth, WithoutAnythingToTradeItRefuses) {
  const Book market =
      without(make_market(1), {InstrumentKind::perpetual, InstrumentKind::future, InstrumentKind::option});

  EXPECT_THROW(make_exchange(market, {10, 1}), UsageError);
  EXPECT_THROW(make_exchange(make_market(1), {0, 1}), UsageError);
}

}  // namespace
}  // namespace tailmargin
