// Measured ceilings of a device, for the fractions that benches quote: datasheets give rates no loop reaches.
// Prints one JSON object. Fails with one line if there is no device.
#include <algorithm>
#include <cstdio>
#include <vector>

#include "bench/gpu/ceilings_kernels.hpp"
#include "host/backends/backend.hpp"
#include "host/backends/run_control.hpp"
#include "kernels/cuda/cuda_device.hpp"

namespace tailmargin::bench {
namespace {

constexpr int repeats = 20;
constexpr std::uint32_t blocks = 8192;  // many times what any device runs at once, so the last wave does not count
constexpr std::uint32_t rounds = 4096;

/// Seconds of `launch`, host clock around a synchronised stream: launches take milliseconds. Median of the repeats.
template <class Launch>
double median_seconds(CudaDevice& device, CudaDevice::Stream stream, Launch launch) {
  std::vector<double> seconds;
  for (int i = 0; i <= repeats; ++i) {
    device.synchronize(stream);
    Stopwatch watch;
    launch();
    device.synchronize(stream);
    if (i > 0) { seconds.push_back(watch.lap()); }  // the first one warms up
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

void measure() {
  CudaDevice device(0);
  const OwnedStream<CudaDevice> owned(device);
  const auto stream = owned.get();
  const std::uint64_t num_quads =
      std::min<std::uint64_t>(std::uint64_t(1) << 27, device.free_bytes() / 4 / sizeof(Quad));
  DeviceBuffer<Quad, CudaDevice> from(device, num_quads), to(device, num_quads);
  device.fill_zero(from.data(), num_quads * sizeof(Quad), stream);
  float* const sink = reinterpret_cast<float*>(to.data());
  const double threads = double(blocks) * ceiling_threads;

  const double fma = median_seconds(device, stream, [&] {
    device.for_blocks("fma_loop", stream, {blocks, ceiling_threads, 0}, FmaLoop{rounds, 0.5f, sink});
  });
  const double special = median_seconds(device, stream, [&] {
    device.for_blocks("special_function_loop", stream, {blocks, ceiling_threads, 0},
                      SpecialFunctionLoop{rounds / 4, sink});
  });
  const double shared = median_seconds(device, stream, [&] {
    device.for_blocks("shared_loop", stream, {blocks, ceiling_threads, SharedLoop::words * 4},
                      SharedLoop{rounds / 4, reinterpret_cast<std::uint32_t*>(sink)});
  });
  const double copy = median_seconds(device, stream, [&] {
    device.for_each("copy_quads", stream, 1, num_quads, CopyQuads{from.data(), to.data()});
  });

  std::printf("{\n  \"device\": \"%s\",\n", device.description());
  std::printf("  \"fma_per_second\": %.4g,\n", threads * rounds * FmaLoop::chains / fma);
  std::printf("  \"special_functions_per_second\": %.4g,\n",
              threads * (rounds / 4) * SpecialFunctionLoop::chains / special);
  std::printf("  \"shared_bytes_per_second\": %.4g,\n", threads * (rounds / 4) * SharedLoop::reads * 4.0 / shared);
  std::printf("  \"copy_bytes_per_second\": %.4g\n}\n", 2.0 * static_cast<double>(num_quads * sizeof(Quad)) / copy);
}

}  // namespace
}  // namespace tailmargin::bench

int main() {
  const std::string reason = tailmargin::cuda_unavailable_reason();
  if (!reason.empty()) {
    std::fprintf(stderr, "gpu_ceilings: %s\n", reason.c_str());
    return 4;
  }
  tailmargin::bench::measure();
  return 0;
}
