// Own and cuRAND's Philox side by side on the device.
#pragma once

#include "kernels/cuda/kernel.hpp"
#include "kernels/math/philox.hpp"
#include "tests/cuda/philox_cases.hpp"

namespace tailmargin::test {

struct DrawBoth {
  const PhiloxCase* cases;
  math::PhiloxBlock* own;
  math::PhiloxBlock* curand;

  TM_DEVICE void operator()(std::uint32_t, std::uint64_t i) const;
};

}  // namespace tailmargin::test
