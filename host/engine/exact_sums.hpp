// Sums of whole cents that refuse to overflow.
#pragma once

#include <cstdint>
#include <string>

#include "tailmargin/diagnostics.hpp"

namespace tailmargin {

/// @param what  is added, for the message: "shortfalls"
/// @throws UsageError if the sum does not fit 64 bits
inline std::int64_t add_cents(std::int64_t a, std::int64_t b, const char* what) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) {
    throw UsageError(
        std::string("the ") + what +
        " of these parts add up to more than 9e16 USD on a path (exact sums hold no more). Look for a part "
        "with wrong quantities.");
  }
  return sum;
}

}  // namespace tailmargin
