// Options shared by the commands that run the engine.
#pragma once

#include <filesystem>
#include <string>

#include <CLI/CLI.hpp>

#include "host/cli/terminal.hpp"
#include "host/io/staged_folder.hpp"
#include "tailmargin/diagnostics.hpp"
#include "tailmargin/engine.hpp"

namespace tailmargin {

struct RunOptions {
  std::uint64_t num_paths = 100'000;
  std::uint64_t seed = 1;
  std::string sampler = "sobol";
  std::string backend = "auto";
  std::string isa = "auto";
  int threads = 0;
  std::uint32_t paths_per_tile = 0;
  std::uint64_t accounts_per_batch = 0;
  std::string progress = "auto";
};

/// Adds --paths, --seed, --backend, --threads, --isa, --tile, --batch, --progress.
void add_run_options(CLI::App& command, RunOptions& options);

/// auto, always or never.
ProgressMode parse_progress(const std::string& when);

/// The engine's configuration; the bar must outlive the run.
RunConfig make_run_config(const RunOptions& options, ProgressBar& bar);

/// A model and where it came from.
struct ChosenModel {
  Model model;
  std::filesystem::path file;  ///< empty: built in
};

/// --model, else model.toml of the book, else the built-in example. Problems go to diagnostics.
ChosenModel choose_model(const std::string& option, const std::filesystem::path& book, Diagnostics& diagnostics);

/// Text of the built-in model, examples/models/twenty-coins.toml.
const char* default_model_text();

/// Leaves errors.csv, and nothing else, in the run folder and passes the problems on. @throws InputError
[[noreturn]] void reject_input(const Diagnostics& diagnostics, StagedFolder& out);

/// Prints every problem to stderr, one line each. Readers limit how many of a kind they report.
void print_diagnostics(const Diagnostics& diagnostics);

}  // namespace tailmargin
