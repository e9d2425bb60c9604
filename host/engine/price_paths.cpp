#include "host/engine/price_paths.hpp"

#include <algorithm>

#include "host/backends/run_tables.hpp"
#include "host/cpu/host_loops.hpp"
#include "host/prepare/prepare_run.hpp"
#include "host/prepare/scenario_laws.hpp"

namespace tailmargin {
namespace {

template <class T>
using HostBuffer = std::vector<T>;

/// Runs the simulation kernel over all paths; take(row, first path, values, count) gets the observations.
template <class Take>
void simulate_observations(const PreparedRun& run, Take take) {
  const StepTables<HostBuffer> tables(run, [](const auto& values) { return values; });
  const SimulatePayload payload = tables.payload();
  const cpu::Kernels& kernels = choose_kernels(Isa::automatic);
  const std::size_t rows = run.scenarios.observations.size();
  std::vector<float> scratch(std::size_t{scratch_rows(payload)} * cpu::lanes), observed(rows * cpu::lanes);
  for (std::uint64_t first = 0; first < run.num_paths; first += cpu::lanes) {
    const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(cpu::lanes, run.num_paths - first));
    kernels.simulate(payload, {first, cpu::lanes, count}, scratch.data(), observed.data());
    for (std::size_t row = 0; row < rows; ++row) { take(row, first, observed.data() + row * cpu::lanes, count); }
  }
}

}  // namespace

FactorPaths simulate_factors(const Book& book, const Model& model, std::uint64_t num_paths, std::uint64_t seed,
                             Diagnostics& diagnostics) {
  PreparedRun run;
  run.seed = seed;
  run.num_paths = num_paths;
  run.scenarios = prepare_scenarios(book, model, diagnostics);
  if (diagnostics.has_errors()) { return {}; }
  FactorPaths out;
  out.factors = run.scenarios.factors;
  const std::uint32_t horizon = time_grid(model).horizon_steps;
  for (std::uint32_t f = 0; f < out.factors.size(); ++f) { run.scenarios.observations.push_back({horizon, f}); }
  out.weights = sample_weights(run.scenarios, run.points, seed, num_paths);
  out.change.assign(out.factors.size(), std::vector<float>(num_paths));
  simulate_observations(run, [&](std::size_t row, std::uint64_t first, const float* values, std::uint32_t count) {
    std::copy(values, values + count, out.change[row].begin() + static_cast<std::ptrdiff_t>(first));
  });
  return out;
}

PricePaths simulate_prices(const Model& model, const std::vector<std::string>& underlyings,
                           const std::vector<std::uint32_t>& steps, std::uint64_t num_paths, std::uint64_t seed,
                           Diagnostics& diagnostics) {
  Book book;
  for (const std::string& name : underlyings) { book.underlyings.push_back({name, 1.0, {}, {}}); }
  PreparedRun run;
  run.seed = seed;
  run.num_paths = num_paths;
  run.scenarios = prepare_scenarios(book, model, diagnostics);  // nothing listed: a price each is all there is
  if (diagnostics.has_errors()) { return {}; }
  for (const std::uint32_t step : steps) {
    for (std::uint32_t u = 0; u < underlyings.size(); ++u) { run.scenarios.observations.push_back({step, u}); }
  }
  PricePaths out;
  out.weights = sample_weights(run.scenarios, run.points, seed, num_paths);
  out.log_change.assign(steps.size(),
                        std::vector<std::vector<float>>(underlyings.size(), std::vector<float>(num_paths)));
  simulate_observations(run, [&](std::size_t row, std::uint64_t first, const float* values, std::uint32_t count) {
    std::copy(values, values + count,
              out.log_change[row / underlyings.size()][row % underlyings.size()].begin() +
                  static_cast<std::ptrdiff_t>(first));
  });
  return out;
}

}  // namespace tailmargin
