// tailmargin model: what a model file says.
#pragma once

#include <CLI/CLI.hpp>

namespace tailmargin {

void add_model_command(CLI::App& app);

}  // namespace tailmargin
