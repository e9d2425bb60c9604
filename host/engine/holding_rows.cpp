#include "host/engine/holding_rows.hpp"

#include <algorithm>

namespace tailmargin {
namespace {

bool moves(const CollateralBalance& balance) { return balance.asset != no_underlying && balance.amount != 0.0; }

/// [position] all contracts that the account has of the position's instrument.
std::vector<double> whole_positions(const std::vector<Position>& positions) {
  std::vector<double> out(positions.size());
  for (std::size_t first = 0, last = 0; first < positions.size(); first = last) {
    double whole = 0.0;
    for (; last < positions.size() && positions[last].instrument == positions[first].instrument; ++last) {
      whole += positions[last].quantity;
    }
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(first), out.begin() + static_cast<std::ptrdiff_t>(last), whole);
  }
  return out;
}

}  // namespace

std::vector<HoldingShare> list_holdings(const Book& book, const Holdings& held) {
  std::vector<HoldingShare> out;
  for (const Position& p : held.positions) {
    out.push_back({p.instrument, book.instruments[p.instrument].underlying, p.quantity, p.entry_price, {}});
  }
  for (const CollateralBalance& b : held.collateral) {
    if (moves(b)) { out.push_back({{}, b.asset, b.amount, {}, {}}); }
  }
  return out;
}

void HoldingRows::add(const std::string& account, const Holdings& held) {
  AccountId number = names_.size();
  for (const Position& p : held.positions) { add(p, number, positions_); }
  for (const CollateralBalance& b : held.collateral) { add(b, number, collateral_); }
  for (const Position& p : held.positions) { add(p, ++number, positions_); }
  for (const CollateralBalance& b : held.collateral) {
    if (moves(b)) { add(b, ++number, collateral_); }
  }
  names_.resize(number + 1, account);
  const std::vector<double> whole = whole_positions(held.positions);
  for (int once_more = 0; once_more < 2; ++once_more) {  // of the account, then of the holdings
    closed_with_.insert(closed_with_.end(), whole.begin(), whole.end());
  }
}

AccountPlan HoldingRows::prepare(const Book& market, const ColumnPlan& columns) const {
  Diagnostics diagnostics;
  AccountPlan plan = prepare_accounts(market, {names_, positions_, collateral_, closed_with_}, columns, diagnostics);
  if (diagnostics.has_errors()) { throw InputError(std::move(diagnostics)); }
  return plan;
}

}  // namespace tailmargin
