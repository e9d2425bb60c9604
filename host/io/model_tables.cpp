// The tables that stand alone: groups, correlation, mixing, surface, settlement, funding, margin.
#include <algorithm>
#include <cmath>

#include "host/domain/validate/text.hpp"
#include "host/io/model_parts.hpp"
#include "host/prepare/matching.hpp"

namespace tailmargin {
namespace {

constexpr NumberRange between_zero_and_one{0.0, 1.0, true, true, "above 0 and below 1"};
constexpr NumberRange persistence_range{0.0, 1.0, false, true, "at least 0 and below 1"};
constexpr NumberRange scale_range{1.0, 100.0, false, false, "from 1 to 100"};
constexpr NumberRange days_range{0.0, 10000.0, true, false, "above 0 and at most 10000"};
constexpr NumberRange minutes_range{0.0, 1e6, false, false, "from 0 to 1000000"};
constexpr NumberRange interval_range{0.0, 24.0, false, false, "from 0, which is no funding, to 24"};
constexpr NumberRange ratio_range{0.0, 1.0, true, false, "above 0 and at most 1"};
constexpr NumberRange confidence_range{0.5, 1.0, true, true, "above 0.5 and below 1"};
constexpr NumberRange uplift_range{0.5, 1.0, false, true, "at least 0.5 and below 1"};

/// What is wrong with a member of a group, or nullptr.
const char* member_problem(const TomlValue& member) {
  if (member.kind != TomlValue::Kind::text) {
    return "this is no string (it must name an underlying). Put it in quotes.";
  }
  if (member.text == "*" || member.text.starts_with("@")) {
    return "this is no name (a group holds names of underlyings, no groups). List the names.";
  }
  return name_problem(member.text);
}

Group read_group(const std::string& name, const TomlValue& value, ProblemLog& problems) {
  const std::string path = "groups." + name;
  Group group{name, {}};
  if (value.kind != TomlValue::Kind::array) {
    problems.error(value.line, path, as_written(value),
                   "the group is no list (it holds names of underlyings). Put them in brackets.");
  }
  for (const TomlValue& member : value.items) {
    if (const char* problem = member_problem(member)) {
      problems.error(member.line, path, member.text, problem);
    } else if (std::find(group.underlyings.begin(), group.underlyings.end(), member.text) != group.underlyings.end()) {
      problems.error(member.line, path, member.text, "the name is in the group already (one may be a typo). Drop it.");
    } else {
      group.underlyings.push_back(member.text);
    }
  }
  return group;
}

bool has_fat_tails(const Model& model) {
  for (const Regime& regime : model.regimes) {
    for (const VolRule& rule : regime.vols) {
      if (rule.tail_index) return true;
    }
  }
  return false;
}

}  // namespace

void read_groups(const TomlValue* value, ModelDraft& draft) {
  if (!value) return;
  for (const auto& [name, members] : value->entries) {
    draft.model.groups.push_back(read_group(name, members, draft.problems));
  }
}

void read_correlation(const TomlValue* value, ModelDraft& draft) {
  if (!value) return;
  TomlTable table(*value, "correlation", draft.problems);
  Model& model = draft.model;
  model.repair = static_cast<Repair>(table.choice("repair", {"refuse", "nearest"}).value_or(0));
  model.min_eigenvalue = table.number("min_eigenvalue", between_zero_and_one).value_or(model.min_eigenvalue);
  table.finish();
}

void read_mixing(const TomlValue* value, ModelDraft& draft) {
  Model& model = draft.model;
  std::optional<double> hours;
  if (value) {
    TomlTable table(*value, "mixing", draft.problems);
    hours = table.number("hours", hours_range);
    model.mixing_hours = hours.value_or(model.mixing_hours);
    model.mixing_persistence = table.number("persistence", persistence_range).value_or(model.mixing_persistence);
    model.mixing_max_scale = table.number("max_scale", scale_range).value_or(model.mixing_max_scale);
    table.finish();
  }
  const bool counts = hours || has_fat_tails(model);  // the default is held to the grid only where it is used
  if (counts && draft.has_grid && !is_whole_steps(model.mixing_hours, model)) {
    draft.problems.error(model_line(model, "mixing.hours"), "mixing.hours", shortest_number(model.mixing_hours),
                         "this is no whole number of steps (the steps of a block share one scale). Choose a multiple "
                         "of step_hours.");
  }
}

void read_surface(const TomlValue* value, ModelDraft& draft) {
  if (!value) return;
  TomlTable table(*value, "surface", draft.problems);
  Model& model = draft.model;
  model.sticky = static_cast<Sticky>(table.choice("sticky", {"moneyness", "strike"}).value_or(0));
  model.term_days = table.number("term_days", days_range).value_or(model.term_days);
  model.carry_slope_days = table.number("carry_slope_days", days_range).value_or(model.carry_slope_days);
  table.finish();
}

void read_settlement(const TomlValue* value, ModelDraft& draft) {
  if (!value) return;
  TomlTable table(*value, "settlement", draft.problems);
  Model& model = draft.model;
  const auto minutes = table.number("average_minutes", minutes_range);
  model.settlement_average_minutes = minutes.value_or(model.settlement_average_minutes);
  if (minutes && draft.has_grid && *minutes > model.step_hours * 60.0) {
    table.error("average_minutes", *table.value("average_minutes"),
                "the average is longer than a step (it lies within the step before an expiry). Shorten it, or lengthen "
                "step_hours.");
  }
  table.finish();
}

void read_funding(const TomlValue* value, ModelDraft& draft) {
  if (!value) return;
  TomlTable table(*value, "funding", draft.problems);
  Model& model = draft.model;
  const auto hours = table.number("interval_hours", interval_range);
  model.funding_interval_hours = hours.value_or(model.funding_interval_hours);
  if (hours && *hours > 0.0) {
    const double per_day = 24.0 / *hours;
    if (std::abs(per_day - std::round(per_day)) > 1e-9 * per_day) {
      table.error("interval_hours", *table.value("interval_hours"),
                  "this does not divide a day (payments are aligned to midnight UTC). Choose an interval that does.");
    } else if (draft.has_grid && *hours < model.step_hours * (1.0 - 1e-9)) {
      table.error("interval_hours", *table.value("interval_hours"),
                  "the interval is shorter than a step (a step sees one payment at most). Lengthen it, or shorten "
                  "step_hours.");
    }
  }
  model.funding_cap = table.number("cap", ratio_range).value_or(model.funding_cap);
  table.finish();
}

void read_margin(const TomlValue* value, ModelDraft& draft) {
  if (!value) return;
  TomlTable table(*value, "margin", draft.problems);
  Model& model = draft.model;
  model.confidence = table.number("confidence", confidence_range).value_or(model.confidence);
  model.maintenance_ratio = table.number("maintenance_ratio", ratio_range).value_or(model.maintenance_ratio);
  model.uplift_confidence = table.number("uplift_confidence", uplift_range).value_or(model.uplift_confidence);
  table.finish();
}

}  // namespace tailmargin
