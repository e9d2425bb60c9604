// Columns of text on a terminal.
#pragma once

#include <cstddef>
#include <string>

namespace tailmargin {

/// The text as exactly `width` characters, cut or filled up with spaces on the right.
std::string left_column(const std::string& text, std::size_t width);

/// The same, filled up on the left.
std::string right_column(const std::string& text, std::size_t width);

/// Widest line of reports.
inline constexpr std::size_t page_width = 118;

/// The text broken at spaces into lines of at most page_width, those after the first indented; with a newline at the
/// end.
/// @param head  what stands before it in the first line
std::string wrapped(const std::string& head, const std::string& text, std::size_t indent);

/// A number with this many digits that count, without zeros at the end.
std::string significant(double value, int digits);

/// A number with digits behind the point.
std::string fixed_digits(double value, int digits);

/// A fraction in percent: 0.0123 -> "1.23 %".
std::string percent(double fraction, int digits);

}  // namespace tailmargin
