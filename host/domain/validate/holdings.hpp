// What accounts hold, while it is read: one record a row, positions and collateral alike.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "host/domain/validate/problem_log.hpp"

namespace tailmargin {

/// A row of positions (item = instrument) or collateral (item = asset). 40 bytes: there are tens of millions.
struct Holding {
  std::uint32_t account = 0;
  std::uint32_t item = 0;
  std::uint32_t venue = 0;
  double amount = 0.0;
  double entry_price = std::numeric_limits<double>::quiet_NaN();  ///< NaN: none
  std::uint64_t row = 0;
};

/// Sorts by account and item and sums what is held of one item at several venues, in an order that does not depend
/// on the order of rows. Rows with different entry prices are not summed: their profit differs. A second row of the
/// same account, item and venue is a problem of `field`.
/// @param account_rank  [account of a row] -> rank by name; the accounts returned are ranks
/// @param item_name     of an item, for the problem's value
std::vector<Holding> merge_holdings(std::vector<Holding> rows, const std::vector<std::uint32_t>& account_rank,
                                    const char* field, const std::function<std::string(std::uint32_t)>& item_name,
                                    ProblemLog& problems);

}  // namespace tailmargin
