// Closing along the path: how much of a position closes when.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "host/prepare/prepare_run.hpp"

namespace tailmargin {

/// Grid steps at which positions close: the horizon's, then the model's closing times; empty if it has none.
std::vector<std::uint32_t> closing_steps(const Model& model);

/// [instrument][closing time] contracts that one account can close by then: participation times the volume of a day
/// times the days. Infinite once the contract has expired: it needs no closing. An instrument without volume has 0.
std::vector<double> closing_contracts(const Book& book, const Model& model);

/// The parts of one account's whole position in an instrument, as take(closing time, contracts): at each time what fits
/// it and did not fit before, at the last all that is left. At least one part; they add up to the position but for
/// rounding.
template <class Take>
void for_each_closing_part(const ColumnPlan& columns, InstrumentId instrument, double quantity, Take take) {
  const std::uint32_t times = columns.num_closing_times();
  const double size = std::fabs(quantity);
  double closed = 0.0;
  for (std::uint32_t time = 0; time < times; ++time) {
    const bool last = time + 1 == times;
    const double by_then =
        last ? size : std::min(size, columns.closing_contracts[std::size_t{instrument} * times + time]);
    if (by_then < size && by_then - closed < min_quantity) { continue; }  // nothing fits
    take(time, std::copysign(by_then - closed, quantity));
    closed = by_then;
    if (size - closed < min_quantity) { return; }
  }
}

/// As long as a position moves within a stretch, only what closes at one time changes.
struct ClosingStretch {
  std::uint32_t time = 0;
  double end = 0.0;  ///< position at which it ends; may be infinite
};

/// From a position on. @param direction  1: it is bought, -1: sold
ClosingStretch closing_stretch(const ColumnPlan& columns, InstrumentId instrument, double position, double direction);

/// What a closing table cannot say, for models that come from no file.
void check_closing(const Model& model, Diagnostics& diagnostics);

/// One warning if some positions are too large to close by the last time.
void warn_of_slow_positions(const Book& book, const Model& model, const ColumnPlan& columns, Diagnostics& diagnostics);

}  // namespace tailmargin
