// Margin terms that need no scenarios: what closing costs, and the minimum for options sold.
#pragma once

#include <string>
#include <vector>

#include "host/prepare/prepared_run.hpp"
#include "tailmargin/book.hpp"
#include "tailmargin/model.hpp"

namespace tailmargin {

/// What the terms ask of one contract of a column, USD; all 0 where the column is an asset, not an instrument.
struct ContractCosts {
  double spread_usd = 0.0;         ///< stressed half-spread
  double impact_usd = 0.0;         ///< impact of closing a whole day's volume, per contract
  double volume = 0.0;             ///< contracts a day; 0: it has no market of its own
  double hedge_volume = 0.0;       ///< contracts that the underlying's daily volume is worth; 0: not known
  double short_minimum_usd = 0.0;  ///< options: for a contract sold
};

/// Standard deviation of an underlying's log price over a day in a regime; 0 if there is none of this name.
double day_vol(const Model& model, const std::string& regime, const std::string& underlying);

/// [column] of the market of a book.
std::vector<ContractCosts> contract_costs(const Book& book, const Model& model, const ColumnPlan& columns);

/// Half-spreads and square-root impact of closing every position of an account, whole positions, whenever their parts
/// close.
double liquidity_cost(const ColumnPlan& columns, const AccountPlan& accounts, std::uint64_t account,
                      const std::vector<ContractCosts>& costs);

/// Sum over the options an account is short.
double short_option_minimum(const AccountPlan& accounts, std::uint64_t account,
                            const std::vector<ContractCosts>& costs);

}  // namespace tailmargin
