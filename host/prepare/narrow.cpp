#include "host/prepare/narrow.hpp"

#include <algorithm>
#include <numeric>
#include <set>

namespace tailmargin {
namespace {

/// Columns by their new numbers.
class Renumbering {
 public:
  Renumbering(const ColumnPlan& columns, const AccountPlan& accounts) : old_(columns.num_columns) {
    std::vector<std::uint32_t> held(old_ + 1, 0);
    for (const PositionColumn& column : accounts.columns) { held[column.column() + 1] = 1; }
    held_.assign(held.begin() + 1, held.end());
    std::partial_sum(held.begin(), held.end(), held.begin());
    number_ = std::move(held);
  }

  std::uint32_t count() const { return number_.back(); }
  bool held(std::size_t of_slices) const { return held_[of_slices % old_] != 0; }
  std::uint32_t of_slices(std::uint32_t column) const { return column / old_ * count() + number_[column % old_]; }

 private:
  std::uint32_t old_;
  std::vector<std::uint32_t> held_, number_;  // [column] whether it is held; how many held ones stand before it
};

template <class Column>
std::vector<Column> select(const std::vector<Column>& columns, const Renumbering& numbers) {
  std::vector<Column> out;
  for (const Column& column : columns) {
    if (!numbers.held(column.out)) { continue; }
    out.push_back(column);
    out.back().out = numbers.of_slices(column.out);
  }
  return out;
}

template <class Real>
ColumnTables<Real> select(const ColumnTables<Real>& tables, const Renumbering& numbers) {
  return {tables.market_rows,
          tables.smiles,
          tables.surfaces,
          tables.payments,
          select(tables.products, numbers),
          select(tables.options, numbers)};
}

/// Appends a row of a matrix to another.
void copy_row(const SparseTable& table, std::size_t row, std::size_t num_regimes, SparseTable& out) {
  for (std::uint32_t e = table.offsets[row]; e < table.offsets[row + 1]; ++e) {
    out.inputs.push_back(table.inputs[e]);
    const auto first = table.coefficients.begin() + static_cast<std::ptrdiff_t>(e * num_regimes);
    out.coefficients.insert(out.coefficients.end(), first, first + static_cast<std::ptrdiff_t>(num_regimes));
  }
}

/// A row for every factor, empty for those that do not move.
SparseTable shocks_of(const ScenarioPlan& plan, const std::vector<UnderlyingId>& underlyings) {
  SparseTable out;
  for (std::size_t f = 0; f < plan.factors.size(); ++f) {
    const bool moves = std::binary_search(underlyings.begin(), underlyings.end(), plan.factors[f].underlying);
    if (moves) { copy_row(plan.shocks, f, plan.num_regimes, out); }
    out.offsets.push_back(static_cast<std::uint32_t>(out.inputs.size()));
  }
  return out;
}

/// Drops the correlated normals that no shock reads, and numbers the others anew.
void drop_unread_rows(ScenarioPlan& plan) {
  const std::set<std::uint32_t> read(plan.shocks.inputs.begin(), plan.shocks.inputs.end());
  SparseTable shared;
  for (const std::uint32_t row : read) {
    copy_row(plan.shared, row, plan.num_regimes, shared);
    shared.offsets.push_back(static_cast<std::uint32_t>(shared.inputs.size()));
  }
  for (std::uint32_t& row : plan.shocks.inputs) {
    row = static_cast<std::uint32_t>(std::distance(read.begin(), read.find(row)));
  }
  plan.shared = std::move(shared);
}

}  // namespace

ScenarioPlan narrow_scenarios(ScenarioPlan plan, const std::vector<UnderlyingId>& underlyings) {
  plan.shocks = shocks_of(plan, underlyings);
  drop_unread_rows(plan);
  const std::set<std::uint32_t> read(plan.shared.inputs.begin(), plan.shared.inputs.end());
  plan.read_draws.emplace(read.begin(), read.end());
  plan.moved = underlyings;
  return plan;
}

NarrowColumns narrow_columns(const ColumnPlan& columns, AccountPlan accounts) {
  const Renumbering numbers(columns, accounts);
  NarrowColumns out;
  out.columns.num_columns = numbers.count();
  out.columns.num_slices = columns.num_slices;
  out.columns.slice_step = columns.slice_step;
  out.columns.fits = columns.fits;
  out.columns.smiles = columns.smiles;
  for (std::uint32_t c = 0; c < columns.num_columns; ++c) {
    if (numbers.held(c)) { out.columns.column_underlying.push_back(columns.column_underlying[c]); }
  }
  for (std::size_t c = 0; c < columns.terms.size(); ++c) {
    if (!numbers.held(c)) { continue; }
    out.columns.terms.push_back(columns.terms[c]);
    out.columns.terms.back().column = numbers.of_slices(columns.terms[c].column);
  }
  out.columns.single = select(columns.single, numbers);
  out.columns.exact = select(columns.exact, numbers);
  out.accounts = std::move(accounts);
  for (PositionColumn& column : out.accounts.columns) {
    const std::uint32_t flag = column.packed & PositionColumn::last_flag;
    column.packed = numbers.of_slices(column.column()) | flag;
  }
  return out;
}

}  // namespace tailmargin
