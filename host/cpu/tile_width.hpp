// How many paths go together through the stages of a pass.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace tailmargin {

/// A tile of all columns should fill half of the second-level cache, the other half is for positions. Beyond some
/// thousand columns it does not fit, because a tile has at least the paths that are in registers at once.
inline std::uint32_t choose_tile_width(std::uint32_t num_columns, std::size_t real_bytes, std::size_t least) {
  const long reported = sysconf(_SC_LEVEL2_CACHE_SIZE);
  const std::size_t cache = reported > 0 ? static_cast<std::size_t>(reported) : std::size_t{1} << 20;
  const std::size_t width = cache / 2 / (std::max<std::size_t>(num_columns, 1) * real_bytes);
  return static_cast<std::uint32_t>(std::clamp<std::size_t>(width / least * least, least, 512));
}

}  // namespace tailmargin
