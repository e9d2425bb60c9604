// One account's expected shortfall with a control: what the sample says, less what it says of a quantity whose
// expectation is known.
#pragma once

#include <cstdint>
#include <vector>

#include "host/estimators/path_classes.hpp"
#include "host/estimators/quadratic_excess.hpp"
#include "kernels/executors/tail.hpp"

namespace tailmargin {

/// Expected shortfall of one account, USD, plain and controlled, with standard errors.
struct ControlledFigures {
  double es = 0.0, es_standard_error = 0.0;
  double controlled_es = 0.0, controlled_standard_error = 0.0;
};

/// One account on all paths.
struct AccountSample {
  const double* losses;          ///< [path]
  const double* quadratic;       ///< [path] its quadratic
  const std::uint32_t* weights;  ///< [path] or null for ones
  std::uint32_t num_paths;
};

/// @param laws        [class] of the quadratic
/// @param thresholds  of the quadratic; neither they nor the laws may depend on the sample's shocks
ControlledFigures controlled_tail(const TailRule& rule, const PathClasses& classes,
                                  const std::vector<QuadraticLaw>& laws, const std::vector<double>& thresholds,
                                  const AccountSample& sample);

}  // namespace tailmargin
