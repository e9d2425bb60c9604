// Terms: what one contract of every instrument is worth on a path, in words the reference can read.
#pragma once

#include "host/prepare/observation_index.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {

/// Columns and their terms at every read time, smiles included; no tables yet.
ColumnPlan build_terms(const Book& book, const Model& model, const ObservationIndex& observations,
                       Diagnostics& diagnostics);

}  // namespace tailmargin
