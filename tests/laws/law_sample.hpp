// Samples of scenario laws: factors of many paths as the kernels simulate them, and estimates with standard errors.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "host/prepare/prepared_run.hpp"
#include "tailmargin/engine.hpp"
#include "tests/support/small_book.hpp"

namespace tailmargin::test {

// Sanitizers make paths ten times as slow; bounds follow the number of paths.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TAILMARGIN_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TAILMARGIN_SANITIZED 1
#endif
#endif
#if defined(TAILMARGIN_SANITIZED)
inline constexpr std::uint64_t law_paths = 100'000;
#else
inline constexpr std::uint64_t law_paths = 1'000'000;
#endif

/// A book that lists coins of these names (in order), each with a perpetual, a future and an option: every kind of
/// factor that the model moves is there.
Book book_of(const std::vector<std::string>& coins);

/// One regime in which `vol[kind]` moves every coin; martingale drift.
Model one_regime(double horizon_hours, double step_hours, const std::array<double, num_factor_kinds>& vol);

/// The plan of a model that must have no errors; throws if it has.
ScenarioPlan plan_of(const Book& book, const Model& model);

/// What prepare_scenarios reports.
std::vector<Diagnostic> problems_of(const Book& book, const Model& model);

/// A factor's number in the plan; throws if it is not there.
std::uint32_t factor_of(const ScenarioPlan& plan, UnderlyingId underlying, FactorKind kind);

/// A factor's change from now to a time.
struct FactorAt {
  UnderlyingId underlying = 0;
  FactorKind kind = FactorKind::price;
  double hours = 0.0;
};

/// Readings of factors over paths 0 .. num_paths - 1, simulated 64 at a time.
class LawSample {
 public:
  /// @param regime_hours  times in whose steps the regime is kept: 0 is the first step
  LawSample(const Book& book, const Model& model, const std::vector<FactorAt>& readings, std::uint64_t seed,
            std::uint64_t num_paths = law_paths, const std::vector<double>& regime_hours = {});

  std::uint64_t num_paths() const { return num_paths_; }
  const ScenarioPlan& plan() const { return run_.scenarios; }
  std::span<const float> reading(std::size_t number) const { return values_[number]; }
  double value(std::size_t number, std::uint64_t path) const { return static_cast<double>(values_[number][path]); }
  std::uint32_t regime(std::size_t time, std::uint64_t path) const { return regimes_[time][path]; }
  double weight(std::uint64_t path) const { return weights_.empty() ? 1.0 : weights_[path]; }

 private:
  std::uint64_t num_paths_;
  PreparedRun run_;
  std::vector<std::vector<float>> values_;          // [reading][path]
  std::vector<std::vector<std::uint8_t>> regimes_;  // [time][path]
  std::vector<double> weights_;                     // [path], one on average; empty: all one
};

struct Estimate {
  double value = 0.0, se = 0.0;
};

/// Mean of f(path) with the sample's weights.
template <class F>
Estimate mean_over(const LawSample& sample, F f) {
  double sum = 0.0, squares = 0.0;
  const auto n = static_cast<double>(sample.num_paths());
  for (std::uint64_t p = 0; p < sample.num_paths(); ++p) {
    const double term = sample.weight(p) * f(p);
    sum += term;
    squares += term * term;
  }
  const double mean = sum / n;
  return {mean, std::sqrt(std::max(0.0, squares / n - mean * mean) / n)};
}

/// Share of the paths on which f(path) holds.
template <class F>
Estimate share_of(const LawSample& sample, F f) {
  return mean_over(sample, [&](std::uint64_t p) { return f(p) ? 1.0 : 0.0; });
}

/// Expects an estimate within `sigmas` standard errors of what it should be, and keeps the numbers for
/// --gtest_output=json: docs/validation.md is made from them.
void expect_law(const std::string& check, const Estimate& ours, double outside, double sigmas = 4.0);

/// Expects VaR and ES of the losses side * -reading, and keeps the numbers.
void expect_tail(const std::string& check, const LawSample& sample, std::size_t reading, double side, double confidence,
                 double var, double es, double sigmas = 4.0);

}  // namespace tailmargin::test
