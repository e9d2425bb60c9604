#include "host/prepare/observation_index.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "host/prepare/closing.hpp"

namespace tailmargin {
namespace {

constexpr std::int64_t day_seconds = 86'400;

/// Payments since 1970 up to a time: at midnight and every interval after it within the day.
std::int64_t payments_until(std::int64_t seconds, std::int64_t interval) {
  const std::int64_t day = seconds / day_seconds, in_day = seconds % day_seconds;
  const std::int64_t per_day = (day_seconds + interval - 1) / interval;
  return day * per_day + in_day / interval;
}

}  // namespace

std::vector<std::uint32_t> read_steps(const Model& model) {
  const TimeGrid grid = time_grid(model);
  if (model.closing) { return closing_steps(model); }
  if (model.measure == PathMeasure::terminal) { return {grid.num_steps}; }
  const std::int64_t seconds = std::llround(model.measure_hours * 3600.0);
  const auto every = static_cast<std::uint32_t>(std::max<std::int64_t>(1, seconds / grid.step_seconds));
  std::vector<std::uint32_t> steps;
  for (std::uint32_t step = every; step < grid.num_steps; step += every) { steps.push_back(step); }
  steps.push_back(grid.num_steps);
  return steps;
}

bool expired_by(const Book& book, const Model& model, const Instrument& instrument, std::uint32_t step) {
  const bool dated = instrument.kind == InstrumentKind::future || instrument.kind == InstrumentKind::option;
  if (!dated || model.time_roll == TimeRoll::off) { return false; }
  return instrument.expiry.seconds - book.as_of.seconds <= std::int64_t{step} * time_grid(model).step_seconds;
}

std::uint32_t expiry_step(const Book& book, const Model& model, const Instrument& instrument, std::uint32_t last) {
  const std::int64_t left = instrument.expiry.seconds - book.as_of.seconds, length = time_grid(model).step_seconds;
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>((left + length / 2) / length, 1, last));
}

std::uint32_t funding_payments(const Book& book, const Model& model, std::uint32_t step) {
  const std::int64_t interval = std::llround(model.funding_interval_hours * 3600.0);
  if (interval <= 0 || model.time_roll == TimeRoll::off || step == 0) { return 0; }
  const std::int64_t length = time_grid(model).step_seconds, end = book.as_of.seconds + std::int64_t{step} * length;
  return static_cast<std::uint32_t>(payments_until(end, interval) - payments_until(end - length, interval));
}

ObservationIndex::ObservationIndex(const Book& book, const Model& model, const ScenarioPlan& plan) : plan_(plan) {
  const std::vector<std::uint32_t> slices = read_steps(model);
  for (const std::uint32_t step : slices) {
    for (const Factor& factor : plan.factors) { add(step, factor.underlying, factor.kind); }
  }
  for (const Instrument& instrument : book.instruments) {
    if (instrument.kind == InstrumentKind::perpetual) {
      for (std::uint32_t step = 1; step <= slices.back(); ++step) {
        if (funding_payments(book, model, step) == 0) { continue; }
        add(step, instrument.underlying, FactorKind::price);
        add(step, instrument.underlying, FactorKind::premium);
      }
    }
    for (const std::uint32_t slice : slices) {
      if (!expired_by(book, model, instrument, slice)) { continue; }
      const std::uint32_t step = expiry_step(book, model, instrument, slice);
      for (const std::uint32_t read : {step, step - 1}) {
        if (read == 0 || (read < step && !(model.settlement_average_minutes > 0.0))) { continue; }
        add(read, instrument.underlying, FactorKind::price);
        if (instrument.settlement != no_underlying) { add(read, instrument.settlement, FactorKind::price); }
      }
    }
  }
  std::uint32_t row = 0;
  for (auto& [key, value] : rows_) { value = row++; }
}

std::optional<std::uint32_t> ObservationIndex::find_factor(UnderlyingId underlying, FactorKind kind) const {
  const auto before = [](const Factor& a, const Factor& b) {
    return std::tie(a.underlying, a.kind) < std::tie(b.underlying, b.kind);
  };
  const auto found = std::lower_bound(plan_.factors.begin(), plan_.factors.end(), Factor{underlying, kind}, before);
  if (found == plan_.factors.end() || found->underlying != underlying || found->kind != kind) { return std::nullopt; }
  return static_cast<std::uint32_t>(found - plan_.factors.begin());
}

void ObservationIndex::add(std::uint32_t step, UnderlyingId underlying, FactorKind kind) {
  const std::optional<std::uint32_t> factor = find_factor(underlying, kind);
  if (factor) { rows_.try_emplace({step, *factor}, 0); }
}

Reading ObservationIndex::read(std::uint32_t step, UnderlyingId underlying, FactorKind kind, double weight) const {
  const std::optional<std::uint32_t> factor = find_factor(underlying, kind);
  if (!factor || step == 0 || weight == 0.0) { return {}; }
  return {rows_.at({step, *factor}), weight};
}

std::vector<Observation> ObservationIndex::list() const {
  std::vector<Observation> observations;
  for (const auto& [key, value] : rows_) { observations.push_back({key.first, key.second}); }
  return observations;
}

}  // namespace tailmargin
