// A small scenario model with its storage: three regimes, correlated factors, a sticky chain.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "host/backends/run_tables.hpp"
#include "kernels/executors/simulate.hpp"

namespace tailmargin::test {

/// Holds the tables a SimulatePayload points to.
class SimulateTables {
 public:
  explicit SimulateTables(const PreparedRun& run) : tables_(run, [](const auto& values) { return values; }) {}
  SimulatePayload payload() const { return tables_.payload(); }

 private:
  template <class T>
  using Buffer = std::vector<T>;
  StepTables<Buffer> tables_;
};

/// Factor f in regime k moves by drift + sum of loading times normals.
struct SmallModel {
  std::uint32_t num_steps, num_factors;
  static constexpr std::uint32_t num_regimes = 3;
  /// Rows sum to one; stationary is the left eigenvector, by hand: see stationary().
  std::array<std::array<double, 3>, 3> transition{{{0.90, 0.06, 0.04}, {0.10, 0.85, 0.05}, {0.15, 0.05, 0.80}}};
  PreparedRun run;
  std::vector<double> loading;  // [f, j <= f][regime]

  SmallModel(std::uint32_t steps, std::uint32_t factors) : num_steps(steps), num_factors(factors) {
    ScenarioPlan& plan = run.scenarios;
    plan.num_steps = steps;
    plan.num_regimes = num_regimes;
    plan.num_draws = factors;
    plan.factors.resize(factors);
    plan.start_bounds = bounds_of(stationary());
    for (const auto& row : transition) {
      for (const std::uint32_t b : bounds_of(row)) { plan.transition_bounds.push_back(b); }
    }
    for (std::uint32_t f = 0; f < factors; ++f) {
      plan.keep.push_back(1.0);
      for (std::uint32_t k = 0; k < num_regimes; ++k) {
        plan.drift.push_back(static_cast<double>(0.001f * static_cast<float>(f + 1) * (static_cast<float>(k) - 1.0f)));
        plan.scale_drift.push_back(0.0);
        plan.tail_class.push_back(0);
      }
    }
    for (std::uint32_t f = 0; f < factors; ++f) { add_loadings(f); }
    for (std::uint32_t step = 1; step <= steps; ++step) {
      for (std::uint32_t f = 0; f < factors; ++f) { plan.observations.push_back({step, f}); }
    }
  }

  /// Tail scales, reversion and jumps on top: nothing realistic, but every branch is taken.
  void add_everything() {
    ScenarioPlan& plan = run.scenarios;
    plan.num_classes = 2;
    plan.steps_per_mixing = 2;
    plan.score_keep = 0.6;
    for (std::uint32_t c = 0; c < 2; ++c) {
      for (std::uint32_t piece = 0; piece < ScaleTable::num_pieces; ++piece) {
        const double low = 0.5 + 0.004 * piece * (c + 1);
        plan.scale_pieces.insert(plan.scale_pieces.end(), {low, 0.004 * (c + 1), 0.001 * c, -0.001 * c});
      }
    }
    for (std::uint32_t f = 0; f < num_factors; ++f) {
      plan.keep[f] = f % 2 == 0 ? 1.0 : 0.9375;
      for (std::uint32_t k = 0; k < num_regimes; ++k) {
        plan.tail_class[f * num_regimes + k] = (f + k) % 3;
        plan.scale_drift[f * num_regimes + k] = -0.0005 * (k + 1);
      }
    }
    add_process(JumpLaw::fixed, 0.05, 0.0, {0});
    add_process(JumpLaw::normal, -0.02, 0.04, {0, num_factors - 1});
    add_process(JumpLaw::lognormal, 0.06, 0.5, {num_factors / 2});
    add_process(JumpLaw::exponential, 0.03, 0.0, {num_factors - 1});
    for (std::uint32_t k = 0; k < num_regimes; ++k) {
      double cumulative = 0.0, probability = 1.0 / (1.0 + 0.3 * k);  // nearly Poisson
      for (std::uint32_t n = 0; n < max_jumps_per_step; ++n) {
        cumulative += probability;
        plan.jump_counts.push_back(bound(cumulative));
        probability *= 0.3 * k / (n + 1.0);
      }
      for (std::uint32_t process = 1; process <= 4; ++process) { plan.jump_bounds.push_back(bound(process / 4.0)); }
      plan.excess_jumps.push_back(0.0);
    }
  }

  /// Stationary distribution of the chain: transition applied until it no longer moves.
  std::array<double, 3> stationary() const {
    std::array<double, 3> p{1.0, 0.0, 0.0};
    for (int i = 0; i < 2000; ++i) {
      std::array<double, 3> next{};
      for (std::size_t from = 0; from < 3; ++from) {
        for (std::size_t to = 0; to < 3; ++to) { next[to] += p[from] * transition[from][to]; }
      }
      p = next;
    }
    return p;
  }

  SimulateTables tables(std::uint64_t seed) {
    run.seed = seed;
    return SimulateTables(run);
  }

  double drift(std::uint32_t f, std::uint32_t regime) const { return run.scenarios.drift[f * num_regimes + regime]; }

  /// Covariance of one step in a regime: loading times its transpose.
  double covariance(std::uint32_t f, std::uint32_t g, std::uint32_t regime) const {
    double sum = 0.0;
    for (std::uint32_t j = 0; j <= f && j <= g; ++j) {
      sum += loading[packed(f, j) * num_regimes + regime] * loading[packed(g, j) * num_regimes + regime];
    }
    return sum;
  }

  static std::uint32_t packed(std::uint32_t f, std::uint32_t j) { return f * (f + 1) / 2 + j; }
  static std::uint32_t bound(double p) {
    return static_cast<std::uint32_t>(std::llround(std::fmin(p, 1.0) * 2147483648.0));
  }
  static std::vector<std::uint32_t> bounds_of(const std::array<double, 3>& p) {
    return {bound(p[0]), bound(p[0] + p[1]), 0x80000000u};
  }

 private:
  /// A row of the triangle, split in two: the draws are mixed, then scaled by two.
  void add_loadings(std::uint32_t f) {
    ScenarioPlan& plan = run.scenarios;
    for (std::uint32_t j = 0; j <= f; ++j) {
      plan.shared.inputs.push_back(j);
      for (std::uint32_t k = 0; k < num_regimes; ++k) {
        const float size = 0.01f * static_cast<float>(k + 1);
        const float off = (((f + j) % 2 == 0) ? 1.0f : -1.0f) * 0.5f / static_cast<float>(f - j + 1);
        loading.push_back(static_cast<double>(size * (f == j ? 1.0f : off * static_cast<float>(k) * 0.5f)));
        plan.shared.coefficients.push_back(0.5 * loading.back());
      }
    }
    plan.shared.offsets.push_back(static_cast<std::uint32_t>(plan.shared.inputs.size()));
    plan.shocks.inputs.push_back(f);
    plan.shocks.coefficients.insert(plan.shocks.coefficients.end(), num_regimes, 2.0);
    plan.shocks.offsets.push_back(f + 1);
  }

  void add_process(JumpLaw law, double location, double scale, const std::vector<std::uint32_t>& factors) {
    ScenarioPlan& plan = run.scenarios;
    JumpPlan process;
    process.law = law;
    process.location = location;
    process.scale = scale;
    process.max = 0.11;
    process.first_effect = static_cast<std::uint32_t>(plan.effect_factors.size());
    for (const std::uint32_t f : factors) {
      plan.effect_factors.push_back(f);
      plan.effect_changes.push_back(1.0 - 0.25 * f);
    }
    process.last_effect = static_cast<std::uint32_t>(plan.effect_factors.size());
    plan.processes.push_back(process);
  }
};

/// Scenarios of a number of paths (rounded up to whole groups): values[row][path] and regimes[step][path].
struct Scenarios {
  std::uint64_t stride;
  std::vector<float> values;
  std::vector<std::uint8_t> regimes;

  float value(std::uint32_t row, std::uint64_t path) const { return values[row * stride + path]; }
  std::uint8_t regime(std::uint32_t step, std::uint64_t path) const { return regimes[step * stride + path]; }
};

template <int W>
Scenarios simulate(const SimulatePayload& in, std::uint64_t num_paths, std::uint64_t first_path = 0) {
  const std::uint64_t groups = (num_paths + W - 1) / W;
  Scenarios out{groups * W, {}, {}};
  out.values.resize(in.num_observations * out.stride);
  out.regimes.resize(in.num_steps * out.stride);
  std::vector<float> scratch(scratch_rows(in) * W);
  for (std::uint64_t g = 0; g < groups; ++g) {
    simulate_lanes<W>(in, first_path + g * W, scratch.data(), W, out.values.data() + g * W, out.stride,
                      out.regimes.data() + g * W);
  }
  return out;
}

}  // namespace tailmargin::test
