// P&L of every column under factor changes written by hand: through the tables kernels read, and by the reference.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "host/prepare/prepare_run.hpp"
#include "host/reference/reference_prices.hpp"

namespace tailmargin::test {

/// Change of a factor since now at a grid step.
using FactorChange = std::function<double(std::uint32_t step, UnderlyingId underlying, FactorKind kind)>;

inline std::vector<float> observe(const PreparedRun& run, const FactorChange& change) {
  std::vector<float> observed;
  for (const Observation& observation : run.scenarios.observations) {
    const Factor& factor = run.scenarios.factors[observation.factor];
    observed.push_back(static_cast<float>(change(observation.step, factor.underlying, factor.kind)));
  }
  return observed;
}

template <class Real>
struct ShockedColumns {
  std::vector<Real> pnl;                      ///< [slice][column]
  std::vector<math::SsviSmile<Real>> smiles;  ///< as columns.smiles
};

template <class Real>
ShockedColumns<Real> shock(const ColumnPlan& plan, const std::vector<float>& observed) {
  const ColumnTables<Real>* tables = nullptr;
  if constexpr (sizeof(Real) == sizeof(float)) {
    tables = &plan.single;
  } else {
    tables = &plan.exact;
  }
  std::vector<Real> market(tables->num_rows());
  ShockedColumns<Real> out;
  out.pnl.resize(plan.num_slices * plan.num_columns);
  for (std::size_t r = 0; r < tables->market_rows.size(); ++r) {
    fill_market_row(tables->market_rows[r], observed.data(), 1, 1, &market[r]);
  }
  Real* rows = market.data() + tables->market_rows.size();
  for (const SurfaceRows& surface : tables->surfaces) {
    fill_surface(tables->smiles.data(), surface, observed.data(), 1, 1, rows);
  }
  for (std::size_t s = 0; s < tables->smiles.size(); ++s) {
    out.smiles.push_back({rows[3 * s], rows[3 * s + 1], rows[3 * s + 2]});
  }
  for (const ProductColumn<Real>& column : tables->products) {
    fill_product_column(column, tables->payments.data(), market.data(), 1, 1, &out.pnl[column.out]);
  }
  for (const OptionColumn<Real>& column : tables->options) {
    fill_option_column(column, market.data(), 1, 1, &out.pnl[column.out]);
  }
  return out;
}

/// The reference's P&L under the same changes, which have the precision of scenarios.
inline std::vector<double> reference_pnl(const ColumnPlan& plan, const std::vector<float>& observed) {
  return ReferencePrices(plan).pnl({observed.begin(), observed.end()});
}

}  // namespace tailmargin::test
