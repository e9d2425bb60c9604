// Prices of the reference backend: double precision, textbook formulas from the C library, none of the shared kernels.
#pragma once

#include <vector>

#include "host/prepare/prepared_run.hpp"

namespace tailmargin {

/// A smile as its definition has it: w(k) = theta / 2 (1 + rho phi k + sqrt((phi k + rho)^2 + 1 - rho^2)).
struct ReferenceSmile {
  double theta = 0.0, phi = 0.0, rho = 0.0;
  double variance(double k) const;
};

/// P&L of one contract of every column in USD.
class ReferencePrices {
 public:
  explicit ReferencePrices(const ColumnPlan& columns);

  /// From the observations of a path: [slice][column].
  std::vector<double> pnl(const std::vector<double>& observations) const;

  /// The smiles of a path, as columns.smiles.
  std::vector<ReferenceSmile> smiles(const std::vector<double>& observations) const;

 private:
  const ColumnPlan& columns_;
  std::vector<double> value_now_;  ///< [slice][column] of options, in the units of their marks
};

}  // namespace tailmargin
