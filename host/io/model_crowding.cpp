// [crowding]: how liquidations move prices.
#include "host/io/model_parts.hpp"
#include "host/io/model_rules.hpp"

namespace tailmargin {
namespace {

constexpr NumberRange impact_range{0.0, 10.0, false, false, "from 0 to 10"};
constexpr NumberRange depth_range{0.0, 100.0, true, false, "above 0 and at most 100"};
constexpr NumberRange move_range{0.0, 2.0, true, false, "above 0 and at most 2"};

}  // namespace

void read_crowding(const TomlValue* value, ModelDraft& draft) {
  if (!value) return;
  TomlTable table(*value, "crowding", draft.problems);
  Crowding crowding;
  crowding.regime = read_regime_name(table, "regime", "the price vols of one are asked for", draft.model);
  crowding.impact = table.number("impact", impact_range).value_or(crowding.impact);
  crowding.depth = table.number("depth", depth_range).value_or(crowding.depth);
  crowding.largest_move = table.number("largest_move", move_range).value_or(crowding.largest_move);
  table.finish();
  draft.model.crowding = crowding;
}

}  // namespace tailmargin
