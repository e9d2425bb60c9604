// What all accounts of an exchange lack together: shortfalls on the same paths, added up. Formulas:
// docs/methodology.md, "Shortfall of the exchange".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tailmargin {

/// Summed shortfalls of a set of accounts on every path of a run, in cents: whole numbers, so that those of the parts
/// of a book add up to those of the book.
struct PathShortfalls {
  std::uint64_t scenarios = 0;  ///< a number of all that the paths come from
  std::uint64_t num_accounts = 0;
  std::uint64_t num_short_accounts = 0;  ///< that fall short on some path
  std::uint32_t num_replicates = 0;      ///< path p is of replicate p % num_replicates; 0: paths are independent
  std::vector<std::uint32_t> weights;    ///< [path]; empty: all one
  std::vector<std::int64_t> sum;         ///< [path] over accounts
  std::vector<std::int64_t> largest;     ///< [path] of one account
  std::vector<std::int64_t> second;      ///< [path] of the next
};

/// Adds parts of a book with different accounts.
/// @throws UsageError if there is no part, if parts are not of the same paths, or if a sum is too large for 64 bits
PathShortfalls join_shortfalls(const std::vector<PathShortfalls>& parts);

/// A statistic over paths and its standard error.
struct PathEstimate {
  double value = 0.0, standard_error = 0.0;
};

/// The worst paths at one level.
struct ShortfallLevel {
  double confidence = 0.0;
  PathEstimate quantile_usd, es_usd;    ///< of the summed shortfall
  PathEstimate cover_two_quantile_usd;  ///< of the largest two accounts' together, path by path
};

/// How far an insurance fund goes.
struct FundUse {
  double fund_usd = 0.0;
  PathEstimate used_usd;    ///< expected: the summed shortfall up to the fund
  PathEstimate exceeded;    ///< probability that the summed shortfall is above the fund
  PathEstimate excess_usd;  ///< expected shortfall beyond the fund: what is left to auto-deleveraging
};

/// An account's part in the mean of the summed shortfall over the worst paths.
struct ShortfallPart {
  std::string account;
  double part_usd = 0.0;
  double share = 0.0;  ///< of that mean
};

struct ExchangeShortfall {
  std::uint64_t num_accounts = 0, num_short_accounts = 0;
  PathEstimate expected_usd;           ///< of the summed shortfall
  PathEstimate probability;            ///< that any account falls short
  std::vector<ShortfallLevel> levels;  ///< 0.99 and 0.999, where a path or more lies beyond
  std::optional<FundUse> fund;
  std::uint64_t num_worst_paths = 0;   ///< that weigh 1 % together or as much of it as whole paths do; at least one
  double worst_mean_usd = 0.0;         ///< of the summed shortfall over them
  std::vector<ShortfallPart> largest;  ///< the accounts with the largest parts in it, largest first; at most 20
  std::uint64_t num_others = 0;        ///< accounts with a part that are not among these
  double others_usd = 0.0, others_share = 0.0;
};

/// Everything but the parts of accounts.
/// @param fund_usd  >= 0
ExchangeShortfall summarise_shortfalls(const PathShortfalls& paths, std::optional<double> fund_usd);

}  // namespace tailmargin
