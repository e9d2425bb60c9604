#include "host/prepare/closing.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "host/prepare/matching.hpp"
#include "host/prepare/observation_index.hpp"
#include "host/prepare/prepare_run.hpp"

namespace tailmargin {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double seconds_per_day = 86'400.0;

/// Contracts that fit the last closing time; infinite for what has expired by then.
double most_contracts(const ColumnPlan& columns, InstrumentId instrument) {
  const std::size_t times = columns.num_closing_times();
  return columns.closing_contracts[(instrument + 1) * times - 1];
}

}  // namespace

double daily_volume(const Book& book, InstrumentId i) {
  return book.quotes[i].volume_24h ? *book.quotes[i].volume_24h : underlying_volume(book, i);
}

double underlying_volume(const Book& book, InstrumentId i) {
  const Underlying& underlying = book.underlyings[book.instruments[i].underlying];
  return underlying.adv_usd ? *underlying.adv_usd / notional_usd(book, i) : 0.0;
}

std::vector<std::uint32_t> closing_steps(const Model& model) {
  if (!model.closing) { return {}; }
  const TimeGrid grid = time_grid(model);
  std::vector<std::uint32_t> steps = {grid.horizon_steps};
  for (const double hours : model.closing->hours) { steps.push_back(steps_of(hours, grid)); }
  return steps;
}

std::vector<double> closing_contracts(const Book& book, const Model& model) {
  std::vector<double> contracts;
  const std::vector<std::uint32_t> steps = closing_steps(model);
  const double step_days = static_cast<double>(time_grid(model).step_seconds) / seconds_per_day;
  for (InstrumentId i = 0; i < book.instruments.size(); ++i) {
    for (const std::uint32_t step : steps) {
      const bool expired = expired_by(book, model, book.instruments[i], step);
      const double days = static_cast<double>(step) * step_days;
      contracts.push_back(expired ? infinity : model.closing->participation * daily_volume(book, i) * days);
    }
  }
  return contracts;
}

ClosingStretch closing_stretch(const ColumnPlan& columns, InstrumentId instrument, double position, double direction) {
  const std::uint32_t times = columns.num_closing_times();
  const double size = std::fabs(position),
               *by_then = columns.closing_contracts.data() + std::size_t{instrument} * times;
  const bool grows = position * direction >= 0.0;
  std::uint32_t time = 0;
  while (time + 1 < times && (grows ? by_then[time] <= size : by_then[time] < size)) { ++time; }
  if (grows) { return {time, direction * (time + 1 == times ? infinity : by_then[time])}; }
  return {time, -direction * (time == 0 ? 0.0 : by_then[time - 1])};
}

void check_closing(const Model& model, Diagnostics& diagnostics) {
  if (!model.closing) { return; }
  const std::vector<std::uint32_t> steps = closing_steps(model);
  const bool rising = std::adjacent_find(steps.begin(), steps.end(), std::greater_equal<>()) == steps.end();
  if (steps.size() < 2 || !rising) {
    diagnostics.error(model_source(model), model_line(model, "closing"), "closing.hours", "",
                      "the closing times do not rise from the horizon on (each closes what is left at the one before). "
                      "Give at least one, all later than the horizon.");
  }
  if (!(model.closing->participation > 0.0 && model.closing->participation <= 1.0)) {
    diagnostics.error(
        model_source(model), model_line(model, "closing"), "closing.participation",
        short_number(model.closing->participation),
        "the participation is not above 0 and at most 1 (it is a part of a market's volume). Correct it.");
  }
  if (model.measure == PathMeasure::worst) {
    diagnostics.error(model_source(model), model_line(model, "closing"), "closing", "",
                      "positions that close along the path have no worst look on the way (each part is read when it "
                      "closes). Take measure = \"terminal\" or leave [closing] out.");
  }
}

void warn_of_slow_positions(const Book& book, const Model& model, const ColumnPlan& columns, Diagnostics& diagnostics) {
  if (!model.closing) { return; }
  std::uint64_t positions = 0, without_volume = 0, accounts = 0;
  const Position* before = nullptr;
  for (std::size_t first = 0, last = 0; first < book.positions.size(); first = last) {
    const Position& p = book.positions[first];
    double quantity = 0.0;
    for (; last < book.positions.size() && book.positions[last].account == p.account &&
           book.positions[last].instrument == p.instrument;
         ++last) {
      quantity += book.positions[last].quantity;
    }
    const double most = most_contracts(columns, p.instrument);
    if (!(std::fabs(quantity) > most)) { continue; }
    ++positions;
    without_volume += most > 0.0 ? 0 : 1;
    accounts += before == nullptr || before->account != p.account ? 1 : 0;
    before = &p;
  }
  if (positions == 0) { return; }
  const std::string hours = short_number(model.closing->hours.back());
  diagnostics.warning(
      model_source(model), model_line(model, "closing.hours"), "closing.hours", hours,
      std::to_string(positions) + " positions of " + std::to_string(accounts) +
          " accounts are larger than what closes by the last time, " + hours + " h; " + std::to_string(without_volume) +
          " of them are in instruments without volume (the rest of each closes at that time all the same, which may be "
          "too soon). Add later times, or check volume_24h and adv_usd.");
}

}  // namespace tailmargin
