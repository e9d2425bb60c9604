// tailmargin synth: a made-up exchange.
#pragma once

#include <CLI/CLI.hpp>

namespace tailmargin {

void add_synth_command(CLI::App& app);

}  // namespace tailmargin
