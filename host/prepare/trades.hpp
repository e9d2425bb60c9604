// What an account holds, and the same after a trade.
#pragma once

#include <vector>

#include "host/prepare/prepared_run.hpp"
#include "tailmargin/whatif.hpp"

namespace tailmargin {

/// The rows of one account, sorted as book.hpp says.
struct Holdings {
  std::vector<Position> positions;
  std::vector<CollateralBalance> collateral;
};

Holdings holdings_of(const Book& book, AccountId account);

/// What moves the holdings: their underlyings and the currencies they settle in. Rising.
std::vector<UnderlyingId> moving_underlyings(const Book& book, const Holdings& holdings);

/// Trades at mark. The quantity joins the account's first position in the instrument, or a new one without entry price;
/// the change in what the position is worth (position_value) is paid from, or into, the balance in its settlement
/// currency. So the account is worth the same, and holds that balance's currency as before.
void apply_trade(const Book& market, const ColumnPlan& columns, AccountId account, const Trade& trade,
                 Holdings& holdings);

/// The whole book after the account's trades.
Book book_after(const Book& book, const ColumnPlan& columns, AccountId account, const std::vector<Trade>& trades);

}  // namespace tailmargin
