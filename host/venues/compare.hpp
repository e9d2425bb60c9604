// Every account of a book under one method.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "host/venues/book_units.hpp"
#include "host/venues/margin.hpp"

namespace tailmargin::venues {

/// What one account has to hold by a method.
struct AccountRequirement {
  double initial_usd = 0.0, maintenance_usd = 0.0;
  std::uint32_t num_left_out = 0;  ///< positions and balances that the rule cannot express
};

/// Something that the method left out, and how many accounts hold it.
struct LeftOutCount {
  std::string what, reason;
  std::uint64_t num_accounts = 0;
};

struct BookRequirement {
  const Method* method = nullptr;
  std::vector<AccountRequirement> accounts;  ///< in the order of the book
  std::vector<LeftOutCount> left_out;        ///< by name, then reason
};

/// @param stop  checked between accounts; may be nullptr
/// @throws Interrupted if it was set
BookRequirement margin_book(const Book& book, const BookUnits& units, const Method& method,
                            const std::atomic<bool>* stop);

/// One account, with every term, and what was left out.
struct ExplainedMargin {
  const Method* method = nullptr;
  Margin margin;
  std::vector<LeftOut> left_out;
};

ExplainedMargin explain_account(const BookUnits& units, AccountId account, const Method& method);

}  // namespace tailmargin::venues
