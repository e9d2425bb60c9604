// What an account keeps of its losses, against sorting all of them.
#include "host/cpu/prune_candidates.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "host/cpu/sort_tail.hpp"

namespace tailmargin::cpu {
namespace {

template <class Real>
struct Buffer {
  std::vector<Real> losses;
  std::vector<std::uint32_t> paths, weights;

  Candidates<Real> candidates(bool weighted) {
    const auto count = static_cast<std::uint32_t>(losses.size());
    return {losses.data(), paths.data(), weighted ? weights.data() : nullptr, count, count, -infinity<Real>(), 0, 0};
  }
};

/// Losses on a coarse grid, so that many are equal, zeros and infinities among them; weights from 1 to 5.
template <class Real>
Buffer<Real> make_buffer(std::uint32_t seed, std::size_t count) {
  std::mt19937 random(seed);
  Buffer<Real> out;
  for (std::size_t i = 0; i < count; ++i) {
    const int grid = static_cast<int>(random() % 41) - 20;
    const Real loss = seed % 3 == 0 ? Real(grid) : Real(grid) * Real(0.37) + Real(random() % 1000) * Real(1e-3);
    out.losses.push_back(loss == Real(0) ? -Real(0) : loss);
    out.paths.push_back(static_cast<std::uint32_t>(3 * i));
    out.weights.push_back(1 + random() % 5);
  }
  if (seed % 5 == 0) { out.losses[count / 2] = infinity<Real>(); }
  return out;
}

template <class Real>
std::vector<TailLoss<Real>> items_of(const Candidates<Real>& c) {
  std::vector<TailLoss<Real>> out;
  for (std::uint32_t i = 0; i < c.count; ++i) { out.push_back({c.losses[i], c.paths[i]}); }
  return out;
}

/// The fewest of the worst that weigh more than the reach, by sorting.
template <class Real>
std::vector<TailLoss<Real>> sorted_reaching(const Buffer<Real>& all, bool weighted, double reach) {
  std::vector<std::size_t> order(all.losses.size());
  for (std::size_t i = 0; i < order.size(); ++i) { order[i] = i; }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return all.losses[a] > all.losses[b]; });
  std::vector<TailLoss<Real>> out;
  double sum = 0.0;
  for (const std::size_t i : order) {
    out.push_back({all.losses[i], all.paths[i]});
    sum += weighted ? all.weights[i] : 1;
    if (sum > reach) { break; }
  }
  return out;
}

template <class Real>
void expect_same(const std::vector<TailLoss<Real>>& a, const std::vector<TailLoss<Real>>& b, const std::string& what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].path, b[i].path) << what << " at " << i;
    EXPECT_EQ(a[i].loss, b[i].loss) << what << " at " << i;
  }
}

template <class Real>
void check_keep_reaching() {
  for (std::uint32_t seed = 0; seed < 30; ++seed) {
    for (const bool weighted : {false, true}) {
      for (const double reach : {0.0, 1.0, 9.5, 100.0, 399.0, 1e9}) {
        const Buffer<Real> all = make_buffer<Real>(seed, 400);
        Buffer<Real> kept = all;
        Candidates<Real> candidates = kept.candidates(weighted);
        const std::string what = std::to_string(seed) + (weighted ? " weighted " : " ") + std::to_string(reach);

        keep_reaching({reach, 1e6, 7.0, 0}, candidates);

        std::vector<TailLoss<Real>> found;
        sort_tail(candidates.losses, candidates.paths, candidates.count, found);
        expect_same(found, sorted_reaching(all, weighted, reach), what);
        EXPECT_TRUE(std::is_sorted(candidates.paths, candidates.paths + candidates.count)) << what;
        if (candidates.count < 400) { EXPECT_EQ(candidates.threshold, found.back().loss) << what; }
      }
    }
  }
}

TEST(PruneCandidates, KeepsTheFewestThatReach) {
  check_keep_reaching<float>();
  check_keep_reaching<double>();
}

// Everything above the new threshold stays, and the rank kept is the part of the reach and its standard deviations, or
// a loss a thousandth below.
TEST(PruneCandidates, RaisesTheThresholdToTheForetoldRank) {
  Buffer<float> all;
  std::mt19937 random(1);
  for (std::uint32_t i = 0; i < 4096; ++i) {
    all.losses.push_back(static_cast<float>(random() % 1'000'000));
    all.paths.push_back(i);
  }
  std::vector<float> sorted = all.losses;
  std::sort(sorted.rbegin(), sorted.rend());
  Candidates<float> candidates = all.candidates(false);

  raise_threshold({1000.0, 100'000.0, 6.0, 0}, 4096, candidates);

  const double rank = 40.96 + 6.0 * std::sqrt(40.96) + 36.0 / 3.0;  // the 92nd worst is the first beyond it
  const auto expected = static_cast<std::size_t>(std::floor(rank)) + 1;
  EXPECT_LT(candidates.threshold, sorted[expected - 1]);
  EXPECT_GT(candidates.threshold, 0.998f * sorted[expected - 1]);
  EXPECT_EQ(candidates.count,
            std::count_if(sorted.begin(), sorted.end(), [&](float loss) { return loss > candidates.threshold; }));
}

TEST(PruneCandidates, KeepsEqualLossesWhenTheThresholdIsForetold) {
  Buffer<float> all;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    all.losses.push_back(i % 2 == 0 ? -0.0f : -5.0f);  // capped at nothing lost
    all.paths.push_back(i);
  }
  Candidates<float> candidates = all.candidates(false);

  raise_threshold({100.0, 10'000.0, 6.0, 0}, 1000, candidates);

  EXPECT_EQ(candidates.count, 500u);
  EXPECT_GT(0.0f, candidates.threshold);
}

TEST(PruneCandidates, NeverLowersTheThreshold) {
  Buffer<float> all = make_buffer<float>(1, 400);
  Candidates<float> candidates = all.candidates(false);
  candidates.threshold = 1000.0f;

  raise_threshold({100.0, 10'000.0, 1.0, 0}, 400, candidates);

  EXPECT_EQ(candidates.threshold, 1000.0f);
  EXPECT_EQ(candidates.count, 400u);
}

// A threshold foretold a little too high has kept losses out that the slack would let in again: a list of near paths
// made with a lower one would pass for complete.
TEST(PruneCandidates, NeverLowersTheThresholdForTheSlack) {
  Buffer<float> buffer = make_buffer<float>(1, 400);
  Candidates<float> candidates = buffer.candidates(false);
  candidates.slack = 2.5f;
  candidates.rounding_scale = 1e6f;
  const float foretold = sorted_reaching(buffer, false, 50.0).back().loss - 1.0f;
  candidates.threshold = foretold;

  keep_reaching({50.0, 1e6, 7.0, 400}, candidates);

  EXPECT_EQ(candidates.threshold, foretold);
}

// Nothing to lose on any path, as an account of stablecoins whose model lets them stand still.
Buffer<float> all_equal(std::uint32_t count) {
  Buffer<float> out;
  for (std::uint32_t i = 0; i < count; ++i) {
    out.losses.push_back(-0.0f);
    out.paths.push_back(i);
  }
  return out;
}

TEST(PruneCandidates, GivesUpTheSlackWhenTooManyLossesAreForetoldWithinIt) {
  Buffer<float> buffer = all_equal(1024);
  Candidates<float> candidates = buffer.candidates(false);
  candidates.slack = 2.5f;
  candidates.rounding_scale = 1e6f;

  raise_threshold({1000.0, 100'000.0, 7.0, 102'400}, 1024, candidates);
  EXPECT_EQ(candidates.slack, 2.5f);

  raise_threshold({1000.0, 100'000.0, 7.0, 99'999}, 1024, candidates);
  EXPECT_EQ(candidates.slack, 0.0f);
  EXPECT_LT(candidates.threshold, 0.0f);
  EXPECT_GT(candidates.threshold, -1e-30f);
}

TEST(PruneCandidates, MakesNoRoomForEqualLosses) {
  const TailReach reach = {1000.0, 100'000.0, 7.0, 0};
  Buffer<float> buffer = all_equal(1700);
  Candidates<float> candidates = buffer.candidates(false);
  candidates.capacity = 1774;
  EXPECT_EQ(foretold_room(reach, 4096, candidates), 0u);

  candidates.count = 600;  // of losses apart: some more than a quarter of the tail would be
  EXPECT_GT(foretold_room(reach, 4096, candidates), 4u * 600u);
}

TEST(PruneCandidates, KeepsALittleMoreOfAnAccountThatMayNeedDouble) {
  const Buffer<float> all = make_buffer<float>(1, 400);
  Buffer<float> buffer = all;
  Candidates<float> candidates = buffer.candidates(false);
  candidates.slack = 2.5f;
  candidates.rounding_scale = 1e6f;
  const float end = sorted_reaching(all, false, 50.0).back().loss;

  keep_reaching({50.0, 1e6, 7.0, 400}, candidates);

  std::uint32_t expected = 0;
  for (const float loss : all.losses) { expected += loss >= end - 2.5f ? 1 : 0; }
  EXPECT_EQ(candidates.count, expected);
  EXPECT_GT(expected, 51u);
  EXPECT_LT(candidates.threshold, end - 2.5f);

  keep_reaching({50.0, 1e6, 7.0, expected - 1}, candidates);  // too many now
  EXPECT_EQ(candidates.count, 51u);
  EXPECT_EQ(candidates.slack, 0.0f);
}

}  // namespace
}  // namespace tailmargin::cpu
