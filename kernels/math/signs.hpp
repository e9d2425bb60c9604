// Signs and sizes of numbers by their bits: -0 is negative, and a sign is taken over without a comparison. Floats of
// one sign are ordered like integers; for the smaller of two integers compilers find the vector instruction where they
// compare floats and split the formula that follows in two.
#pragma once

#include "kernels/math/host_device.hpp"

namespace tailmargin::math {

TM_HD bool is_negative(float x) { return static_cast<std::int32_t>(to_bits(x)) < 0; }
TM_HD bool is_negative(double x) { return static_cast<std::int64_t>(to_bits(x)) < 0; }

TM_HD float absolute(float x) { return from_bits(to_bits(x) & 0x7fffffffu); }
TM_HD double absolute(double x) { return from_bits(to_bits(x) & 0x7fffffffffffffffu); }

/// x times the sign of y.
TM_HD float times_sign_of(float x, float y) { return from_bits(to_bits(x) ^ (to_bits(y) & 0x80000000u)); }
TM_HD double times_sign_of(double x, double y) { return from_bits(to_bits(x) ^ (to_bits(y) & 0x8000000000000000u)); }

/// The smaller of x and end, neither of them negative.
TM_HD float cut_above(float x, float end) {
  std::uint32_t bits = to_bits(x);
  const std::uint32_t most = to_bits(end);
  bits = bits < most ? bits : most;
  return from_bits(bits);
}
TM_HD double cut_above(double x, double end) { return smaller(x, end); }

/// The larger of x and end, for end >= 0.
TM_HD float cut_below(float x, float end) {
  auto bits = static_cast<std::int32_t>(to_bits(x));
  const auto least = static_cast<std::int32_t>(to_bits(end));
  bits = bits > least ? bits : least;
  return from_bits(static_cast<std::uint32_t>(bits));
}
TM_HD double cut_below(double x, double end) { return larger(x, end); }

}  // namespace tailmargin::math
