// Philox4x32-10 against Random123's known-answer vectors, and the packing of blocks.
#include "kernels/math/philox.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <set>

namespace tailmargin::test {
namespace {

using Words = std::array<std::uint32_t, 4>;

Words words_of(std::uint64_t seed, std::uint64_t block, std::uint64_t path) {
  const math::PhiloxBlock out = math::philox4x32_10(seed, block, path);
  return {out.word[0], out.word[1], out.word[2], out.word[3]};
}

// Random123, kat_vectors, rows "philox4x32 10": counter words are (block low, block high, path low, path high).
TEST(Philox, MeetsTheKnownAnswers) {
  EXPECT_EQ(words_of(0, 0, 0), (Words{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}));
  EXPECT_EQ(words_of(~0ull, ~0ull, ~0ull), (Words{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}));
  EXPECT_EQ(words_of(0x299f31d0a4093822ull, 0x85a308d3243f6a88ull, 0x0370734413198a2eull),
            (Words{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}));
}

TEST(Philox, PacksBlocksWithoutOverlap) {
  EXPECT_EQ(math::rng_block(math::RngStream::factor_shock, 0, 0), 0u);
  EXPECT_EQ(math::rng_block(math::RngStream::factor_shock, 0, 0xfffffu), 0xfffffu);
  EXPECT_EQ(math::rng_block(math::RngStream::factor_shock, 1, 0), 1ull << 20);
  EXPECT_EQ(math::rng_block(math::RngStream::factor_shock, 0xffffffu, 0), 0xffffffull << 20);
  EXPECT_EQ(math::rng_block(math::RngStream::regime, 0, 0), 1ull << 44);
  EXPECT_EQ(math::rng_block(math::RngStream::regime, 3, 5), (1ull << 44) | (3ull << 20) | 5u);
}

TEST(Philox, StreamsKeepTheirNumbers) {
  EXPECT_EQ(static_cast<std::uint32_t>(math::RngStream::factor_shock), 0u);
  EXPECT_EQ(static_cast<std::uint32_t>(math::RngStream::regime), 1u);
}

TEST(Philox, DiffersInEveryArgument) {
  std::set<Words> seen;
  for (std::uint64_t seed : {0ull, 1ull, 1ull << 32}) {
    for (std::uint64_t block : {0ull, 1ull, 1ull << 20, 1ull << 44}) {
      for (std::uint64_t path : {0ull, 1ull, 1ull << 32}) { seen.insert(words_of(seed, block, path)); }
    }
  }
  EXPECT_EQ(seen.size(), 36u);
}

TEST(Philox, FillsAllBitsEvenly) {
  constexpr int n = 1 << 16;
  std::array<int, 32> ones{};
  for (int i = 0; i < n; ++i) {
    for (const std::uint32_t word : words_of(7, static_cast<std::uint64_t>(i), 3)) {
      for (std::size_t b = 0; b < 32; ++b) { ones[b] += static_cast<int>((word >> b) & 1u); }
    }
  }

  for (std::size_t b = 0; b < 32; ++b) { EXPECT_NEAR(ones[b], 2 * n, 5 * 256) << b; }  // 5 sd; sd = sqrt(4n/4) = 256
}

}  // namespace
}  // namespace tailmargin::test
