// How long paths stay in regimes: the chain alone, simulated as scenarios do it.
#include <algorithm>

#include "host/prepare/scenario_laws.hpp"

namespace tailmargin {

std::vector<std::uint16_t> count_regime_steps(const ScenarioPlan& plan, const PointPlan& points, std::uint64_t seed,
                                              std::uint64_t num_paths) {
  SimulatePayload in{};
  in.seed = seed;
  in.num_steps = plan.num_steps;
  in.num_regimes = plan.num_regimes;
  in.start_bounds = plan.start_bounds.data();
  in.transition_bounds = plan.transition_bounds.data();
  in.points = points.view();

  constexpr int group = 64;
  std::vector<std::uint16_t> steps(num_paths * plan.num_regimes, 0);
  for (std::uint64_t first = 0; first < num_paths; first += group) {
    StepChoices<group> chain;
    std::uint32_t regime[group] = {};
    const std::uint64_t count = std::min<std::uint64_t>(group, num_paths - first);
    for (std::uint32_t step = 0; step < plan.num_steps; ++step) {
      advance_regimes<group>(in, first, step, chain, regime);
      for (std::uint64_t l = 0; l < count; ++l) { ++steps[(first + l) * plan.num_regimes + regime[l]]; }
    }
  }
  return steps;
}

}  // namespace tailmargin
