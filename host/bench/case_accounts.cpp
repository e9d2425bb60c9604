// The accounts of a made book. Each has a few coins it trades, a size, a lean to one side, and exactly the shape's
// number of positions: three in ten in products, the rest in options of its coins. Positions were entered at the mark
// and collateral is in USD, so that an account's exposures are its positions and nothing else.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "host/bench/cases.hpp"
#include "host/synth/draws.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin::bench {
namespace {

using synth::Draws;

constexpr std::uint64_t draws_seed = 0x7461696cu;  // any constant: books of cases have no seed of their own
constexpr double product_share = 0.3;
constexpr double median_notional_usd = 5'000.0, account_log_sd = 1.5, position_log_sd = 0.8;
constexpr double pool_per_position = 1.3;  // an account trades enough coins to have a choice
constexpr int max_misses = 30;             // draws of instruments it has already, before one is looked for

struct CoinInstruments {
  std::vector<InstrumentId> products, options;
  std::size_t size() const { return products.size() + options.size(); }
};

double notional_usd(const Book& book, const Instrument& instrument) {
  const bool usd_contract = instrument.payoff == Payoff::inverse && instrument.kind != InstrumentKind::option;
  return usd_contract ? instrument.contract_size
                      : instrument.contract_size * book.underlyings[instrument.underlying].index_price_usd;
}

class AccountMaker {
 public:
  AccountMaker(const BookShape& shape, Book& book)
      : shape_(shape), book_(book), coins_(book.underlyings.size()), taken_(book.instruments.size(), 0) {
    for (InstrumentId i = 0; i < book.instruments.size(); ++i) {
      CoinInstruments& coin = coins_[book.instruments[i].underlying];
      (book.instruments[i].kind == InstrumentKind::option ? coin.options : coin.products).push_back(i);
      notional_usd_.push_back(notional_usd(book, book.instruments[i]));
    }
    // The most traded coin first; the stablecoin has no instruments of its own.
    for (UnderlyingId u = 0; u < coins_.size(); ++u) {
      if (coins_[u].size() != 0) { by_popularity_.push_back(u); }
    }
    std::sort(by_popularity_.begin(), by_popularity_.end(), [&](UnderlyingId a, UnderlyingId b) {
      return *book.underlyings[a].adv_usd > *book.underlyings[b].adv_usd;
    });
  }

  void add(AccountId account) {
    Draws draws(draws_seed, synth::DrawStream::account, account);
    choose_coins(draws);
    held_.clear();
    while (held_.size() < shape_.positions) { take(account, draw_instrument(account, draws)); }
    std::sort(held_.begin(), held_.end());
    const double size = draws.log_normal(median_notional_usd, account_log_sd);
    const double buys = draws.between(0.2, 0.8);
    double gross_usd = 0.0;
    for (const InstrumentId i : held_) {
      const double usd = draws.log_normal(size, position_log_sd);
      const double contracts = synth::round_digits(usd / notional_usd_[i], 3);
      const bool bought = draws.chance(buys);
      book_.positions.push_back({account, i, bought ? contracts : -contracts, book_.quotes[i].mark_price});
      gross_usd += usd;
    }
    const double leverage = draws.log_normal(4.0, 0.6);
    book_.collateral.push_back({account, no_underlying, synth::round_digits(gross_usd / leverage, 6)});
  }

 private:
  /// One coin, often a second, sometimes a third; popular ones more often. More where the positions need it.
  void choose_coins(Draws& draws) {
    mine_.clear();
    const std::size_t wanted = 1 + (draws.chance(0.5) ? 1 : 0) + (draws.chance(0.25) ? 1 : 0);
    const std::size_t needed =
        static_cast<std::size_t>(std::ceil(pool_per_position * static_cast<double>(shape_.positions)));
    std::size_t pool = 0;
    while (mine_.size() < by_popularity_.size() && (mine_.size() < wanted || pool < needed)) {
      std::size_t at = 0;
      while (at + 1 < by_popularity_.size() && draws.chance(0.6)) { ++at; }
      while (std::find(mine_.begin(), mine_.end(), by_popularity_[at]) != mine_.end()) {
        at = (at + 1) % by_popularity_.size();
      }
      mine_.push_back(by_popularity_[at]);
      pool += coins_[by_popularity_[at]].size();
    }
  }

  void take(AccountId account, InstrumentId i) {
    taken_[i] = account + 1;
    held_.push_back(i);
  }

  InstrumentId draw_instrument(AccountId account, Draws& draws) {
    for (int miss = 0; miss < max_misses; ++miss) {
      std::size_t at = 0;
      while (at + 1 < mine_.size() && draws.chance(0.4)) { ++at; }
      const CoinInstruments& coin = coins_[mine_[at]];
      const bool product = draws.chance(product_share) || coin.options.empty();
      const std::vector<InstrumentId>& list = product ? coin.products : coin.options;
      const InstrumentId i = list[draws.below(list.size())];
      if (taken_[i] != account + 1) { return i; }
    }
    for (const UnderlyingId u : mine_) {
      for (const std::vector<InstrumentId>* list : {&coins_[u].options, &coins_[u].products}) {
        for (const InstrumentId i : *list) {
          if (taken_[i] != account + 1) { return i; }
        }
      }
    }
    throw std::logic_error("an account of a bench case has no instrument left to hold");
  }

  const BookShape& shape_;
  Book& book_;
  std::vector<CoinInstruments> coins_;
  std::vector<AccountId> taken_;  ///< [instrument] the last account that holds it, plus one
  std::vector<double> notional_usd_;
  std::vector<UnderlyingId> by_popularity_, mine_;
  std::vector<InstrumentId> held_;
};

std::string account_name(AccountId account) {
  const std::string number = std::to_string(account);
  return "account-" + std::string(number.size() < 9 ? 9 - number.size() : 0, '0') + number;
}

}  // namespace

void add_accounts(const BookShape& shape, Book& book) {
  if (shape.positions > book.instruments.size()) {
    throw UsageError("an account cannot hold " + std::to_string(shape.positions) + " of " +
                     std::to_string(book.instruments.size()) + " instruments. Ask for fewer positions.");
  }
  AccountMaker maker(shape, book);
  book.positions.reserve(shape.accounts * shape.positions);
  for (AccountId account = 0; account < shape.accounts; ++account) {
    book.accounts.push_back(account_name(account));
    maker.add(account);
  }
}

}  // namespace tailmargin::bench
