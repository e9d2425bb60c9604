// Parts of accounts as accounts of their own, so that one pass margins them too.
#pragma once

#include <cstdint>
#include <vector>

#include "host/prepare/prepared_run.hpp"

namespace tailmargin {

/// Where an account's exposures to one underlying lie: [first, last) of the plan.
struct UnderlyingRange {
  std::uint64_t account = 0, first = 0, last = 0;
};

/// Of all accounts, in order.
std::vector<UnderlyingRange> underlying_ranges(const AccountPlan& accounts);

/// What an account holds of each asset and instrument, as take(first, last): exposures [first, last) of the plan, one
/// for each time at which a part of it closes.
template <class Take>
void for_each_holding(const ColumnPlan& columns, const AccountPlan& accounts, std::uint64_t account, Take take) {
  const std::uint64_t last = accounts.offsets[account + 1];
  for (std::uint64_t first = accounts.offsets[account], end = first; first < last; first = end) {
    const std::uint32_t of = columns.first_column(accounts.columns[first].column());
    while (end < last && columns.first_column(accounts.columns[end].column()) == of) { ++end; }
    take(first, end);
  }
}

/// Builds a plan row by row, for tails alone: equity, notional and so on stay 0.
class AccountRows {
 public:
  explicit AccountRows(const ColumnPlan& columns) : columns_(columns) { plan_.offsets.push_back(0); }

  /// Adds the exposures [first, last) of `accounts`, whole underlyings, to the row.
  void add(const AccountPlan& accounts, std::uint64_t first, std::uint64_t last);
  /// Adds all exposures to one column.
  void add_only(std::uint32_t column, double quantity);
  /// Adds the exposures [first, last) of `accounts`, all to one underlying, and no others to it.
  void add_only(const AccountPlan& accounts, std::uint64_t first, std::uint64_t last);
  void end_row();

  std::uint64_t num_rows() const { return plan_.offsets.size() - 1; }
  const AccountPlan& plan() const { return plan_; }

 private:
  void add(PositionColumn column, double quantity);

  const ColumnPlan& columns_;
  AccountPlan plan_;
  double rounding_ = 0.0;
};

}  // namespace tailmargin
