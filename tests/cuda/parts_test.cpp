// The parts the pipeline is made of: buffers, keys, plans, the packed P&L, guards of a launch.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <type_traits>

#include "kernels/cuda/errors.hpp"
#include "kernels/cuda/kernels/collect_ties.hpp"
#include "kernels/cuda/kernels/tile_pnl.hpp"
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

/// A table for TilePnl in host memory, as the pipeline lays it out on the device.
template <class Real>
struct HostTiles {
  HostTiles(const AccountPlan& accounts, const TileShape& shape) {
    std::vector<std::uint64_t> listed(accounts.offsets.size() - 1);
    std::iota(listed.begin(), listed.end(), 0u);
    plan = plan_tiles(accounts, listed, shape, PositionQuad<Real>::size);
    quads.resize(plan.num_quads());
    write_quads(accounts, plan, quads.data());
  }
  AccountTiles<Real> tiles() const {
    return {plan.chunks.data(), plan.pieces.data(), plan.columns.data(),
            plan.runs.data(),   plan.rows.data(),   quads.data()};
  }
  TilePlan plan;
  std::vector<PositionQuad<Real>> quads;
};

/// Real numbers as aligned as device memory.
template <class Real>
struct alignas(quad_bytes) Quad {
  Real values[quad_bytes / sizeof(Real)];
};

template <class Real>
std::vector<Quad<Real>> aligned(const std::vector<Real>& values) {
  std::vector<Quad<Real>> out(values.size() * sizeof(Real) / quad_bytes);
  std::copy(values.begin(), values.end(), out.data()->values);
  return out;
}

/// Every loss of every account by TilePnl and by account_pnl_on_path, against account_pnl.
template <class Real>
void expect_tiles_are_lanes(const TileShape& shape) {
  constexpr std::uint32_t num_paths = 100, stride = 128;
  const PreparedRun run = hand_run({.num_paths = stride, .num_accounts = 40});
  // Two read times: the second half of the columns are those of the second one.
  const std::uint32_t slices = shape.num_slices, columns = run.columns.num_columns;
  std::vector<Real> cube = plain_cube<Real>(run);
  if (slices == 2) {
    cube.resize(2 * cube.size());
    for (std::size_t i = 0; i < cube.size() / 2; ++i) { cube[cube.size() / 2 + i] = -cube[i] - Real(i % 7); }
  }
  const std::vector<Quad<Real>> memory = aligned(cube);
  const CubeView<Real> view{memory.data()->values, stride, slices, columns};
  const HostTiles<Real> tiles(run.accounts, shape);
  std::vector<Real> losses(40 * num_paths);
  std::uint32_t queue = 0;
  std::vector<typename TilePnl<Real>::Carried> carried(2 * shape.max_carried);
  const TilePnl<Real> kernel{tiles.tiles(),
                             static_cast<std::uint32_t>(tiles.plan.chunks.size()),
                             view,
                             0,
                             num_paths,
                             losses.data(),
                             num_paths,
                             nullptr,
                             {},
                             {},
                             &queue,
                             carried.data(),
                             shape.max_carried};
  SimtDevice device({});
  device.for_blocks("tile_pnl", 0,
                    {2, shape.warps * warp_size,
                     kernel.fixed_shared_bytes(shape.warps) + tiles.plan.largest_piece * tile_bytes_per_column},
                    kernel);

  const std::vector<Real> quantities(run.accounts.quantities.begin(), run.accounts.quantities.end());
  const AccountsPayload<Real> rows{run.accounts.offsets.data(), run.accounts.columns.data(), quantities.data()};
  for (const AccountChunk& chunk : tiles.plan.chunks) {
    for (std::uint32_t slot = 0; slot < chunk.num_slots; ++slot) {
      const std::uint64_t account = tiles.plan.accounts[chunk.first_slot + slot];
      for (std::uint32_t path = 0; path < num_paths; ++path) {
        Real expected;
        account_pnl<1>(rows, account, view.at(path), &expected);
        const Real found = losses[(chunk.first_slot + slot) * num_paths + path];
        ASSERT_EQ(math::to_bits(found), math::to_bits(-expected)) << account << " " << path;
        const Real single = account_pnl_on_path(tiles.tiles(), chunk, slot, view.at(path));
        ASSERT_EQ(math::to_bits(single), math::to_bits(expected)) << account << " " << path;
      }
    }
  }
}

TEST(TilePnl, HasTheBitsOfAccountPnlLanes) {
  for (const std::uint32_t max_columns : {100u, 9u, 1u}) {
    for (const std::uint32_t slices : {1u, 2u}) {
      SCOPED_TRACE(testing::Message() << max_columns << " columns, " << slices << " read times");
      expect_tiles_are_lanes<float>({max_columns, 3, 5, slices});
      expect_tiles_are_lanes<float>({max_columns, 1, 64, slices});
      expect_tiles_are_lanes<double>({max_columns, 2, 7, slices});
    }
  }
}

/// One account without positions: every loss is the same.
struct FlatAccount {
  FlatAccount() : rows{reinterpret_cast<unsigned char*>(keys.data()), 4 * sizeof(TailKey<float>), 3} {}

  void run(float pivot) {
    const HostTiles<float> tiles(accounts, {100, 2, 5, 1});
    const std::vector<Quad<float>> cube(16);
    const TilePnl<float> kernel{
        tiles.tiles(), 1, {cube.data()->values, 64, 1, 1}, 100, 50, nullptr, 0, &pivot, rows, {&above, &ties}, &queue,
        nullptr,       0};
    SimtDevice({}).for_blocks("tile_pnl", 0, {2, 64, kernel.fixed_shared_bytes(2)}, kernel);
  }

  AccountPlan accounts = [] {
    AccountPlan plan;
    add_account(plan, {});
    return plan;
  }();
  std::vector<TailKey<float>> keys = std::vector<TailKey<float>>(4, 7);
  TailRows rows;
  std::uint32_t above = 0, ties = 0, queue = 0;
};

TEST(TilePnl, AFullBufferCountsOnAndWritesNoFurther) {
  FlatAccount account;

  account.run(-1.0f);

  EXPECT_EQ(account.above, 50u) << "paths beyond the end count as well, or some do not";
  EXPECT_EQ(account.ties, 0u);
  EXPECT_EQ(account.keys[3], 7u) << "a key was written behind the buffer";
  for (std::size_t i = 0; i < 3; ++i) { EXPECT_GE(tail_loss<float>(account.keys[i]).path, 100u); }
}

TEST(TilePnl, LossesEqualToThePivotAreOnlyCounted) {
  FlatAccount account;

  account.run(0.0f);

  EXPECT_EQ(account.above, 0u);
  EXPECT_EQ(account.ties, 50u);
  EXPECT_EQ(account.keys[0], 7u);
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

TailRule rule_of(std::uint64_t num_paths, double confidence, const std::vector<std::uint32_t>& weights = {}) {
  PreparedRun run;
  run.num_paths = num_paths;
  run.confidence = confidence;
  run.path_weights = weights;
  return make_tail_rule(run);
}

TEST(Plans, PivotLeavesTheTailAboveItSixStandardDeviationsOut) {
  const SelectionPlan plan = plan_selection(rule_of(100'000, 0.99), {}, 100'000, 100'032, 20'000, {});

  // 84.49 expected in the sample, deviation 8.76 (hypergeometric).
  EXPECT_EQ(plan.sample_paths, 8192u);
  EXPECT_EQ(plan.reach, 1031u);
  EXPECT_EQ(plan.pivot_target, 139u);
  EXPECT_NEAR(plan.capacity, 100'000.0 / 8192.0 * (139.0 + 6.0 * std::sqrt(139.0)), 5.0);
}

TEST(Plans, ASampleOfAllPathsNeedsNoSlack) {
  const SelectionPlan plan = plan_selection(rule_of(100, 0.9), {}, 100, 100, 20'000, {});

  EXPECT_EQ(plan.sample_paths, 100u);
  EXPECT_EQ(plan.reach, 13u);
  EXPECT_EQ(plan.pivot_target, 15u);
  EXPECT_GE(plan.capacity, 14u);
  EXPECT_EQ(plan_selection(rule_of(2, 0.5), {}, 2, 2, 20'000, {}).pivot_target, 2u);
}

TEST(Plans, ASampleFitsABlock) {
  EXPECT_EQ(plan_selection(rule_of(10'000, 0.99), {}, 10'000, 10'048, 200, {}).sample_paths, 192u);
}

TEST(Plans, WeightsAskForAWeightNotANumber) {
  // Nine of ten paths weigh a third of the others.
  std::vector<std::uint32_t> weights(100'000, 1000);
  for (std::size_t i = 0; i < weights.size(); i += 10) { weights[i] = 3000; }
  const SelectionPlan plan = plan_selection(rule_of(100'000, 0.99, weights), weights, 100'000, 100'032, 20'000, {});

  // Reach: 1% of 1.2e8 and a spread of 4.2e4; 8192 paths weigh 9.8e6 or so.
  EXPECT_NEAR(static_cast<double>(plan.reach), 1.2e6 + 4.2e4, 1e3);
  EXPECT_NEAR(static_cast<double>(plan.pivot_target), 1.0177e5 + 6 * 1.173e4 + 3000, 1e3);
  // Room for a tail of light paths only, which are 1.5 times as many.
  const SelectionPlan even = plan_selection(rule_of(100'000, 0.99), {}, 100'000, 100'032, 20'000, {});
  EXPECT_GT(plan.capacity, even.capacity);
  EXPECT_LT(plan.capacity, 2 * even.capacity);
}

TEST(Plans, ATileHoldsWhatSharedMemoryHolds) {
  // 16 bytes, 512 for each warp, then 256 for each column.
  EXPECT_EQ(plan_tile_shape(1, 32, 227 * 1024, {}).max_columns, 843u);
  EXPECT_EQ(plan_tile_shape(1, 32, 227 * 1024, {.tile_columns = 7}).max_columns, 7u);
  EXPECT_EQ(plan_tile_shape(1, 32, 1000, {}).max_columns, 1u);
}

/// Accounts that hold the columns given, one contract each.
AccountPlan holding(const std::vector<std::vector<std::uint32_t>>& columns) {
  AccountPlan plan;
  for (const auto& held : columns) {
    std::vector<HandPosition> positions;
    for (const std::uint32_t column : held) { positions.push_back({column, 1.0}); }
    add_account(plan, positions);
  }
  return plan;
}

using Listed = std::vector<std::uint64_t>;

TEST(TilePlan, AccountsWhoseColumnsFitTogetherAreOneGroup) {
  EXPECT_EQ(group_accounts(holding({{0, 1}, {2}, {}}), {0, 1, 2}, 3), (std::vector<Listed>{{0, 1, 2}}));
}

TEST(TilePlan, AccountsAreGroupedByWhatTheyHoldAndTheRestIsSwept) {
  // Eight accounts in columns 0 and 1, eight in 2 and 3, one across: too little for tiles of its own.
  std::vector<std::vector<std::uint32_t>> columns(8, {0, 1});
  columns.insert(columns.end(), 8, {2, 3});
  columns.push_back({0, 3});

  const auto groups = group_accounts(holding(columns), {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, 2);

  EXPECT_EQ(groups, (std::vector<Listed>{{0, 1, 2, 3, 4, 5, 6, 7}, {8, 9, 10, 11, 12, 13, 14, 15}, {16}}));
}

TEST(TilePlan, AnAccountWithMoreColumnsThanFitIsSweptInPieces) {
  const TilePlan plan = plan_tiles(holding({{0, 1, 2, 3, 4, 6, 9}}), {0}, {3, 2, 8, 1}, 2);

  ASSERT_EQ(plan.chunks.size(), 1u);
  EXPECT_EQ(plan.chunks[0].num_pieces, 3u);
  EXPECT_EQ(plan.columns, (std::vector<std::uint32_t>{0, 1, 2, 3, 4, 6, 9}));
  EXPECT_EQ(plan.rows, (std::vector<std::uint32_t>{0, 1, 2, 4})) << "of two, two and three positions";
  EXPECT_TRUE(plan.carries);
  EXPECT_EQ(plan.largest_piece, 3u);
}

TEST(TilePlan, ChunksStandLongestFirstAndHoldEveryAccountOnce) {
  std::vector<std::vector<std::uint32_t>> columns;
  for (std::uint32_t a = 0; a < 30; ++a) { columns.push_back({0, 1, 2, 3, 4, a % 5 + 5u, a % 3 + 10u}); }
  columns.resize(41);  // and some without positions
  Listed listed(columns.size());
  std::iota(listed.begin(), listed.end(), 0u);

  const AccountPlan accounts = holding(columns);
  const TilePlan plan = plan_tiles(accounts, listed, {4, 3, 7, 1}, 2);

  EXPECT_EQ(plan.chunks.size(), 6u) << "swept ones have seven accounts at most";
  Listed found = plan.accounts;
  std::sort(found.begin(), found.end());
  EXPECT_EQ(found, listed);
  std::uint64_t cost_before = 1000;
  for (const AccountChunk& chunk : plan.chunks) {
    std::uint64_t cost = 0;  // positions, columns, and eight for each account
    for (std::uint32_t p = 0; p < chunk.num_pieces; ++p) { cost += plan.pieces[chunk.first_piece + p].count; }
    for (std::uint32_t slot = 0; slot < chunk.num_slots; ++slot) {
      const std::uint64_t account = plan.accounts[chunk.first_slot + slot];
      cost += accounts.offsets[account + 1] - accounts.offsets[account] + 8;
    }
    EXPECT_LE(cost, cost_before);
    cost_before = cost;
    EXPECT_EQ(plan.runs[chunk.first_run + 3], chunk.num_slots);
  }
}

TEST(TilePlan, AWarpGetsNoMoreThanItsShare) {
  std::vector<std::vector<std::uint32_t>> columns(9, {0});
  columns[4] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27};

  const TilePlan plan = plan_tiles(holding(columns), {0, 1, 2, 3, 4, 5, 6, 7, 8}, {100, 3, 7, 1}, 2);

  EXPECT_EQ(plan.runs, (std::vector<std::uint32_t>{0, 1, 5, 9})) << "the large account alone, the others halved";
  EXPECT_EQ(plan.accounts[0], 4u);
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
