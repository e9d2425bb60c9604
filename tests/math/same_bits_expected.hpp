// Hashes of the shared functions' results. A change here is a change of every result: say so in CHANGELOG.md.
// Rows come from `same_bits_gcc_O0 --print`.
#pragma once

#include <cstdint>

namespace tailmargin::test {

struct ExpectedHash {
  const char* name;
  std::uint64_t hash;
};

inline constexpr ExpectedHash expected_hashes[] = {
    {"exp_float", 0xfc6ae542eb6a75b1u},
    {"exp_double", 0x65c3eac3b32c1a67u},
    {"expm1_float", 0x1c97ddf1fd62f130u},
    {"expm1_double", 0x8fd1be18dcbda2cfu},
    {"log_float", 0x4c5098c45278e63au},
    {"log_double", 0xba7299930d3be14eu},
    {"normal_cdf_float", 0xbccea5308072563eu},
    {"normal_cdf_double", 0x5322a138cae6385du},
    {"normal_from_word", 0x5871a797ec6f5e32u},
    {"philox", 0xf426bced274337ffu},
    {"black76_float", 0x26131473730b4d80u},
    {"black76_double", 0x9e61cf29a4ef4153u},
    {"ssvi_float", 0x718c70c94528fbc5u},
    {"ssvi_double", 0x886937b5a4ec9410u},
    {"limit_smile_float", 0xda580681db108fc8u},
    {"limit_smile_double", 0x2f20f346e4609b65u},
    {"scenarios_1_lane", 0x20da8043d50076fbu},
    {"scenarios_16_lanes", 0x20da8043d50076fbu},
    {"scenarios_64_lanes", 0x20da8043d50076fbu},
    {"pipeline_float", 0xe598b5b7e708d44bu},
    {"pipeline_double", 0x413e46bda2d59306u},
    {"plain_products_float", 0x3aad4834fb0177a1u},
    {"plain_products_double", 0x71eb4184eb737750u},
};

}  // namespace tailmargin::test
