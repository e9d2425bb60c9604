// How the ceilings of a device are measured: loops of ceilings_kernels.hpp under the host's clock. The device is a
// type, so that tests run the same code on the SIMT shim.
#pragma once

#include <algorithm>
#include <vector>

#include "bench/gpu/ceilings_kernels.hpp"
#include "bench/gpu/device_ceilings.hpp"
#include "host/backends/run_control.hpp"
#include "kernels/cuda/pipeline/device_buffer.hpp"

namespace tailmargin::bench {

/// How long to measure. The defaults are for a real device.
struct CeilingSizes {
  int repeats = 20;
  std::uint32_t blocks = 8192;  ///< many times what any device runs at once, so the last wave does not count
  std::uint32_t rounds = 4096;
  std::uint64_t most_quads = std::uint64_t(1) << 27;  ///< of the copy, 16 bytes each
};

/// Seconds of `launch`, host clock around a synchronised stream: launches take milliseconds. Median of the repeats.
template <class Device, class Launch>
double median_seconds(Device& device, typename Device::Stream stream, int repeats, Launch launch) {
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

template <class Device>
DeviceCeilings measure_device_ceilings(Device& device, const CeilingSizes& sizes) {
  const OwnedStream<Device> owned(device);
  const auto stream = owned.get();
  const std::uint64_t num_quads = std::min<std::uint64_t>(sizes.most_quads, device.free_bytes() / 4 / sizeof(Quad));
  DeviceBuffer<Quad, Device> from(device, num_quads), to(device, num_quads);
  device.fill_zero(from.data(), num_quads * sizeof(Quad), stream);
  float* const sink = reinterpret_cast<float*>(to.data());
  const std::uint32_t few_rounds = sizes.rounds / 4;
  const double threads = double(sizes.blocks) * ceiling_threads;
  const auto time = [&](auto launch) { return median_seconds(device, stream, sizes.repeats, launch); };

  const double fma = time([&] {
    device.for_blocks("fma_loop", stream, {sizes.blocks, ceiling_threads, 0}, FmaLoop{sizes.rounds, 0.5f, sink});
  });
  const double special = time([&] {
    device.for_blocks("special_function_loop", stream, {sizes.blocks, ceiling_threads, 0},
                      SpecialFunctionLoop{few_rounds, sink});
  });
  const double shared = time([&] {
    device.for_blocks("shared_loop", stream, {sizes.blocks, ceiling_threads, SharedLoop::words * 4},
                      SharedLoop{few_rounds, reinterpret_cast<std::uint32_t*>(sink)});
  });
  const double copy = time([&] {
    device.for_each("copy_quads", stream, 1, num_quads, CopyQuads{from.data(), to.data()});
  });

  return {device.description(), threads * sizes.rounds * FmaLoop::chains / fma,
          threads * few_rounds * SpecialFunctionLoop::chains / special,
          threads * few_rounds * SharedLoop::reads * 4.0 / shared,
          2.0 * static_cast<double>(num_quads * sizeof(Quad)) / copy};
}

}  // namespace tailmargin::bench
