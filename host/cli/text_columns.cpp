#include "host/cli/text_columns.hpp"

#include <cstdio>

namespace tailmargin {
namespace {

/// Whether a byte starts a character of UTF-8.
bool is_start(char byte) { return (static_cast<unsigned char>(byte) & 0xc0u) != 0x80u; }

std::size_t num_characters(const std::string& text) {
  std::size_t count = 0;
  for (const char byte : text) count += is_start(byte) ? 1 : 0;
  return count;
}

std::string first_characters(const std::string& text, std::size_t count) {
  std::size_t seen = 0, at = 0;
  for (; at < text.size(); ++at) {
    if (is_start(text[at]) && seen++ == count) break;
  }
  return text.substr(0, at);
}

}  // namespace

std::string left_column(const std::string& text, std::size_t width) {
  const std::string cut = first_characters(text, width);
  return cut + std::string(width - num_characters(cut), ' ');
}

std::string right_column(const std::string& text, std::size_t width) {
  const std::string cut = first_characters(text, width);
  return std::string(width - num_characters(cut), ' ') + cut;
}

std::string fixed_digits(double value, int digits) {
  char text[400];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string percent(double fraction, int digits) { return fixed_digits(100.0 * fraction, digits) + " %"; }

}  // namespace tailmargin
