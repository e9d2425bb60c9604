// Memory of a device, owned.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

namespace tailmargin {

enum class MemoryKind : std::uint8_t {
  device,
  pinned_host,  ///< host memory that asynchronous copies can use directly
};

/// `size` uninitialised elements. Move-only; freed with the device it came from, which must outlive it.
template <class T, class Device, MemoryKind kind = MemoryKind::device>
class DeviceBuffer {
  static_assert(std::is_trivially_copyable_v<T>, "elements are copied as bytes");

 public:
  DeviceBuffer() = default;
  /// @throws OutOfDeviceMemory, DeviceError
  DeviceBuffer(Device& device, std::uint64_t size) : device_(&device), size_(size) {
    if (size != 0) { data_ = static_cast<T*>(device.allocate(kind, size * sizeof(T))); }
  }
  DeviceBuffer(const DeviceBuffer&) = delete;             // a copy would need a stream: copy explicitly
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;  // likewise
  DeviceBuffer(DeviceBuffer&& other) noexcept
      : device_(other.device_), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~DeviceBuffer() {
    if (data_ != nullptr) { device_->release(kind, data_); }
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::uint64_t size() const { return size_; }

 private:
  Device* device_ = nullptr;
  T* data_ = nullptr;
  std::uint64_t size_ = 0;
};

template <class T, class Device>
using PinnedBuffer = DeviceBuffer<T, Device, MemoryKind::pinned_host>;

/// A stream, owned.
template <class Device>
class OwnedStream {
 public:
  explicit OwnedStream(Device& device) : device_(&device), stream_(device.create_stream()) {}
  OwnedStream(const OwnedStream&) = delete;             // a stream has one owner
  OwnedStream& operator=(const OwnedStream&) = delete;  // likewise
  ~OwnedStream() { device_->destroy_stream(stream_); }
  typename Device::Stream get() const { return stream_; }

 private:
  Device* device_;
  typename Device::Stream stream_;
};

/// Waits for the stream at the end of a scope, so that nothing the stream still uses is freed when an error ends the
/// work. Declare it after what the stream uses.
template <class Device>
class DrainedStream {
 public:
  DrainedStream(Device& device, typename Device::Stream stream) : device_(&device), stream_(stream) {}
  DrainedStream(const DrainedStream&) = delete;             // one scope has one
  DrainedStream& operator=(const DrainedStream&) = delete;  // likewise
  ~DrainedStream() { device_->drain(stream_); }

 private:
  Device* device_;
  typename Device::Stream stream_;
};

}  // namespace tailmargin
