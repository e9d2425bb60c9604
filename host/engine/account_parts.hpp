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

/// Builds a plan row by row, for tails alone: equity, notional and so on stay 0.
class AccountRows {
 public:
  explicit AccountRows(const ColumnPlan& columns) : columns_(columns) { plan_.offsets.push_back(0); }

  /// Adds the exposures [first, last) of `accounts`, whole underlyings, to the row.
  void add(const AccountPlan& accounts, std::uint64_t first, std::uint64_t last);
  /// Adds all exposures to one column.
  void add_only(std::uint32_t column, double quantity);
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
