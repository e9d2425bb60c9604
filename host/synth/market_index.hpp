// A market seen by traders: what can be bought, in which lots, and how popular it is.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "host/synth/draws.hpp"
#include "host/synth/synth.hpp"
#include "tailmargin/book.hpp"

namespace tailmargin::synth {

/// One instrument, ready for trading.
struct Tradable {
  double notional_usd = 0.0;   ///< of one contract
  double coins = 0.0;          ///< underlying coins per contract
  int lot = 0;                 ///< quantities are multiples of 10^lot contracts
  double lot_usd = 0.0;        ///< notional of one lot
  double popularity = 0.0;     ///< open interest and volume in USD, with a floor
  double max_contracts = 0.0;  ///< no account holds more: a tenth of the open interest
  std::optional<double> mark;  ///< price for entries, > 0
};

/// Ids drawn with probability proportional to a weight.
struct WeightedIds {
  std::vector<std::uint32_t> ids;
  std::vector<double> cumulative;

  void add(std::uint32_t id, double weight) {
    cumulative.push_back((cumulative.empty() ? 0.0 : cumulative.back()) + weight);
    ids.push_back(id);
  }
  std::uint32_t pick(Draws& draws) const;
};

struct Strike {
  double strike = 0.0;
  InstrumentId call = 0, put = 0;
};

/// Strikes of one expiry that have both a call and a put.
struct ChainExpiry {
  UtcTime expiry;
  double forward = 0.0;
  std::vector<Strike> strikes = {};  ///< rising
  std::size_t at_the_money = 0;      ///< index of the strike nearest to the forward
};

/// Options of one underlying with one settlement.
struct Chain {
  UnderlyingId underlying = 0, settlement = no_underlying;
  std::vector<ChainExpiry> expiries = {};  ///< rising, each with at least three strikes
  WeightedIds expiry_choice = {};
  std::vector<InstrumentId> options = {};  ///< all of the strikes above
  std::vector<double> deltas = {};         ///< [option] coins per contract: of the P&L, see option_delta
  double lot_usd = 0.0;
};

class MarketIndex {
 public:
  explicit MarketIndex(const Book& book);

  const Book& book;
  std::vector<Tradable> tradables;  ///< [instrument]
  WeightedIds perpetuals, futures, options, outrights, alt_perpetuals;
  WeightedIds coins;  ///< underlyings but the stablecoins, by popularity
  std::vector<Chain> chains;
  WeightedIds chain_choice;                                          ///< indices of chains
  std::vector<std::size_t> calendar_chains;                          ///< chains with two expiries or more
  std::vector<std::pair<InstrumentId, InstrumentId>> futures_pairs;  ///< neighbours in time, same terms
  std::vector<WeightedIds> hedges;                 ///< [underlying] its perpetuals, or futures if it has none
  std::vector<std::optional<InstrumentId>> spots;  ///< [underlying]
  std::vector<UnderlyingId> stablecoins;           ///< USDT, USDC if the market has them

  bool is_stablecoin(UnderlyingId u) const { return u < stable_.size() && stable_[u]; }

 private:
  void index_instrument(InstrumentId i);
  void group_outrights();
  void group_coins();
  void group_futures();
  void group_chains();

  std::vector<bool> stable_;  ///< [underlying]
};

/// Coins gained per coin the underlying rises, relative: the slope of the P&L of one contract. An inverse option's
/// P&L is paid in the coin, which takes its mark off Black-76's delta.
double option_delta(const Book& book, InstrumentId i);

ArchetypePlan plan_archetypes(const MarketIndex& market);

}  // namespace tailmargin::synth
