// The law of one step in every regime: deviations, tail classes, drifts, reversion.
#include <algorithm>
#include <cmath>
#include <string>

#include "host/prepare/matching.hpp"
#include "host/prepare/prepare_run.hpp"
#include "host/prepare/scenario_laws.hpp"
#include "host/prepare/tail_scales.hpp"

namespace tailmargin {
namespace {

constexpr double ln_2 = 0.69314718055994530942;

/// Share of a law's variance that mixing.max_scale may take unsaid.
constexpr double max_lost_variance = 0.05;

/// Numbers the tail indices of a model; class 0 is normal.
class TailClasses {
 public:
  /// @param line  of the model file where the index stands
  std::uint32_t number(std::optional<double> tail_index, std::uint64_t line) {
    if (!tail_index) { return 0; }
    const auto found = std::find(indices_.begin(), indices_.end(), *tail_index);
    if (found == indices_.end()) {
      indices_.push_back(*tail_index);
      lines_.push_back(line);
      return static_cast<std::uint32_t>(indices_.size());
    }
    return static_cast<std::uint32_t>(found - indices_.begin()) + 1;
  }
  const std::vector<double>& indices() const { return indices_; }
  std::uint64_t first_line(std::size_t at) const { return lines_[at]; }

 private:
  std::vector<double> indices_;
  std::vector<std::uint64_t> lines_;
};

std::string factor_name(const Book& book, const Factor& factor) {
  return book.underlyings[factor.underlying].name + "." + to_string(factor.kind);
}

class LawBuilder {
 public:
  LawBuilder(const Book& book, const Model& model, ScenarioPlan& plan, Diagnostics& diagnostics)
      : book_(book), model_(model), plan_(plan), diagnostics_(diagnostics) {
    const std::size_t entries = plan.factors.size() * plan.num_regimes;
    plan_.step_sd.assign(entries, 0.0);
    plan_.drift.assign(entries, 0.0);
    plan_.scale_drift.assign(entries, 0.0);
    plan_.tail_class.assign(entries, 0);
    plan_.keep.assign(plan.factors.size(), 1.0);
  }

  void build() {
    for (std::size_t k = 0; k < plan_.num_regimes; ++k) {
      for (std::size_t f = 0; f < plan_.factors.size(); ++f) { set_law(f, k); }
    }
    for (std::size_t f = 0; f < plan_.factors.size(); ++f) { set_reversion(f); }
    set_mixing();
    if (!diagnostics_.has_errors()) { prepare_correlations(book_, model_, plan_, diagnostics_); }
  }

 private:
  void set_law(std::size_t f, std::size_t k) {
    const Factor& factor = plan_.factors[f];
    const Regime& regime = model_.regimes[k];
    const VolRule* rule = first_match(regime.vols, book_.underlyings[factor.underlying].name, model_);
    if (rule == nullptr) {
      diagnostics_.error(model_source(model_), model_line(model_, item_of("regime", k) + ".vols"),
                         "regime." + regime.name + ".vols", book_.underlyings[factor.underlying].name,
                         "no vol rule matches this underlying (its risk would be zero). Add a row for it, or one with "
                         "match = \"*\".");
      return;
    }
    const std::size_t at = f * plan_.num_regimes + k;
    const double sd = rule->vol[static_cast<std::size_t>(factor.kind)] * math::sqrt(plan_.step_years);
    plan_.step_sd[at] = sd;
    const std::uint64_t line = line_of(k, *rule);
    plan_.tail_class[at] = classes_.number(rule->tail_index, line);
    check_deviation(f, k, *rule, line);
    // The vol level always keeps its mean; the price does unless the model says otherwise.
    const bool price = factor.kind == FactorKind::price && model_.drift == Drift::martingale;
    if (price || factor.kind == FactorKind::vol) { plan_.scale_drift[at] = -0.5 * sd * sd; }
  }

  /// Where a row of a regime's vols stands in the model file.
  std::uint64_t line_of(std::size_t k, const VolRule& rule) const {
    const auto row = static_cast<std::size_t>(&rule - model_.regimes[k].vols.data());
    return model_line(model_, item_of(item_of("regime", k) + ".vols", row));
  }

  void check_deviation(std::size_t f, std::size_t k, const VolRule& rule, std::uint64_t line) {
    const double horizon_sd =
        plan_.step_sd[f * plan_.num_regimes + k] * math::sqrt(static_cast<double>(plan_.num_steps));
    const double largest = rule.tail_index ? horizon_sd * model_.mixing_max_scale : horizon_sd;
    if (horizon_sd <= max_horizon_sd && largest <= max_horizon_scale) { return; }
    diagnostics_.error(
        model_source(model_), line, "regime." + model_.regimes[k].name + ".vols", factor_name(book_, plan_.factors[f]),
        std::string("the standard deviation ") + over_the_path(model_) +
            (horizon_sd <= max_horizon_sd
                 ? " times mixing.max_scale is above 4 (prices would overflow). Lower max_scale or the vol, or "
                 : " is above 2 (its exponential would overflow; vols are per year, 0.8 is 80 %). Lower the vol, or ") +
            end_paths_sooner(model_) + ".");
  }

  /// x - level halves its distance in a half life: x' = keep x + (1 - keep) level.
  void set_reversion(std::size_t f) {
    const Factor& factor = plan_.factors[f];
    for (const Reversion& rule : model_.reversions) {
      if (rule.kind != factor.kind || !matches(rule.match, book_.underlyings[factor.underlying].name, model_)) {
        continue;
      }
      plan_.keep[f] = math::exp(-ln_2 * model_.step_hours / rule.half_life_hours);
      for (std::size_t k = 0; k < plan_.num_regimes; ++k) {
        plan_.drift[f * plan_.num_regimes + k] = (1.0 - plan_.keep[f]) * rule.level;
      }
      return;
    }
  }

  void set_mixing() {
    plan_.num_classes = static_cast<std::uint32_t>(classes_.indices().size());
    plan_.steps_per_mixing =
        std::max(1u, static_cast<std::uint32_t>(std::llround(model_.mixing_hours / model_.step_hours)));
    plan_.score_keep = model_.mixing_persistence;
    for (std::size_t c = 0; c < classes_.indices().size(); ++c) {
      const std::vector<double> pieces = tail_scale_pieces(classes_.indices()[c], model_.mixing_max_scale);
      check_cap(c, pieces);
      plan_.scale_pieces.insert(plan_.scale_pieces.end(), pieces.begin(), pieces.end());
    }
  }

  /// The cap takes variance; with an index near 2 that is most of it, and the heavier tail would give less margin.
  void check_cap(std::size_t c, const std::vector<double>& pieces) {
    const double lost = 1.0 - mean_square_scale(pieces);
    if (lost <= max_lost_variance) { return; }
    const std::uint64_t line = model_line(model_, "mixing.max_scale");
    diagnostics_.warning(model_source(model_), line != 0 ? line : classes_.first_line(c), "mixing.max_scale",
                         short_number(model_.mixing_max_scale),
                         "it takes " + short_number(100.0 * lost) + " % of the variance of tail index " +
                             short_number(classes_.indices()[c]) +
                             " (vols come out lower than the file says). Raise it or the index.");
  }

  const Book& book_;
  const Model& model_;
  ScenarioPlan& plan_;
  Diagnostics& diagnostics_;
  TailClasses classes_;
};

}  // namespace

void prepare_step_laws(const Book& book, const Model& model, ScenarioPlan& plan, Diagnostics& diagnostics) {
  LawBuilder(book, model, plan, diagnostics).build();
}

}  // namespace tailmargin
