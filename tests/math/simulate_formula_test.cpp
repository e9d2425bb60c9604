// A path with everything in it, once more in plain double loops: docs/methodology.md, "The law of a step", and its
// table of random numbers. Normals and Philox words have tests of their own.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/support/small_model.hpp"

namespace tailmargin::test {
namespace {

enum Stream : std::uint64_t { factor_shock = 0, regime_chain = 1, mixing = 2, jump_count = 3, jump = 4 };

class FormulaPath {
 public:
  FormulaPath(const ScenarioPlan& plan, std::uint64_t seed, std::uint64_t path)
      : plan_(plan), seed_(seed), path_(path), x_(plan.factors.size(), 0.0) {}

  /// Values of all factors after step number `step`, 0 first, which must follow the one before.
  const std::vector<double>& step(std::uint32_t step) {
    const std::uint32_t chain = word(regime_chain, 0, step / 4, step % 4);
    regime_ = step == 0 ? below(plan_.start_bounds, 0, plan_.num_regimes - 1, chain)
                        : below(plan_.transition_bounds, regime_ * plan_.num_regimes, plan_.num_regimes - 1, chain);
    if (step % plan_.steps_per_mixing == 0) { next_score(step / plan_.steps_per_mixing); }
    for (std::uint32_t f = 0; f < x_.size(); ++f) { move(f, step); }
    const std::uint32_t count = below(plan_.jump_counts, regime_ * max_jumps_per_step, max_jumps_per_step,
                                      word(jump_count, 0, step / 4, step % 4));
    for (std::uint32_t n = 0; n < count; ++n) { add_jump(step, n); }
    jumps_ += count;
    return x_;
  }

  std::uint32_t regime() const { return regime_; }
  std::uint32_t jumps() const { return jumps_; }

 private:
  std::uint32_t word(std::uint64_t stream, std::uint64_t step, std::uint64_t index, std::uint32_t number) const {
    return math::philox4x32_10(seed_, stream << 44 | step << 20 | index, path_).word[number];
  }
  static double normal(std::uint32_t word) { return static_cast<double>(math::normal_from_word(word)); }

  /// How many of `count` bounds are at or below a word's upper 31 bits.
  static std::uint32_t below(const std::vector<std::uint32_t>& bounds, std::size_t first, std::size_t count,
                             std::uint32_t word) {
    std::uint32_t found = 0;
    for (std::size_t b = first; b < first + count; ++b) { found += bounds[b] <= word / 2 ? 1 : 0; }
    return found;
  }

  void next_score(std::uint32_t day) {
    const double fresh = normal(word(mixing, 0, day / 4, day % 4)), keep = plan_.score_keep;
    score_ = day == 0 ? fresh : keep * score_ + std::sqrt(1.0 - keep * keep) * fresh;
  }

  double tail_scale(std::uint32_t tail_class) const {
    if (tail_class == 0) { return 1.0; }
    const double position = std::clamp((score_ + 6.5) * 16.0, 0.0, 208.0),
                 piece = std::min(std::floor(position), 207.0);
    const double* c = &plan_.scale_pieces[((tail_class - 1) * 208 + std::size_t(piece)) * 4];
    const double t = position - piece;
    return c[0] + c[1] * t + c[2] * t * t + c[3] * t * t * t;
  }

  /// Row `row` of a table times inputs.
  template <class Input>
  double times(const SparseTable& table, std::uint32_t row, Input input) const {
    double sum = 0.0;
    for (std::uint32_t e = table.offsets[row]; e < table.offsets[row + 1]; ++e) {
      sum += table.coefficients[e * plan_.num_regimes + regime_] * input(table.inputs[e]);
    }
    return sum;
  }

  void move(std::uint32_t f, std::uint32_t step) {
    const double shock = times(plan_.shocks, f, [&](std::uint32_t row) {
      return times(plan_.shared, row,
                   [&](std::uint32_t draw) { return normal(word(factor_shock, step, draw / 4, draw % 4)); });
    });
    const std::size_t at = f * plan_.num_regimes + regime_;
    const double g = tail_scale(plan_.tail_class[at]);
    x_[f] = plan_.keep[f] * x_[f] + plan_.drift[at] + g * g * plan_.scale_drift[at] + g * shock;
  }

  void add_jump(std::uint32_t step, std::uint32_t n) {
    const std::size_t processes = plan_.processes.size();
    const JumpPlan& process =
        plan_.processes[below(plan_.jump_bounds, regime_ * processes, processes - 1, word(jump, step, n, 0))];
    const std::uint32_t of_size = word(jump, step, n, 1);
    double size = process.location;
    switch (process.law) {
      case JumpLaw::fixed: break;
      case JumpLaw::normal: size += process.scale * normal(of_size); break;
      case JumpLaw::lognormal: size *= std::exp(process.scale * normal(of_size)); break;
      case JumpLaw::exponential: size *= -std::log((std::floor(of_size / 256.0) + 0.5) / 16777216.0); break;
    }
    size = std::clamp(size, -process.max, process.max);
    for (std::uint32_t e = process.first_effect; e < process.last_effect; ++e) {
      x_[plan_.effect_factors[e]] += plan_.effect_changes[e] * size;
    }
  }

  const ScenarioPlan& plan_;
  std::uint64_t seed_, path_;
  std::vector<double> x_;
  double score_ = 0.0;
  std::uint32_t regime_ = 0, jumps_ = 0;
};

/// Poisson counts with mean 0.5, 1, 1.5: often several jumps in a step. Each regime prefers other processes.
void jump_often(ScenarioPlan& plan) {
  for (std::uint32_t k = 0; k < plan.num_regimes; ++k) {
    const double mean = 0.5 * (k + 1);
    double probability = std::exp(-mean), cumulative = 0.0;
    for (std::uint32_t n = 0; n < max_jumps_per_step; ++n) {
      cumulative += probability;
      plan.jump_counts[k * max_jumps_per_step + n] = SmallModel::bound(cumulative);
      probability *= mean / (n + 1.0);
    }
    const std::size_t processes = plan.processes.size();
    for (std::size_t p = 0; p < processes; ++p) {
      plan.jump_bounds[k * processes + p] = SmallModel::bound(std::pow((p + 1.0) / processes, 0.5 + k));
    }
  }
}

template <int W>
void check_paths() {
  constexpr std::uint64_t num_paths = 512, seed = 2026;
  constexpr std::uint32_t steps = 11, factors = 6;
  SmallModel model(steps, factors);
  model.add_everything();
  jump_often(model.run.scenarios);
  const Scenarios ours = simulate<W>(model.tables(seed).payload(), num_paths);

  std::uint32_t jumps = 0;
  for (std::uint64_t p = 0; p < num_paths; ++p) {
    FormulaPath path(model.run.scenarios, seed, p);
    for (std::uint32_t step = 0; step < steps; ++step) {
      const std::vector<double>& expected = path.step(step);
      ASSERT_EQ(ours.regime(step, p), path.regime()) << "path " << p << ", step " << step;
      for (std::uint32_t f = 0; f < factors; ++f) {
        ASSERT_NEAR(ours.value(step * factors + f, p), expected[f], 2e-6)
            << "path " << p << ", step " << step << ", factor " << f;
      }
    }
    jumps += path.jumps();
  }
  EXPECT_GT(jumps, 4'000u);  // in 5,632 steps
}

TEST(SimulateFormula, PathsWithEverythingOneByOne) { check_paths<1>(); }
TEST(SimulateFormula, PathsWithEverythingInLanes) { check_paths<64>(); }

// Scores beyond the table's ends take its ends: the first knot, and the last piece at 1, not what follows it.
TEST(SimulateFormula, ScalesEndWithTheTable) {
  std::vector<float> pieces(ScaleTable::num_pieces * 4, 0.0f);
  pieces[0] = 0.25f;                                                                     // at -6.5
  for (std::size_t c = pieces.size() - 4; c < pieces.size(); ++c) { pieces[c] = 2.0f; }  // at 6.5 the sum of all four
  pieces.insert(pieces.end(), 4, 99.0f);

  for (const float beyond : {6.5f, 7.0f, 100.0f}) {
    EXPECT_EQ(tail_scale(pieces.data(), -beyond), 0.25f);
    EXPECT_EQ(tail_scale(pieces.data(), beyond), 8.0f);
  }
}

TEST(SimulateFormula, ManyBoundsAreSearchedAsTheyAreCounted) {
  const std::uint32_t bounds[] = {0u, 7u, 7u, 100u, 5'000u, 0x7fffffffu, 0x80000000u};
  for (const std::uint32_t half : {0u, 6u, 7u, 8u, 99u, 100u, 101u, 4'999u, 5'000u, 0x7ffffffeu, 0x7fffffffu}) {
    std::uint32_t expected = 0;
    for (const std::uint32_t bound : bounds) { expected += bound <= half ? 1 : 0; }
    for (const std::uint32_t word : {2 * half, 2 * half + 1}) { EXPECT_EQ(search_bounds(bounds, 7, word), expected); }
  }
}

}  // namespace
}  // namespace tailmargin::test
