#include "host/engine/account_parts.hpp"

#include <cmath>

namespace tailmargin {

std::vector<UnderlyingRange> underlying_ranges(const AccountPlan& accounts) {
  std::vector<UnderlyingRange> ranges;
  for (std::uint64_t a = 0; a + 1 < accounts.offsets.size(); ++a) {
    std::uint64_t first = accounts.offsets[a];
    for (std::uint64_t p = first; p < accounts.offsets[a + 1]; ++p) {
      if (!accounts.columns[p].last_of_underlying()) { continue; }
      ranges.push_back({a, first, p + 1});
      first = p + 1;
    }
  }
  return ranges;
}

void AccountRows::add(PositionColumn column, double quantity) {
  plan_.columns.push_back(column);
  plan_.quantities.push_back(quantity);
  rounding_ += std::fabs(quantity) * columns_.column_scale_usd[column.column()];
}

void AccountRows::add(const AccountPlan& accounts, std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t p = first; p < last; ++p) { add(accounts.columns[p], accounts.quantities[p]); }
}

void AccountRows::add_only(std::uint32_t column, double quantity) {
  add(PositionColumn{column | PositionColumn::last_flag}, quantity);
}

void AccountRows::add_only(const AccountPlan& accounts, std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t p = first; p < last; ++p) {
    const std::uint32_t flag = p + 1 == last ? PositionColumn::last_flag : 0u;
    add(PositionColumn{accounts.columns[p].column() | flag}, accounts.quantities[p]);
  }
}

void AccountRows::end_row() {
  plan_.offsets.push_back(plan_.columns.size());
  plan_.rounding_scale_usd.push_back(rounding_);
  for (std::vector<double>* unused : {&plan_.equity_usd, &plan_.gross_notional_usd, &plan_.net_delta_usd}) {
    unused->push_back(0.0);
  }
  plan_.num_positions.push_back(0);
  rounding_ = 0.0;
}

}  // namespace tailmargin
