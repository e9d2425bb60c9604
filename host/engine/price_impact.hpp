// How far liquidations move prices: the square-root law of impact, docs/methodology.md, "Crowding".
#pragma once

#include <cstdint>
#include <vector>

#include "host/backends/backend.hpp"
#include "tailmargin/book.hpp"
#include "tailmargin/model.hpp"

namespace tailmargin {

/// What moves the price of one underlying.
struct PriceImpact {
  double day_vol = 0.0;    ///< of the log price, in the regime of the model's crowding
  double scale = 0.0;      ///< log move when as much is liquidated as the depth
  double depth_usd = 0.0;  ///< 0: the price does not move
  double largest = 0.0;    ///< log move, either way
  std::uint32_t row = 0;   ///< observation of the log price at the horizon

  bool moves() const { return depth_usd > 0.0; }

  /// Log move on a path: down where what was held long is sold.
  /// @param delta_cents  net delta that those liquidated held
  double log_move(std::int64_t delta_cents) const;
};

/// [underlying] @param model  with crowding
std::vector<PriceImpact> price_impacts(const Book& book, const Model& model, const ScenarioPlan& scenarios);

/// Adds the moves of every path to the log prices at the horizon. Whether any of them moved.
/// @param delta_cents  [underlying][path]
bool move_prices(const std::vector<PriceImpact>& impacts, const std::vector<std::int64_t>& delta_cents,
                 std::uint64_t num_paths, std::uint32_t num_rows, Observations& observations);

}  // namespace tailmargin
