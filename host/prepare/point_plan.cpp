#include "host/prepare/point_plan.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

#include "host/prepare/prepared_run.hpp"
#include "host/prepare/sobol_numbers.hpp"
#include "kernels/math/philox.hpp"

namespace tailmargin {
namespace {

constexpr std::uint32_t word_bits = 32;
constexpr auto first_sum = static_cast<std::uint32_t>(PointAxis::first_sum);

/// How much less a log vol, or an annualised carry, moves P&L than a log price does: an option a month from
/// expiry at a vol of 50 % moves by a tenth as much with the log of its vol.
constexpr double weight_of_other_kinds = 0.1;

/// Of the orthogonal iteration.
constexpr int iterations = 12;
double kind_weight(FactorKind kind) {
  const bool prices = kind == FactorKind::price || kind == FactorKind::premium || kind == FactorKind::dislocation;
  return prices ? 1.0 : weight_of_other_kinds;
}

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0.0;
  for (std::size_t j = 0; j < a.size(); ++j) { sum += a[j] * b[j]; }
  return sum;
}

/// The loadings of all factors in all regimes on the draws of a step, weighted by kind: a row each.
std::vector<Vector> weighted_loadings(const ScenarioPlan& plan) {
  std::vector<Vector> out;
  for (std::size_t f = 0; f < plan.factors.size(); ++f) {
    const double weight = kind_weight(plan.factors[f].kind);
    for (std::uint32_t k = 0; k < plan.num_regimes; ++k) {
      Vector& row = out.emplace_back(plan.num_draws, 0.0);
      for (std::uint32_t s = plan.shocks.offsets[f]; s < plan.shocks.offsets[f + 1]; ++s) {
        const double shock = weight * plan.shocks.coefficients[s * plan.num_regimes + k];
        const std::uint32_t from = plan.shocks.inputs[s];
        for (std::uint32_t e = plan.shared.offsets[from]; e < plan.shared.offsets[from + 1]; ++e) {
          row[plan.shared.inputs[e]] += shock * plan.shared.coefficients[e * plan.num_regimes + k];
        }
      }
    }
  }
  return out;
}

/// Unit vectors along the draws that make most variance: where the iteration begins.
std::vector<Vector> largest_draws(const std::vector<Vector>& loadings, std::size_t num_draws, std::size_t count) {
  Vector variance(num_draws, 0.0);
  for (const Vector& row : loadings) {
    for (std::size_t j = 0; j < num_draws; ++j) { variance[j] += row[j] * row[j]; }
  }
  std::vector<std::uint32_t> order(num_draws);
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return variance[a] > variance[b]; });
  std::vector<Vector> out;
  for (std::size_t i = 0; i < std::min(count, num_draws); ++i) {
    out.emplace_back(num_draws, 0.0);
    out.back()[order[i]] = 1.0;
  }
  return out;
}

/// Gram and Schmidt, twice for good. A vector that the earlier ones explain is dropped.
void make_orthonormal(std::vector<Vector>& rows) {
  std::vector<Vector> kept;
  for (Vector& row : rows) {
    const double before = dot(row, row);
    for (int pass = 0; pass < 2; ++pass) {
      for (const Vector& other : kept) {
        const double along = dot(row, other);
        for (std::size_t j = 0; j < row.size(); ++j) { row[j] -= along * other[j]; }
      }
    }
    const double left = dot(row, row);
    if (!(left > 1e-12 * before)) { continue; }
    const double length = math::sqrt(left);
    for (double& x : row) { x /= length; }
    kept.push_back(std::move(row));
  }
  rows = std::move(kept);
}

/// The covariance of what the draws do, times a vector.
Vector apply_covariance(const std::vector<Vector>& loadings, const Vector& x) {
  Vector out(x.size(), 0.0);
  for (const Vector& row : loadings) {
    const double along = dot(row, x);
    if (along == 0.0) { continue; }
    for (std::size_t j = 0; j < x.size(); ++j) { out[j] += along * row[j]; }
  }
  return out;
}

/// Word number `word` of what an axis is scrambled with.
std::uint32_t random_word(std::uint64_t seed, math::RngStream stream, std::uint32_t axis, std::uint32_t word) {
  return math::philox4x32_10(seed, math::rng_block(stream, axis, word / 4), 0).word[word % 4];
}

/// Bit b (the highest is 0) becomes itself plus a random choice of the higher ones.
std::uint32_t scramble(std::uint64_t seed, std::uint32_t axis, std::uint32_t word) {
  std::uint32_t out = 0;
  for (std::uint32_t b = 0; b < word_bits; ++b) {
    const std::uint32_t own = 0x80000000u >> b;
    const std::uint32_t higher = ~(own | (own - 1u));
    const std::uint32_t row = own | (random_word(seed, math::RngStream::point_scramble, axis, b) & higher);
    out |= (std::popcount(row & word) & 1) != 0 ? own : 0u;
  }
  return out;
}

}  // namespace

std::vector<std::uint32_t> sobol_directions(std::uint32_t axis) {
  const SobolNumbers& numbers = sobol_numbers[axis];
  std::vector<std::uint32_t> out(word_bits);
  if (axis == 0) {
    for (std::uint32_t b = 0; b < word_bits; ++b) { out[b] = 0x80000000u >> b; }
    return out;
  }
  const auto degree = static_cast<std::uint32_t>(std::bit_width(numbers.polynomial) - 1);
  for (std::uint32_t b = 0; b < word_bits; ++b) {
    if (b < degree) {
      out[b] = numbers.initial[b] << (31 - b);
      continue;
    }
    out[b] = out[b - degree] ^ (out[b - degree] >> degree);
    for (std::uint32_t i = 1; i < degree; ++i) {
      if ((numbers.polynomial >> (degree - i) & 1u) != 0) { out[b] ^= out[b - i]; }
    }
  }
  return out;
}

std::vector<double> principal_components(const ScenarioPlan& scenarios, std::uint32_t count) {
  const std::vector<Vector> loadings = weighted_loadings(scenarios);
  std::vector<Vector> rows = largest_draws(loadings, scenarios.num_draws, count);
  for (int iteration = 0; iteration < iterations; ++iteration) {
    for (Vector& row : rows) { row = apply_covariance(loadings, row); }
    make_orthonormal(rows);
  }
  Vector out;
  for (const Vector& row : rows) { out.insert(out.end(), row.begin(), row.end()); }
  return out;
}

PointSet PointPlan::view() const { return {num_axes, 0, directions.data(), shifts.data(), nullptr}; }

PointPlan prepare_points(const ScenarioPlan& scenarios, Sampler sampler, std::uint64_t seed) {
  PointPlan out;
  out.sampler = sampler;
  if (out.sampler == Sampler::plain) { return out; }
  if (out.sampler == Sampler::sobol && scenarios.num_draws != 0) {
    out.components = principal_components(scenarios, max_axes - first_sum);
    out.num_sums = static_cast<std::uint32_t>(out.components.size() / scenarios.num_draws);
  }
  out.num_axes = first_sum + out.num_sums;
  for (std::uint32_t axis = 0; axis < out.num_axes; ++axis) {
    for (const std::uint32_t direction : sobol_directions(axis)) {
      out.directions.push_back(scramble(seed, axis, direction));
    }
    for (std::uint32_t r = 0; r < PointSet::num_replicates; ++r) {
      out.shifts.push_back(random_word(seed, math::RngStream::point_shift, axis, r));
    }
  }
  return out;
}

const char* to_string(Sampler sampler) {
  switch (sampler) {
    case Sampler::plain: return "plain";
    case Sampler::stratified: return "stratified";
    case Sampler::sobol: return "sobol";
  }
  return "";
}

}  // namespace tailmargin
