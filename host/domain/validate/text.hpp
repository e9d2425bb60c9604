// Text in input files: numbers, times and names, without a locale and without allocation on the good path.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tailmargin/book.hpp"

namespace tailmargin {

enum class NumberState : std::uint8_t { good, not_a_number, not_finite, out_of_range };

struct ParsedNumber {
  double value = 0.0;
  NumberState state = NumberState::good;
};

/// A decimal number that fills the whole text; no sign "+", no spaces, no hexadecimal.
ParsedNumber parse_number(std::string_view text);

/// "2026-02-05T21:29:37Z"; a fraction of a second is cut off; "+00:00" and "-00:00" stand for Z, no other offset.
std::optional<UtcTime> parse_utc_time(std::string_view text);

/// As parse_utc_time reads it, without a fraction. Years 0000 to 9999.
std::string format_utc_time(UtcTime time);

/// The shortest text that reads back as the same double, in the notation std::to_chars finds shorter.
std::string shortest_number(double value);

/// What is wrong with a name, or nullptr. Names are UTF-8, not empty, without control characters or outer spaces.
const char* name_problem(std::string_view name);

bool is_valid_utf8(std::string_view text);

/// The text as a message can show it: bytes that are no UTF-8 and control characters as \xNN, long texts cut.
std::string printable(std::string_view text);

/// The candidate nearest in spelling if it is near enough to be a typo, else empty.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> candidates);

}  // namespace tailmargin
