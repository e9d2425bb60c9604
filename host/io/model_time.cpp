// [horizon], [closing] and [chain]: the time grid of a path, when positions close, and the regimes along it.
#include <cmath>

#include "host/domain/validate/text.hpp"
#include "host/io/model_parts.hpp"
#include "host/io/model_rules.hpp"

namespace tailmargin {
namespace {

using Kind = TomlValue::Kind;

constexpr double max_steps = 10000.0;
constexpr double sum_tolerance = 1e-9;
constexpr std::size_t max_closing_times = 16;
constexpr NumberRange participation_range{0.0, 1.0, true, false, "above 0 and at most 1"};
constexpr NumberRange probability_range{0.0, 1.0, false, false, "from 0 to 1"};

bool is_whole(double ratio) { return ratio > 0.5 && std::abs(ratio - std::round(ratio)) <= 1e-9 * ratio; }

/// What is wrong with the step, or nullptr.
const char* step_problem(const Model& model) {
  const double steps = model.horizon_hours / model.step_hours;
  const double seconds = model.step_hours * 3600.0;
  if (std::abs(seconds - std::round(seconds)) > 1e-6 || seconds < 0.5) {
    return "the step is no whole number of seconds (times are counted in seconds). Choose one that is.";
  }
  if (!is_whole(steps)) {
    return "the step does not divide the horizon (paths end on a step). Choose a step that fits.";
  }
  if (std::round(steps) > max_steps) {
    return "the horizon has more than 10000 steps (a run would not end in useful time). Choose a longer step.";
  }
  return nullptr;
}

void read_measure_hours(TomlTable& table, ModelDraft& draft) {
  Model& model = draft.model;
  const auto hours = table.number("measure_hours", hours_range);
  model.measure_hours = hours.value_or(model.step_hours);
  if (!hours || !draft.has_grid) return;
  if (!is_whole_steps(*hours, model)) {
    table.error("measure_hours", *table.value("measure_hours"),
                "this is no whole number of steps (the loss is looked at where steps end). Choose a multiple of "
                "step_hours.");
  } else if (!is_whole(model.horizon_hours / *hours)) {
    table.error("measure_hours", *table.value("measure_hours"),
                "this does not divide the horizon (its end is the last look). Choose one that does.");
  }
}

/// What is wrong with a closing time that follows `before`, or nullptr.
const char* closing_time_problem(double hours, double before, const Model& model) {
  if (!is_whole_steps(hours, model)) {
    return "this is no whole number of steps (positions close where steps end). Choose a multiple of step_hours.";
  }
  if (!(hours > before * (1.0 + 1e-9))) {
    return "this is not later than the horizon and the time before it (each time closes what is left). Put the times "
           "in order.";
  }
  if (hours / model.step_hours > max_steps * (1.0 + 1e-9)) {
    return "the path to this time has more than 10000 steps (a run would not end in useful time). Choose a longer "
           "step.";
  }
  return nullptr;
}

std::vector<double> read_closing_hours(TomlTable& table, ModelDraft& draft) {
  std::vector<double> hours;
  const TomlValue* list = table.array("hours", true);
  if (list == nullptr) return hours;
  if (list->items.empty() || list->items.size() > max_closing_times) {
    draft.problems.error(
        list->line, "closing.hours", as_written(*list),
        "the list does not have 1 to 16 times (each adds a column to every instrument). Add or drop some.");
    return hours;
  }
  double before = draft.model.horizon_hours;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const std::string path = item_path("closing.hours", i);
    const auto time = number_in_range(list->items[i], path, hours_range, draft.problems);
    if (!time) continue;
    hours.push_back(*time);
    const char* problem = draft.has_grid ? closing_time_problem(*time, before, draft.model) : nullptr;
    if (problem) draft.problems.error(list->items[i].line, path, shortest_number(*time), problem);
    before = *time;
  }
  return hours;
}

/// One probability for each regime, summing to one; else nothing, and problems.
std::optional<std::vector<double>> read_probabilities(const TomlValue& value, const std::string& path,
                                                      ModelDraft& draft) {
  std::vector<double> probabilities;
  double sum = 0.0;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (const auto p = number_in_range(value.items[i], item_path(path, i), probability_range, draft.problems)) {
      probabilities.push_back(*p);
      sum += *p;
    }
  }
  if (probabilities.size() != value.items.size()) return std::nullopt;
  const std::size_t num_regimes = draft.model.regimes.size();
  if (probabilities.size() != num_regimes) {
    draft.problems.error(value.line, path, std::to_string(probabilities.size()),
                         "the list does not have one probability for each regime (there are " +
                             std::to_string(num_regimes) + "). Add or drop entries.");
    return std::nullopt;
  }
  if (std::abs(sum - 1.0) > sum_tolerance) {
    draft.problems.error(value.line, path, shortest_number(sum),
                         "the probabilities do not sum to 1 (within 1e-9; a regime would get lost). Correct them.");
    return std::nullopt;
  }
  return probabilities;
}

void read_start(const TomlValue& value, ModelDraft& draft) {
  Model& model = draft.model;
  if (value.kind == Kind::text && value.text == "stationary") return;
  if (value.kind == Kind::array) {
    model.start = StartKind::probabilities;
    model.start_probabilities = read_probabilities(value, "chain.start", draft).value_or(std::vector<double>{});
    return;
  }
  for (std::size_t k = 0; value.kind == Kind::text && k < model.regimes.size(); ++k) {
    if (model.regimes[k].name != value.text) continue;
    model.start = StartKind::probabilities;
    model.start_probabilities.assign(model.regimes.size(), 0.0);
    model.start_probabilities[k] = 1.0;
    return;
  }
  std::vector<std::string_view> words = {"stationary"};
  for (const Regime& regime : model.regimes) words.push_back(regime.name);
  const std::string_view near = value.kind == Kind::text ? nearest_name(value.text, words) : "";
  draft.problems.error(value.line, "chain.start", value.text,
                       "this is neither \"stationary\", nor a regime's name, nor a list of probabilities (paths need a "
                       "first regime). " +
                           (near.empty() ? "Correct it." : "Is " + std::string(near) + " meant?"));
}

void read_transition(const TomlValue& value, ModelDraft& draft) {
  if (value.items.size() != draft.model.regimes.size()) {
    draft.problems.error(value.line, "chain.transition", std::to_string(value.items.size()),
                         "the matrix does not have one row for each regime (there are " +
                             std::to_string(draft.model.regimes.size()) + "). Add or drop rows.");
  }
  for (std::size_t r = 0; r < value.items.size(); ++r) {
    const TomlValue& row = value.items[r];
    const std::string path = item_path("chain.transition", r);
    if (row.kind != Kind::array) {
      draft.problems.error(row.line, path, as_written(row),
                           "the row is no list (it holds probabilities). Put them in brackets.");
      continue;
    }
    draft.model.transition.push_back(read_probabilities(row, path, draft).value_or(std::vector<double>{}));
  }
}

}  // namespace

bool is_whole_steps(double hours, const Model& model) { return is_whole(hours / model.step_hours); }

void read_horizon(const TomlValue* value, ModelDraft& draft) {
  const TomlValue none;
  TomlTable table(value ? *value : none, "horizon", draft.problems);
  Model& model = draft.model;
  model.horizon_hours = table.number("hours", hours_range).value_or(model.horizon_hours);
  model.step_hours = table.number("step_hours", hours_range).value_or(model.step_hours);
  model.drift = static_cast<Drift>(table.choice("drift", {"martingale", "zero"}).value_or(0));
  model.time_roll = static_cast<TimeRoll>(table.choice("time_roll", {"on", "off"}).value_or(0));
  model.measure = static_cast<PathMeasure>(table.choice("measure", {"terminal", "worst"}).value_or(0));
  const char* problem = step_problem(model);
  draft.has_grid = problem == nullptr;
  const TomlValue* step = table.value("step_hours");
  if (problem) {
    draft.problems.error(step ? step->line : table.line(), "horizon.step_hours", shortest_number(model.step_hours),
                         problem);
  }
  read_measure_hours(table, draft);
  table.finish();
}

void read_closing(const TomlValue* value, ModelDraft& draft) {
  if (!value) return;
  TomlTable table(*value, "closing", draft.problems);
  Closing closing;
  closing.participation = table.number("participation", participation_range, true).value_or(closing.participation);
  closing.hours = read_closing_hours(table, draft);
  if (draft.model.measure == PathMeasure::worst) {
    table.missing(
        "",
        "positions that close along the path have no worst look on the way (each part is read when it closes). "
        "Take measure = \"terminal\" or leave [closing] out.");
  }
  table.finish();
  draft.model.closing = closing;
}

void read_chain(const TomlValue* value, ModelDraft& draft) {
  Model& model = draft.model;
  model.transition_hours = model.step_hours;
  if (!value) {
    if (model.regimes.size() > 1) {
      draft.problems.error(0, "chain", "",
                           "the table is missing (several regimes need their transitions). Add [chain].");
    }
    model.transition = {{1.0}};
    return;
  }
  TomlTable table(*value, "chain", draft.problems);
  if (const TomlValue* start = table.value("start")) read_start(*start, draft);
  model.transition_hours = table.number("transition_hours", hours_range).value_or(model.step_hours);
  if (const TomlValue* matrix = table.array("transition", model.regimes.size() > 1)) {
    read_transition(*matrix, draft);
  } else {
    model.transition = {{1.0}};
  }
  table.finish();
}

}  // namespace tailmargin
