// A model as JSON, for manifests and machines.
#pragma once

#include <nlohmann/json.hpp>

#include "tailmargin/model.hpp"

namespace tailmargin {

/// Every parameter, with the defaults the file left out, in the file's own words.
nlohmann::ordered_json model_parameters(const Model& model);

}  // namespace tailmargin
