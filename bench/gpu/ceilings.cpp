// Prints the measured ceilings of a device as one JSON object. Fails with one line if there is no device.
#include <cstdio>

#include "bench/gpu/device_ceilings.hpp"
#include "tailmargin/diagnostics.hpp"

int main() {
  try {
    const tailmargin::bench::DeviceCeilings c = tailmargin::bench::measure_cuda_ceilings();
    std::printf("{\n  \"device\": \"%s\",\n", c.device.c_str());
    std::printf("  \"fma_per_second\": %.4g,\n", c.multiply_adds);
    std::printf("  \"special_functions_per_second\": %.4g,\n", c.special_functions);
    std::printf("  \"shared_bytes_per_second\": %.4g,\n", c.shared_bytes);
    std::printf("  \"copy_bytes_per_second\": %.4g\n}\n", c.copied_bytes);
  } catch (const tailmargin::BackendUnavailable& error) {
    std::fprintf(stderr, "gpu_ceilings: %s\n", error.what());
    return 4;
  }
  return 0;
}
