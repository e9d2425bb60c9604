// A book over several venues, built row by row.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "tests/support/small_book.hpp"

namespace tailmargin::test {

/// Adds rows at venues to a maker's market. Accounts, and for each of them venues, come in the order of their names.
class VenueBook {
 public:
  explicit VenueBook(BookMaker maker, std::vector<std::string> venues) : maker_(std::move(maker)) {
    maker_.edit().by_venue.venues = std::move(venues);
  }

  VenueBook& hold(AccountId account, std::uint32_t venue, InstrumentId instrument, double quantity) {
    maker_.edit().by_venue.positions.push_back({part(account, venue), instrument, quantity, {}});
    std::vector<Position>& all = maker_.edit().positions;
    const auto same = std::find_if(
        all.begin(), all.end(), [&](const Position& p) { return p.account == account && p.instrument == instrument; });
    if (same != all.end()) {
      same->quantity += quantity;
    } else {
      maker_.hold(account, instrument, quantity);
    }
    return *this;
  }

  VenueBook& deposit(AccountId account, std::uint32_t venue, UnderlyingId asset, double amount) {
    maker_.edit().by_venue.collateral.push_back({part(account, venue), asset, amount});
    std::vector<CollateralBalance>& all = maker_.edit().collateral;
    const auto same = std::find_if(
        all.begin(), all.end(), [&](const CollateralBalance& b) { return b.account == account && b.asset == asset; });
    if (same != all.end()) {
      same->amount += amount;
    } else {
      maker_.deposit(account, asset, amount);
    }
    return *this;
  }

  const Book& book() const { return maker_.book(); }

 private:
  AccountId part(AccountId account, std::uint32_t venue) {
    std::vector<VenuePart>& parts = maker_.edit().by_venue.parts;
    if (parts.empty() || parts.back().account != account || parts.back().venue != venue) {
      parts.push_back({account, venue});
    }
    return parts.size() - 1;
  }

  BookMaker maker_;
};

}  // namespace tailmargin::test
