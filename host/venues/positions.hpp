// What a venue's rule sees of an account: the positions in one underlying, in coins and USD. Plain records.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tailmargin::venues {

/// What profit is paid in: the coin itself (inverse contracts), or USD and what stands for it.
enum class Settlement : std::uint8_t { coin, usd };

/// Options of one series.
struct OptionLeg {
  std::string name;             ///< of the instrument, for reports
  double quantity = 0.0;        ///< coins, signed
  double sign = 1.0;            ///< +1 call, -1 put
  double strike_usd = 0.0;      ///< > 0
  double forward_usd = 0.0;     ///< of the expiry, > 0
  double vol = 0.0;             ///< per year, >= 0; 0 gives intrinsic values
  double seconds = 0.0;         ///< to expiry, > 0
  double mark_usd = 0.0;        ///< market value of one coin's option, >= 0
  std::string settled_in = {};  ///< name of the settlement currency
};

enum class DeltaOneKind : std::uint8_t { perpetual, future };

/// Perpetuals or futures of one contract.
struct DeltaOneLeg {
  std::string name;
  double quantity = 0.0;  ///< coins, signed; an inverse contract has its USD size over its price
  DeltaOneKind kind = DeltaOneKind::perpetual;
  double price_usd = 0.0;  ///< its mark, > 0
  double seconds = 0.0;    ///< to expiry; futures only
  std::string settled_in = {};
};

/// The positions that a rule looks at together.
struct Unit {
  std::string underlying;
  Settlement settlement = Settlement::usd;
  double index_usd = 0.0;               ///< > 0
  std::vector<OptionLeg> options;       ///< by time to expiry, then strike
  std::vector<DeltaOneLeg> delta_ones;  ///< by time to expiry
  double collateral_coins = 0.0;        ///< of the coin itself, >= 0
};

/// An account as a rule sees it.
struct Portfolio {
  std::vector<Unit> units;
  double debts_usd = 0.0;   ///< sum of negative balances, as a positive number
  double stable_usd = 1.0;  ///< price of the stablecoin that accounts are kept in
};

}  // namespace tailmargin::venues
