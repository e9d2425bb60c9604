// One row of the margins file as JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "tailmargin/engine.hpp"

namespace tailmargin {

inline nlohmann::ordered_json account_margin_json(const AccountMargin& m) {
  return {{"positions", m.num_positions},
          {"gross_notional_usd", m.gross_notional_usd},
          {"net_delta_usd", m.net_delta_usd},
          {"equity_usd", m.equity_usd},
          {"var_usd", m.var_usd},
          {"var_se_usd", m.var_se_usd},
          {"es_usd", m.es_usd},
          {"es_se_usd", m.es_se_usd},
          {"worst_loss_usd", m.worst_loss_usd},
          {"worst_path", m.worst_path},
          {"initial_margin_usd", m.initial_margin_usd},
          {"maintenance_margin_usd", m.maintenance_margin_usd},
          {"exact_precision", m.exact_precision}};
}

}  // namespace tailmargin
