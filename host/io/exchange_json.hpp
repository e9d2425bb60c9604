// Parts of exchange.json.
#pragma once

#include <nlohmann/json.hpp>

#include "tailmargin/crowding.hpp"

namespace tailmargin {

nlohmann::ordered_json estimate_json(const PathEstimate& estimate);

/// Shortfall and fund: the keys that one round of crowding has as the run itself does.
nlohmann::ordered_json distribution_json(const ExchangeShortfall& exchange);

/// What stands under `crowding`.
nlohmann::ordered_json crowding_json(const CrowdingReport& report);

}  // namespace tailmargin
