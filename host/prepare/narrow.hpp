// The columns that some accounts hold, and the factors that move them, and no others: so that a pass for one account of
// a large market touches little.
#pragma once

#include "host/prepare/prepared_run.hpp"

namespace tailmargin {

struct NarrowColumns {
  ColumnPlan columns;    ///< numbered anew, in the same order; instrument_column and so on are not kept
  AccountPlan accounts;  ///< with the new numbers
};

/// Prices and sums of the accounts keep their bits: columns stand in the same order, with the same numbers in them.
NarrowColumns narrow_columns(const ColumnPlan& columns, AccountPlan accounts);

/// Scenarios in which only the factors of these underlyings (rising) move, with the bits they have among all; what is
/// observed of the others has no meaning. Draws keep their numbers; those that nothing reads are not made.
ScenarioPlan narrow_scenarios(ScenarioPlan plan, const std::vector<UnderlyingId>& underlyings);

}  // namespace tailmargin
