// Crowding: what is liquidated on a path, over all accounts, moves the path's prices, and everybody is margined on them
// once more. Formulas: docs/methodology.md, "Crowding".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tailmargin/diagnostics.hpp"
#include "tailmargin/exchange.hpp"

namespace tailmargin {

/// What tells an account, and what it holds, from others: numbers in place of names and rows.
struct AccountMark {
  std::uint64_t name = 0, holdings = 0;

  friend bool operator==(const AccountMark&, const AccountMark&) = default;
};

/// What liquidations of a set of accounts add up to on every path of a run. Whole numbers, so that those of the parts
/// of a book add up to those of the book.
struct PathLiquidations {
  std::uint64_t scenarios = 0;  ///< a number of all that the paths come from
  std::uint64_t num_accounts = 0;
  std::uint64_t num_paths = 0;
  std::vector<std::uint64_t> accounts;    ///< [path] how many are liquidated
  std::vector<std::int64_t> delta_cents;  ///< [underlying][path] net delta that they held, cents: positive, it is sold
  std::uint64_t model = 0;                ///< a number of what margins that decide come from; 0: not told
  std::vector<AccountMark> marks;         ///< of all accounts, by rising name; empty: not told
  std::vector<std::string> files;         ///< that they were read from, for messages
};

/// What is wrong with parts that are to be added up, as far as they tell it: other paths or another model than the
/// first part's, accounts that are in a part before. Problems stand under the part's file.
void check_parts(const std::vector<PathLiquidations>& parts, Diagnostics& diagnostics);

/// Adds parts of a book with different accounts.
/// @throws UsageError if there is no part, if anything is wrong with the parts, or if a sum is too large for 64 bits
PathLiquidations join_liquidations(const std::vector<PathLiquidations>& parts);

/// An account with and without crowding. USD. The figures without are the run's own, but of a run of the reference
/// backend they are computed once more as the cpu backend does, so that both are of one arithmetic.
struct CrowdedFigures {
  double liquidation_probability = 0.0;  ///< that its equity less haircut falls below its maintenance margin
  double es_usd = 0.0, es_se_usd = 0.0;  ///< without
  double initial_margin_usd = 0.0;       ///< without
  double crowded_es_usd = 0.0, crowded_es_se_usd = 0.0;
  double crowded_initial_margin_usd = 0.0;
  double crowded_shortfall_probability = 0.0, crowded_uncovered_loss_usd = 0.0;

  double crowding_usd() const { return crowded_es_usd - es_usd; }
};

/// Positions closed against counterparties that gained, because accounts lack more than the insurance fund holds.
struct Deleveraging {
  PathEstimate expected_usd;  ///< notional
  double worst_usd = 0.0;     ///< of the worst path
  std::uint32_t worst_path = 0;
};

/// All accounts together, in one round.
struct CrowdingRound {
  PathEstimate liquidated;                   ///< number of accounts that are
  ExchangeShortfall shortfall;               ///< without the parts of accounts
  std::optional<Deleveraging> deleveraging;  ///< if there is an insurance fund
};

/// How liquidations move the price of one underlying. Moves are of the log price.
struct CrowdedPrice {
  std::string underlying;
  double day_vol = 0.0;       ///< of the regime whose vols impact is measured in
  double depth_usd = 0.0;     ///< 0: not known, so that the price does not move
  double probability = 0.0;   ///< that the delta liquidated is not 0
  double mean_move = 0.0;     ///< where it is not
  double capped = 0.0;        ///< probability that the move is cut to the largest one
  double largest_move = 0.0;  ///< the largest either way, with its sign, and the
  std::uint32_t path = 0;     ///< path it is on, with the
  double delta_usd = 0.0;     ///< net delta liquidated there
};

struct CrowdingReport {
  CrowdingRound without, with;
  std::vector<CrowdedPrice> prices;  ///< of the underlyings of which anything is liquidated on some path
};

}  // namespace tailmargin
