// What balances are worth after haircuts, and what happens to holdings when pegs break now.
#pragma once

#include <vector>

#include "host/prepare/prepared_run.hpp"
#include "tailmargin/collateral.hpp"
#include "tailmargin/model.hpp"

namespace tailmargin {

/// What one contract gains when prices jump now and every option keeps its implied vol, forwards and marks their ratio
/// to the index: the table of docs/methodology.md, section 4, without time.
/// @param underlying_ratio, settlement_ratio  price in USD then over now, > 0; of USD 1
/// @return USD
double jump_gain_usd(const InstrumentTerms& terms, double underlying_ratio, double settlement_ratio);

/// Rules of a model for the assets and instruments of a book. The book must outlive this.
class CollateralRules {
 public:
  CollateralRules(const Book& market, const Model& model, const ColumnPlan& columns);

  BalanceValue value(const CollateralBalance& balance) const;
  /// USD gained when pegs break.
  double depeg_gain_usd(const CollateralBalance& balance) const { return gain_usd(balance.asset, balance.amount); }
  /// With what the position is worth to the balance in its settlement currency.
  double depeg_gain_usd(const Position& position) const;

 private:
  double gain_usd(UnderlyingId asset, double amount) const;

  const Book& market_;
  const ColumnPlan& columns_;
  std::vector<double> haircut_;          // [underlying] share
  std::vector<double> fall_;             // [underlying] share
  std::vector<double> instrument_gain_;  // [instrument] of one contract when pegs break, USD
};

}  // namespace tailmargin
