#include <curand_kernel.h>

#include "kernels/cuda/launch.cuh"
#include "tests/cuda/philox_on_device.hpp"

namespace tailmargin {

TM_DEVICE void test::DrawBoth::operator()(std::uint32_t, std::uint64_t i) const {
  const PhiloxCase& c = cases[i];
  own[i] = math::philox4x32_10(c.seed, c.block, c.path);
  curandStatePhilox4_32_10_t state;
  curand_init(c.seed, c.path, 4 * c.block, &state);
  const uint4 words = curand4(&state);
  curand[i] = {{words.x, words.y, words.z, words.w}};
}

TM_INSTANTIATE_FOR_EACH(test::DrawBoth);

}  // namespace tailmargin
