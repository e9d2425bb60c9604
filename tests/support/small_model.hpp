// A small scenario model with its storage: three regimes, correlated factors, a sticky chain.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/executors/simulate.hpp"

namespace tailmargin::test {

/// Owns what a SimulatePayload points to. Factor f in regime k moves by drift + sum of loading times normals.
struct SmallModel {
  std::uint32_t num_steps, num_factors;
  static constexpr std::uint32_t num_regimes = 3;
  /// Rows sum to one; stationary is the left eigenvector, by hand: see stationary().
  std::array<std::array<double, 3>, 3> transition{{{0.90, 0.06, 0.04}, {0.10, 0.85, 0.05}, {0.15, 0.05, 0.80}}};
  std::vector<std::uint32_t> start_bounds, transition_bounds;
  std::vector<float> drift, loading;
  std::vector<Observation> observations;

  SmallModel(std::uint32_t steps, std::uint32_t factors) : num_steps(steps), num_factors(factors) {
    start_bounds = bounds_of(stationary());
    for (const auto& row : transition) {
      for (const std::uint32_t b : bounds_of(row)) { transition_bounds.push_back(b); }
    }
    for (std::uint32_t f = 0; f < factors; ++f) {
      for (std::uint32_t k = 0; k < num_regimes; ++k) {
        drift.push_back(0.001f * static_cast<float>(f + 1) * (static_cast<float>(k) - 1.0f));
      }
    }
    for (std::uint32_t f = 0; f < factors; ++f) {
      for (std::uint32_t j = 0; j <= f; ++j) {
        for (std::uint32_t k = 0; k < num_regimes; ++k) {
          const float size = 0.01f * static_cast<float>(k + 1);
          const float off = (((f + j) % 2 == 0) ? 1.0f : -1.0f) * 0.5f / static_cast<float>(f - j + 1);
          loading.push_back(size * (f == j ? 1.0f : off * static_cast<float>(k) * 0.5f));
        }
      }
    }
    for (std::uint32_t step = 1; step <= steps; ++step) {
      for (std::uint32_t f = 0; f < factors; ++f) { observations.push_back({step, f}); }
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

  SimulatePayload payload(std::uint64_t seed) const {
    SimulatePayload in{};
    in.seed = seed;
    in.num_steps = num_steps;
    in.num_regimes = num_regimes;
    in.num_factors = num_factors;
    in.num_observations = static_cast<std::uint32_t>(observations.size());
    in.start_bounds = start_bounds.data();
    in.transition_bounds = transition_bounds.data();
    in.drift = drift.data();
    in.loading = loading.data();
    in.observations = observations.data();
    return in;
  }

  /// Covariance of one step in a regime: loading times its transpose.
  double covariance(std::uint32_t f, std::uint32_t g, std::uint32_t regime) const {
    double sum = 0.0;
    for (std::uint32_t j = 0; j <= f && j <= g; ++j) {
      sum += static_cast<double>(loading[packed_lower(f, j) * num_regimes + regime]) *
             static_cast<double>(loading[packed_lower(g, j) * num_regimes + regime]);
    }
    return sum;
  }

  static std::vector<std::uint32_t> bounds_of(const std::array<double, 3>& p) {
    return {static_cast<std::uint32_t>(std::llround(p[0] * 2147483648.0)),
            static_cast<std::uint32_t>(std::llround((p[0] + p[1]) * 2147483648.0)), 0x80000000u};
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
  std::vector<float> state(scratch_rows(in.num_factors) * W), normal(scratch_rows(in.num_factors) * W);
  for (std::uint64_t g = 0; g < groups; ++g) {
    simulate_lanes<W>(in, first_path + g * W, state.data(), normal.data(), W, out.values.data() + g * W, out.stride,
                      out.regimes.data() + g * W);
  }
  return out;
}

}  // namespace tailmargin::test
