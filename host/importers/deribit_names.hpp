// What an instrument's name says of its terms, as Deribit forms them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tailmargin/book.hpp"

namespace tailmargin::importers {

struct NamedTerms {
  Instrument terms;  ///< name, kind, payoff, expiry, strike, option type, and the contract size customary there
  std::string underlying, settlement;
  bool is_size_known = true;  ///< false for linear contracts: their size is not in the name
};

/// BTC-PERPETUAL, BTC-27MAR26, BTC-27MAR26-80000-C, SOL_USDC-PERPETUAL, XRP_USDC-27MAR26-1d35-P, BTC_USDC. Nothing
/// for other names, such as combinations.
std::optional<NamedTerms> terms_from_deribit_name(std::string_view name);

/// 27MAR26 at 08:00Z, when contracts expire there.
std::optional<UtcTime> deribit_expiry(std::string_view date);

}  // namespace tailmargin::importers
