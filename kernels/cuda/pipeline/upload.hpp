// Host tables to the device.
#pragma once

#include <vector>

#include "kernels/cuda/pipeline/device_buffer.hpp"

namespace tailmargin {

/// A copy of `values` on the device. The values have been read when this returns.
template <class T, class Device>
DeviceBuffer<T, Device> upload(Device& device, const std::vector<T>& values, typename Device::Stream stream) {
  DeviceBuffer<T, Device> out(device, values.size());
  device.copy_to_device(out.data(), values.data(), values.size() * sizeof(T), stream);
  return out;
}

}  // namespace tailmargin
