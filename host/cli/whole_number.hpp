// A check for options that are whole numbers: digits only, within limits, with a message that says so.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>

#include <CLI/CLI.hpp>

namespace tailmargin {

/// Without it the parser would read 010 as 8, 0x10 as 16 and -1 as 18446744073709551615.
inline CLI::Validator whole_number(std::uint64_t low, std::uint64_t high) {
  const auto check = [low, high](const std::string& text) -> std::string {
    std::uint64_t value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool plain = text == "0" || (!text.empty() && text.front() >= '1' && text.front() <= '9');
    if (plain && code == std::errc() && end == text.data() + text.size() && value >= low && value <= high) {
      return {};
    }
    return "'" + text + "' is not a whole number from " + std::to_string(low) + " to " + std::to_string(high) +
           ", such as " +
           std::to_string(high >= 100'000 && low <= 100'000 ? 100'000
                          : high < 8                        ? high
                                                            : 8);
  };
  return CLI::Validator(check, "");
}

inline constexpr std::uint64_t any_number = 0xffffffffffffffffull;

}  // namespace tailmargin
