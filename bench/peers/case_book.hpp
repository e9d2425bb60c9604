// The book of a case: every account holds the same number of positions, drawn from all instruments alike, so that a
// rate means the same at any size.
#pragma once

#include <cstdint>

#include "tailmargin/book.hpp"

namespace tailmargin::peers {

struct CaseSize {
  std::uint64_t accounts = 1000;
  std::uint32_t positions = 50;  ///< of each account
  std::uint32_t instruments = 2000;
  std::uint64_t paths = 20'000;
  std::uint64_t seed = 1;
};

/// Instruments of the made-up market (all but options, then options spread evenly over the chains), and accounts with
/// positions of about 10,000 USD each, either side, entered at the mark.
/// @param horizon_seconds  options that expire by then are left out: peers price, they do not settle
/// @throws UsageError if the market has fewer instruments, or an account more positions than there are instruments
Book make_case_book(const CaseSize& size, std::int64_t horizon_seconds);

}  // namespace tailmargin::peers
