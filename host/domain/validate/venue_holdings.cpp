#include "host/domain/validate/venue_holdings.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>

namespace tailmargin {
namespace {

/// Venues that rows name, numbered by name.
struct UsedVenues {
  std::vector<std::string> names;     ///< sorted
  std::vector<std::uint32_t> number;  ///< [venue of a row], of those that are used
};

UsedVenues find_used(const std::vector<Holding>& positions, const std::vector<Holding>& collateral,
                     const NameTable& venues) {
  std::vector<char> used(venues.size(), 0);
  for (const auto* rows : {&positions, &collateral}) {
    for (const Holding& row : *rows) used[row.venue] = 1;
  }
  const std::vector<std::uint32_t> rank = venues.ranks();
  std::vector<std::uint32_t> by_rank(venues.size());
  for (std::uint32_t v = 0; v < venues.size(); ++v) by_rank[rank[v]] = v;
  UsedVenues out{{}, std::vector<std::uint32_t>(venues.size())};
  for (const std::uint32_t v : by_rank) {
    if (!used[v]) continue;
    out.number[v] = static_cast<std::uint32_t>(out.names.size());
    out.names.emplace_back(venues.name(v));
  }
  return out;
}

/// By account, venue and item. There is one row of each, or the book is refused.
std::vector<Holding> sorted(std::vector<Holding> rows, const std::vector<std::uint32_t>& account_rank,
                            const UsedVenues& venues) {
  for (Holding& row : rows) {
    row.account = account_rank[row.account];
    row.venue = venues.number[row.venue];
  }
  std::sort(rows.begin(), rows.end(), [](const Holding& a, const Holding& b) {
    return std::tie(a.account, a.venue, a.item, a.row) < std::tie(b.account, b.venue, b.item, b.row);
  });
  return rows;
}

bool is_before(const VenuePart& a, const VenuePart& b) {
  return std::tie(a.account, a.venue) < std::tie(b.account, b.venue);
}

VenuePart part_of(const Holding& row) { return {row.account, row.venue}; }

/// The parts of two sorted lists of rows, sorted.
std::vector<VenuePart> list_parts(const std::vector<Holding>& positions, const std::vector<Holding>& collateral) {
  std::vector<VenuePart> parts;
  const auto add = [&](const Holding& row) {
    if (parts.empty() || is_before(parts.back(), part_of(row))) parts.push_back(part_of(row));
  };
  std::size_t p = 0, c = 0;
  while (p < positions.size() || c < collateral.size()) {
    const bool take_position =
        c == collateral.size() || (p < positions.size() && !is_before(part_of(collateral[c]), part_of(positions[p])));
    add(take_position ? positions[p++] : collateral[c++]);
  }
  return parts;
}

/// Calls add(row, part) for each of the sorted rows.
template <class Add>
void for_each_part(const std::vector<Holding>& rows, const std::vector<VenuePart>& parts, Add add) {
  AccountId part = 0;
  for (const Holding& row : rows) {
    while (is_before(parts[part], part_of(row))) ++part;
    add(row, part);
  }
}

}  // namespace

Position position_of(const Holding& holding) {
  const auto entry = std::isnan(holding.entry_price) ? std::nullopt : std::optional(holding.entry_price);
  return {holding.account, holding.item, holding.amount, entry};
}

VenueHoldings holdings_by_venue(const std::vector<Holding>& positions, const std::vector<Holding>& collateral,
                                const std::vector<std::uint32_t>& account_rank, const NameTable& venues) {
  UsedVenues used = find_used(positions, collateral, venues);
  VenueHoldings out;
  if (used.names.size() < 2) return out;
  const std::vector<Holding> by_venue = sorted(positions, account_rank, used),
                             balances = sorted(collateral, account_rank, used);
  out.venues = std::move(used.names);
  out.parts = list_parts(by_venue, balances);
  for_each_part(by_venue, out.parts, [&](const Holding& row, AccountId part) {
    out.positions.push_back(position_of(row));
    out.positions.back().account = part;
  });
  for_each_part(balances, out.parts, [&](const Holding& row, AccountId part) {
    out.collateral.push_back({part, row.item, row.amount});
  });
  return out;
}

}  // namespace tailmargin
