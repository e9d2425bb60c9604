// tailmargin import: a market folder from venues' public data.
#pragma once

#include <CLI/CLI.hpp>

namespace tailmargin {

void add_import_command(CLI::App& app);

}  // namespace tailmargin
