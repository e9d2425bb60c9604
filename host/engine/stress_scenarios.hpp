// The scenarios that margin terms need beside the run's own: the same columns on paths of models that differ in one
// respect. Draws are common, so that what differs between two of them is the model.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "host/engine/kept_scenarios.hpp"
#include "host/prepare/prepared_run.hpp"
#include "tailmargin/engine.hpp"

namespace tailmargin {

enum class StressScenario : std::uint8_t { own, crisis_start, long_run_start, perfect, independent };
inline constexpr std::size_t num_stress_scenarios = 5;

/// How many of a run's paths terms with scenarios of their own take.
std::uint64_t stress_paths(const MarginTerms& terms, std::uint64_t num_paths);

class StressScenarios {
 public:
  /// One of them: scenarios without columns and accounts.
  struct Scenario {
    PreparedRun plan;
    Observations kept;  ///< empty: simulated when needed

    const Observations* observations() const { return kept.empty() ? nullptr : &kept; }
  };

  /// Prepares those that the terms of the model ask for.
  /// @param keep  simulate them now, with the draws that they have in common made once; for backends that read
  /// observations
  /// @throws InputError, Interrupted
  StressScenarios(const PreparedRun& run, const Book& book, const Model& model, const RunConfig& config, bool keep);

  /// Null if the terms do not ask for it.
  const Scenario* find(StressScenario scenario) const { return scenarios_[static_cast<std::size_t>(scenario)].get(); }
  /// [regime] all regimes have the correlations of this one.
  const std::vector<std::unique_ptr<Scenario>>& correlations() const { return correlations_; }

 private:
  void simulate(const SimulateOptions& options);

  std::array<std::unique_ptr<Scenario>, num_stress_scenarios> scenarios_;
  std::vector<std::unique_ptr<Scenario>> correlations_;
};

}  // namespace tailmargin
