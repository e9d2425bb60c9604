#include "host/engine/price_paths.hpp"

#include <algorithm>

#include "host/backends/run_tables.hpp"
#include "host/prepare/prepare_run.hpp"
#include "host/prepare/scenario_laws.hpp"

namespace tailmargin {
namespace {

constexpr int lanes = 64;

template <class T>
using HostBuffer = std::vector<T>;

}  // namespace

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
  out.weights = sample_weights(run.scenarios, seed, num_paths);
  out.log_change.assign(steps.size(),
                        std::vector<std::vector<float>>(underlyings.size(), std::vector<float>(num_paths)));

  const StepTables<HostBuffer> tables(run, [](const auto& values) { return values; });
  const SimulatePayload payload = tables.payload();
  std::vector<float> scratch(std::size_t{scratch_rows(payload)} * lanes),
      observed(run.scenarios.observations.size() * lanes);
  for (std::uint64_t first = 0; first < num_paths; first += lanes) {
    simulate_lanes<lanes>(payload, first, scratch.data(), lanes, observed.data(), lanes, nullptr);
    const std::uint64_t count = std::min<std::uint64_t>(lanes, num_paths - first);
    for (std::size_t row = 0; row < run.scenarios.observations.size(); ++row) {
      const float* values = observed.data() + row * lanes;
      std::copy(values, values + count,
                out.log_change[row / underlyings.size()][row % underlyings.size()].begin() +
                    static_cast<std::ptrdiff_t>(first));
    }
  }
  return out;
}

}  // namespace tailmargin
