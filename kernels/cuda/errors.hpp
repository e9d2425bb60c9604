// What can go wrong on a device.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace tailmargin {

/// A CUDA call or a kernel launch failed.
class DeviceError : public std::runtime_error {
 public:
  /// @param call  the call or the kernel's name
  /// @param place file and line, or what the call was for
  DeviceError(const std::string& call, const std::string& place, int code, const std::string& reason)
      : std::runtime_error(
            call + " failed at " + place + " with code " + std::to_string(code) + " (" + reason +
            "). The results of this run are lost; run it again, and if it fails again use --backend cpu."),
        call_(call),
        place_(place),
        code_(code) {}

  const std::string& call() const { return call_; }
  const std::string& place() const { return place_; }
  int code() const { return code_; }

 private:
  std::string call_, place_;
  int code_;
};

/// The device has too little free memory.
class OutOfDeviceMemory : public std::runtime_error {
 public:
  OutOfDeviceMemory(std::uint64_t bytes_asked, std::uint64_t bytes_free)
      : std::runtime_error(
            "out of device memory: " + std::to_string(bytes_asked) + " bytes asked, " + std::to_string(bytes_free) +
            " free. Close other programs on the device, lower accounts per batch, or use --backend cpu."),
        bytes_asked_(bytes_asked),
        bytes_free_(bytes_free) {}

  std::uint64_t bytes_asked() const { return bytes_asked_; }
  std::uint64_t bytes_free() const { return bytes_free_; }

 private:
  std::uint64_t bytes_asked_, bytes_free_;
};

}  // namespace tailmargin
