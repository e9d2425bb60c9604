// What one account of each kind holds.
#pragma once

#include <vector>

#include "host/synth/market_index.hpp"

namespace tailmargin::synth {

/// Positions and balances of the account being made; reused from account to account.
class AccountSheet {
 public:
  explicit AccountSheet(const MarketIndex& market) : market_(market) {}

  void start() {
    positions_.clear();
    balances_.clear();
  }

  /// Adds a trade, rounded towards zero to lots and to the position limit.
  /// @return contracts traded, 0 if they make no lot
  double trade(Draws& draws, InstrumentId instrument, double contracts, double entry_sd);
  void hold(UnderlyingId asset, double amount);
  void hold_usd(UnderlyingId asset, double amount_usd);

  /// One row per instrument and asset, sorted, none of them zero.
  void finish();
  const std::vector<Position>& positions() const { return positions_; }
  const std::vector<CollateralBalance>& balances() const { return balances_; }
  std::vector<CollateralBalance>& balances() { return balances_; }

 private:
  const MarketIndex& market_;
  std::vector<Position> positions_;
  std::vector<CollateralBalance> balances_;
};

/// The account's size and its gross notional.
struct Means {
  double equity_usd = 0.0;
  double gross_usd = 0.0;
};

/// Fills a sheet for an account of this kind.
void make_account(const MarketIndex& market, ArchetypeId archetype, Means means, Draws& draws, AccountSheet& sheet);

}  // namespace tailmargin::synth
