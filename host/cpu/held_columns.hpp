// The tables of those columns that a set of accounts holds: the others are not revalued and never read.
#pragma once

#include <vector>

#include "host/backends/run_tables.hpp"
#include "host/cpu/cpu_kernels.hpp"

namespace tailmargin {

/// Points into the plan, which must outlive it.
template <class Real>
class HeldColumns {
 public:
  HeldColumns(const AccountPlan& accounts, const ColumnPlan& plan) : all_(column_tables<Real>(plan)) {
    const std::vector<char> held = held_columns(accounts, plan);
    products_ = only_held(all_.products, held);
    options_ = only_held(all_.options, held);
  }

  cpu::MarketTables<Real> tables() const {
    const auto count = [&](const auto& rows) { return static_cast<std::uint32_t>(none() ? 0 : rows.size()); };
    return {all_.market_rows.data(), all_.smiles.data(), all_.surfaces.data(),    all_.payments.data(),
            products_.data(),        options_.data(),    count(all_.market_rows), count(all_.smiles),
            count(all_.surfaces),    count(products_),   count(options_)};
  }
  /// Rows of scratch that a revaluation needs.
  std::size_t market_rows() const { return none() ? 0 : all_.num_rows(); }

 private:
  bool none() const { return products_.empty() && options_.empty(); }

  const ColumnTables<Real>& all_;
  std::vector<ProductColumn<Real>> products_;
  std::vector<OptionColumn<Real>> options_;
};

}  // namespace tailmargin
