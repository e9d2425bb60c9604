// The SIMT shim itself: meetings, ballots, atomics, and that it reports what would hang a GPU.
#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "kernels/cuda/simt/simt_block.hpp"

namespace tailmargin::simt {
namespace {

class SimtOrders : public testing::TestWithParam<TurnOrder> {};

TEST_P(SimtOrders, ABarrierOrdersSharedMemory) {
  std::vector<std::uint32_t> sums(3 * 64);

  run_blocks({3, 64, 64 * sizeof(std::uint32_t)}, GetParam(), [&](SimtContext& context) {
    auto* shared = context.shared<std::uint32_t>();
    shared[context.thread()] = context.thread();
    context.sync();
    std::uint32_t sum = 0;
    for (std::uint32_t t = 0; t < context.block_size(); ++t) { sum += shared[t]; }
    sums[context.block() * 64 + context.thread()] = sum + static_cast<std::uint32_t>(context.block());
  });

  for (std::size_t i = 0; i < sums.size(); ++i) { EXPECT_EQ(sums[i], 2016u + i / 64) << i; }
}

TEST_P(SimtOrders, BallotsAndBroadcastsStayInTheirWarp) {
  std::vector<std::uint32_t> masks(96), words(96);

  run_blocks({1, 96, 0}, GetParam(), [&](SimtContext& context) {
    const std::uint32_t t = context.thread();
    masks[t] = context.ballot(t % 3 == 0);
    words[t] = context.broadcast(t * 10, 5);
  });

  for (std::uint32_t t = 0; t < 96; ++t) {
    std::uint32_t mask = 0;
    for (std::uint32_t lane = 0; lane < 32; ++lane) { mask |= ((t / 32 * 32 + lane) % 3 == 0 ? 1u : 0u) << lane; }
    EXPECT_EQ(masks[t], mask) << t;
    EXPECT_EQ(words[t], (t / 32 * 32 + 5) * 10) << t;
  }
}

TEST_P(SimtOrders, ManyMeetingsInARowDoNotMix) {
  std::vector<std::uint32_t> errors(64, 0);

  run_blocks({1, 64, 0}, GetParam(), [&](SimtContext& context) {
    for (std::uint32_t round = 0; round < 100; ++round) {
      // Warps have different numbers of ballots between barriers.
      for (std::uint32_t i = 0; i <= context.warp(); ++i) {
        errors[context.thread()] += context.ballot(context.lane() == round % 32) != 1u << round % 32 ? 1u : 0u;
      }
      if (round % 10 == 0) { context.sync(); }
    }
  });

  EXPECT_EQ(std::accumulate(errors.begin(), errors.end(), 0u), 0u);
}

TEST_P(SimtOrders, AtomicAddsAllArriveAndReturnsWhatWasThere) {
  std::uint32_t counter = 0;
  std::vector<std::uint32_t> taken(4 * 32, 0);

  run_blocks({4, 32, 0}, GetParam(), [&](SimtContext& context) { ++taken[context.atomic_add(&counter, 1)]; });

  EXPECT_EQ(counter, 128u);
  EXPECT_EQ(taken, std::vector<std::uint32_t>(128, 1u));
}

TEST_P(SimtOrders, WarpSumsAreSums) {
  std::vector<std::uint32_t> sums(32);

  run_blocks({1, 32, 0}, GetParam(),
             [&](SimtContext& context) { sums[context.lane()] = context.warp_sum(context.lane() * 3); });

  EXPECT_EQ(sums, std::vector<std::uint32_t>(32, 1488u));
}

TEST_P(SimtOrders, BlockSumsAreSumsOfLargeValues) {
  std::vector<std::uint64_t> sums(3 * 96);

  run_blocks({3, 96, 2 * 3 * sizeof(std::uint64_t)}, GetParam(), [&](SimtContext& context) {
    auto* warp_sums = context.shared<std::uint64_t>();
    const std::uint64_t large = (std::uint64_t(1) << 40) + context.thread();
    const std::uint64_t first = block_sum(context, large, warp_sums);
    sums[context.block() * 96 + context.thread()] = first + block_sum(context, 1, warp_sums + 3);
  });

  EXPECT_EQ(sums, std::vector<std::uint64_t>(3 * 96, 96 * (std::uint64_t(1) << 40) + 4560 + 96));
}

TEST_P(SimtOrders, CopiesArriveWithTheWaitAndNotBefore) {
  struct alignas(quad_bytes) Words {
    std::uint32_t word[4];
  };
  const Words from{{1, 2, 3, 4}};
  std::vector<std::uint32_t> before(32), after(32);

  run_blocks({1, 32, quad_bytes}, GetParam(), [&](SimtContext& context) {
    auto* shared = context.shared<std::uint32_t>();
    if (context.lane() == 7) { context.copy_async(shared, &from); }
    context.sync_warp();
    before[context.lane()] = shared[2];
    context.sync_warp();
    context.wait_copies();
    context.sync_warp();
    after[context.lane()] = shared[2];
  });

  EXPECT_EQ(before, std::vector<std::uint32_t>(32, 0xffffffffu));
  EXPECT_EQ(after, std::vector<std::uint32_t>(32, 3u));
}

INSTANTIATE_TEST_SUITE_P(Orders, SimtOrders, testing::Values(TurnOrder::forward, TurnOrder::backward));

TEST(Simt, ABarrierThatSomeThreadsMissIsAnErrorAndDoesNotHang) {
  try {
    run_blocks({2, 64, 0}, TurnOrder::forward, [](SimtContext& context) {
      if (context.thread() != 63) { context.sync(); }
    });
    FAIL() << "no exception";
  } catch (const SimtDeadlock& error) {
    EXPECT_NE(std::string(error.what()).find("63 of 64 threads"), std::string::npos) << error.what();
  }
}

TEST(Simt, ABallotWithoutAllLanesIsAnError) {
  EXPECT_THROW(run_blocks({1, 32, 0}, TurnOrder::forward,
                          [](SimtContext& context) {
                            if (context.lane() < 31) { context.ballot(true); }
                          }),
               SimtDeadlock);
}

TEST(Simt, LanesInDifferentOperationsAreAnError) {
  EXPECT_THROW(run_blocks({1, 32, 0}, TurnOrder::forward,
                          [](SimtContext& context) {
                            if (context.lane() < 16) {
                              context.ballot(true);
                            } else {
                              context.broadcast(1, 0);
                            }
                          }),
               SimtDivergence);
}

TEST(Simt, AnExceptionOfAThreadArrivesAndTheOthersUnwind) {
  int unwound = 0;
  struct Count {
    int* counter;
    ~Count() { ++*counter; }
  };

  EXPECT_THROW(run_blocks({1, 64, 0}, TurnOrder::forward,
                          [&](SimtContext& context) {
                            const Count count{&unwound};
                            if (context.thread() == 40) { throw std::runtime_error("thread 40"); }
                            context.sync();
                          }),
               std::runtime_error);
  EXPECT_GE(unwound, 41);
}

TEST(Simt, BlocksOfPartWarpsAreRefused) {
  for (const std::uint32_t threads : {0u, 33u, 2048u}) {
    EXPECT_THROW(run_blocks({1, threads, 0}, TurnOrder::forward, [](SimtContext&) {}), std::invalid_argument)
        << threads;
  }
}

TEST(Simt, NoBlocksNoThreads) {
  run_blocks({0, 32, 0}, TurnOrder::forward, [](SimtContext&) { ADD_FAILURE(); });
}

}  // namespace
}  // namespace tailmargin::simt
