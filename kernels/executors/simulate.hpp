// Step 1: scenarios. A path is a pure function of (seed, path): regime chain, tail scale of the day, correlated
// factor steps, jumps.
#pragma once

#include "kernels/executors/point_set.hpp"
#include "kernels/math/normal.hpp"
#include "kernels/math/philox.hpp"

namespace tailmargin {

/// One row of the scenario matrix: a factor read after a step (1 .. num_steps).
struct Observation {
  std::uint32_t step;
  std::uint32_t factor;
};

/// Rows of a sparse matrix, one coefficient per entry and regime.
struct SparseRows {
  const std::uint32_t* offsets;  ///< [row + 1] into inputs
  const std::uint32_t* inputs;   ///< [entry] which input
  const float* coefficients;     ///< [entry][regime]
};

/// Scale of a day's shocks as a function of a standard normal score: cubic pieces, one row of them per tail class.
struct ScaleTable {
  static constexpr float low = -6.5f;  ///< the score of the first knot; a normal word reaches 6.34
  static constexpr float pieces_per_unit = 16.0f;
  static constexpr std::uint32_t num_pieces = 208;
};

/// A Poisson process of jumps and what one of its jumps does.
struct JumpProcess {
  std::uint32_t law;  ///< JumpLaw
  float location, scale, max;
  std::uint32_t first_effect, last_effect;  ///< into effects
};

struct JumpEffectEntry {
  std::uint32_t factor;
  float change;  ///< per unit of size
};

/// Arguments of simulate_lanes: non-owning, trivially copyable, immutable during a run.
struct SimulatePayload {
  std::uint64_t seed;
  std::uint32_t num_steps;
  std::uint32_t num_regimes;
  std::uint32_t num_factors;
  std::uint32_t num_moved;         ///< of those
  std::uint32_t num_draws;         ///< normals of a step
  std::uint32_t num_blocks;        ///< of those that are read
  std::uint32_t num_shared;        ///< rows of `shared`
  std::uint32_t num_classes;       ///< tail classes beside the normal one
  std::uint32_t num_processes;     ///< of jumps
  std::uint32_t steps_per_mixing;  ///< steps that share one tail scale
  std::uint32_t num_observations;
  const std::uint32_t* start_bounds;       ///< [regime] cumulative probability * 2^31, last entry unused
  const std::uint32_t* transition_bounds;  ///< [regime from][regime to] the same per row
  SparseRows shared;                       ///< correlated normals from the draws
  SparseRows shocks;                       ///< [factor] a step's shock from the correlated normals
  const DrawBlock* blocks;                 ///< [block] rising
  const std::uint32_t* moved;              ///< factors that move, rising
  const float* keep;                       ///< [factor] what a step leaves of a factor's value; 1 without reversion
  const float* drift;                      ///< [factor][regime] mean of one step
  const float* scale_drift;                ///< [factor][regime] mean of one step per squared tail scale
  const std::uint32_t* tail_class;         ///< [factor][regime] 0: normal, else class + 1
  const float* scale_pieces;               ///< [class][piece][4] coefficients, constant first
  float score_keep, score_fresh;           ///< of a day's score: what is kept of the day before, and the new part
  const std::uint32_t* jump_counts;        ///< [regime][max_jumps_per_step] P(count <= n) * 2^31
  const std::uint32_t* jump_bounds;        ///< [regime][process] cumulative probability * 2^31, last entry unused
  const JumpProcess* processes;            ///< [process]
  const JumpEffectEntry* effects;
  const Observation* observations;  ///< [row] rising in step
  PointSet points;
};

/// More jumps than this in one step are not sampled: with one a step at most expected, they have probability 1e-6.
inline constexpr std::uint32_t max_jumps_per_step = 8;

/// The number of bounds at or below a random word's upper 31 bits. Integers, so exact everywhere; 31 bits, so that the
/// bound of probability one (2^31) is above every word.
TM_HD std::uint32_t count_bounds(const std::uint32_t* bounds, std::uint32_t num_bounds, std::uint32_t word) {
  std::uint32_t count = 0;
  for (std::uint32_t k = 0; k < num_bounds; ++k) { count += (word >> 1) >= bounds[k] ? 1u : 0u; }
  return count;
}

/// The same for many rising bounds.
TM_HD std::uint32_t search_bounds(const std::uint32_t* bounds, std::uint32_t num_bounds, std::uint32_t word) {
  std::uint32_t low = 0, high = num_bounds;
  while (low < high) {
    const std::uint32_t middle = (low + high) / 2;
    if ((word >> 1) >= bounds[middle]) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/// The regime a random word selects.
TM_HD std::uint32_t select_regime(const std::uint32_t* bounds, std::uint32_t num_regimes, std::uint32_t word) {
  return count_bounds(bounds, num_regimes - 1, word);
}

/// One random word of W paths for each step: words[lane], drawn anew for every four steps.
template <int W>
TM_HD void draw_step_words(const SimulatePayload& in, math::RngStream stream, std::uint64_t first_path,
                           std::uint32_t step, math::PhiloxBlock* words) {
  if (step % 4 != 0) { return; }
  TM_LANES
  for (int l = 0; l < W; ++l) {
    words[l] =
        math::philox4x32_10(in.seed, math::rng_block(stream, 0, step / 4), first_path + static_cast<std::uint64_t>(l));
  }
}

/// What W paths make one choice of each step from: a word for each of four steps, or one uniform number for all steps.
template <int W>
struct StepChoices {
  math::PhiloxBlock words[W];
  double uniform[W] = {};
};

/// Moves the chain of W paths on by one step (0-based); the first step draws from the start distribution.
template <int W>
TM_HD void advance_regimes(const SimulatePayload& in, std::uint64_t first_path, std::uint32_t step,
                           StepChoices<W>& choices, std::uint32_t* regime) {
  const bool points = in.points.num_axes != 0;
  if (!points) { draw_step_words<W>(in, math::RngStream::regime, first_path, step, choices.words); }
  if (points && step == 0) { point_uniforms<W>(in.points, PointAxis::chain, first_path, choices.uniform); }
  for (int l = 0; l < W; ++l) {
    const std::uint32_t* bounds = step == 0 ? in.start_bounds : in.transition_bounds + regime[l] * in.num_regimes;
    regime[l] = points ? split_uniform(bounds, in.num_regimes - 1, choices.uniform[l])
                       : select_regime(bounds, in.num_regimes, math::word_of(choices.words[l], step % 4));
  }
}

/// The tail scale of a class at a day's score.
TM_HD float tail_scale(const float* pieces, float score) {
  const float last = static_cast<float>(ScaleTable::num_pieces);
  const float position =
      math::smaller(math::larger((score - ScaleTable::low) * ScaleTable::pieces_per_unit, 0.0f), last);
  const std::int32_t piece = static_cast<std::int32_t>(math::smaller(position, last - 1.0f));
  const float t = position - static_cast<float>(piece);
  const float* c = pieces + piece * 4;
  return math::fma(t, math::fma(t, math::fma(t, c[3], c[2]), c[1]), c[0]);
}

/// New tail scales at the start of a day: scale[class * stride + lane]. Scores of days follow an AR(1) process, so that
/// wild days come together.
template <int W>
TM_HD void draw_scales(const SimulatePayload& in, std::uint64_t first_path, std::uint32_t day, float* score,
                       float* scale, std::uint32_t stride) {
  const std::uint64_t block = math::rng_block(math::RngStream::mixing, 0, day / 4);
  if (day == 0 && in.points.num_axes != 0) {
    std::uint32_t word[W];
    point_words<W>(in.points, static_cast<std::uint32_t>(PointAxis::tail_score), first_path, word);
    TM_LANES
    for (int l = 0; l < W; ++l) { score[l] = math::normal_from_word(word[l]); }
  } else {
    TM_LANES
    for (int l = 0; l < W; ++l) {
      const math::PhiloxBlock words = math::philox4x32_10(in.seed, block, first_path + static_cast<std::uint64_t>(l));
      const float fresh = math::normal_from_word(math::word_of(words, day % 4));
      score[l] = day == 0 ? fresh : math::fma(in.score_fresh, fresh, in.score_keep * score[l]);
    }
  }
  for (std::uint32_t c = 0; c < in.num_classes; ++c) {
    const float* pieces = in.scale_pieces + c * ScaleTable::num_pieces * 4;
    TM_LANES
    for (int l = 0; l < W; ++l) { scale[c * stride + static_cast<std::uint32_t>(l)] = tail_scale(pieces, score[l]); }
  }
}

/// Floats of one set of draws: whole blocks of random words.
TM_HD std::uint32_t draw_rows(const SimulatePayload& in) { return (in.num_draws + 3) / 4 * 4; }

/// Draws of W paths for one step, those that are read: normal[j * stride + lane]. `sums` is what they still lack, if
/// points say how far they go.
template <int W>
TM_HD void draw_normals(const SimulatePayload& in, std::uint64_t first_path, std::uint32_t step, float* normal,
                        float* sums, std::uint32_t stride) {
  const bool bridged = in.points.num_sums != 0;
  if (bridged && step == 0) { start_sums<W>(in.points, in.seed, first_path, in.num_steps, in.num_draws, sums, stride); }
  for (std::uint32_t b = 0; b < in.num_blocks; ++b) {
    draw_block<W>(in.seed, math::RngStream::factor_shock, step, first_path, in.blocks[b], normal, stride);
    if (bridged) { bridge_block<W>(in.num_steps - step, in.blocks[b], normal, sums, stride); }
  }
}

/// One row of a sparse matrix times the inputs of W paths, with one regime's coefficients. `sum` is a local array of
/// the caller: what could alias the inputs would go through memory at every entry.
template <int W>
TM_HD void sparse_row(const SparseRows& rows, std::uint32_t row, std::uint32_t regime, std::uint32_t num_regimes,
                      const float* input, std::uint32_t stride, float* sum) {
  TM_LANES
  for (int l = 0; l < W; ++l) { sum[l] = 0.0f; }
  const std::uint32_t end = rows.offsets[row + 1];
  for (std::uint32_t e = rows.offsets[row]; e < end; ++e) {
    const float coefficient = rows.coefficients[e * num_regimes + regime];
    const float* x = input + std::uint64_t(rows.inputs[e]) * stride;
    TM_LANES
    for (int l = 0; l < W; ++l) { sum[l] = math::fma(coefficient, x[l], sum[l]); }
  }
}

/// What a step of one regime adds to one factor: drift + G^2 scale_drift + G shock, G the tail scale (1 if normal).
template <int W>
TM_HD void scaled_shock(const SimulatePayload& in, std::uint32_t f, std::uint32_t regime, const float* scale,
                        std::uint32_t stride, float* shock) {
  const std::uint32_t at = f * in.num_regimes + regime;
  const float mean = in.drift[at], scale_mean = in.scale_drift[at];
  const std::uint32_t tail_class = in.tail_class[at];
  if (tail_class == 0) {
    const float sum = mean + scale_mean;
    TM_LANES
    for (int l = 0; l < W; ++l) { shock[l] += sum; }
  } else {
    const float* g = scale + (tail_class - 1) * stride;
    TM_LANES
    for (int l = 0; l < W; ++l) { shock[l] = math::fma(g[l], math::fma(g[l], scale_mean, shock[l]), mean); }
  }
}

/// Moves the factors of the paths that are in `regime` on by one step: x_f = keep_f x_f + shock_f.
template <int W>
TM_HD void step_regime(const SimulatePayload& in, std::uint32_t k, const std::uint32_t* regime, const float* normal,
                       const float* scale, float* shared, float* state, std::uint32_t stride) {
  for (std::uint32_t row = 0; row < in.num_shared; ++row) {
    float sum[W];
    sparse_row<W>(in.shared, row, k, in.num_regimes, normal, stride, sum);
    float* out = shared + row * stride;
    TM_LANES
    for (int l = 0; l < W; ++l) { out[l] = sum[l]; }
  }
  for (std::uint32_t i = 0; i < in.num_moved; ++i) {
    const std::uint32_t f = in.moved[i];
    float shock[W];
    sparse_row<W>(in.shocks, f, k, in.num_regimes, shared, stride, shock);
    scaled_shock<W>(in, f, k, scale, stride, shock);
    const float keep = in.keep[f];
    float* x = state + f * stride;
    TM_LANES
    for (int l = 0; l < W; ++l) { x[l] = regime[l] == k ? math::fma(keep, x[l], shock[l]) : x[l]; }
  }
}

/// Moves the factors of W paths on by one step. A group of paths computes the shocks of every regime present in it and
/// each path takes its own: coefficients per path would cost a gather per multiplication.
template <int W>
TM_HD void step_factors(const SimulatePayload& in, const std::uint32_t* regime, const float* normal, const float* scale,
                        float* shared, float* state, std::uint32_t stride) {
  if constexpr (W == 1) {
    step_regime<1>(in, regime[0], regime, normal, scale, shared, state, stride);
  } else {
    std::uint32_t present = 0;
    for (int l = 0; l < W; ++l) { present |= 1u << regime[l]; }
    for (std::uint32_t k = 0; k < in.num_regimes; ++k) {
      if ((present >> k & 1u) != 0u) { step_regime<W>(in, k, regime, normal, scale, shared, state, stride); }
    }
  }
}

/// Size of a jump from one random word.
TM_HD float jump_size(const JumpProcess& process, std::uint32_t word) {
  const float z = math::normal_from_word(word);
  float size = process.location;
  if (process.law == 1) { size = math::fma(process.scale, z, process.location); }
  if (process.law == 2) { size = process.location * math::exp(process.scale * z); }
  if (process.law == 3) {
    size = -process.location * math::log((static_cast<float>(word >> 8) + 0.5f) * 5.9604645e-8f);
  }
  return math::smaller(math::larger(size, -process.max), process.max);
}

/// A jump of a path: number n of a step, with so many in the steps before.
struct JumpNumber {
  std::uint32_t step, n, before;
};

/// What a jump is: its process and the word its size comes from.
struct JumpChoice {
  std::uint32_t process, size_word;
};

/// The choice of a jump: two words of its own, or for the first jump of the path two coordinates of its point.
TM_HD JumpChoice choose_jump(const SimulatePayload& in, std::uint64_t path, std::uint32_t regime, JumpNumber jump) {
  const std::uint64_t block = math::rng_block(math::RngStream::jump, jump.step, jump.n);
  math::PhiloxBlock words = math::philox4x32_10(in.seed, block, path);
  if (in.points.num_axes != 0 && jump.before + jump.n == 0) {
    point_words<1>(in.points, static_cast<std::uint32_t>(PointAxis::jump_process), path, &words.word[0]);
    point_words<1>(in.points, static_cast<std::uint32_t>(PointAxis::jump_size), path, &words.word[1]);
  }
  return {search_bounds(in.jump_bounds + regime * in.num_processes, in.num_processes - 1, words.word[0]),
          words.word[1]};
}

/// The jumps of one path in one step, one after the other: which process, how large, and its effects.
TM_HD void add_jumps(const SimulatePayload& in, std::uint64_t path, std::uint32_t step, std::uint32_t regime,
                     std::uint32_t before, std::uint32_t count, float* state, std::uint32_t stride) {
  for (std::uint32_t n = 0; n < count; ++n) {
    const JumpChoice jump = choose_jump(in, path, regime, {step, n, before});
    const JumpProcess process = in.processes[jump.process];
    const float size = jump_size(process, jump.size_word);
    for (std::uint32_t e = process.first_effect; e < process.last_effect; ++e) {
      float* x = state + in.effects[e].factor * stride;
      x[0] = math::fma(in.effects[e].change, size, x[0]);
    }
  }
}

/// Number of jumps of W paths in one step: one word each, four steps to a block; or one uniform number for all steps.
template <int W>
TM_HD void count_jumps(const SimulatePayload& in, std::uint64_t first_path, std::uint32_t step,
                       const std::uint32_t* regime, StepChoices<W>& choices, std::uint32_t* count) {
  const bool points = in.points.num_axes != 0;
  if (!points) { draw_step_words<W>(in, math::RngStream::jump_count, first_path, step, choices.words); }
  if (points && step == 0) { point_uniforms<W>(in.points, PointAxis::jump_count, first_path, choices.uniform); }
  for (int l = 0; l < W; ++l) {
    const std::uint32_t* bounds = in.jump_counts + regime[l] * max_jumps_per_step;
    if (points) {
      count[l] = split_uniform(bounds, max_jumps_per_step, choices.uniform[l]);
    } else {
      const std::uint32_t word = math::word_of(choices.words[l], step % 4);
      count[l] = (word >> 1) < bounds[0] ? 0u : count_bounds(bounds, max_jumps_per_step, word);
    }
  }
}

/// Rows of float scratch a path group needs, each of `stride` floats.
TM_HD std::uint32_t scratch_rows(const SimulatePayload& in) {
  const std::uint32_t sums = in.points.num_sums == 0 ? 0 : draw_rows(in);
  return in.num_factors + draw_rows(in) + in.num_shared + in.num_classes + sums;
}

/// Where W paths are between two steps, beside the values of their factors.
template <int W>
struct PathGroup {
  StepChoices<W> chain, counts;
  std::uint32_t regime[W], jumps_before[W];
  std::uint32_t row;  ///< the next observation
};

template <int W>
TM_HD void start_paths(const SimulatePayload& in, PathGroup<W>& group, float* state, std::uint32_t stride) {
  for (int l = 0; l < W; ++l) {
    group.regime[l] = 0;
    group.jumps_before[l] = 0;
  }
  group.row = 0;
  for (std::uint32_t f = 0; f < in.num_factors; ++f) {
    for (int l = 0; l < W; ++l) { state[f * stride + static_cast<std::uint32_t>(l)] = 0.0f; }
  }
}

/// What drives a step of W paths, and what it is computed in.
struct StepDraws {
  float* normal;  ///< [draw][lane]
  float* scale;   ///< [class][lane]
  float* sums;    ///< [draw][lane] what draws still lack
  float* shared;  ///< [row][lane] scratch of one step of one model
  std::uint32_t stride;
};

/// @param scratch  (scratch_rows - num_factors) * stride floats
TM_HD StepDraws place_draws(const SimulatePayload& in, float* scratch, std::uint32_t stride) {
  float* scale = scratch + draw_rows(in) * stride;
  float* sums = scale + in.num_classes * stride;
  return {scratch, scale, sums, sums + (in.points.num_sums == 0 ? 0 : draw_rows(in)) * stride, stride};
}

template <int W>
TM_HD void draw_step(const SimulatePayload& in, std::uint64_t first_path, std::uint32_t step, float* score,
                     const StepDraws& draws) {
  if (in.num_classes != 0 && step % in.steps_per_mixing == 0) {
    draw_scales<W>(in, first_path, step / in.steps_per_mixing, score, draws.scale, draws.stride);
  }
  draw_normals<W>(in, first_path, step, draws.normal, draws.sums, draws.stride);
}

/// The regimes, factors and jumps of one step, and the observations after it.
template <int W>
TM_HD void move_paths(const SimulatePayload& in, std::uint64_t first_path, std::uint32_t step, const StepDraws& draws,
                      PathGroup<W>& group, float* state, float* out, std::uint64_t out_stride) {
  advance_regimes<W>(in, first_path, step, group.chain, group.regime);
  step_factors<W>(in, group.regime, draws.normal, draws.scale, draws.shared, state, draws.stride);
  if (in.num_processes != 0) {
    std::uint32_t jumps[W];
    count_jumps<W>(in, first_path, step, group.regime, group.counts, jumps);
    for (int l = 0; l < W; ++l) {
      if (jumps[l] != 0) {
        add_jumps(in, first_path + static_cast<std::uint64_t>(l), step, group.regime[l], group.jumps_before[l],
                  jumps[l], state + l, draws.stride);
        group.jumps_before[l] += jumps[l];
      }
    }
  }
  for (; group.row < in.num_observations && in.observations[group.row].step == step + 1; ++group.row) {
    const float* x = state + in.observations[group.row].factor * draws.stride;
    for (int l = 0; l < W; ++l) { out[group.row * out_stride + static_cast<std::uint64_t>(l)] = x[l]; }
  }
}

/// Simulates paths first_path .. first_path + W - 1 and writes their observations to
/// out[row * out_stride + lane]. Units as in FactorKind, all as changes from now.
/// @param scratch  scratch_rows(in) * stride floats
/// @param regimes  if not null, the regime of each step: regimes[step * out_stride + lane]
template <int W>
TM_HD void simulate_lanes(const SimulatePayload& in, std::uint64_t first_path, float* scratch, std::uint32_t stride,
                          float* out, std::uint64_t out_stride, std::uint8_t* regimes) {
  const StepDraws draws = place_draws(in, scratch + in.num_factors * stride, stride);
  PathGroup<W> group;
  float score[W] = {};
  start_paths<W>(in, group, scratch, stride);
  for (std::uint32_t step = 0; step < in.num_steps; ++step) {
    draw_step<W>(in, first_path, step, score, draws);
    move_paths<W>(in, first_path, step, draws, group, scratch, out, out_stride);
    if (regimes != nullptr) {
      for (int l = 0; l < W; ++l) {
        regimes[step * out_stride + static_cast<std::uint64_t>(l)] = static_cast<std::uint8_t>(group.regime[l]);
      }
    }
  }
}

/// More models than this do not share their draws at a time.
inline constexpr std::uint32_t max_models = 8;

/// The same paths of several models, which have seed, points, number of draws, tail classes and factors in common: each
/// draw is made once.
/// @param in       [count] at most max_models; the first's blocks are the draws that any of them reads
/// @param scratch  (scratch_rows + (count - 1) * num_factors) * stride floats, rows of the model with most
/// @param out      [model] as in simulate_lanes()
template <int W>
TM_HD void simulate_models(const SimulatePayload* in, std::uint32_t count, std::uint64_t first_path, float* scratch,
                           std::uint32_t stride, float* const* out, std::uint64_t out_stride) {
  const std::uint32_t state_size = in[0].num_factors * stride;
  PathGroup<W> groups[max_models];
  float score[W] = {};
  for (std::uint32_t m = 0; m < count; ++m) { start_paths<W>(in[m], groups[m], scratch + m * state_size, stride); }
  const StepDraws draws = place_draws(in[0], scratch + count * state_size, stride);
  for (std::uint32_t step = 0; step < in[0].num_steps; ++step) {
    draw_step<W>(in[0], first_path, step, score, draws);
    for (std::uint32_t m = 0; m < count; ++m) {
      move_paths<W>(in[m], first_path, step, draws, groups[m], scratch + m * state_size, out[m], out_stride);
    }
  }
}

}  // namespace tailmargin
