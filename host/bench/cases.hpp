// The named cases of `tailmargin bench` and the books they run on. What each is for: docs/performance.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tailmargin/book.hpp"

namespace tailmargin::bench {

/// The size of a made book; the same shape gives the same book on every platform. Account i does not depend on how many
/// accounts there are.
struct BookShape {
  std::uint64_t accounts = 0;
  std::uint32_t positions = 0;        ///< of every account, each in another instrument
  std::uint32_t instruments = 0;      ///< products first, the rest are options
  std::uint32_t chain_coins = 0;      ///< coins with option chains, futures, a perpetual and spot
  std::uint32_t perpetual_coins = 0;  ///< coins with a perpetual and spot only
};

/// Factors that the built-in model moves: nine of a coin with options, three of one with a perpetual, one of USDT.
inline constexpr std::uint32_t factors_of_chain_coin = 9, factors_of_perpetual_coin = 3, factors_of_stablecoin = 1;
std::uint32_t num_factors(const BookShape& shape);

enum class BookKind : std::uint8_t {
  made,      ///< make_book of the shape
  exchange,  ///< make_exchange: `tailmargin synth`; only the shape's number of accounts counts
};

/// What a case measures.
enum class Measured : std::uint8_t {
  margins,  ///< of all accounts, and the whole command
  whatif,   ///< one answer for the first account, on a prepared run
};

struct Case {
  std::string name;
  BookKind kind = BookKind::made;
  BookShape shape;
  std::uint64_t paths = 0;
  Measured measured = Measured::margins;
};

/// In the order they are listed.
const std::vector<Case>& cases();

/// @throws UsageError naming the cases there are
const Case& find_case(const std::string& name);

/// The book of a case. @throws UsageError if the shape cannot be made
Book make_book(const Case& of);

/// A book of exactly the shape: a market of coins with SSVI chains, and accounts that each trade a few coins.
/// @throws UsageError if there are too few instruments for the coins or the positions
Book make_book(const BookShape& shape);

/// The market alone.
Book make_case_market(const BookShape& shape);

/// Adds accounts, positions and collateral to a market.
void add_accounts(const BookShape& shape, Book& book);

}  // namespace tailmargin::bench
