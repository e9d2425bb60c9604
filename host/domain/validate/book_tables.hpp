// The tables of a book: their columns in the order they are written. Contract: docs/files.md.
#pragma once

#include "host/domain/validate/row_batch.hpp"

namespace tailmargin::tables {

struct UnderlyingColumns {
  enum : std::size_t { underlying, index_price, adv_usd, funding_rate_8h };
};
struct InstrumentColumns {
  enum : std::size_t { instrument, kind, underlying, settlement, payoff, contract_size, expiry, strike, option_type };
};
struct MarketColumns {
  enum : std::size_t { instrument, mark_price, forward, mark_iv, bid, ask, open_interest, volume_24h };
};
struct PositionColumns {
  enum : std::size_t { account, instrument, quantity, entry_price, venue };
};
struct CollateralColumns {
  enum : std::size_t { account, asset, amount, venue };
};

inline const TableSpec underlyings{"underlyings",
                                   {{"underlying", ColumnType::text},
                                    {"index_price", ColumnType::number},
                                    {"adv_usd", ColumnType::number, Presence::optional},
                                    {"funding_rate_8h", ColumnType::number, Presence::optional}}};

inline const TableSpec instruments{"instruments",
                                   {{"instrument", ColumnType::text},
                                    {"kind", ColumnType::text},
                                    {"underlying", ColumnType::text},
                                    {"settlement", ColumnType::text},
                                    {"payoff", ColumnType::text},
                                    {"contract_size", ColumnType::number},
                                    {"expiry", ColumnType::time, Presence::optional},
                                    {"strike", ColumnType::number, Presence::optional},
                                    {"option_type", ColumnType::text, Presence::optional}}};

inline const TableSpec market{"market",
                              {{"instrument", ColumnType::text},
                               {"mark_price", ColumnType::number},
                               {"forward", ColumnType::number, Presence::optional},
                               {"mark_iv", ColumnType::number, Presence::optional},
                               {"bid", ColumnType::number, Presence::optional},
                               {"ask", ColumnType::number, Presence::optional},
                               {"open_interest", ColumnType::number, Presence::optional},
                               {"volume_24h", ColumnType::number, Presence::optional}}};

inline const TableSpec positions{"positions",
                                 {{"account", ColumnType::text},
                                  {"instrument", ColumnType::text},
                                  {"quantity", ColumnType::number},
                                  {"entry_price", ColumnType::number, Presence::optional},
                                  {"venue", ColumnType::text, Presence::optional}}};

inline const TableSpec collateral{"collateral",
                                  {{"account", ColumnType::text},
                                   {"asset", ColumnType::text},
                                   {"amount", ColumnType::number},
                                   {"venue", ColumnType::text, Presence::optional}}};

}  // namespace tailmargin::tables
