// Accounts: how many of which kind, how large, and their books put together in the order of the files.
#include <algorithm>
#include <string>

#include "host/synth/traders.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {
namespace synth {
namespace {

// Account sizes: public on-chain perpetual accounts, 2025-10-10. Log of the account value: mean 7.09, standard
// deviation 2.88; tail index of the largest 1 000 of 19 337 accounts, which are the top 5 %: 0.73.
constexpr double log_size_mean = 7.09;
constexpr double log_size_sd = 2.88;
constexpr double tail_start_z = 1.6448536269514722;  // normal quantile of 0.95
constexpr double tail_index = 0.73;
constexpr double largest_account_usd = 1e9;  // an index below 1 has no mean: the tail needs an end
constexpr double smallest_account_usd = 0.01;
constexpr double insurance_fund_share = 0.002;  // of all equity: our choice

struct Size {
  double equity_usd = 0.0;
  std::size_t band = 0;
};

/// A log-normal body, and from its 95 % quantile on a Pareto tail cut off at the largest account.
Size draw_size(Draws& draws) {
  constexpr std::array<double, 3> body_bands = {0.0, 0.84162123357291421, tail_start_z};  // quantiles of .5, .8, .95
  const double z = draws.normal();
  if (z < tail_start_z) {
    const auto band = std::upper_bound(body_bands.begin(), body_bands.end(), z) - body_bands.begin();
    const double equity = math::exp(log_size_mean + log_size_sd * z);
    return {std::max(equity, smallest_account_usd), static_cast<std::size_t>(band)};
  }
  const double start = math::exp(log_size_mean + log_size_sd * tail_start_z);
  const double rank = draws.uniform();  // within the top 5 %
  const double cut = power(start / largest_account_usd, tail_index);
  const double equity = start * power(1.0 - rank * (1.0 - cut), -1.0 / tail_index);
  return {equity, rank < 0.8 ? std::size_t{3} : std::size_t{4}};
}

std::uint8_t draw_archetype(const ArchetypePlan& plan, std::size_t band, Draws& draws) {
  double left = draws.uniform();
  std::uint8_t last = 0;
  for (std::uint8_t a = 0; a < num_archetypes; ++a) {
    if (plan.share_in_band[a][band] <= 0.0) { continue; }
    last = a;
    left -= plan.share_in_band[a][band];
    if (left < 0.0) { break; }
  }
  return last;
}

std::string account_name(const char* slug, std::uint64_t number, std::size_t digits) {
  std::string text = std::to_string(number);
  text.insert(0, digits - std::min(digits, text.size()), '0');
  return std::string(slug) + '-' + text;
}

/// Kind of every account, by number.
std::vector<std::uint8_t> draw_archetypes(const ArchetypePlan& plan, SynthConfig config) {
  std::vector<std::uint8_t> kinds(config.num_accounts);
  for (std::uint64_t n = 0; n < config.num_accounts; ++n) {
    Draws draws(config.seed, DrawStream::size, n);
    const Size size = draw_size(draws);
    kinds[n] = draw_archetype(plan, size.band, draws);
  }
  return kinds;
}

class ExchangeBuilder {
 public:
  ExchangeBuilder(const MarketIndex& market, SynthConfig config, Book& book)
      : market_(market), config_(config), book_(book), sheet_(market) {
    digits_ = std::max<std::size_t>(6, std::to_string(config.num_accounts - 1).size());
  }

  void add_account(const Archetype& archetype, std::uint64_t number) {
    Draws size_draws(config_.seed, DrawStream::size, number);
    Draws draws(config_.seed, DrawStream::account, number);
    const double equity = draw_size(size_draws).equity_usd;
    const double leverage = draws.log_normal(archetype.leverage_median, archetype.leverage_log_sd);
    make_account(market_, archetype.id, {equity, equity * std::min(leverage, archetype.leverage_max)}, draws, sheet_);
    const AccountId account = book_.accounts.size();
    book_.accounts.push_back(account_name(archetype.slug, number, digits_));
    for (Position position : sheet_.positions()) {
      position.account = account;
      book_.positions.push_back(position);
    }
    for (CollateralBalance balance : sheet_.balances()) {
      balance.account = account;
      book_.collateral.push_back(balance);
    }
    total_equity_usd_ += equity;
  }

  double total_equity_usd() const { return total_equity_usd_; }

 private:
  const MarketIndex& market_;
  SynthConfig config_;
  Book& book_;
  AccountSheet sheet_;
  std::size_t digits_ = 6;
  double total_equity_usd_ = 0.0;
};

}  // namespace
}  // namespace synth

Book make_exchange(const Book& market, SynthConfig config) {
  if (config.num_accounts == 0) {
    throw UsageError(
        "the number of accounts is 0 (an exchange without accounts has no margins). Ask for at least one.");
  }
  const synth::MarketIndex index(market);
  const synth::ArchetypePlan plan = synth::plan_archetypes(index);
  const std::vector<std::uint8_t> kinds = synth::draw_archetypes(plan, config);
  Book book = market;
  book.name =
      "synthetic exchange, " + std::to_string(config.num_accounts) + " accounts, seed " + std::to_string(config.seed);
  book.accounts.clear();
  book.positions.clear();
  book.collateral.clear();
  book.by_venue = {};
  book.accounts.reserve(config.num_accounts);
  synth::ExchangeBuilder builder(index, config, book);
  for (std::size_t a = 0; a < synth::num_archetypes; ++a) {  // slugs are sorted, so names come out sorted
    for (std::uint64_t n = 0; n < config.num_accounts; ++n) {
      if (kinds[n] == a) { builder.add_account(synth::archetypes()[a], n); }
    }
  }
  book.insurance_fund_usd = synth::round_to(synth::insurance_fund_share * builder.total_equity_usd(), 0);
  return book;
}

}  // namespace tailmargin
