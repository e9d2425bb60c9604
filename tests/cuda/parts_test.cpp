// The parts the pipeline is made of: buffers, keys, plans, the packed P&L, guards of a launch.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <type_traits>

#include "kernels/cuda/errors.hpp"
#include "kernels/cuda/kernels/account_pnl_pack.hpp"
#include "kernels/cuda/kernels/filter_pnl.hpp"
#include "kernels/cuda/kernels/summarise_tails.hpp"
#include "kernels/cuda/pipeline/device_buffer.hpp"
#include "kernels/cuda/pipeline/plans.hpp"
#include "kernels/cuda/simt/simt_device.hpp"
#include "kernels/executors/tail_key.hpp"
#include "tests/cuda/small_run.hpp"

namespace tailmargin::test {
namespace {

using simt::SimtDevice;
using Buffer = DeviceBuffer<double, SimtDevice>;

static_assert(!std::is_copy_constructible_v<Buffer> && !std::is_copy_assignable_v<Buffer>);
static_assert(std::is_nothrow_move_constructible_v<Buffer> && std::is_nothrow_move_assignable_v<Buffer>);

TEST(DeviceBuffer, OwnsAndHandsOver) {
  SimtDevice device({.memory_bytes = 1000});
  Buffer first(device, 10);
  double* const data = first.data();

  Buffer second(std::move(first));
  Buffer third;
  third = std::move(second);

  EXPECT_EQ(third.data(), data);
  EXPECT_EQ(third.size(), 10u);
  EXPECT_EQ(device.free_bytes(), 920u);
  third = {};
  EXPECT_EQ(device.free_bytes(), 1000u);
}

TEST(DeviceBuffer, EmptyNeedsNoMemory) {
  SimtDevice device({.memory_bytes = 0});

  const Buffer empty(device, 0);

  EXPECT_EQ(empty.data(), nullptr);
}

TEST(DeviceBuffer, TooLargeNamesTheBytes) {
  SimtDevice device({.memory_bytes = 100});
  try {
    Buffer(device, 13);
    FAIL() << "no exception";
  } catch (const OutOfDeviceMemory& error) {
    EXPECT_EQ(error.bytes_asked(), 104u);
    EXPECT_EQ(error.bytes_free(), 100u);
    EXPECT_NE(std::string(error.what()).find("104 bytes asked, 100 free"), std::string::npos) << error.what();
  }
}

TEST(DeviceError, NamesCallPlaceAndCode) {
  const DeviceError error("filter_pnl", "kernels/cuda/launch.cuh:70", 9, "invalid configuration argument");

  EXPECT_EQ(error.call(), "filter_pnl");
  EXPECT_EQ(error.place(), "kernels/cuda/launch.cuh:70");
  EXPECT_EQ(error.code(), 9);
  EXPECT_EQ(std::string(error.what()).find("filter_pnl failed at kernels/cuda/launch.cuh:70 with code 9 (invalid"), 0u);
}

struct Counter {
  static constexpr std::uint32_t max_threads = 64;
  std::uint32_t* count;
  void operator()(std::uint32_t, std::uint64_t) const { ++*count; }
  template <class Context>
  void operator()(Context& context) const {
    context.atomic_add(count, 1);
  }
};
struct OwnsMemory : Counter {
  std::vector<int> memory;
};
static_assert(Launchable<Counter>);
static_assert(!Launchable<OwnsMemory>, "a kernel with memory of its own must not be launched");

TEST(Launch, AnEmptyRangeDoesNothing) {
  SimtDevice device({});
  std::uint32_t count = 0;

  device.for_each("count", 0, 0, 5, Counter{&count});
  device.for_each("count", 0, 5, 0, Counter{&count});
  device.for_blocks("count", 0, {0, 64, 0}, Counter{&count});

  EXPECT_EQ(count, 0u);
}

TEST(Launch, CoversRowsItemsAndBlocks) {
  SimtDevice device({});
  std::uint32_t count = 0;

  device.for_each("count", 0, 3, 5, Counter{&count});
  device.for_blocks("count", 0, {2, 64, 0}, Counter{&count});

  EXPECT_EQ(count, 15u + 128u);
}

TEST(Launch, RefusesWhatADeviceRefuses) {
  SimtDevice device({.shared_bytes = 1000});
  std::uint32_t count = 0;

  EXPECT_THROW(device.for_blocks("count", 0, {1, 96, 0}, Counter{&count}), DeviceError) << "beyond the launch bounds";
  EXPECT_THROW(device.for_blocks("count", 0, {1, 64, 1001}, Counter{&count}), DeviceError) << "too much shared memory";
  EXPECT_EQ(count, 0u);
}

template <class Real>
void expect_keys_order_like_worse() {
  std::mt19937_64 random(3);
  std::vector<TailLoss<Real>> tails;
  for (std::uint32_t path = 0; path < 2000; ++path) {
    const int kind = static_cast<int>(random() % 5);
    const Real size = std::ldexp(Real(1), static_cast<int>(random() % 200) - 100) * Real(random() % 1000 + 1);
    tails.push_back({kind == 0 ? -Real(0) : kind < 3 ? size : -size, static_cast<std::uint32_t>(random())});
  }
  tails.push_back({Real(5), 7});
  tails.push_back({Real(5), 6});
  std::vector<TailKey<Real>> keys;
  for (const auto& tail : tails) { keys.push_back(tail_key(tail)); }

  std::sort(tails.begin(), tails.end(), worse<Real>);
  std::sort(keys.begin(), keys.end());

  for (std::size_t i = 0; i < tails.size(); ++i) {
    const TailLoss<Real> back = tail_loss<Real>(keys[i]);
    EXPECT_EQ(math::to_bits(back.loss), math::to_bits(tails[i].loss)) << i;
    EXPECT_EQ(back.path, tails[i].path) << i;
  }
}

TEST(TailKey, OrdersLikeWorseAndComesBackSingle) { expect_keys_order_like_worse<float>(); }
TEST(TailKey, OrdersLikeWorseAndComesBackDouble) { expect_keys_order_like_worse<double>(); }

template <class Real, int W>
void expect_pack_is_lanes() {
  const PreparedRun run = hand_run({.num_paths = 64, .num_accounts = 20});
  const std::vector<Real> cube = plain_cube<Real>(run);
  const AccountPlan& plan = run.accounts;
  const std::uint32_t slices = run.columns.num_slices, columns = run.columns.num_columns;
  const std::vector<Real> quantities(plan.quantities.begin(), plan.quantities.end());
  std::vector<PositionEntry<Real>> positions;
  for (std::size_t p = 0; p < plan.columns.size(); ++p) { positions.push_back({plan.columns[p], quantities[p]}); }
  const AccountsPayload<Real> rows{plan.offsets.data(), plan.columns.data(), quantities.data()};
  const AccountTable<Real> table{plan.offsets.data(), positions.data()};
  // The pack is read at its own alignment.
  std::vector<PathPack<W, Real>> aligned(cube.size() / W);
  std::copy(cube.begin(), cube.end(), aligned.data()->lane);

  for (std::uint64_t account = 0; account < 20; ++account) {
    for (std::uint64_t path = 0; path < 64; path += W) {
      const auto pack =
          account_pnl_pack<W>(table, account, CubeView<Real>{aligned.data()->lane + path, 64, slices, columns});
      Real lanes[W];
      account_pnl<W>(rows, account, CubeView<Real>{cube.data() + path, 64, slices, columns}, lanes);
      for (int l = 0; l < W; ++l) {
        EXPECT_EQ(math::to_bits(pack.lane[l]), math::to_bits(lanes[l])) << account << " " << path;
      }
    }
  }
}

TEST(AccountPnlPack, HasTheBitsOfAccountPnlLanes) {
  expect_pack_is_lanes<float, 1>();
  expect_pack_is_lanes<float, 2>();
  expect_pack_is_lanes<double, 1>();
}

TEST(FilterPnl, AFullBufferCountsOnAndWritesNoFurther) {
  SimtDevice device({});
  const std::vector<std::uint64_t> offsets{0, 0};  // one account without positions: every loss is the same
  const std::vector<float> cube(64);
  std::vector<TailKey<float>> keys(4, 7);
  std::uint32_t num_above = 0, num_ties = 0;
  const FilterPnl<float> kernel{{offsets.data(), nullptr},
                                nullptr,
                                1,
                                {cube.data(), 64, 1, 1},
                                100,
                                50,
                                nullptr,
                                3,
                                keys.data(),
                                &num_above,
                                &num_ties};

  device.for_blocks("filter_pnl", 0, {FilterPnl<float>::num_blocks(1, 50), FilterPnl<float>::max_threads, 0}, kernel);

  EXPECT_EQ(num_above, 50u) << "paths beyond the end count as well, or some do not";
  EXPECT_EQ(keys[3], 7u) << "a key was written behind the buffer";
  for (int i = 0; i < 3; ++i) { EXPECT_GE(tail_loss<float>(keys[static_cast<std::size_t>(i)]).path, 100u); }
}

TEST(TailRoute, ChangesExactlyAtItsLimits) {
  const std::uint32_t tail = 10, capacity = 20;

  EXPECT_EQ(tail_route(10, 0, tail, capacity), TailRoute::candidates);
  EXPECT_EQ(tail_route(20, 0, tail, capacity), TailRoute::candidates);
  EXPECT_EQ(tail_route(21, 0, tail, capacity), TailRoute::whole_row);
  EXPECT_EQ(tail_route(9, 1, tail, capacity), TailRoute::ties);
  EXPECT_EQ(tail_route(0, 10, tail, capacity), TailRoute::ties);
  EXPECT_EQ(tail_route(9, 0, tail, capacity), TailRoute::whole_row);
  EXPECT_EQ(tail_route(0, 9, tail, capacity), TailRoute::whole_row);
}

TEST(Plans, PathsFitOrAreCutIntoTiles) {
  EXPECT_EQ(plan_paths(1000, 100, 1'000'000, {}).paths_per_chunk, 1024u);
  EXPECT_EQ(plan_paths(1000, 100, 1'000'000, {}).num_chunks(), 1u);
  const PathPlan cut = plan_paths(1000, 100, 100'000, {});
  EXPECT_EQ(cut.paths_per_chunk, 576u);
  EXPECT_EQ(cut.num_chunks(), 2u);
  EXPECT_EQ(cut.count(0), 576u);
  EXPECT_EQ(cut.first(1), 576u);
  EXPECT_EQ(cut.count(1), 424u);
  EXPECT_THROW(plan_paths(1000, 100, 10'000, {}), OutOfDeviceMemory);
}

TEST(Plans, PivotLeavesTheTailAboveItSixStandardDeviationsOut) {
  const SelectionPlan plan = plan_selection(100'000, 1000, 100'032, {});

  // 81.9 expected in the sample, deviation 8.63 (hypergeometric).
  EXPECT_EQ(plan.sample_paths, 8192u);
  EXPECT_EQ(plan.pivot_rank, 135u);
  EXPECT_EQ(plan.num_tail, 1000u);
  EXPECT_NEAR(plan.capacity, 100'000.0 / 8192.0 * (135.0 + 6.0 * std::sqrt(135.0)), 1.0);
}

TEST(Plans, ASampleOfAllPathsNeedsNoSlack) {
  const SelectionPlan plan = plan_selection(100, 10, 100, {});

  EXPECT_EQ(plan.sample_paths, 100u);
  EXPECT_EQ(plan.pivot_rank, 11u);
  EXPECT_GE(plan.capacity, 10u);
  EXPECT_EQ(plan_selection(1, 1, 1, {}).pivot_rank, 1u);
}

TEST(Plans, BatchesKeepToTheirLimitsAndHoldAllAccounts) {
  AccountPlan accounts;
  accounts.offsets = {0, 10, 10, 40, 41, 42};

  const auto by_bytes = plan_batches(accounts, {100, 30, 5, 1});
  const auto by_count = plan_batches(accounts, {2, 1'000'000, 5, 1});

  // Sizes 15, 5, 35, 6, 6: the third is too large for any batch and stands alone.
  ASSERT_EQ(by_bytes.size(), 3u);
  EXPECT_EQ(by_bytes[0].last, 2u);
  EXPECT_EQ(by_bytes[1].last, 3u);
  EXPECT_EQ(by_bytes[2].last, 5u);
  ASSERT_EQ(by_count.size(), 3u);
  EXPECT_EQ(by_count[2].num_accounts(), 1u);
  EXPECT_TRUE(plan_batches({}, {2, 1, 1, 1}).empty());
}

}  // namespace
}  // namespace tailmargin::test
