// The own Philox gives the words of cuRAND's device generator, whose header the host compiler can read as well.
#include <gtest/gtest.h>

#include "kernels/math/philox.hpp"
#include "tests/cuda/philox_cases.hpp"

// cuRAND marks its functions for the device unless told otherwise.
#define QUALIFIERS static inline
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <curand_kernel.h>
#pragma GCC diagnostic pop

namespace tailmargin::test {
namespace {

TEST(Philox, GivesTheWordsOfCurandOnTheHost) {
  for (const PhiloxCase& c : philox_cases()) {
    curandStatePhilox4_32_10_t state;
    curand_init(c.seed, c.path, 4 * c.block, &state);

    const uint4 expected = curand4(&state);

    const math::PhiloxBlock found = math::philox4x32_10(c.seed, c.block, c.path);
    ASSERT_EQ(found.word[0], expected.x) << c.seed << " " << c.block << " " << c.path;
    ASSERT_EQ(found.word[1], expected.y) << c.seed << " " << c.block << " " << c.path;
    ASSERT_EQ(found.word[2], expected.z) << c.seed << " " << c.block << " " << c.path;
    ASSERT_EQ(found.word[3], expected.w) << c.seed << " " << c.block << " " << c.path;
  }
}

}  // namespace
}  // namespace tailmargin::test
