// Tables: the terms of a plan as rows and columns that kernels read.
#pragma once

#include "host/prepare/prepared_run.hpp"

namespace tailmargin {

/// Market rows without duplicates, smiles, payments and columns of all slices, in one precision.
template <class Real>
ColumnTables<Real> build_tables(const ColumnPlan& plan);

extern template ColumnTables<float> build_tables<float>(const ColumnPlan& plan);
extern template ColumnTables<double> build_tables<double>(const ColumnPlan& plan);

}  // namespace tailmargin
