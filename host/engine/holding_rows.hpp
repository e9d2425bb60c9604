// Holdings of accounts as accounts of their own, so that a pass tells what each of them loses.
#pragma once

#include <string>
#include <vector>

#include "host/prepare/prepare_run.hpp"
#include "host/prepare/trades.hpp"
#include "tailmargin/holding_share.hpp"

namespace tailmargin {

/// Positions in the book's order, then the balances that move; their shares are not known yet.
std::vector<HoldingShare> list_holdings(const Book& book, const Holdings& held);

/// Builds a plan account by account: each as a whole, then every holding of list_holdings() as an account of its own,
/// so that it has what its value adds to the balance of its settlement currency, and closes as the account's whole
/// position does.
class HoldingRows {
 public:
  void add(const std::string& account, const Holdings& held);

  std::uint64_t num_rows() const { return names_.size(); }
  /// @throws InputError
  AccountPlan prepare(const Book& market, const ColumnPlan& columns) const;

 private:
  template <class Row>
  static void add(Row row, AccountId number, std::vector<Row>& to) {
    row.account = number;
    to.push_back(row);
  }

  std::vector<std::string> names_;
  std::vector<Position> positions_;
  std::vector<CollateralBalance> collateral_;
  std::vector<double> closed_with_;  // [position]
};

}  // namespace tailmargin
