// Random draws of the made-up exchange. Only words of the Philox generator and exactly defined arithmetic, so a seed
// gives the same exchange on every platform; the standard library's distributions differ between platforms.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/math/normal.hpp"
#include "kernels/math/philox.hpp"

namespace tailmargin::synth {

/// What a draw is for. Never renumber: the exchange of a seed depends on it.
enum class DrawStream : std::uint32_t { market = 0, size = 1, account = 2 };

/// A sequence of draws, a pure function of (seed, stream, path). A path is an account or a coin, so what one account
/// holds does not depend on how many others there are. Never draw twice in the arguments of one call: compilers
/// evaluate arguments in different orders.
class Draws {
 public:
  Draws(std::uint64_t seed, DrawStream stream, std::uint64_t path) : seed_(seed), path_(path) {
    // Simulations use blocks below 2^60 only: no draw here repeats a random number of a margin run with this seed.
    next_block_ = (1ull << 60) | (static_cast<std::uint64_t>(stream) << 32);
  }

  std::uint32_t word() {
    if (used_ == 4) {
      block_ = math::philox4x32_10(seed_, next_block_++, path_);
      used_ = 0;
    }
    return block_.word[used_++];
  }

  double uniform() { return (static_cast<double>(word()) + 0.5) * 0x1p-32; }  ///< in (0, 1)
  double between(double low, double high) { return low + (high - low) * uniform(); }
  double normal() { return static_cast<double>(math::normal_from_word(word())); }
  double log_normal(double median, double log_sd) { return median * math::exp(log_sd * normal()); }
  bool chance(double probability) { return uniform() < probability; }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>((static_cast<std::uint64_t>(word()) * n) >> 32); }

 private:
  std::uint64_t seed_, path_, next_block_ = 0;
  math::PhiloxBlock block_{};
  int used_ = 4;
};

/// 10^e for |e| <= 22, where both it and its use as a divisor are exact.
inline double power_of_ten(int e) {
  double p = 1.0;
  for (int i = 0; i < (e < 0 ? -e : e); ++i) { p *= 10.0; }
  return p;
}

/// n * 10^e, correctly rounded, so that 123 lots of 0.001 print as 0.123.
inline double decimal(double n, int e) { return e < 0 ? n / power_of_ten(e) : n * power_of_ten(e); }

/// x rounded to a multiple of 10^e.
inline double round_to(double x, int e) {
  return decimal(std::floor((e < 0 ? x * power_of_ten(e) : x / power_of_ten(e)) + 0.5), e);
}

/// Largest e with 10^e <= x; x > 0.
inline int decade(double x) {
  int e = 0;
  while (e < 22 && x >= power_of_ten(e + 1)) { ++e; }
  while (e > -22 && x * power_of_ten(e) < 1.0) { --e; }
  return e;
}

/// x > 0 rounded to some significant digits.
inline double round_digits(double x, int digits) { return round_to(x, decade(x) - digits + 1); }

/// e^(b ln x): a power from our own functions.
inline double power(double x, double b) { return math::exp(b * math::log(x)); }

}  // namespace tailmargin::synth
