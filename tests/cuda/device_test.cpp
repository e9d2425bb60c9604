// The cuda backend on a real device: the bits of plain loops, and guards that fire. Without a device these tests skip
// and say why; with TAILMARGIN_REQUIRE_GPU=1 that is a failure.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "kernels/cuda/cuda_device.hpp"
#include "kernels/cuda/errors.hpp"
#include "kernels/cuda/kernels/select_pivot.hpp"
#include "kernels/cuda/kernels/simulate_paths.hpp"
#include "kernels/cuda/kernels/summarise_tails.hpp"
#include "kernels/cuda/pipeline/pipeline_backend.hpp"
#include "tests/cuda/philox_on_device.hpp"
#include "tests/cuda/same_tails.hpp"
#include "tests/cuda/small_run.hpp"

namespace tailmargin::test {
namespace {

TEST(CudaBackend, SaysInOneLineWhyItCannotRun) {
  const std::string reason = cuda_unavailable_reason();

  EXPECT_EQ(reason.find('\n'), std::string::npos) << reason;
  if (reason.empty()) {
    EXPECT_EQ(make_cuda_backend({})->name(), "cuda");
  } else {
    EXPECT_THROW(make_cuda_backend({}), BackendUnavailable);
    EXPECT_NE(reason.find("--backend cpu"), std::string::npos) << "the cure is missing: " << reason;
  }
}

TEST(CudaBackend, ADeviceThatDoesNotExistIsUnavailable) {
  EXPECT_THROW(make_cuda_backend({.device = 1'000'000}), BackendUnavailable);
  EXPECT_THROW(make_cuda_backend({.device = -1}), BackendUnavailable);
}

class OnDevice : public testing::Test {
 protected:
  void SetUp() override {
    const std::string reason = cuda_unavailable_reason();
    const char* required = std::getenv("TAILMARGIN_REQUIRE_GPU");
    if (reason.empty()) { return; }
    if (required != nullptr && std::strcmp(required, "1") == 0) {
      FAIL() << "TAILMARGIN_REQUIRE_GPU=1, but " << reason;
    }
    GTEST_SKIP() << reason;
  }

  template <class Real>
  static void expect_plain_tails(const PreparedRun& run, const PipelineOptions& options) {
    PipelineBackend<CudaDevice> backend("cuda", std::make_unique<CudaDevice>(0), options);
    TailsRequest request;
    request.precision = std::is_same_v<Real, float> ? Precision::single : Precision::exact;
    request.keep_paths = KeepTailPaths::yes;

    const Tails found = backend.tails(run, run.accounts, request);

    const Tails expected = plain_tails<Real>(run, run.accounts);
    expect_same_figures(found, expected);
    expect_same_paths(found, expected);
  }

  static void expect_plain_tails(const PreparedRun& run, const PipelineOptions& options = {}) {
    expect_plain_tails<float>(run, options);
    expect_plain_tails<double>(run, options);
  }
};

TEST_F(OnDevice, SmallSizes) {
  for (const std::uint64_t paths : {2u, 31u, 33u, 64u, 255u, 257u, 1000u}) {
    SCOPED_TRACE(testing::Message() << paths << " paths");
    expect_plain_tails(hand_run({.num_paths = paths, .num_accounts = 13, .confidence = paths < 20 ? 0.5 : 0.95}));
  }
}

TEST_F(OnDevice, SmallTiles) {
  const PreparedRun run = hand_run({.num_paths = 300, .num_accounts = 33, .weights = {50, 1, 7}, .read_times = 2});
  expect_plain_tails(run, {.paths_per_chunk = 128, .sample_paths = 64, .tile_columns = 5, .carried_accounts = 5});
  expect_plain_tails(hand_run({.num_paths = 300, .num_accounts = 33}), {.sample_paths = 64});
}

TEST_F(OnDevice, SmallFallbacks) {
  const PreparedRun run = hand_run({.num_paths = 700, .num_accounts = 13});
  expect_plain_tails(run, {.sample_paths = 64, .candidate_capacity = 1});
  expect_plain_tails(run, {.sample_paths = 64, .pivot_sigmas = -100.0});
}

TEST_F(OnDevice, ManyPaths) {
  expect_plain_tails(hand_run({.num_paths = 100'000, .num_accounts = 60, .confidence = 0.99}));
}

TEST_F(OnDevice, ManyAccounts) {
  expect_plain_tails(hand_run({.num_paths = 3000, .num_accounts = 3000, .confidence = 0.99}),
                     {.accounts_per_batch = 700});
}

TEST_F(OnDevice, ChunksAndWeights) {
  expect_plain_tails(hand_run({.num_paths = 20'000, .num_accounts = 50, .confidence = 0.98, .weights = {1, 2, 3}}),
                     {.accounts_per_batch = 17, .paths_per_chunk = 4096});
}

TEST_F(OnDevice, ManyPiecesOnAllMultiprocessors) {
  expect_plain_tails(hand_run({.num_paths = 20'000, .num_accounts = 300, .confidence = 0.98, .read_times = 2}),
                     {.tile_columns = 5, .carried_accounts = 20});
}

TEST_F(OnDevice, OverflowAndShortfall) {
  const PreparedRun run = hand_run({.num_paths = 20'000, .num_accounts = 50});
  expect_plain_tails(run, {.sample_paths = 1000, .candidate_capacity = 1});
  expect_plain_tails(run, {.sample_paths = 1000, .pivot_sigmas = -100.0});
}

TEST_F(OnDevice, RepeatsToTheBit) {
  const PreparedRun run = hand_run({.num_paths = 50'000, .num_accounts = 200});
  const auto backend = make_cuda_backend({});

  const Tails first = backend->tails(run, run.accounts, {});

  for (int i = 0; i < 5; ++i) { expect_same_figures(backend->tails(run, run.accounts, {}), first); }
}

TEST_F(OnDevice, RunsGiveTheirMemoryBack) {
  const PreparedRun run = hand_run({.num_paths = 5000, .num_accounts = 100});
  auto device = std::make_unique<CudaDevice>(0);
  const CudaDevice& seen = *device;
  PipelineBackend<CudaDevice> backend("cuda", std::move(device), {});
  backend.tails(run, run.accounts, {});
  const std::uint64_t after_one = seen.free_bytes();

  for (int i = 0; i < 5; ++i) { backend.tails(run, run.accounts, {}); }

  EXPECT_EQ(seen.free_bytes(), after_one);
}

TEST_F(OnDevice, ReleasedMemoryIsUsedAgainEvenInOtherSizes) {
  CudaDevice device(0);
  const std::uint64_t most = device.free_bytes() / 4 * 3;
  { const DeviceBuffer<char, CudaDevice> whole(device, most); }
  {
    const DeviceBuffer<char, CudaDevice> part(device, most / 3);
    const DeviceBuffer<char, CudaDevice> rest(device, most / 3 + 1);
  }

  const DeviceBuffer<char, CudaDevice> whole_again(device, most);

  EXPECT_NE(whole_again.data(), nullptr);
}

TEST_F(OnDevice, PhiloxGivesTheWordsOfCurand) {
  CudaDevice device(0);
  const OwnedStream<CudaDevice> stream(device);
  const std::vector<PhiloxCase> cases = philox_cases();
  const auto on_device = upload(device, cases, stream.get());
  DeviceBuffer<math::PhiloxBlock, CudaDevice> own(device, cases.size()), curand(device, cases.size());
  std::vector<math::PhiloxBlock> host_own(cases.size()), host_curand(cases.size());

  device.for_each("draw_both", stream.get(), 1, cases.size(), DrawBoth{on_device.data(), own.data(), curand.data()});
  device.copy_to_host(host_own.data(), own.data(), cases.size() * sizeof(math::PhiloxBlock), stream.get());
  device.copy_to_host(host_curand.data(), curand.data(), cases.size() * sizeof(math::PhiloxBlock), stream.get());
  device.synchronize(stream.get());

  for (std::size_t i = 0; i < cases.size(); ++i) {
    const math::PhiloxBlock host = math::philox4x32_10(cases[i].seed, cases[i].block, cases[i].path);
    EXPECT_EQ(std::memcmp(&host_own[i], &host_curand[i], sizeof host), 0) << i;
    EXPECT_EQ(std::memcmp(&host_own[i], &host, sizeof host), 0) << i;
  }
}

TEST_F(OnDevice, AnEmptyLaunchDoesNothing) {
  CudaDevice device(0);
  const OwnedStream<CudaDevice> stream(device);

  device.for_each("gather_tail_paths", stream.get(), 1, 0, GatherTailPaths<float>{});
  device.for_blocks("simulate_paths", stream.get(), {0, 32, 0}, SimulatePaths{});

  device.synchronize(stream.get());
}

TEST_F(OnDevice, ARefusedLaunchNamesTheKernelAndTheNextOneWorks) {
  CudaDevice device(0);
  const OwnedStream<CudaDevice> stream(device);

  try {
    device.for_blocks("simulate_paths", stream.get(), {1, 32, 1u << 24}, SimulatePaths{});
    ADD_FAILURE() << "no exception for 16 MB of shared memory";
  } catch (const DeviceError& error) {
    EXPECT_EQ(error.call(), "simulate_paths");
    EXPECT_EQ(error.place().find("kernels/cuda/launch.cuh:"), 0u) << error.place();
    EXPECT_NE(error.code(), 0);
  }
  EXPECT_THROW(device.for_blocks("simulate_paths", stream.get(), {1, 2048, 0}, SimulatePaths{}), DeviceError);
  EXPECT_THROW(device.for_blocks("simulate_paths", stream.get(), {1ull << 40, 32, 0}, SimulatePaths{}), DeviceError);

  device.for_blocks("simulate_paths", stream.get(), {1, 32, 0}, SimulatePaths{});
  device.synchronize(stream.get());
}

TEST_F(OnDevice, TooMuchMemoryNamesTheBytes) {
  CudaDevice device(0);
  try {
    DeviceBuffer<double, CudaDevice>(device, 1ull << 45);
    FAIL() << "no exception";
  } catch (const OutOfDeviceMemory& error) {
    EXPECT_EQ(error.bytes_asked(), 1ull << 48);
    EXPECT_GT(error.bytes_free(), 0u);
  }
}

}  // namespace
}  // namespace tailmargin::test
