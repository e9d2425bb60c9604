#include "host/io/model_json.hpp"

#include <array>

namespace tailmargin {
namespace {

using Json = nlohmann::ordered_json;

/// Name of the vol of a kind in a row of `vols`.
std::string vol_key(std::size_t kind) {
  return kind == static_cast<std::size_t>(FactorKind::vol)
             ? "vol_of_vol"
             : std::string(to_string(static_cast<FactorKind>(kind))) + "_vol";
}

std::string selector_text(const FactorSelector& selector) {
  return selector.underlying + "." + to_string(selector.kind);
}

Json vol_rule(const VolRule& rule) {
  Json row = {{"match", rule.match}};
  for (std::size_t kind = 0; kind < num_factor_kinds; ++kind) { row[vol_key(kind)] = rule.vol[kind]; }
  if (rule.tail_index) { row["tail_index"] = *rule.tail_index; }
  return row;
}

Json regime_json(const Regime& regime) {
  static constexpr std::array<const char*, 3> same = {"any", "yes", "no"};
  Json vols = Json::array(), kinds = Json::array(), underlyings = Json::array(), factors = Json::array(),
       correlations = Json::array();
  for (const VolRule& rule : regime.vols) { vols.push_back(vol_rule(rule)); }
  for (const KindCorrelation& rule : regime.kinds) {
    kinds.push_back({{"a", to_string(rule.a)}, {"b", to_string(rule.b)}, {"rho", rule.rho}});
  }
  for (const UnderlyingCorrelation& rule : regime.underlyings) {
    underlyings.push_back({{"a", rule.a}, {"b", rule.b}, {"rho", rule.rho}});
  }
  for (const UnderlyingFactors& rule : regime.underlying_factors) {
    factors.push_back(
        {{"match", rule.match}, {"common", rule.common}, {"block", rule.block}, {"block_loading", rule.block_loading}});
  }
  for (const CorrelationRule& rule : regime.correlations) {
    correlations.push_back({{"a", selector_text(rule.a)},
                            {"b", selector_text(rule.b)},
                            {"same_underlying", same.at(static_cast<std::size_t>(rule.same_underlying))},
                            {"rho", rule.rho}});
  }
  return {{"name", regime.name},           {"vols", vols},
          {"kind_correlations", kinds},    {"underlying_correlations", underlyings},
          {"underlying_factors", factors}, {"correlations", correlations}};
}

Json size_json(const JumpRule& jump) {
  switch (jump.law) {
    case JumpLaw::fixed: return {{"law", "fixed"}, {"value", jump.location}, {"max", jump.max}};
    case JumpLaw::normal: return {{"law", "normal"}, {"mean", jump.location}, {"sd", jump.scale}, {"max", jump.max}};
    case JumpLaw::lognormal:
      return {{"law", "lognormal"}, {"median", jump.location}, {"log_sd", jump.scale}, {"max", jump.max}};
    case JumpLaw::exponential: return {{"law", "exponential"}, {"mean", jump.location}, {"max", jump.max}};
  }
  return {};
}

Json jump_json(const JumpRule& jump, const Model& model) {
  Json per_year = Json::object(), effects = Json::array();
  for (std::size_t k = 0; k < model.regimes.size(); ++k) { per_year[model.regimes[k].name] = jump.per_year[k]; }
  for (const JumpEffect& effect : jump.effects) {
    Json row = {{"match", effect.match}};
    for (std::size_t kind = 0; kind < num_factor_kinds; ++kind) {
      if (effect.change[kind] != 0.0) { row[to_string(static_cast<FactorKind>(kind))] = effect.change[kind]; }
    }
    if (row.size() == 1) { row[to_string(FactorKind::price)] = 0.0; }  // a row that only shadows later ones
    effects.push_back(row);
  }
  return {{"name", jump.name},    {"scope", jump.scope == JumpScope::market ? "market" : "each"},
          {"per_year", per_year}, {"size", size_json(jump)},
          {"effects", effects},   {"sample_multiple", jump.sample_multiple}};
}

Json terms_json(const MarginTerms& terms) {
  static constexpr std::array<const char*, 4> tools = {"none", "buffer", "stressed", "floor"};
  return {{"calm_regime", terms.calm_regime},
          {"crisis_regime", terms.crisis_regime},
          {"crisis_start_weight", terms.crisis_start_weight},
          {"correlation_weight", terms.correlation_weight},
          {"dependence_weight", terms.dependence_weight},
          {"concentration_weight", terms.concentration_weight},
          {"stressed_confidence", terms.stressed_confidence},
          {"anti_procyclical", tools.at(static_cast<std::size_t>(terms.anti_procyclical))},
          {"buffer", terms.buffer},
          {"stressed_share", terms.stressed_share},
          {"short_option_minimum", terms.short_option_minimum},
          {"spread_multiple", terms.spread_multiple},
          {"default_half_spread", terms.default_half_spread},
          {"impact", terms.impact},
          {"paths_share", terms.paths_share}};
}

Json shares_json(const std::vector<AssetShare>& rules, const char* key) {
  Json rows = Json::array();
  for (const AssetShare& rule : rules) { rows.push_back({{"match", rule.match}, {key, rule.share}}); }
  return rows;
}

Json crowding_json(const Crowding& crowding) {
  return {{"regime", crowding.regime},
          {"impact", crowding.impact},
          {"depth", crowding.depth},
          {"largest_move", crowding.largest_move}};
}

}  // namespace

Json model_parameters(const Model& model) {
  Json groups = Json::object(), regimes = Json::array(), reversions = Json::array(), jumps = Json::array();
  for (const Group& group : model.groups) { groups[group.name] = group.underlyings; }
  for (const Regime& regime : model.regimes) { regimes.push_back(regime_json(regime)); }
  for (const Reversion& rule : model.reversions) {
    reversions.push_back({{"match", rule.match},
                          {"kind", to_string(rule.kind)},
                          {"half_life_hours", rule.half_life_hours},
                          {"level", rule.level}});
  }
  for (const JumpRule& jump : model.jumps) { jumps.push_back(jump_json(jump, model)); }
  Json chain = {{"transition_hours", model.transition_hours}, {"transition", model.transition}};
  chain["start"] = model.start == StartKind::stationary ? Json("stationary") : Json(model.start_probabilities);
  Json parameters = {
      {"name", model.name},
      {"date", model.date},
      {"source", model.source},
      {"horizon",
       {{"hours", model.horizon_hours},
        {"step_hours", model.step_hours},
        {"drift", model.drift == Drift::martingale ? "martingale" : "zero"},
        {"time_roll", model.time_roll == TimeRoll::on ? "on" : "off"},
        {"measure", model.measure == PathMeasure::terminal ? "terminal" : "worst"},
        {"measure_hours", model.measure_hours}}},
      {"margin",
       {{"confidence", model.confidence},
        {"maintenance_ratio", model.maintenance_ratio},
        {"uplift_confidence", model.uplift_confidence}}},
      {"terms", model.terms ? terms_json(*model.terms) : Json(nullptr)},
      {"haircut", shares_json(model.haircuts, "share")},
      {"depeg", shares_json(model.depegs, "fall")},
      {"chain", chain},
      {"groups", groups},
      {"correlation",
       {{"repair", model.repair == Repair::refuse ? "refuse" : "nearest"}, {"min_eigenvalue", model.min_eigenvalue}}},
      {"mixing",
       {{"hours", model.mixing_hours},
        {"persistence", model.mixing_persistence},
        {"max_scale", model.mixing_max_scale}}},
      {"surface",
       {{"sticky", model.sticky == Sticky::moneyness ? "moneyness" : "strike"},
        {"term_days", model.term_days},
        {"carry_slope_days", model.carry_slope_days}}},
      {"settlement", {{"average_minutes", model.settlement_average_minutes}}},
      {"funding", {{"interval_hours", model.funding_interval_hours}, {"cap", model.funding_cap}}},
      {"regime", regimes},
      {"reversion", reversions},
      {"jump", jumps}};
  if (model.closing) {
    parameters["closing"] = {{"participation", model.closing->participation}, {"hours", model.closing->hours}};
  }
  if (model.crowding) { parameters["crowding"] = crowding_json(*model.crowding); }
  return parameters;
}

}  // namespace tailmargin
