#include "host/cli/run_options.hpp"

#include <cstdio>

#include "host/cli/whole_number.hpp"
#include "host/io/model_file.hpp"
#include "host/io/run_files.hpp"

namespace tailmargin {

void add_run_options(CLI::App& command, RunOptions& options) {
  command.add_option("--paths", options.num_paths, "scenario paths")
      ->capture_default_str()
      ->check(whole_number(1, 0xffffffffull));
  command.add_option("--seed", options.seed, "seed of the random numbers")
      ->capture_default_str()
      ->check(whole_number(0, any_number));
  command.add_option("--sampler", options.sampler, "how paths are drawn: plain, stratified or sobol")
      ->capture_default_str()
      ->check(CLI::IsMember({"plain", "stratified", "sobol"}).description(""));
  command.add_option("--backend", options.backend, "auto, cuda, cpu or reference; cuda and cpu give the same bits")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "cuda", "cpu", "reference"}).description(""));
  command.add_option("--threads", options.threads, "cpu threads; 0: all")
      ->capture_default_str()
      ->check(whole_number(0, 1024));
  command.add_option("--isa", options.isa, "cpu instruction set: auto, baseline, avx2, avx512")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "baseline", "avx2", "avx512"}).description(""));
  command.add_option("--tile", options.paths_per_tile, "cpu: paths per tile, a multiple of 64; 0: from the cache size")
      ->capture_default_str()
      ->check(whole_number(0, 1'048'576));
  command.add_option("--batch", options.accounts_per_batch, "accounts per batch; 0: from memory")
      ->capture_default_str()
      ->check(whole_number(0, any_number));
  command.add_option("--progress", options.progress, "progress bar on stderr: auto (on a terminal), always, never")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "always", "never"}).description(""));
}

namespace {

BackendChoice parse_backend(const std::string& name) {
  if (name == "cuda") { return BackendChoice::cuda; }
  if (name == "cpu") { return BackendChoice::cpu; }
  return name == "reference" ? BackendChoice::reference : BackendChoice::automatic;
}

Sampler parse_sampler(const std::string& name) {
  if (name == "stratified") { return Sampler::stratified; }
  return name == "sobol" ? Sampler::sobol : Sampler::plain;
}

}  // namespace

ProgressMode parse_progress(const std::string& when) {
  if (when == "always") { return ProgressMode::always; }
  return when == "never" ? ProgressMode::never : ProgressMode::automatic;
}

RunConfig make_run_config(const RunOptions& options, ProgressBar& bar) {
  RunConfig config;
  config.num_paths = options.num_paths;
  config.seed = options.seed;
  config.sampler = parse_sampler(options.sampler);
  config.backend = parse_backend(options.backend);
  config.threads = options.threads;
  config.isa = options.isa;
  config.paths_per_tile = options.paths_per_tile;
  config.accounts_per_batch = options.accounts_per_batch;
  config.stop = &install_stop_signal();
  if (bar.enabled()) {
    config.progress = [&bar](const std::string& stage, double fraction) { bar.show(stage, fraction); };
  }
  return config;
}

ChosenModel choose_model(const std::string& option, const std::filesystem::path& book, Diagnostics& diagnostics) {
  if (!option.empty()) { return {read_model(option, diagnostics), option}; }
  const std::filesystem::path of_book = book / "model.toml";
  if (std::filesystem::exists(of_book)) { return {read_model(of_book, diagnostics), of_book}; }
  return {parse_model(default_model_text(), "built-in model", diagnostics), {}};
}

void reject_input(const Diagnostics& diagnostics, StagedFolder& out) {
  write_errors(diagnostics, out.path());
  out.commit();
  throw InputError(diagnostics);
}

void print_diagnostics(const Diagnostics& diagnostics) {
  for (const Diagnostic& d : diagnostics.items()) {
    std::string where = d.file;
    if (d.row != 0) { where += " row " + std::to_string(d.row); }
    if (!d.field.empty()) { where += ", " + d.field; }
    if (!d.value.empty()) { where += " = " + d.value; }
    std::fprintf(stderr, "%s: %s: %s\n", d.severity == Severity::error ? "error" : "warning", where.c_str(),
                 d.reason.c_str());
  }
}

}  // namespace tailmargin
