#include "host/cli/text_columns.hpp"

#include <cstdio>
#include <sstream>

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

std::string wrapped(const std::string& head, const std::string& text, std::size_t indent) {
  std::string out = head, line_start(indent, ' ');
  std::size_t width = num_characters(head);
  bool is_first = true;  // of its line
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const std::size_t length = num_characters(word);
    if (!is_first && width + 1 + length > page_width) {
      out += "\n" + line_start;
      width = indent;
      is_first = true;
    }
    out += (is_first ? "" : " ") + word;
    width += length + (is_first ? 0 : 1);
    is_first = false;
  }
  return out + "\n";
}

std::string significant(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*g", digits, value);
  return text;
}

std::string fixed_digits(double value, int digits) {
  char text[400];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string percent(double fraction, int digits) { return fixed_digits(100.0 * fraction, digits) + " %"; }

}  // namespace tailmargin
