// The part of the column tables that a set of accounts needs.
#pragma once

#include <algorithm>
#include <iterator>
#include <type_traits>
#include <vector>

#include "host/prepare/prepared_run.hpp"

namespace tailmargin {

template <class Real>
const ColumnTables<Real>& column_tables(const ColumnPlan& plan) {
  if constexpr (std::is_same_v<Real, float>) {
    return plan.single;
  } else {
    return plan.exact;
  }
}

/// [column] whether any of the accounts holds it.
inline std::vector<char> held_columns(const AccountPlan& accounts, std::uint32_t num_columns) {
  std::vector<char> held(num_columns, 0);
  for (const PositionColumn& column : accounts.columns) { held[column.column()] = 1; }
  return held;
}

/// The columns that are held: nothing reads the others, so they are not filled.
template <class Column>
std::vector<Column> only_held(const std::vector<Column>& columns, const std::vector<char>& held) {
  std::vector<Column> out;
  std::copy_if(columns.begin(), columns.end(), std::back_inserter(out),
               [&](const Column& c) { return held[c.out] != 0; });
  return out;
}

/// The step tables are kept in double; kernels read float.
inline std::vector<float> to_float(const std::vector<double>& values) {
  std::vector<float> out(values.size());
  std::transform(values.begin(), values.end(), out.begin(), [](double v) { return static_cast<float>(v); });
  return out;
}

}  // namespace tailmargin
