// A made-up but realistic exchange: for trying the tool, for tests and for benches. Rules: docs/synth.md.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tailmargin/book.hpp"

namespace tailmargin {

struct SynthConfig {
  std::uint64_t num_accounts = 10'000;
  std::uint64_t seed = 1;
};

namespace synth {

/// Kinds of accounts, sorted by slug: accounts are written in this order.
enum class ArchetypeId : std::uint8_t {
  alt_book,
  basis,
  calendar,
  covered_call,
  holder,
  market_maker,
  retail,
  spread,
  strangle
};
inline constexpr std::size_t num_archetypes = 9;

/// Bands of account size by rank: poorer half, next 30 %, next 15 %, next 4 %, richest 1 %.
inline constexpr std::size_t num_bands = 5;
inline constexpr std::array<double, num_bands> band_width = {0.50, 0.30, 0.15, 0.04, 0.01};

/// Who trades, how often, how large.
struct Archetype {
  ArchetypeId id;
  const char* slug;  ///< account names are slug-000123
  const char* description;
  std::array<double, num_bands> share_in_band;  ///< part of the accounts of each size; over all archetypes 1
  double leverage_median;                       ///< gross notional over equity
  double leverage_log_sd;
  double leverage_max;
};

/// The stated shares, before a market's limits.
const std::array<Archetype, num_archetypes>& archetypes();

/// Shares that a market can support.
struct ArchetypePlan {
  std::array<std::array<double, num_bands>, num_archetypes> share_in_band{};
  std::array<double, num_archetypes> share{};  ///< of all accounts
  std::vector<std::string> notes;              ///< one line per archetype that was left out
};

/// @throws UsageError if nothing can be traded in the market
ArchetypePlan plan_archetypes(const Book& market);

}  // namespace synth

/// About 20 coins with spot, perpetuals, dated futures and option chains, at a fixed moment. The seed moves levels,
/// smiles, funding and open interest a little.
Book make_market(std::uint64_t seed);

/// Accounts trading a market. Same market and configuration, same book, whatever the platform; account i is the
/// same for any number of accounts. Time is linear in the number of accounts.
/// @param market  sorted, as read_book and make_market return it; its positions and collateral are not used
/// @throws UsageError if nothing can be traded in the market or no account is asked for
Book make_exchange(const Book& market, SynthConfig config);

}  // namespace tailmargin
