// The book: what is traded, what it is worth now, and who holds it. Plain records, units in names.
// Files: docs/files.md. Validation: host/domain/validate.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace tailmargin {

/// Position of a record in its table; also its rank, because tables are sorted by name.
using UnderlyingId = std::uint32_t;
using InstrumentId = std::uint32_t;
using AccountId = std::uint64_t;

inline constexpr std::uint32_t no_underlying = std::numeric_limits<std::uint32_t>::max();

/// Seconds since 1970-01-01T00:00:00Z.
struct UtcTime {
  std::int64_t seconds = 0;
  friend auto operator<=>(const UtcTime&, const UtcTime&) = default;
};

/// A coin or currency with a price of its own. The numeraire (USD) is none.
struct Underlying {
  std::string name;
  double index_price_usd = 0.0;           ///< > 0
  std::optional<double> adv_usd;          ///< average daily volume, >= 0
  std::optional<double> funding_rate_8h;  ///< fraction of notional per 8 h, positive = longs pay
};

enum class InstrumentKind : std::uint8_t { spot, perpetual, future, option };
enum class Payoff : std::uint8_t { linear, inverse };
enum class OptionType : std::uint8_t { call, put };

/// A contract. Linear: contract_size in coin, price in settlement currency. Inverse futures and
/// perpetuals: contract_size in USD, settled in the coin. Inverse options: contract_size in coin, price in coin.
struct Instrument {
  std::string name;
  InstrumentKind kind = InstrumentKind::spot;
  UnderlyingId underlying = 0;
  UnderlyingId settlement = no_underlying;  ///< no_underlying: the numeraire
  Payoff payoff = Payoff::linear;
  double contract_size = 1.0;  ///< > 0
  UtcTime expiry;              ///< futures and options
  double strike = 0.0;         ///< options, > 0, in the price unit of the forward
  OptionType option_type = OptionType::call;
};

/// Market of one instrument, same order as the instruments.
struct Quote {
  /// Linear: settlement currency; inverse option: coin; inverse future: USD. Only an option with mark_iv may lack it.
  std::optional<double> mark_price;
  std::optional<double> forward;  ///< of the option's expiry, USD or settlement currency, > 0
  std::optional<double> mark_iv;  ///< annual, 0.55 = 55 %
  std::optional<double> bid, ask;
  std::optional<double> open_interest, volume_24h;  ///< contracts
};

struct Position {
  AccountId account = 0;
  InstrumentId instrument = 0;
  double quantity = 0.0;  ///< contracts, signed
  std::optional<double> entry_price;
};

struct CollateralBalance {
  AccountId account = 0;
  UnderlyingId asset = no_underlying;  ///< no_underlying: the numeraire
  double amount = 0.0;                 ///< negative is debt
};

/// What one account holds at one venue.
struct VenuePart {
  AccountId account = 0;
  std::uint32_t venue = 0;  ///< into VenueHoldings::venues
};

/// A book with more than one venue once more, venue by venue. Its rows name a part where a book's name an account.
struct VenueHoldings {
  std::vector<std::string> venues;  ///< sorted by name; "" is where a row names none
  std::vector<VenuePart> parts;     ///< sorted by (account, venue)
  std::vector<Position> positions;  ///< sorted by (part, instrument)
  std::vector<CollateralBalance> collateral;

  bool empty() const { return parts.empty(); }
};

/// A validated book. Underlyings, instruments and accounts are sorted by name, positions by
/// (account, instrument), so the order of rows in the files cannot change a result.
struct Book {
  std::string name;
  std::string numeraire = "USD";
  UtcTime as_of;
  std::optional<double> insurance_fund_usd;
  std::vector<Underlying> underlyings;
  std::vector<Instrument> instruments;
  std::vector<Quote> quotes;          ///< [instrument]
  std::vector<std::string> accounts;  ///< all names in positions and collateral
  std::vector<Position> positions;
  std::vector<CollateralBalance> collateral;
  VenueHoldings by_venue;  ///< the same holdings by venue; empty unless there are several; who edits them clears it
};

}  // namespace tailmargin
