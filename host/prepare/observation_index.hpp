// Which factors are read at which grid steps, and the observations' numbers.
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "host/prepare/prepare_run.hpp"

namespace tailmargin {

/// The grid steps P&L is read at: the horizon, or every measure_hours up to it, or the horizon and the closing times.
std::vector<std::uint32_t> read_steps(const Model& model);

/// Numbers the observations, sorted by step and then factor.
class ObservationIndex {
 public:
  ObservationIndex(const Book& book, const Model& model, const ScenarioPlan& plan);

  /// A factor's change at a grid step, times a weight; nothing at step 0 or if the model has no such factor.
  Reading read(std::uint32_t step, UnderlyingId underlying, FactorKind kind, double weight) const;

  std::vector<Observation> list() const;

 private:
  std::optional<std::uint32_t> find_factor(UnderlyingId underlying, FactorKind kind) const;
  void add(std::uint32_t step, UnderlyingId underlying, FactorKind kind);

  const ScenarioPlan& plan_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> rows_;  // (step, factor) -> row
};

/// Whether an instrument has expired at a grid step.
bool expired_by(const Book& book, const Model& model, const Instrument& instrument, std::uint32_t step);

/// The grid step nearest to expiry, at least the first and at most `last`.
std::uint32_t expiry_step(const Book& book, const Model& model, const Instrument& instrument, std::uint32_t last);

/// Payments of funding between a grid step and the one before: UTC times of day that are multiples of the interval.
std::uint32_t funding_payments(const Book& book, const Model& model, std::uint32_t step);

}  // namespace tailmargin
