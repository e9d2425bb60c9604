// A book as venues' rules see it: positions of an account as units of coins and USD.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "host/venues/method.hpp"
#include "host/venues/positions.hpp"
#include "tailmargin/book.hpp"

namespace tailmargin::venues {

/// What a rule cannot express, and why. Never dropped without a word.
struct LeftOut {
  std::string what;    ///< name of the instrument, or of the asset of a balance
  std::string reason;  ///< what is wrong (why it matters).
};

struct AccountView {
  Portfolio portfolio;
  std::vector<LeftOut> left_out;
};

/// Instruments of a book in coins and USD, made once; then the units of any account under any method.
class BookUnits {
 public:
  /// @param book  must outlive this
  explicit BookUnits(const Book& book);

  /// Inverse contracts count as the coins their USD size buys at their mark. Spot positions and balances of a coin are
  /// collateral: they are in a unit only if its group moves collateral. Linear contracts are counted in USD at the
  /// price of their settlement currency now.
  AccountView view(AccountId account, const Method& method) const;

 private:
  /// One contract, or why no rule can express it. A string: the reason; monostate: spot.
  using UnitContract = std::variant<std::monostate, std::string, OptionLeg, DeltaOneLeg>;

  UnitContract contract(InstrumentId instrument) const;
  UnitContract option_contract(InstrumentId instrument, double quote_usd) const;

  const Book& book_;
  std::vector<UnitContract> contracts_;                      ///< [instrument]
  std::vector<std::size_t> first_position_, first_balance_;  ///< [account], and the end
};

/// A linear contract's settlement currency may be this far from 1 USD; further, the contract is a quanto.
inline constexpr double max_stable_deviation = 0.2;

}  // namespace tailmargin::venues
