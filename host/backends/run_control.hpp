// Stage times, and the caller's wish to stop.
#pragma once

#include <chrono>

#include "host/backends/backend.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {

/// @throws Interrupted if the caller asked to stop
inline void check_stop(const PassRequest& request) {
  if (request.stop != nullptr && request.stop->load(std::memory_order_relaxed)) {
    throw Interrupted("stopped before the tails of all accounts were found");
  }
}

/// Seconds since the last lap. On a device a lap means something only right after a stream was synchronised.
class Stopwatch {
 public:
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    return seconds;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace tailmargin
