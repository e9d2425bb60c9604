// Columns of text on a terminal.
#pragma once

#include <cstddef>
#include <string>

namespace tailmargin {

/// The text as exactly `width` characters, cut or filled up with spaces on the right.
std::string left_column(const std::string& text, std::size_t width);

/// The same, filled up on the left.
std::string right_column(const std::string& text, std::size_t width);

/// A number with digits behind the point.
std::string fixed_digits(double value, int digits);

/// A fraction in percent: 0.0123 -> "1.23 %".
std::string percent(double fraction, int digits);

}  // namespace tailmargin
