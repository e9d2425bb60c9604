// The loops that measure a device's ceilings, on the shim: that they run, count what they do and touch nothing else.
#include <gtest/gtest.h>

#include "bench/gpu/measure_ceilings.hpp"
#include "kernels/cuda/simt/simt_device.hpp"

namespace tailmargin::bench {
namespace {

TEST(DeviceCeilings, AreMeasuredByTheSameCodeOnTheShim) {
  simt::SimtLimits limits;
  limits.memory_bytes = std::uint64_t{8} << 20;
  simt::SimtDevice device(limits);

  const DeviceCeilings ceilings = measure_device_ceilings(device, {2, 2, 16, 1024});

  EXPECT_EQ(ceilings.device, "SIMT shim");
  for (const double rate :
       {ceilings.multiply_adds, ceilings.special_functions, ceilings.shared_bytes, ceilings.copied_bytes}) {
    EXPECT_GT(rate, 0.0);
    EXPECT_LT(rate, 1e12);
  }
  EXPECT_EQ(device.free_bytes(), limits.memory_bytes) << "what was allocated is free again";
}

}  // namespace
}  // namespace tailmargin::bench
