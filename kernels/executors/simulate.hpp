// Step 1: scenarios. A path is a pure function of (seed, path): regime chain, then correlated factor steps.
#pragma once

#include "kernels/math/normal.hpp"
#include "kernels/math/philox.hpp"

namespace tailmargin {

/// One row of the scenario matrix: a factor read after a step (1 .. num_steps).
struct Observation {
  std::uint32_t step;
  std::uint32_t factor;
};

/// Arguments of simulate_lanes: non-owning, trivially copyable, immutable during a run.
struct SimulatePayload {
  std::uint64_t seed;
  std::uint32_t num_steps;
  std::uint32_t num_regimes;
  std::uint32_t num_factors;
  std::uint32_t num_observations;
  const std::uint32_t* start_bounds;       ///< [regime] cumulative probability * 2^31, last entry unused
  const std::uint32_t* transition_bounds;  ///< [regime from][regime to] the same per row
  const float* drift;                      ///< [factor][regime] mean of one step
  const float* loading;                    ///< [factor f, factor j <= f packed][regime] step covariance factor
  const Observation* observations;         ///< [row] rising in step
};

/// Largest number of regimes a model may have.
inline constexpr std::uint32_t max_regimes = 16;

/// The regime a random word selects: the number of bounds at or below its upper 31 bits. Integers, so exact
/// everywhere; 31 bits, so that the bound of probability one (2^31) is above every word.
TM_HD std::uint32_t select_regime(const std::uint32_t* bounds, std::uint32_t num_regimes, std::uint32_t word) {
  std::uint32_t regime = 0;
  for (std::uint32_t k = 0; k + 1 < num_regimes; ++k) { regime += (word >> 1) >= bounds[k] ? 1u : 0u; }
  return regime;
}

/// Index of (f, j <= f) in a packed lower triangle.
TM_HD std::uint32_t packed_lower(std::uint32_t f, std::uint32_t j) { return f * (f + 1) / 2 + j; }

/// Moves the chain of W paths on by one step (0-based); the first step draws from the start distribution.
template <int W>
TM_HD void advance_regimes(const SimulatePayload& in, std::uint64_t first_path, std::uint32_t step,
                           math::PhiloxBlock* words, std::uint32_t* regime) {
  const std::uint32_t lane_word = step % 4;
  if (lane_word == 0) {
    TM_LANES
    for (int l = 0; l < W; ++l) {
      words[l] = math::philox4x32_10(in.seed, math::rng_block(math::RngStream::regime, 0, step / 4),
                                     first_path + static_cast<std::uint64_t>(l));
    }
  }
  for (int l = 0; l < W; ++l) {
    const std::uint32_t* bounds = step == 0 ? in.start_bounds : in.transition_bounds + regime[l] * in.num_regimes;
    regime[l] = select_regime(bounds, in.num_regimes, words[l].word[lane_word]);
  }
}

/// Independent normals of W paths for one step: normal[j * stride + lane].
template <int W>
TM_HD void draw_normals(const SimulatePayload& in, std::uint64_t first_path, std::uint32_t step, float* normal,
                        std::uint32_t stride) {
  for (std::uint32_t j = 0; j < in.num_factors; j += 4) {
    const std::uint64_t block = math::rng_block(math::RngStream::factor_shock, step, j / 4);
    TM_LANES
    for (int l = 0; l < W; ++l) {
      const math::PhiloxBlock words = math::philox4x32_10(in.seed, block, first_path + static_cast<std::uint64_t>(l));
      float* out = normal + j * stride + static_cast<std::uint32_t>(l);
      out[0] = math::normal_from_word(words.word[0]);
      out[stride] = math::normal_from_word(words.word[1]);
      out[2 * stride] = math::normal_from_word(words.word[2]);
      out[3 * stride] = math::normal_from_word(words.word[3]);
    }
  }
}

/// mean + sum_{j<=f} coefficient_j z_j with one regime's coefficients (every num_regimes-th of `row`), for W paths.
template <int W>
TM_HD void regime_shock(const float* row, std::uint32_t num_regimes, float mean, std::uint32_t f, const float* normal,
                        std::uint32_t stride, float* shock) {
  TM_LANES
  for (int l = 0; l < W; ++l) { shock[l] = mean; }
  for (std::uint32_t j = 0; j <= f; ++j) {
    const float coefficient = row[j * num_regimes];
    const float* z = normal + j * stride;
    TM_LANES
    for (int l = 0; l < W; ++l) { shock[l] = math::fma(coefficient, z[l], shock[l]); }
  }
}

/// Adds one step's correlated shock to the state: x_f += drift_f(k) + sum_{j<=f} loading_fj(k) z_j.
/// A group of paths computes the shock of every regime present in it and each path takes its own: loading
/// coefficients per path would cost a gather per multiplication.
template <int W>
TM_HD void step_factors(const SimulatePayload& in, const std::uint32_t* regime, const float* normal, float* state,
                        std::uint32_t stride) {
  std::uint32_t present = 0;
  for (int l = 0; l < W; ++l) { present |= 1u << regime[l]; }
  for (std::uint32_t f = 0; f < in.num_factors; ++f) {
    const float* row = in.loading + packed_lower(f, 0) * in.num_regimes;
    const float* mean = in.drift + f * in.num_regimes;
    float* x = state + f * stride;
    float shock[W];
    if constexpr (W == 1) {
      regime_shock<1>(row + regime[0], in.num_regimes, mean[regime[0]], f, normal, stride, shock);
      x[0] += shock[0];
    } else {
      for (std::uint32_t k = 0; k < in.num_regimes; ++k) {
        if ((present >> k & 1u) == 0u) { continue; }
        regime_shock<W>(row + k, in.num_regimes, mean[k], f, normal, stride, shock);
        TM_LANES
        for (int l = 0; l < W; ++l) { x[l] = regime[l] == k ? x[l] + shock[l] : x[l]; }
      }
    }
  }
}

/// Rows of scratch a path group needs in `state` and in `normal`: factors rounded up to whole blocks.
TM_HD std::uint32_t scratch_rows(std::uint32_t num_factors) { return (num_factors + 3) / 4 * 4; }

/// Simulates paths first_path .. first_path + W - 1 and writes their observations to
/// out[row * out_stride + lane]. Units: log price, log vol level, annualised carry, log premium, all as
/// changes from now.
/// @param state, normal  scratch, scratch_rows(num_factors) * stride floats each
/// @param regimes        if not null, the regime of each step: regimes[step * out_stride + lane]
template <int W>
TM_HD void simulate_lanes(const SimulatePayload& in, std::uint64_t first_path, float* state, float* normal,
                          std::uint32_t stride, float* out, std::uint64_t out_stride, std::uint8_t* regimes) {
  math::PhiloxBlock words[W];
  std::uint32_t regime[W];
  for (int l = 0; l < W; ++l) { regime[l] = 0; }
  for (std::uint32_t f = 0; f < in.num_factors; ++f) {
    for (int l = 0; l < W; ++l) { state[f * stride + static_cast<std::uint32_t>(l)] = 0.0f; }
  }
  std::uint32_t row = 0;
  for (std::uint32_t step = 0; step < in.num_steps; ++step) {
    advance_regimes<W>(in, first_path, step, words, regime);
    draw_normals<W>(in, first_path, step, normal, stride);
    step_factors<W>(in, regime, normal, state, stride);
    if (regimes != nullptr) {
      for (int l = 0; l < W; ++l) {
        regimes[step * out_stride + static_cast<std::uint64_t>(l)] = static_cast<std::uint8_t>(regime[l]);
      }
    }
    for (; row < in.num_observations && in.observations[row].step == step + 1; ++row) {
      const float* x = state + in.observations[row].factor * stride;
      for (int l = 0; l < W; ++l) { out[row * out_stride + static_cast<std::uint64_t>(l)] = x[l]; }
    }
  }
}

}  // namespace tailmargin
