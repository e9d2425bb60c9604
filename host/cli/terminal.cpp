#include "host/cli/terminal.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace tailmargin {
namespace {

std::atomic<bool> stop_requested{false};

void on_signal(int signal) {
  if (stop_requested.exchange(true)) { _exit(128 + signal); }
}

}  // namespace

ProgressBar::ProgressBar(ProgressMode mode)
    : enabled_(mode == ProgressMode::always || (mode == ProgressMode::automatic && isatty(STDERR_FILENO) == 1)) {}

ProgressBar::~ProgressBar() {
  if (drawn_) { std::fputs("\r\033[K", stderr); }
}

void ProgressBar::show(const std::string& stage, double fraction) {
  if (!enabled_) { return; }
  const auto now = std::chrono::steady_clock::now();
  if (drawn_ && now - last_ < std::chrono::milliseconds(100) && fraction < 1.0) { return; }
  last_ = now;
  drawn_ = true;
  constexpr int width = 40;
  const int filled = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * width);
  std::string bar(width, ' ');
  std::fill_n(bar.begin(), filled, '=');
  std::fprintf(stderr, "\r%-12s [%s] %3d%%", stage.c_str(), bar.c_str(),
               static_cast<int>(std::clamp(fraction, 0.0, 1.0) * 100.0));
  std::fflush(stderr);
}

const std::atomic<bool>& install_stop_signal() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  return stop_requested;
}

std::string with_thousands(double value) {
  char digits[64];
  std::snprintf(digits, sizeof digits, "%.0f", std::fabs(value));
  std::string text = digits;
  for (int at = static_cast<int>(text.size()) - 3; at > 0; at -= 3) { text.insert(static_cast<std::size_t>(at), ","); }
  return value <= -0.5 ? "-" + text : text;
}

std::string format_seconds(double seconds) {
  char text[32];
  if (seconds < 1e-3) {
    std::snprintf(text, sizeof text, "%.0f us", seconds * 1e6);
  } else if (seconds < 1.0) {
    std::snprintf(text, sizeof text, "%.3g ms", seconds * 1e3);
  } else {
    std::snprintf(text, sizeof text, "%.2f s", seconds);
  }
  return text;
}

std::string format_rate(double per_second) {
  char text[32];
  const char* unit = per_second >= 1e9 ? "G" : per_second >= 1e6 ? "M" : per_second >= 1e3 ? "k" : "";
  const double scale = per_second >= 1e9 ? 1e9 : per_second >= 1e6 ? 1e6 : per_second >= 1e3 ? 1e3 : 1.0;
  std::snprintf(text, sizeof text, "%.3g %s", per_second / scale, unit);
  return text;
}

std::uint64_t peak_rss_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024u;
}

}  // namespace tailmargin
