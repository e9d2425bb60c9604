// The subcommands defined here; import and synth have headers of their own.
#pragma once

#include <CLI/CLI.hpp>

namespace tailmargin {

void add_margin_command(CLI::App& app);
void add_info_command(CLI::App& app);
void add_bench_command(CLI::App& app);

}  // namespace tailmargin
