// [terms]: what a margin has beside the expected shortfall.
#include "host/io/model_parts.hpp"
#include "host/io/model_rules.hpp"

namespace tailmargin {
namespace {

constexpr const char* regimes_of_terms = "its chain and correlations are asked for";
constexpr NumberRange weight_range{0.0, 2.0, false, false, "from 0 to 2"};
constexpr NumberRange share_range{0.0, 1.0, false, false, "from 0 to 1"};
constexpr NumberRange paths_range{0.0, 1.0, true, false, "above 0 and at most 1"};
constexpr NumberRange stressed_range{0.5, 1.0, true, true, "above 0.5 and below 1"};
constexpr NumberRange multiple_range{0.0, 100.0, false, false, "from 0 to 100"};
constexpr NumberRange impact_range{0.0, 10.0, false, false, "from 0 to 10"};

}  // namespace

void read_terms(const TomlValue* value, ModelDraft& draft) {
  if (!value) return;
  TomlTable table(*value, "terms", draft.problems);
  MarginTerms terms;
  terms.calm_regime = read_regime_name(table, "calm_regime", regimes_of_terms, draft.model);
  terms.crisis_regime = read_regime_name(table, "crisis_regime", regimes_of_terms, draft.model);
  const auto read = [&](std::string_view key, const NumberRange& range, double& number) {
    number = table.number(key, range).value_or(number);
  };
  read("crisis_start_weight", weight_range, terms.crisis_start_weight);
  read("correlation_weight", weight_range, terms.correlation_weight);
  read("dependence_weight", share_range, terms.dependence_weight);
  read("concentration_weight", share_range, terms.concentration_weight);
  read("stressed_confidence", stressed_range, terms.stressed_confidence);
  if (terms.stressed_confidence < draft.model.confidence) {
    const TomlValue* written = table.value("stressed_confidence");
    table.error("stressed_confidence", written != nullptr ? *written : *value,
                "this is below margin.confidence (the stressed tail must lie within the margin's). Raise it.");
  }
  terms.anti_procyclical = static_cast<AntiProcyclical>(
      table.choice("anti_procyclical", {"none", "buffer", "stressed", "floor"}).value_or(0));
  read("buffer", share_range, terms.buffer);
  read("stressed_share", share_range, terms.stressed_share);
  read("short_option_minimum", share_range, terms.short_option_minimum);
  read("spread_multiple", multiple_range, terms.spread_multiple);
  read("default_half_spread", share_range, terms.default_half_spread);
  read("impact", impact_range, terms.impact);
  read("paths_share", paths_range, terms.paths_share);
  table.finish();
  draft.model.terms = terms;
}

}  // namespace tailmargin
