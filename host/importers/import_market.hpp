// Markets from venues' public data, and how markets are put together. Rules: docs/import.md.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <vector>

#include "tailmargin/book.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {

/// A market from Deribit's public documents and option-chain tables. Problems go to `diagnostics`; if it holds
/// errors the book must not be used. Prices are as published; the book has no accounts.
Book import_deribit(const std::vector<std::filesystem::path>& files, Diagnostics& diagnostics);

struct BinanceOptions {
  std::optional<std::size_t> top;  ///< keep the contracts with the largest open interest; nothing: all
};

/// A market from Binance's public documents of USDT-margined futures and daily tables of perpetuals. As above.
Book import_binance(const std::vector<std::filesystem::path>& files, const BinanceOptions& options,
                    Diagnostics& diagnostics);

/// One market from two: everything of both; where both know an instrument or a price, the newer one speaks.
/// Accounts, positions and collateral are dropped.
Book merge_markets(const Book& existing, const Book& incoming, Diagnostics& diagnostics);

}  // namespace tailmargin
