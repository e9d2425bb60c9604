#include "host/domain/validate/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <vector>

#include "host/domain/same_letters.hpp"

namespace tailmargin {
namespace {

constexpr std::size_t max_shown_bytes = 120;

/// Length of the UTF-8 sequence at the start of `text`, 0 if there is none. Rejects overlong forms and surrogates.
std::size_t utf8_sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                             : lead >= 0xE0 && lead <= 0xEF ? 3
                             : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                            : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if (lead == 0xE0 && byte(1) < 0xA0) return 0;
  if (lead == 0xED && byte(1) > 0x9F) return 0;
  if (lead == 0xF0 && byte(1) < 0x90) return 0;
  if (lead == 0xF4 && byte(1) > 0x8F) return 0;
  return length;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

/// Reads exactly `count` digits and removes them from the text; -1 if they are not there.
int take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return -1;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take_char(std::string_view& text, char expected, char other) {
  if (text.empty() || (text.front() != expected && text.front() != other)) return false;
  text.remove_prefix(1);
  return true;
}

bool take_fraction(std::string_view& text) {
  if (text.empty() || text.front() != '.') return true;
  text.remove_prefix(1);
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  text.remove_prefix(digits);
  return digits > 0;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

ParsedNumber parse_number(std::string_view text) {
  ParsedNumber parsed;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), parsed.value);
  if (code == std::errc::invalid_argument || end != text.data() + text.size()) {
    parsed.state = NumberState::not_a_number;
  } else if (code == std::errc::result_out_of_range) {
    parsed.state = NumberState::out_of_range;
  } else if (!std::isfinite(parsed.value)) {
    parsed.state = NumberState::not_finite;
  }
  return parsed;
}

std::optional<UtcTime> parse_utc_time(std::string_view text) {
  const int year = take_digits(text, 4);
  if (year < 0 || !take_char(text, '-', '-')) return std::nullopt;
  const int month = take_digits(text, 2);
  if (month < 0 || !take_char(text, '-', '-')) return std::nullopt;
  const int day = take_digits(text, 2);
  if (day < 0 || !take_char(text, 'T', 't')) return std::nullopt;
  const int hour = take_digits(text, 2);
  if (hour < 0 || hour > 23 || !take_char(text, ':', ':')) return std::nullopt;
  const int minute = take_digits(text, 2);
  if (minute < 0 || minute > 59 || !take_char(text, ':', ':')) return std::nullopt;
  const int second = take_digits(text, 2);
  if (second < 0 || second > 59 || !take_fraction(text)) return std::nullopt;
  if (text != "Z" && text != "z" && text != "+00:00" && text != "-00:00") return std::nullopt;

  using namespace std::chrono;
  const year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                            std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return std::nullopt;
  const std::int64_t days = sys_days{date}.time_since_epoch().count();
  return UtcTime{days * 86400 + hour * 3600 + minute * 60 + second};
}

std::string format_utc_time(UtcTime time) {
  using namespace std::chrono;
  const sys_seconds instant{seconds{time.seconds}};
  const sys_days day = floor<days>(instant);
  const year_month_day date{day};
  const hh_mm_ss clock{instant - day};
  std::array<char, 64> text;
  const int length = std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", int(date.year()),
                                   unsigned(date.month()), unsigned(date.day()), int(clock.hours().count()),
                                   int(clock.minutes().count()), int(clock.seconds().count()));
  return std::string(text.data(), static_cast<std::size_t>(length));
}

std::string shortest_number(double value) {
  std::array<char, 32> text;
  const auto [end, code] = std::to_chars(text.data(), text.data() + text.size(), value);
  return std::string(text.data(), end);
}

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

const char* name_problem(std::string_view name) {
  if (name.empty()) return "the name is empty (things are matched by name). Fill it in.";
  if (!is_valid_utf8(name)) {
    return "the name is not UTF-8 (it could not be matched or shown reliably). Save the file as UTF-8.";
  }
  if (std::any_of(name.begin(), name.end(), is_control)) {
    return "the name holds a control character (it would be invisible in reports). Remove it.";
  }
  if (name.front() == ' ' || name.back() == ' ') {
    return "the name begins or ends with a space (it would not match the same name without). Remove the space.";
  }
  return nullptr;
}

std::string printable(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string shown;
  while (!text.empty()) {
    if (shown.size() >= max_shown_bytes) return shown + "...";
    const std::size_t length = utf8_sequence_length(text);
    if (length == 0 || is_control(text.front())) {
      const auto byte = static_cast<unsigned char>(text.front());
      shown += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
      text.remove_prefix(1);
    } else {
      shown += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return shown;
}

std::string_view nearest_name(std::string_view name, std::span<const std::string_view> candidates) {
  for (const std::string_view candidate : candidates) {
    if (in_small_letters(name) == in_small_letters(candidate)) return candidate;
  }
  std::string_view nearest;
  std::size_t best = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < best && distance < candidate.size()) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace tailmargin
