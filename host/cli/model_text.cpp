#include "host/cli/model_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "host/cli/text_columns.hpp"
#include "host/domain/validate/text.hpp"
#include "host/io/model_json.hpp"
#include "host/prepare/matching.hpp"

namespace tailmargin {
namespace {

constexpr std::size_t label_width = 16;
constexpr std::size_t number_width = 12;
constexpr std::size_t vol_width = 8;
constexpr std::size_t max_heat_classes = 16;  ///< columns of a heat map that fit on a terminal

std::string number(double value) { return shortest_number(value); }

std::string length_text(double hours) {
  if (std::isinf(hours)) return "for ever";
  return hours < 48.0 ? fixed_digits(hours, 1) + " h" : fixed_digits(hours / 24.0, 1) + " days";
}

std::string head_text(const Model& model) {
  std::string text = model.name + (model.date.empty() ? "" : " (" + model.date + ")") + "\n";
  if (!model.source.empty()) text += "  " + model.source + "\n";
  text += "  horizon " + number(model.horizon_hours) + " h in " +
          fixed_digits(model.horizon_hours / model.step_hours, 0) + " steps, loss " +
          (model.measure == PathMeasure::terminal ? std::string("at its end")
                                                  : "at its worst, every " + number(model.measure_hours) + " h") +
          "; the " + (model.drift == Drift::martingale ? "price" : "log price") + " keeps its mean\n";
  text += "  margin: mean loss beyond " + percent(model.confidence, 2) + "; maintenance " +
          number(model.maintenance_ratio) + " of initial\n";
  return text;
}

std::string start_text(const ModelView& view) {
  const Model& model = *view.model;
  if (model.start == StartKind::stationary) return "the long run";
  std::string text;
  for (std::size_t k = 0; k < view.start.size(); ++k) {
    if (view.start[k] == 1.0) return model.regimes[k].name;
    if (view.start[k] > 0.0) {
      text += (text.empty() ? "" : ", ") + model.regimes[k].name + " " + percent(view.start[k], 1);
    }
  }
  return text;
}

std::string regimes_text(const ModelView& view) {
  const Model& model = *view.model;
  std::string text = "\n" + left_column("regimes", label_width) + right_column("long run", number_width) +
                     right_column("stay", number_width) + "   a step of " + number(model.step_hours) + " h leads to\n";
  text += std::string(label_width + 2 * number_width, ' ');
  for (const Regime& regime : model.regimes) text += right_column(regime.name, number_width);
  text += "\n";
  for (std::size_t k = 0; k < model.regimes.size(); ++k) {
    text += left_column("  " + model.regimes[k].name, label_width);
    text += right_column(view.shares.empty() ? "-" : percent(view.shares[k], 1), number_width);
    text += right_column(length_text(view.length_hours[k]), number_width);
    for (const double p : view.step_transition[k]) text += right_column(percent(p, 3), number_width);
    text += "\n";
  }
  return text + "  a path starts in: " + start_text(view) + "\n";
}

/// Whether a kind of factor moves anywhere.
bool moves(const Model& model, std::size_t kind) {
  return std::any_of(model.regimes.begin(), model.regimes.end(), [&](const Regime& regime) {
    return std::any_of(regime.vols.begin(), regime.vols.end(), [&](const VolRule& r) { return r.vol[kind] > 0.0; });
  });
}

std::size_t width_of_kind(std::size_t kind) {
  const std::string name = to_string(static_cast<FactorKind>(kind));
  return std::max(vol_width, name.size() + 2);
}

bool has_fat_tails(const Model& model) {
  return std::any_of(model.regimes.begin(), model.regimes.end(), [](const Regime& regime) {
    return std::any_of(regime.vols.begin(), regime.vols.end(),
                       [](const VolRule& r) { return r.tail_index.has_value(); });
  });
}

std::string vols_text(const ModelView& view) {
  const Model& model = *view.model;
  std::string text = "\n" + left_column("vols, per square root of a year", 2 * label_width);
  for (std::size_t kind = 0; kind < num_factor_kinds; ++kind) {
    if (moves(model, kind)) text += right_column(to_string(static_cast<FactorKind>(kind)), width_of_kind(kind));
  }
  text += right_column("tail index", number_width) + "\n";
  for (const UnderlyingClass& alike : view.classes) {
    std::string label = "  " + label_of(alike);
    for (const Regime& regime : model.regimes) {
      text += left_column(label, label_width) + left_column("  " + regime.name, label_width);
      label.clear();
      const VolRule* rule = first_match(regime.vols, alike.names.front(), model);
      for (std::size_t kind = 0; rule && kind < num_factor_kinds; ++kind) {
        if (moves(model, kind)) text += right_column(number(rule->vol[kind]), width_of_kind(kind));
      }
      text += right_column(rule && rule->tail_index ? number(*rule->tail_index) : "normal", number_width) + "\n";
    }
  }
  if (has_fat_tails(model)) {
    text += "  fat tails: one scale for every " + number(model.mixing_hours) + " h, at most " +
            number(model.mixing_max_scale) + ", correlation " + number(model.mixing_persistence) + " with the next\n";
  }
  return text;
}

/// "▓ 0.80": the darker, the stronger.
std::string heat_cell(double rho) {
  static constexpr std::array<const char*, 5> shades = {" ", "░", "▒", "▓", "█"};
  const auto shade = std::min<std::size_t>(4, static_cast<std::size_t>(std::abs(rho) * 5.0));
  return right_column(std::string(shades[shade]) + " " + right_column(fixed_digits(rho, 2), 5), number_width);
}

std::string heat_map(const ModelView& view, std::size_t regime) {
  const std::size_t shown = std::min(view.classes.size(), max_heat_classes);
  std::string text = "\n" + left_column("prices together", label_width);
  for (std::size_t b = 0; b < shown; ++b) text += right_column(label_of(view.classes[b]), number_width);
  text += "   " + view.model->regimes[regime].name + "\n";
  for (std::size_t a = 0; a < shown; ++a) {
    text += left_column("  " + label_of(view.classes[a]), label_width);
    for (std::size_t b = 0; b <= a; ++b) text += heat_cell(view.price_correlation[regime][a][b]);
    text += "\n";
  }
  if (shown < view.classes.size()) { text += "  and " + std::to_string(view.classes.size() - shown) + " more\n"; }
  return text;
}

std::string reversions_text(const Model& model) {
  if (model.reversions.empty()) return "";
  std::string text = "\nreversion\n";
  for (const Reversion& rule : model.reversions) {
    text += left_column("  " + rule.match, label_width) + left_column(to_string(rule.kind), number_width) +
            " half life " + length_text(rule.half_life_hours) +
            (rule.level == 0.0 ? "" : ", to " + number(rule.level)) + "\n";
  }
  return text;
}

/// What a jump of this size does: changes of logs in percent of the value, of carries as they are.
std::string effect_text(const JumpEffect& effect, double size) {
  std::string text;
  for (std::size_t k = 0; k < num_factor_kinds; ++k) {
    if (effect.change[k] == 0.0) continue;
    const auto kind = static_cast<FactorKind>(k);
    const double change = effect.change[k] * size;
    const bool is_rate = kind == FactorKind::carry || kind == FactorKind::carry_slope;
    const std::string amount = percent(is_rate ? change : std::expm1(change), 1);
    text += (text.empty() ? "" : ", ") + std::string(to_string(kind)) + " " + (change > 0.0 ? "+" : "") + amount +
            (is_rate ? " a year" : "");
  }
  return text.empty() ? "nothing" : text;
}

std::string jump_text(const ModelView& view, std::size_t j) {
  const JumpRule& jump = view.model->jumps[j];
  const JumpView& numbers = view.jumps[j];
  std::string text = left_column("  " + jump.name, label_width);
  text += right_column(fixed_digits(numbers.median_size, 3), number_width) +
          right_column(fixed_digits(numbers.mean_size, 3), number_width) +
          right_column(percent(numbers.chance, 3), number_width) +
          right_column(percent(numbers.sampled_chance, 3), number_width);
  for (const double per_year : jump.per_year) text += right_column(number(per_year), number_width);
  text += std::string("   ") + (jump.scope == JumpScope::market ? "one for all" : "each its own") + "\n";
  for (const JumpEffect& effect : jump.effects) {
    text += left_column("    " + effect.match, label_width) + "  " + effect_text(effect, numbers.median_size) + "\n";
  }
  return text;
}

std::string jumps_text(const ModelView& view) {
  const Model& model = *view.model;
  if (model.jumps.empty()) return "";
  std::string text = "\n" + left_column("jumps", label_width) + right_column("median size", number_width) +
                     right_column("mean size", number_width) +
                     right_column("in " + number(model.horizon_hours) + " h", number_width) +
                     right_column("sampled", number_width) + "   per year in\n";
  text += std::string(label_width + 4 * number_width, ' ');
  for (const Regime& regime : model.regimes) text += right_column(regime.name, number_width);
  text += "\n";
  for (std::size_t j = 0; j < model.jumps.size(); ++j) text += jump_text(view, j);
  return text + "  below each: what one of median size does\n";
}

}  // namespace

std::string model_text(const ModelView& view) {
  std::string text = head_text(*view.model) + regimes_text(view) + vols_text(view);
  for (std::size_t k = 0; k < view.price_correlation.size(); ++k) text += heat_map(view, k);
  if (view.model->repair == Repair::nearest) text += "  before the repair that a run may make\n";
  return text + reversions_text(*view.model) + jumps_text(view);
}

nlohmann::ordered_json model_json(const ModelView& view) {
  using Json = nlohmann::ordered_json;
  const Model& model = *view.model;
  Json classes = Json::array(), regimes = Json::array(), jumps = Json::array();
  for (const UnderlyingClass& alike : view.classes) {
    classes.push_back({{"label", label_of(alike)}, {"names", alike.is_rest ? Json::array() : Json(alike.names)}});
  }
  for (std::size_t k = 0; k < model.regimes.size(); ++k) {
    Json regime = {{"name", model.regimes[k].name}};
    regime["long_run_share"] = view.shares.empty() ? Json() : Json(view.shares[k]);
    regime["start"] = view.start[k];
    regime["stay_hours"] = std::isinf(view.length_hours[k]) ? Json() : Json(view.length_hours[k]);
    regime["step_transition"] = view.step_transition[k];
    regime["price_correlation"] = view.price_correlation[k];
    regimes.push_back(std::move(regime));
  }
  for (std::size_t j = 0; j < model.jumps.size(); ++j) {
    const JumpView& numbers = view.jumps[j];
    jumps.push_back({{"name", model.jumps[j].name},
                     {"median_size", numbers.median_size},
                     {"mean_size", numbers.mean_size},
                     {"chance_in_horizon", numbers.chance},
                     {"sampled_chance_in_horizon", numbers.sampled_chance}});
  }
  return {{"parameters", model_parameters(model)}, {"underlyings", classes}, {"regimes", regimes}, {"jumps", jumps}};
}

}  // namespace tailmargin
