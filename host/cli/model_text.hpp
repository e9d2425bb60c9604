// A model as people read it, and as machines do.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "host/cli/model_view.hpp"

namespace tailmargin {

/// Name, horizon, regimes, volatilities, correlations of prices, jumps: one table after the other.
std::string model_text(const ModelView& view);

/// The same numbers, and every parameter of the file.
nlohmann::ordered_json model_json(const ModelView& view);

}  // namespace tailmargin
