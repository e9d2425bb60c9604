// Models that differ from a run's own in one respect: what its margin terms compare.
#pragma once

#include <string>

#include "tailmargin/model.hpp"

namespace tailmargin {

/// Every path starts in one regime.
Model with_start_in(const Model& model, const std::string& regime);

/// Paths start in the long run's mix of regimes.
Model with_long_run_start(const Model& model);

/// Every regime has the correlations of one; vols, jumps and the chain stay.
Model with_correlations_of(const Model& model, const std::string& regime);

enum class UnderlyingDependence : std::uint8_t { perfect, independent };

/// Underlyings are moved by one shock for all, or each by its own; the kinds of factor of one underlying stay
/// correlated as they are. Exceptions to the product of both are dropped, jumps stay.
Model with_dependence(const Model& model, UnderlyingDependence dependence);

}  // namespace tailmargin
