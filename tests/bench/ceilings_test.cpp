// Ceilings are measured for every instruction set this processor has. How fast is the machine's affair; that the units
// stand in the order physics gives them is not.
#include "host/bench/ceilings.hpp"

#include <gtest/gtest.h>

#include "bench/gpu/device_ceilings.hpp"
#include "host/backends/backend.hpp"
#include "host/cpu/host_loops.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin::bench {
namespace {

RunConfig one_thread(const std::string& isa) {
  RunConfig config;
  config.threads = 1;
  config.isa = isa;
  return config;
}

TEST(CpuCeilings, AreMeasuredAndNamed) {
  const Ceilings ceilings = measure_ceilings("cpu", one_thread("auto"));

  ASSERT_EQ(ceilings.measured.size(), 3u);
  for (const auto& [name, rate] : ceilings.measured) {
    EXPECT_GT(rate, 1e7) << name;
    EXPECT_LT(rate, 1e13) << name;
  }
  EXPECT_GT(ceilings.tail_words, 0.7 * ceilings.tile_words) << "the first-level cache is not slower than the second";
}

/// A loop that the compiler dropped would be far beyond any processor; one it left scalar would not gain.
TEST(CpuCeilings, WiderInstructionsDoMore) {
  if (std::string(choose_kernels(Isa::automatic).name) == "baseline") { GTEST_SKIP() << "no wide instructions here"; }

  const Ceilings narrow = measure_ceilings("cpu", one_thread("baseline"));
  const Ceilings wide = measure_ceilings("cpu", one_thread("auto"));

  EXPECT_GT(wide.operations, 2.0 * narrow.operations);
  EXPECT_GT(wide.tail_words, 1.1 * narrow.tail_words);
}

TEST(CpuCeilings, TheReferenceHasNone) { EXPECT_EQ(measure_ceilings("reference", {}).operations, 0.0); }

TEST(CudaCeilings, WithoutADeviceSayWhy) {
  if (cuda_unavailable_reason().empty()) { GTEST_SKIP() << "there is a device; tools/gpu-check measures it"; }

  EXPECT_THROW(measure_cuda_ceilings(), BackendUnavailable);
}

}  // namespace
}  // namespace tailmargin::bench
