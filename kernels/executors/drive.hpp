// What drives a path: the sizes of its steps and, weighted by them, the sums of its draws. Given regimes, tail scales
// and jumps, the sums are independent standard normals: what the control variate's exact expectations rest on.
#pragma once

#include "kernels/executors/simulate.hpp"

namespace tailmargin {

/// Arguments of drive_lanes: non-owning, trivially copyable, immutable during a run.
struct DrivePayload {
  SimulatePayload simulate;
  const float* step_variance;  ///< [regime][class + 1] how much of a step's variance there is per squared tail scale
};

/// What is written about W paths, each array with `stride` between its rows.
struct DriveRows {
  float* variance;      ///< [lane] sum over the steps
  float* regime_share;  ///< [regime][lane] part of the variance that falls into the regime
  float* loading;       ///< [regime][class + 1][lane] sum over the regime's steps of step weight times tail scale
  float* jumps;         ///< [lane] number of jumps
  float* sums;  ///< [draw][lane] sum over the steps of weight times draw; draws rounded up to whole blocks. Null: not
                ///< asked for
  std::uint64_t stride;
};

/// Rows of float scratch a path group needs, each of `stride` floats.
TM_HD std::uint32_t drive_scratch_rows(const DrivePayload& in) {
  const std::uint32_t sums = in.simulate.points.num_sums == 0 ? 0 : draw_rows(in.simulate);
  return in.simulate.num_steps + draw_rows(in.simulate) + in.simulate.num_classes + sums;
}

/// The variance of one step of W paths, added up: over all, by regime, and by regime and class (unweighted).
template <int W>
TM_HD void add_step_variance(const DrivePayload& in, const std::uint32_t* regime, const float* scale, float* step,
                             const DriveRows& out) {
  const std::uint32_t classes = in.simulate.num_classes + 1;
  for (std::uint32_t l = 0; l < W; ++l) {
    const float* part = in.step_variance + regime[l] * classes;
    float variance = part[0];
    for (std::uint32_t c = 1; c < classes; ++c) {
      const float g = scale[(c - 1) * W + l];
      variance = math::fma(g * g, part[c], variance);
    }
    step[l] = math::sqrt(variance);
    out.variance[l] += variance;
    out.regime_share[regime[l] * out.stride + l] += variance;
    float* loading = out.loading + regime[l] * classes * out.stride + l;
    loading[0] += step[l];
    for (std::uint32_t c = 1; c < classes; ++c) {
      loading[c * out.stride] = math::fma(step[l], scale[(c - 1) * W + l], loading[c * out.stride]);
    }
  }
}

/// Describes paths first_path .. first_path + W - 1, the same ones simulate_lanes makes. A step's weight is its
/// standard deviation over that of the path, so that squared weights add up to one.
/// @param scratch  drive_scratch_rows(in) * W floats
template <int W>
TM_HD void drive_lanes(const DrivePayload& in, std::uint64_t first_path, float* scratch, const DriveRows& out) {
  const SimulatePayload& model = in.simulate;
  const std::uint32_t classes = model.num_classes + 1, draws = draw_rows(model);
  float* steps = scratch;
  float* normal = steps + model.num_steps * W;
  float* scale = normal + draws * W;
  float* missing = scale + model.num_classes * W;
  StepChoices<W> chain, counts;
  std::uint32_t regime[W], jumps[W];
  float score[W];
  const auto clear = [&](float* rows, std::uint32_t count) {
    for (std::uint32_t r = 0; r < count; ++r) {
      for (std::uint32_t l = 0; l < W; ++l) { rows[r * out.stride + l] = 0.0f; }
    }
  };
  clear(out.variance, 1);
  clear(out.regime_share, model.num_regimes);
  clear(out.loading, model.num_regimes * classes);
  clear(out.jumps, 1);
  for (int l = 0; l < W; ++l) {
    regime[l] = 0;
    score[l] = 0.0f;
  }
  for (std::uint32_t step = 0; step < model.num_steps; ++step) {
    advance_regimes<W>(model, first_path, step, chain, regime);
    if (model.num_classes != 0 && step % model.steps_per_mixing == 0) {
      draw_scales<W>(model, first_path, step / model.steps_per_mixing, score, scale, W);
    }
    add_step_variance<W>(in, regime, scale, steps + step * W, out);
    if (model.num_processes != 0) {
      count_jumps<W>(model, first_path, step, regime, counts, jumps);
      for (std::uint32_t l = 0; l < W; ++l) { out.jumps[l] += static_cast<float>(jumps[l]); }
    }
  }
  float unit[W];
  for (std::uint32_t l = 0; l < W; ++l) {
    unit[l] = out.variance[l] > 0.0f ? 1.0f / math::sqrt(out.variance[l]) : 0.0f;
    for (std::uint32_t r = 0; r < model.num_regimes * classes; ++r) { out.loading[r * out.stride + l] *= unit[l]; }
  }
  if (out.sums == nullptr) { return; }
  clear(out.sums, draws);
  for (std::uint32_t step = 0; step < model.num_steps; ++step) {
    draw_normals<W>(model, first_path, step, normal, missing, W);
    float weight[W];
    for (std::uint32_t l = 0; l < W; ++l) { weight[l] = steps[step * W + l] * unit[l]; }
    for (std::uint32_t j = 0; j < model.num_draws; ++j) {
      float* sum = out.sums + j * out.stride;
      TM_LANES
      for (std::uint32_t l = 0; l < W; ++l) { sum[l] = math::fma(weight[l], normal[j * W + l], sum[l]); }
    }
  }
}

}  // namespace tailmargin
