// Low-discrepancy points in place of the random numbers that matter most to a path: regime chain, first tail score,
// first jump, and the sums over the horizon of the principal components of the draws. Everything else stays random.
#pragma once

#include "kernels/math/normal.hpp"
#include "kernels/math/philox.hpp"

namespace tailmargin {

/// What the coordinates of a point are for; from first_sum on one for each principal component of the draws. Never
/// renumber.
enum class PointAxis : std::uint32_t {
  chain = 0,         ///< the regimes of all steps
  tail_score = 1,    ///< the score of the first day
  jump_count = 2,    ///< the jumps of all steps
  jump_process = 3,  ///< of the first jump of the path
  jump_size = 4,     ///< of the same
  first_sum = 5,
};

/// Scrambled Sobol points. Path p is point p / num_replicates of replicate p % num_replicates: replicates share the
/// scrambled sequence and have independent shifts, so that each is an unbiased sample by itself, independent of the
/// others. Non-owning.
struct PointSet {
  static constexpr std::uint32_t num_replicates = 16;

  std::uint32_t num_axes;           ///< 0: no points, all is random
  std::uint32_t num_sums;           ///< principal components whose sum over the horizon is a coordinate
  const std::uint32_t* directions;  ///< [axis][32] what each bit of a point's number adds (XOR)
  const std::uint32_t* shifts;      ///< [axis][replicate]
  const float* components;          ///< [sum][draw] orthonormal rows
};

/// Which of the four normals that one block of random words makes are read.
struct DrawBlock {
  std::uint32_t number;  ///< makes normals 4 * number and on
  std::uint32_t read;    ///< a bit for each of the four, the lowest first
};

/// The normals of W paths that are read, of those of one block: normal[j * stride + lane].
template <int W>
TM_HD void draw_block(std::uint64_t seed, math::RngStream stream, std::uint32_t step, std::uint64_t first_path,
                      DrawBlock block, float* normal, std::uint32_t stride) {
  std::uint32_t words[4 * W];
  math::philox4x32_10_lanes<W>(seed, math::rng_block(stream, step, block.number), first_path, words);
  for (std::uint32_t i = 0; i < 4; ++i) {
    if ((block.read >> i & 1u) == 0u) { continue; }
    float* out = normal + (4 * block.number + i) * stride;
    TM_LANES
    for (std::uint32_t l = 0; l < W; ++l) { out[l] = math::normal_from_word(words[i * W + l]); }
  }
}

/// Independent normals of W paths in whole blocks of four: normal[j * stride + lane].
template <int W>
TM_HD void draw_normal_rows(std::uint64_t seed, math::RngStream stream, std::uint32_t step, std::uint64_t first_path,
                            std::uint32_t num_rows, float* normal, std::uint32_t stride) {
  for (std::uint32_t j = 0; j < num_rows; j += 4) {
    draw_block<W>(seed, stream, step, first_path, {j / 4, 15u}, normal, stride);
  }
}

/// One coordinate of the points of W paths, as words: uniform over all 32 bits.
template <int W>
TM_HD void point_words(const PointSet& in, std::uint32_t axis, std::uint64_t first_path, std::uint32_t* word) {
  const std::uint32_t* directions = in.directions + axis * 32;
  const std::uint32_t* shifts = in.shifts + axis * PointSet::num_replicates;
  std::uint32_t number[W];
  for (int l = 0; l < W; ++l) {
    const std::uint64_t path = first_path + static_cast<std::uint64_t>(l);
    number[l] = static_cast<std::uint32_t>(path / PointSet::num_replicates);
    word[l] = shifts[path % PointSet::num_replicates];
  }
  for (std::uint32_t bit = 0; bit < 32 && (number[W - 1] >> bit) != 0; ++bit) {
    const std::uint32_t direction = directions[bit];
    TM_LANES
    for (int l = 0; l < W; ++l) { word[l] ^= direction & (0u - (number[l] >> bit & 1u)); }
  }
}

/// The same as uniform numbers in (0, 1): the middle of the word's cell.
template <int W>
TM_HD void point_uniforms(const PointSet& in, PointAxis axis, std::uint64_t first_path, double* uniform) {
  std::uint32_t word[W];
  point_words<W>(in, static_cast<std::uint32_t>(axis), first_path, word);
  TM_LANES
  for (int l = 0; l < W; ++l) { uniform[l] = (static_cast<double>(word[l]) + 0.5) * 2.3283064365386962890625e-10; }
}

/// Chooses by rising cumulative bounds (times 2^31) and leaves in `uniform` where between its bounds the choice fell:
/// uniform again, and independent of the choice. So one number makes all choices of a path, and paths with numbers near
/// each other make the same first choices.
TM_HD std::uint32_t split_uniform(const std::uint32_t* bounds, std::uint32_t num_bounds, double& uniform) {
  const double at = uniform * 2147483648.0;
  double low = 0.0, high = 2147483648.0;
  std::uint32_t count = 0;
  for (; count < num_bounds; ++count) {
    const double bound = static_cast<double>(bounds[count]);
    if (at < bound) {
      high = bound;
      break;
    }
    low = bound;
  }
  uniform = math::smaller((at - low) / (high - low), 0.99999999999999988897769753748434596);  // 1 - 2^-53
  return count;
}

/// The sums over the horizon of the draws of W paths, normal with variance num_steps: sum[draw * stride + lane].
/// Random, but along the principal components as the points say.
template <int W>
TM_HD void start_sums(const PointSet& in, std::uint64_t seed, std::uint64_t first_path, std::uint32_t num_steps,
                      std::uint32_t num_draws, float* sum, std::uint32_t stride) {
  draw_normal_rows<W>(seed, math::RngStream::horizon_sum, 0, first_path, num_draws, sum, stride);
  for (std::uint32_t i = 0; i < in.num_sums; ++i) {
    const float* component = in.components + i * num_draws;
    std::uint32_t word[W];
    float missing[W];
    point_words<W>(in, static_cast<std::uint32_t>(PointAxis::first_sum) + i, first_path, word);
    TM_LANES
    for (int l = 0; l < W; ++l) { missing[l] = math::normal_from_word(word[l]); }
    for (std::uint32_t j = 0; j < num_draws; ++j) {
      const float* s = sum + j * stride;
      TM_LANES
      for (int l = 0; l < W; ++l) { missing[l] = math::fma(-component[j], s[l], missing[l]); }
    }
    for (std::uint32_t j = 0; j < num_draws; ++j) {
      float* s = sum + j * stride;
      TM_LANES
      for (int l = 0; l < W; ++l) { s[l] = math::fma(component[j], missing[l], s[l]); }
    }
  }
  const float spread = math::sqrt(static_cast<float>(num_steps));
  for (std::uint32_t j = 0; j < num_draws; ++j) {
    float* s = sum + j * stride;
    TM_LANES
    for (int l = 0; l < W; ++l) { s[l] *= spread; }
  }
}

/// Makes the draws of a block in a step fit what their sums still lack: with n steps left, of n standard normals with
/// sum S the first is normal with mean S / n and variance 1 - 1 / n.
template <int W>
TM_HD void bridge_block(std::uint32_t steps_left, DrawBlock block, float* normal, float* sum, std::uint32_t stride) {
  const float share = 1.0f / static_cast<float>(steps_left);
  const float spread = math::sqrt(1.0f - share);
  for (std::uint32_t i = 0; i < 4; ++i) {
    if ((block.read >> i & 1u) == 0u) { continue; }
    float* z = normal + (4 * block.number + i) * stride;
    float* s = sum + (4 * block.number + i) * stride;
    TM_LANES
    for (int l = 0; l < W; ++l) {
      z[l] = math::fma(share, s[l], spread * z[l]);
      s[l] -= z[l];
    }
  }
}

}  // namespace tailmargin
