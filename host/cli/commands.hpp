// The subcommands defined here; import and synth have headers of their own.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace tailmargin {

/// @param command_line  as typed, for the run's record
void add_margin_command(CLI::App& app, const std::string& command_line);
void add_whatif_command(CLI::App& app);
void add_explain_command(CLI::App& app);
void add_compare_command(CLI::App& app);
void add_info_command(CLI::App& app);
void add_bench_command(CLI::App& app);

}  // namespace tailmargin
