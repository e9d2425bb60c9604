#include "host/prepare/trades.hpp"

#include <algorithm>
#include <set>

#include "host/prepare/prepare_run.hpp"

namespace tailmargin {
namespace {

/// The rows of an account among rows sorted by account.
template <class Row>
std::pair<typename std::vector<Row>::const_iterator, typename std::vector<Row>::const_iterator> rows_of(
    const std::vector<Row>& rows, AccountId account) {
  const auto first = std::lower_bound(rows.begin(), rows.end(), account,
                                      [](const Row& row, AccountId of) { return row.account < of; });
  const auto last =
      std::upper_bound(first, rows.end(), account, [](AccountId of, const Row& row) { return of < row.account; });
  return {first, last};
}

void add_balance(AccountId account, UnderlyingId asset, double amount, std::vector<CollateralBalance>& collateral) {
  if (amount == 0.0) { return; }
  const auto place = std::lower_bound(collateral.begin(), collateral.end(), asset,
                                      [](const CollateralBalance& b, UnderlyingId of) { return b.asset < of; });
  if (place != collateral.end() && place->asset == asset) {
    place->amount += amount;
  } else {
    collateral.insert(place, {account, asset, amount});
  }
}

template <class Row>
void replace_rows(AccountId account, const std::vector<Row>& held, std::vector<Row>& rows) {
  const auto [first, last] = rows_of(rows, account);
  const auto place = first - rows.cbegin();
  rows.erase(first, last);
  rows.insert(rows.begin() + place, held.begin(), held.end());
}

}  // namespace

Holdings holdings_of(const Book& book, AccountId account) {
  const auto positions = rows_of(book.positions, account);
  const auto collateral = rows_of(book.collateral, account);
  return {{positions.first, positions.second}, {collateral.first, collateral.second}};
}

std::vector<UnderlyingId> moving_underlyings(const Book& book, const Holdings& holdings) {
  std::set<UnderlyingId> all;
  for (const Position& p : holdings.positions) {
    all.insert({book.instruments[p.instrument].underlying, book.instruments[p.instrument].settlement});
  }
  for (const CollateralBalance& b : holdings.collateral) {
    if (b.amount != 0.0) { all.insert(b.asset); }
  }
  all.erase(no_underlying);
  return {all.begin(), all.end()};
}

void apply_trade(const Book& market, const ColumnPlan& columns, AccountId account, const Trade& trade,
                 Holdings& holdings) {
  std::vector<Position>& positions = holdings.positions;
  auto place = std::lower_bound(positions.begin(), positions.end(), trade.instrument,
                                [](const Position& p, InstrumentId of) { return p.instrument < of; });
  if (place == positions.end() || place->instrument != trade.instrument) {
    place = positions.insert(place, {account, trade.instrument, 0.0, {}});
  }
  const double before = position_value(market, columns, *place);
  place->quantity += trade.quantity;
  const double after = position_value(market, columns, *place);
  if (place->quantity == 0.0) { positions.erase(place); }
  add_balance(account, market.instruments[trade.instrument].settlement, before - after, holdings.collateral);
}

Book book_after(const Book& book, const ColumnPlan& columns, AccountId account, const std::vector<Trade>& trades) {
  Holdings holdings = holdings_of(book, account);
  for (const Trade& trade : trades) { apply_trade(book, columns, account, trade, holdings); }
  Book out = book;
  replace_rows(account, holdings.positions, out.positions);
  replace_rows(account, holdings.collateral, out.collateral);
  out.by_venue = {};  // a trade names no venue
  return out;
}

}  // namespace tailmargin
