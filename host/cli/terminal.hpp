// Progress, interruption and number formats of the command line.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace tailmargin {

enum class ProgressMode : std::uint8_t { automatic, always, never };

/// A progress bar on stderr, redrawn at most ten times a second; erased when done.
class ProgressBar {
 public:
  explicit ProgressBar(ProgressMode mode);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;             // it owns a line of the terminal
  ProgressBar& operator=(const ProgressBar&) = delete;  // likewise
  bool enabled() const { return enabled_; }
  void show(const std::string& stage, double fraction);

 private:
  bool enabled_ = false;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_{};
};

/// Set by the first SIGINT or SIGTERM; the second ends the process at once.
const std::atomic<bool>& install_stop_signal();

/// 1234567.8 -> "1,234,568"; with a sign where negative.
std::string with_thousands(double value);

/// 0.01234 -> "12.3 ms", 3.2 -> "3.20 s".
std::string format_seconds(double seconds);

/// 1.5e9 -> "1.50 G".
std::string format_rate(double per_second);

/// Largest resident size of this process so far.
std::uint64_t peak_rss_bytes();

}  // namespace tailmargin
