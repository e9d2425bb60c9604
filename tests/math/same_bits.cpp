// Compiled several times with different compilers and flags (CMakeLists.txt); every build must get the committed
// hashes of tests/math/same_bits_expected.hpp. With --print it writes that file's rows.
#include <cstdio>
#include <cstring>

#include "tests/math/same_bits_expected.hpp"
#include "tests/support/bit_sweeps.hpp"

namespace {

/// Empty if this processor can run what the compiler was told to use.
const char* missing_instructions() {
#if defined(__AVX512F__)
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq")) { return "AVX-512"; }
#elif defined(__AVX2__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) { return "AVX2 and FMA"; }
#endif
  return "";
}

}  // namespace

int main(int argc, char** argv) {
  using namespace tailmargin::test;
  if (missing_instructions()[0] != '\0') {
    std::printf("SKIPPED: this processor has no %s\n", missing_instructions());
    return 0;
  }
  const bool print = argc > 1 && std::strcmp(argv[1], "--print") == 0;
  int differences = 0;
  std::size_t row = 0;
  for (const BitSweep& sweep : bit_sweeps) {
    const std::uint64_t hash = sweep.hash();
    const unsigned long long shown = hash;
    if (print) {
      std::printf("    {\"%s\", 0x%016llxu},\n", sweep.name, shown);
      continue;
    }
    const bool known = row < std::size(expected_hashes) && std::strcmp(expected_hashes[row].name, sweep.name) == 0;
    if (!known || expected_hashes[row].hash != hash) {
      std::printf("%s: 0x%016llx, expected 0x%016llx\n", sweep.name, shown,
                  known ? static_cast<unsigned long long>(expected_hashes[row].hash) : 0ull);
      ++differences;
    }
    ++row;
  }
  if (!print) { std::printf("%d of %zu sweeps differ from the committed hashes\n", differences, row); }
  return differences == 0 ? 0 : 1;
}
