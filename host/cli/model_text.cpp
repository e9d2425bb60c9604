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
constexpr std::size_t regime_width = 12;
constexpr std::size_t vol_width = 7;
constexpr std::size_t heat_width = 8;
constexpr std::size_t max_heat_classes = (page_width - label_width) / heat_width;  ///< columns that fit
constexpr std::size_t max_table_regimes = 6;                                       ///< likewise
constexpr std::size_t max_listed_exceptions = 12;
constexpr std::size_t jump_label_width = 20;
constexpr std::size_t jump_number_width = 10;

std::string number(double value) { return shortest_number(value); }

std::string length_text(double hours) {
  if (std::isinf(hours)) return "for ever";
  return hours < 48.0 ? fixed_digits(hours, 1) + " h" : fixed_digits(hours / 24.0, 1) + " days";
}

std::string head_text(const Model& model) {
  std::string text = model.name + (model.date.empty() ? "" : " (" + model.date + ")") + "\n";
  if (!model.source.empty()) text += wrapped("  ", model.source, 2);
  text += "  horizon " + number(model.horizon_hours) + " h in " +
          fixed_digits(model.horizon_hours / model.step_hours, 0) + " steps, loss " +
          (model.measure == PathMeasure::terminal ? std::string("at its end")
                                                  : "at its worst, every " + number(model.measure_hours) + " h") +
          "; the " + (model.drift == Drift::martingale ? "price" : "log price") + " keeps its mean\n";
  if (model.closing) {
    text += "  positions close along the path at " + percent(model.closing->participation, 1) +
            " of their market's volume: what does not fit the horizon by";
    for (const double hours : model.closing->hours) { text += " " + number(hours); }
    text += " h\n";
  }
  text += "  margin: mean loss beyond " + percent(model.confidence, 2) + "; maintenance " +
          number(model.maintenance_ratio) + " of initial\n";
  return text;
}

/// "@stable 1 %, * 10 %", shares in percent.
std::string shares_text(const std::vector<AssetShare>& rules) {
  std::string text;
  for (const AssetShare& rule : rules) {
    text += (text.empty() ? "" : ", ") + rule.match + " " + significant(100.0 * rule.share, 6) + " %";
  }
  return text;
}

/// What is looked at beside the margin: haircuts, broken pegs, crowding.
std::string beside_text(const Model& model) {
  std::string text;
  if (!model.haircuts.empty()) {
    text += wrapped("  ", "haircuts on balances, the first that matches: " + shares_text(model.haircuts), 4);
  }
  if (!model.depegs.empty()) {
    text += wrapped("  ", "pegs that break fall, the first that matches, by: " + shares_text(model.depegs), 4);
  }
  if (!model.crowding) return text;
  const Crowding& crowding = *model.crowding;
  return text +
         wrapped("  ",
                 "crowding: liquidating " + significant(crowding.depth, 6) + " of a day's volume moves a price by " +
                     significant(crowding.impact, 6) + " of its daily vols in " + crowding.regime +
                     ", by the root of the amount; by a log move of " + significant(crowding.largest_move, 6) +
                     " at most",
                 4);
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

/// Where a step leads to from a regime, as a list: for models with too many regimes for a table.
std::string transitions_text(const ModelView& view, std::size_t from) {
  std::string text;
  for (std::size_t to = 0; to < view.step_transition.size(); ++to) {
    if (to == from || view.step_transition[from][to] == 0.0) continue;
    text +=
        (text.empty() ? "" : ", ") + view.model->regimes[to].name + " " + percent(view.step_transition[from][to], 3);
  }
  return text.empty() ? "nowhere" : text;
}

std::string regimes_text(const ModelView& view) {
  const Model& model = *view.model;
  const bool is_table = model.regimes.size() <= max_table_regimes;
  std::string text = "\n" + left_column("regimes", label_width) + right_column("long run", number_width) +
                     right_column("stay", number_width) + "   a step of " + number(model.step_hours) + " h leads to\n";
  if (is_table) {
    text += std::string(label_width + 2 * number_width, ' ');
    for (const Regime& regime : model.regimes) text += right_column(regime.name, number_width);
    text += "\n";
  }
  for (std::size_t k = 0; k < model.regimes.size(); ++k) {
    std::string line = left_column("  " + model.regimes[k].name, label_width);
    line += right_column(view.shares.empty() ? "-" : percent(view.shares[k], 1), number_width);
    line += right_column(length_text(view.length_hours[k]), number_width);
    if (!is_table) {
      text += wrapped(line + "   ", transitions_text(view, k), label_width + 2 * number_width + 3);
      continue;
    }
    for (const double p : view.step_transition[k]) line += right_column(percent(p, 3), number_width);
    text += line + "\n";
  }
  return text + wrapped("  ", "a path starts in: " + start_text(view), 4);
}

/// Whether a kind of factor moves anywhere.
bool moves(const Model& model, std::size_t kind) {
  return std::any_of(model.regimes.begin(), model.regimes.end(), [&](const Regime& regime) {
    return std::any_of(regime.vols.begin(), regime.vols.end(), [&](const VolRule& r) { return r.vol[kind] > 0.0; });
  });
}

std::size_t width_of_kind(std::size_t kind) {
  const std::string name = to_string(static_cast<FactorKind>(kind));
  return std::max(vol_width, name.size() + 1);
}

bool has_fat_tails(const Model& model) {
  return std::any_of(model.regimes.begin(), model.regimes.end(), [](const Regime& regime) {
    return std::any_of(regime.vols.begin(), regime.vols.end(),
                       [](const VolRule& r) { return r.tail_index.has_value(); });
  });
}

std::string vols_text(const ModelView& view) {
  const Model& model = *view.model;
  std::string text = "\n" + left_column("vols, per root of a year", label_width + regime_width);
  for (std::size_t kind = 0; kind < num_factor_kinds; ++kind) {
    if (moves(model, kind)) text += right_column(to_string(static_cast<FactorKind>(kind)), width_of_kind(kind));
  }
  text += right_column("tail", vol_width + 1) + "\n";
  for (const UnderlyingClass& alike : view.classes) {
    std::string label = "  " + label_of(alike);
    for (const Regime& regime : model.regimes) {
      text += left_column(label, label_width) + left_column(regime.name, regime_width);
      label.clear();
      const VolRule* rule = first_match(regime.vols, alike.names.front(), model);
      for (std::size_t kind = 0; rule && kind < num_factor_kinds; ++kind) {
        if (moves(model, kind)) text += right_column(significant(rule->vol[kind], 4), width_of_kind(kind));
      }
      text +=
          right_column(rule && rule->tail_index ? significant(*rule->tail_index, 4) : "normal", vol_width + 1) + "\n";
    }
  }
  if (has_fat_tails(model)) {
    text += "  tail: index of fat tails; one scale for every " + number(model.mixing_hours) + " h, at most " +
            number(model.mixing_max_scale) + ", correlation " + number(model.mixing_persistence) + " with the next\n";
  }
  return text;
}

/// "▓ 0.80": the darker, the stronger. Blank where one of the two does not move.
std::string heat_cell(double rho, std::size_t width) {
  static constexpr std::array<const char*, 5> shades = {" ", "░", "▒", "▓", "█"};
  if (std::isnan(rho)) return std::string(width, ' ');
  const double shown = std::round(100.0 * rho) / 100.0 + 0.0;  // no -0.00
  const auto shade = std::min<std::size_t>(4, static_cast<std::size_t>(std::abs(shown) * 5.0 + 1e-9));
  return right_column(std::string(shades[shade]) + right_column(fixed_digits(shown, 2), 5), width);
}

/// Labels of classes, "BTC, ETH, DOGE +5"; all of them: nothing.
std::string labels_of(const ModelView& view, const std::vector<std::size_t>& classes) {
  if (classes.size() == view.classes.size()) return "";
  std::string text;
  for (const std::size_t c : classes) text += (text.empty() ? "" : ", ") + label_of(view.classes[c]);
  return text;
}

bool looks_alike(const ModelView::Matrix& x, const ModelView::Matrix& y) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = 0; j < x.size(); ++j) {
      if (std::isnan(x[i][j]) != std::isnan(y[i][j]) || std::abs(x[i][j] - y[i][j]) > 0.005) return false;
    }
  }
  return true;
}

/// Classes whose kinds move together alike in a regime, in order.
std::vector<std::vector<std::size_t>> alike_in_kinds(const ModelView& view, std::size_t regime) {
  std::vector<std::vector<std::size_t>> found;
  for (std::size_t c = 0; c < view.classes.size(); ++c) {
    const auto is_like = [&](const std::vector<std::size_t>& group) {
      return looks_alike(view.kind_correlation[regime][group.front()], view.kind_correlation[regime][c]);
    };
    const auto group = std::find_if(found.begin(), found.end(), is_like);
    if (group == found.end()) {
      found.push_back({c});
    } else {
      group->push_back(c);
    }
  }
  return found;
}

/// Whether a kind moves together with some other.
bool is_tied(const ModelView::Matrix& rho, std::size_t kind) {
  for (std::size_t other = 0; other < rho.size(); ++other) {
    if (other != kind && std::abs(rho[kind][other]) > 0.005) return true;  // not NaN
  }
  return false;
}

/// Lower triangle of the kinds that move together with some other.
std::string kinds_table(const ModelView::Matrix& rho, const std::string& head) {
  std::vector<std::size_t> kinds;
  std::string free;
  for (std::size_t k = 0; k < rho.size(); ++k) {
    if (std::isnan(rho[k][k])) continue;
    if (is_tied(rho, k)) {
      kinds.push_back(k);
    } else {
      free += (free.empty() ? "" : ", ") + std::string(to_string(static_cast<FactorKind>(k)));
    }
  }
  const std::string rest = free.empty() ? "" : wrapped("  ", "with no other: " + free, 4);
  if (kinds.empty()) return "\n" + head + rest;
  std::string text = "\n" + head + left_column("", label_width);
  for (std::size_t j = 0; j + 1 < kinds.size(); ++j) {
    text += right_column(to_string(static_cast<FactorKind>(kinds[j])), width_of_kind(kinds[j]) + 1);
  }
  text += "\n";
  for (std::size_t i = 1; i < kinds.size(); ++i) {
    text += left_column(std::string("  ") + to_string(static_cast<FactorKind>(kinds[i])), label_width);
    for (std::size_t j = 0; j < i; ++j) text += heat_cell(rho[kinds[i]][kinds[j]], width_of_kind(kinds[j]) + 1);
    text += "\n";
  }
  return text + rest;
}

std::string kinds_text(const ModelView& view, std::size_t regime) {
  std::string text;
  for (const std::vector<std::size_t>& group : alike_in_kinds(view, regime)) {
    const std::string who = labels_of(view, group);
    const std::string head = wrapped("",
                                     view.model->regimes[regime].name + ": kinds of factor of one underlying together" +
                                         (who.empty() ? "" : ", for " + who),
                                     2);
    text += kinds_table(view.kind_correlation[regime][group.front()], head);
  }
  return text;
}

std::string prices_text(const ModelView& view, std::size_t regime) {
  const std::size_t shown = std::min(view.classes.size(), max_heat_classes);
  std::string text =
      "\n" + view.model->regimes[regime].name + ": prices of two underlyings together\n" + left_column("", label_width);
  for (std::size_t b = 0; b < shown; ++b) {
    text += " " + right_column(view.classes[b].is_rest ? "others" : label_of(view.classes[b]), heat_width - 1);
  }
  text += "\n";
  for (std::size_t a = 0; a < shown; ++a) {
    text += left_column("  " + label_of(view.classes[a]), label_width);
    for (std::size_t b = 0; b <= a; ++b) text += heat_cell(view.price_correlation[regime][a][b], heat_width);
    text += "\n";
  }
  if (shown < view.classes.size()) {
    text += "  and " + std::to_string(view.classes.size() - shown) + " more, in --json\n";
  }
  return text;
}

std::string exceptions_text(const ModelView& view, std::size_t regime) {
  const std::vector<CorrelationException>& exceptions = view.exceptions[regime];
  std::string text;
  for (std::size_t i = 0; i < std::min(exceptions.size(), max_listed_exceptions); ++i) {
    const CorrelationException& e = exceptions[i];
    text += "  " + label_of(view.classes[e.class_a]) + " " + to_string(e.kind_a) + " with another's " +
            to_string(e.kind_b) + ", " + label_of(view.classes[e.class_b]) + ": " + fixed_digits(e.rho, 2) +
            ", where the product of the tables is " + fixed_digits(e.product, 2) + "\n";
  }
  if (exceptions.size() > max_listed_exceptions) {
    text += "  and " + std::to_string(exceptions.size() - max_listed_exceptions) + " more exceptions, in --json\n";
  }
  return text;
}

std::string repairs_text(const ModelView& view, std::size_t regime) {
  std::string text;
  for (const CorrelationRepair& repair : view.repairs) {
    if (repair.regime != regime) continue;
    text += wrapped("  ",
                    "repaired: " + repair.table + " moved by " + significant(repair.distance, 3) +
                        " in all (Frobenius), most " + repair.a + " with " + repair.b + ", from " +
                        fixed_digits(repair.from, 3) + " to " + fixed_digits(repair.to, 3) + "; shown is what is used",
                    4);
  }
  return text;
}

std::string correlations_text(const ModelView& view) {
  std::string text;
  for (std::size_t k = 0; k < view.model->regimes.size(); ++k) {
    text += prices_text(view, k) + kinds_text(view, k) + exceptions_text(view, k) + repairs_text(view, k);
  }
  return text + "\ndifferent kinds of two underlyings together: the product of the two tables, unless said otherwise\n";
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

/// What a jump of this size does, empty for nothing: changes of logs in percent of the value, of carries as they are.
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
  return text;
}

/// "8", or "calm 8, stress 35".
std::string rates_text(const JumpRule& jump, const Model& model) {
  const auto is_first = [&](double rate) { return rate == jump.per_year.front(); };
  if (std::all_of(jump.per_year.begin(), jump.per_year.end(), is_first)) return number(jump.per_year.front());
  std::string text;
  for (std::size_t k = 0; k < model.regimes.size(); ++k) {
    text += (text.empty() ? "" : ", ") + model.regimes[k].name + " " + number(jump.per_year[k]);
  }
  return text;
}

std::string jump_text(const ModelView& view, std::size_t j) {
  const JumpRule& jump = view.model->jumps[j];
  const JumpView& numbers = view.jumps[j];
  const std::string head = left_column("  " + jump.name, jump_label_width) +
                           right_column(fixed_digits(numbers.median_size, 3), jump_number_width) +
                           right_column(fixed_digits(numbers.mean_size, 3), jump_number_width) +
                           right_column(percent(numbers.chance, 3), jump_number_width) +
                           right_column(percent(numbers.sampled_chance, 3), jump_number_width) + "   ";
  std::string text = wrapped(
      head, rates_text(jump, *view.model) + (jump.scope == JumpScope::market ? "; one for all" : "; each its own"),
      jump_label_width + 4 * jump_number_width + 3);
  std::string untouched;
  for (const JumpEffect& effect : jump.effects) {
    const std::string does = effect_text(effect, numbers.median_size);
    if (does.empty()) {
      untouched += (untouched.empty() ? "" : ", ") + effect.match;
    } else {
      text += wrapped(left_column("    " + effect.match, jump_label_width), does, jump_label_width);
    }
  }
  return text + (untouched.empty() ? "" : wrapped("    ", "not touched: " + untouched, 6));
}

std::string jumps_text(const ModelView& view) {
  const Model& model = *view.model;
  if (model.jumps.empty()) return "";
  std::string text = "\n" + left_column("jumps", jump_label_width) + right_column("median", jump_number_width) +
                     right_column("mean size", jump_number_width) +
                     right_column("in " + number(model.horizon_hours) + " h", jump_number_width) +
                     right_column("sampled", jump_number_width) + "   per year\n";
  for (std::size_t j = 0; j < model.jumps.size(); ++j) text += jump_text(view, j);
  return text + "  below each: what one of median size does\n";
}

}  // namespace

std::string model_text(const ModelView& view) {
  return head_text(*view.model) + beside_text(*view.model) + regimes_text(view) + vols_text(view) +
         correlations_text(view) + reversions_text(*view.model) + jumps_text(view);
}

namespace {

nlohmann::ordered_json exceptions_json(const ModelView& view, std::size_t regime) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const CorrelationException& e : view.exceptions[regime]) {
    list.push_back({{"a", label_of(view.classes[e.class_a])},
                    {"kind_a", to_string(e.kind_a)},
                    {"b", label_of(view.classes[e.class_b])},
                    {"kind_b", to_string(e.kind_b)},
                    {"rho", e.rho},
                    {"product", e.product}});
  }
  return list;
}

nlohmann::ordered_json repairs_json(const ModelView& view, std::size_t regime) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const CorrelationRepair& repair : view.repairs) {
    if (repair.regime != regime) continue;
    list.push_back({{"table", repair.table},
                    {"distance", repair.distance},
                    {"a", repair.a},
                    {"b", repair.b},
                    {"from", repair.from},
                    {"to", repair.to}});
  }
  return list;
}

}  // namespace

nlohmann::ordered_json model_json(const ModelView& view) {
  using Json = nlohmann::ordered_json;
  const Model& model = *view.model;
  Json kinds = Json::array();
  for (std::size_t kind = 0; kind < num_factor_kinds; ++kind) kinds.push_back(to_string(static_cast<FactorKind>(kind)));
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
    regime["price_correlation"] = view.price_correlation[k];  // NaN becomes null
    regime["kind_correlation"] = view.kind_correlation[k];
    regime["exceptions"] = exceptions_json(view, k);
    regime["repairs"] = repairs_json(view, k);
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
  return {{"parameters", model_parameters(model)},
          {"kinds", kinds},
          {"underlyings", classes},
          {"regimes", regimes},
          {"jumps", jumps}};
}

}  // namespace tailmargin
