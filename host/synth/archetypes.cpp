// Who trades: the table, and what is left of it in a market that lacks some instruments.
#include <string>

#include "host/synth/market_index.hpp"
#include "host/synth/synth.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin::synth {
namespace {

bool supports(const MarketIndex& market, ArchetypeId id) {
  switch (id) {
    case ArchetypeId::alt_book: return market.alt_perpetuals.ids.size() >= 3;
    case ArchetypeId::basis: return !market.outrights.ids.empty();
    case ArchetypeId::calendar: return !market.futures_pairs.empty() || !market.calendar_chains.empty();
    case ArchetypeId::covered_call:
    case ArchetypeId::spread:
    case ArchetypeId::strangle:
    case ArchetypeId::market_maker: return !market.chains.empty();
    case ArchetypeId::holder: return market.coins.ids.size() >= 2;
    case ArchetypeId::retail: return !market.outrights.ids.empty() || !market.options.ids.empty();
  }
  return false;
}

}  // namespace

// Shares and leverages are our choice. Retail's leverage leans on the source of the account sizes (exchange.cpp),
// where the median is 0.43 and one in twenty has more than 6.5: accounts that survived a crash, so a little more here.
const std::array<Archetype, num_archetypes>& archetypes() {
  static const std::array<Archetype, num_archetypes> table = {{
      {ArchetypeId::alt_book,
       "alt-book",
       "alt-coin perpetuals, long and short",
       {.03, .08, .12, .12, .08},
       1.5,
       0.6,
       6.0},
      {ArchetypeId::basis,
       "basis",
       "coin or spot against a perpetual or future",
       {.01, .04, .10, .16, .18},
       2.0,
       0.4,
       6.0},
      {ArchetypeId::calendar, "calendar", "two expiries against each other", {.00, .01, .03, .06, .06}, 4.0, 0.6, 15.0},
      {ArchetypeId::covered_call,
       "covered-call",
       "coins held, calls on them sold",
       {.00, .02, .06, .09, .08},
       0.8,
       0.2,
       1.0},
      {ArchetypeId::holder,
       "holder",
       "collateral in several coins, little trading",
       {.05, .10, .14, .14, .10},
       0.4,
       0.7,
       2.0},
      {ArchetypeId::market_maker,
       "market-maker",
       "hundreds of options, delta-hedged",
       {.00, .00, .00, .06, .33},
       8.0,
       0.4,
       20.0},
      {ArchetypeId::retail, "retail", "one instrument, one direction", {.91, .70, .42, .20, .05}, 1.0, 1.1, 20.0},
      {ArchetypeId::spread, "spread", "vertical and ratio spreads", {.00, .04, .08, .08, .05}, 1.5, 0.6, 6.0},
      {ArchetypeId::strangle,
       "strangle",
       "out-of-the-money puts and calls sold",
       {.00, .01, .05, .09, .07},
       1.2,
       0.5,
       4.0},
  }};
  return table;
}

ArchetypePlan plan_archetypes(const MarketIndex& market) {
  ArchetypePlan plan;
  std::array<double, num_bands> supported{};
  for (std::size_t a = 0; a < num_archetypes; ++a) {
    const Archetype& archetype = archetypes()[a];
    if (!supports(market, archetype.id)) {
      plan.notes.push_back(std::string("no ") + archetype.slug + " accounts (the market lacks the instruments for: " +
                           archetype.description + "). Their share goes to the other kinds.");
      continue;
    }
    for (std::size_t b = 0; b < num_bands; ++b) {
      plan.share_in_band[a][b] = archetype.share_in_band[b];
      supported[b] += archetype.share_in_band[b];
    }
  }
  if (!supports(market, ArchetypeId::retail)) {
    throw UsageError(
        "the market has no perpetual, future or option that can be traded at its as_of (accounts would "
        "have nothing to hold). Import or name another market.");
  }
  for (std::size_t a = 0; a < num_archetypes; ++a) {
    for (std::size_t b = 0; b < num_bands; ++b) {
      plan.share_in_band[a][b] /= supported[b];
      plan.share[a] += band_width[b] * plan.share_in_band[a][b];
    }
  }
  return plan;
}

ArchetypePlan plan_archetypes(const Book& market) { return plan_archetypes(MarketIndex(market)); }

}  // namespace tailmargin::synth
