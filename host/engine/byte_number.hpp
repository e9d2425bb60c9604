// A number for bytes.
#pragma once

#include <cstdint>
#include <string_view>

namespace tailmargin {

/// FNV-1a, 64 bits: it tells apart what somebody mixed up, nothing more.
/// @param before  the number of what stands in front of them
inline std::uint64_t number_of_bytes(std::string_view bytes, std::uint64_t before = 14695981039346656037u) {
  for (const char byte : bytes) { before = (before ^ static_cast<unsigned char>(byte)) * 1099511628211u; }
  return before;
}

}  // namespace tailmargin
