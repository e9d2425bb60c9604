#include "host/prepare/model_variants.hpp"

#include <algorithm>

namespace tailmargin {
namespace {

std::size_t regime_index(const Model& model, const std::string& name) {
  const auto found = std::find_if(model.regimes.begin(), model.regimes.end(),
                                  [&](const Regime& regime) { return regime.name == name; });
  return static_cast<std::size_t>(found - model.regimes.begin());
}

}  // namespace

Model with_start_in(const Model& model, const std::string& regime) {
  Model out = model;
  out.start = StartKind::probabilities;
  out.start_probabilities.assign(model.regimes.size(), 0.0);
  out.start_probabilities.at(regime_index(model, regime)) = 1.0;
  return out;
}

Model with_long_run_start(const Model& model) {
  Model out = model;
  out.start = StartKind::stationary;
  out.start_probabilities.clear();
  return out;
}

Model with_correlations_of(const Model& model, const std::string& regime) {
  Model out = model;
  const Regime& source = model.regimes.at(regime_index(model, regime));
  for (Regime& target : out.regimes) {
    target.kinds = source.kinds;
    target.underlyings = source.underlyings;
    target.underlying_factors = source.underlying_factors;
    target.correlations = source.correlations;
  }
  return out;
}

Model with_dependence(const Model& model, UnderlyingDependence dependence) {
  Model out = model;
  const double common = dependence == UnderlyingDependence::perfect ? 1.0 : 0.0;
  for (Regime& regime : out.regimes) {
    regime.underlyings.clear();
    regime.correlations.clear();
    regime.underlying_factors = {{"*", common, "", 0.0}};
  }
  return out;
}

}  // namespace tailmargin
