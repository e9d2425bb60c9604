// Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011):
// random numbers as a pure function of (seed, stream, step, index, path).
//
// Word for word what cuRAND's device generator gives after curand_init(seed, path, 4 * block) and one
// curand4; tests hold the two to each other and to the published known-answer vectors.
#pragma once

#include "kernels/math/philox_vector.hpp"

namespace tailmargin::math {

/// What a random block is for. Never renumber: results of old runs depend on it.
enum class RngStream : std::uint32_t {
  factor_shock = 0,    ///< index = factor / 4, word = factor % 4
  regime = 1,          ///< step / 4 in the index, word = step % 4
  mixing = 2,          ///< block of hours / 4 in the index, word = block % 4
  jump_count = 3,      ///< step / 4 in the index, word = step % 4
  jump = 4,            ///< index = number of the jump in its step; word 0 its process, word 1 its size
  point_scramble = 5,  ///< step = axis, index = bit / 4, word = bit % 4: which higher bits are added to a bit
  point_shift = 6,     ///< step = axis, index = replicate / 4, word = replicate % 4
  horizon_sum = 7,     ///< index = factor / 4, word = factor % 4: sums of draws over the horizon, where points say them
};

struct PhiloxBlock {
  std::uint32_t word[4];
};

/// Word i of a block. In a loop over lanes an index that is not constant would keep the block in memory, one for all
/// lanes, which a vectoriser told of independent lanes may take for one of each.
TM_HD std::uint32_t word_of(const PhiloxBlock& block, std::uint32_t i) {
  const std::uint32_t low = i == 0 ? block.word[0] : block.word[1];
  const std::uint32_t high = i == 2 ? block.word[2] : block.word[3];
  return i < 2 ? low : high;
}

/// The block number: stream in bits 44.., step in bits 20..43, index in bits 0..19.
TM_HD std::uint64_t rng_block(RngStream stream, std::uint32_t step, std::uint32_t index) {
  return (static_cast<std::uint64_t>(stream) << 44) | (static_cast<std::uint64_t>(step) << 20) | index;
}

/// Four random words of (seed, block, path).
TM_HD PhiloxBlock philox4x32_10(std::uint64_t seed, std::uint64_t block, std::uint64_t path) {
  std::uint32_t c0 = static_cast<std::uint32_t>(block);
  std::uint32_t c1 = static_cast<std::uint32_t>(block >> 32);
  std::uint32_t c2 = static_cast<std::uint32_t>(path);
  std::uint32_t c3 = static_cast<std::uint32_t>(path >> 32);
  std::uint32_t k0 = static_cast<std::uint32_t>(seed);
  std::uint32_t k1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < philox_rounds; ++round) {
    const std::uint64_t p0 = static_cast<std::uint64_t>(philox_factor0) * c0;
    const std::uint64_t p1 = static_cast<std::uint64_t>(philox_factor1) * c2;
    c0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<std::uint32_t>(p1);
    c2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<std::uint32_t>(p0);
    k0 += philox_weyl0;
    k1 += philox_weyl1;
  }
  return {{c0, c1, c2, c3}};
}

/// The blocks of W neighbouring paths: word i of lane l at words[i * W + l]. On vectors where a file is compiled for
/// them: compilers take the upper half of a product through conversions to 64 bits, at twice the time.
template <int W>
TM_HD void philox4x32_10_lanes(std::uint64_t seed, std::uint64_t block, std::uint64_t first_path,
                               std::uint32_t* words) {
  int first = 0;
#if defined(__AVX2__) && !defined(__CUDACC__)
  for (; first + PhiloxVector::width <= W; first += PhiloxVector::width) {
    philox_vector(seed, block, first_path + static_cast<std::uint64_t>(first), words + first, W);
  }
#endif
  for (int l = first; l < W; ++l) {
    const PhiloxBlock own = philox4x32_10(seed, block, first_path + static_cast<std::uint64_t>(l));
    for (int i = 0; i < 4; ++i) { words[i * W + l] = own.word[i]; }
  }
}

}  // namespace tailmargin::math
