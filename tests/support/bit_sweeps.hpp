// Fixed sweeps of every shared function, each reduced to a hash of its results' bits. The same source is
// compiled by many compilers and flags; the hashes must not differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/executors/account_pnl.hpp"
#include "kernels/executors/revalue.hpp"
#include "kernels/executors/simulate.hpp"
#include "kernels/executors/tail.hpp"
#include "tests/support/small_model.hpp"

namespace tailmargin::test {

/// FNV-1a over 64-bit words.
class BitHash {
 public:
  void add(std::uint64_t bits) { value_ = (value_ ^ bits) * 0x100000001b3u; }
  void add(float x) { add(static_cast<std::uint64_t>(math::to_bits(x))); }
  void add(double x) { add(math::to_bits(x)); }
  template <class Value>
  void add(const std::vector<Value>& values) {
    for (const Value v : values) { add(v); }
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325u;
};

inline constexpr int sweep_size = 1 << 15;

/// sweep_size numbers from low to high; steps by exact arithmetic only.
template <class Real>
std::vector<Real> spread(Real low, Real high) {
  std::vector<Real> out;
  const Real step = (high - low) / Real(sweep_size);
  for (int i = 0; i < sweep_size; ++i) { out.push_back(math::fma(step, Real(i), low)); }
  return out;
}

/// Hash of function over a sweep, in a loop of the form the kernels have.
template <class Real, class Function>
std::uint64_t hash_of(Real low, Real high, Function function) {
  const std::vector<Real> x = spread(low, high);
  std::vector<Real> y(x.size());
  const Real* in = x.data();
  Real* out = y.data();
  TM_LANES
  for (int i = 0; i < sweep_size; ++i) { out[i] = function(in[i]); }
  BitHash hash;
  hash.add(y);
  return hash.value();
}

template <class Real>
std::uint64_t hash_exp() {
  return hash_of(Real(-90), Real(90), [](Real x) { return math::exp(x); }) ^
         (hash_of(Real(-720), Real(720), [](Real x) { return math::exp(x); }) << 1);
}
template <class Real>
std::uint64_t hash_expm1() {
  return hash_of(Real(-3), Real(3), [](Real x) { return math::expm1(x); });
}
template <class Real>
std::uint64_t hash_log() {
  return hash_of(Real(1e-5), Real(30), [](Real x) { return math::log(x); }) ^
         (hash_of(Real(1e-30), Real(1e-20), [](Real x) { return math::log(x); }) << 1);
}
template <class Real>
std::uint64_t hash_cdf() {
  return hash_of(Real(-14), Real(14), [](Real x) { return math::normal_cdf(x); }) ^
         (hash_of(Real(0), Real(40), [](Real x) { return math::normal_upper_tail(x); }) << 1);
}
template <class Real>
std::uint64_t hash_black76() {
  std::uint64_t hash = 0;
  for (const Real vol : {Real(1e-4), Real(0.01), Real(0.3), Real(3)}) {
    for (const Real sign : {Real(1), Real(-1)}) {
      hash = hash * 3 +
             hash_of(Real(-3), Real(3), [=](Real k) { return math::black76_over_forward(sign, k, math::exp(k), vol); });
    }
  }
  return hash;
}
template <class Real>
std::uint64_t hash_ssvi() {
  const math::SsviSmile<Real> smile{Real(0.1), Real(2.1), Real(-0.3)};
  return hash_of(Real(-3), Real(3), [=](Real k) { return math::ssvi_total_vol(smile, k); });
}

/// A path's smile held above another, over a sweep of each of its factors.
template <class Real>
std::uint64_t hash_limit_smile() {
  const SmileRow<Real> row{0,       1,       2,          3,          Real(1),    Real(0.6),
                           Real(1), Real(1), Real(0.03), Real(0.09), Real(-0.2), Real(0.5)};
  const math::SsviSmile<Real> before{Real(0.1), Real(4), Real(-0.1)};
  const auto total_vol = [=](Real vol, Real term, Real skew, Real butterfly) {
    return math::ssvi_total_vol(math::limit_smile(smile_target(row, vol, term, skew, butterfly), before), Real(0.3));
  };
  BitHash hash;
  hash.add(hash_of(Real(-6), Real(6), [=](Real x) { return total_vol(x, Real(0.1), Real(0.1), Real(0.1)); }));
  hash.add(hash_of(Real(-6), Real(6), [=](Real x) { return total_vol(Real(0.1), x, Real(0.1), Real(0.1)); }));
  hash.add(hash_of(Real(-6), Real(6), [=](Real x) { return total_vol(Real(0.1), Real(0.1), x, Real(0.1)); }));
  hash.add(hash_of(Real(-6), Real(6), [=](Real x) { return total_vol(Real(0.1), Real(0.1), Real(0.1), x); }));
  return hash.value();
}

inline std::uint64_t hash_normals() {
  std::vector<float> y(sweep_size);
  std::vector<float> ends(2 * sweep_size);
  for (std::uint32_t i = 0; i < sweep_size; ++i) {
    y[i] = math::normal_from_word(i * 131071u);
    ends[i] = math::normal_from_word(i);
    ends[i + sweep_size] = math::normal_from_word(~i);
  }
  BitHash hash;
  hash.add(y);
  hash.add(ends);
  return hash.value();
}

inline std::uint64_t hash_philox() {
  BitHash hash;
  for (std::uint64_t i = 0; i < 4096; ++i) {
    const math::PhiloxBlock block =
        math::philox4x32_10(i * 0x9e3779b97f4a7c15u, math::rng_block(math::RngStream::regime, 3, 7), i << 20);
    for (int w = 0; w < 4; ++w) { hash.add(static_cast<std::uint64_t>(block.word[w])); }
  }
  return hash.value();
}

/// Scenarios of 64 paths, four factors, three regimes, with everything a model can have, as W lanes at a time.
template <int W>
std::vector<float> sweep_scenarios() {
  SmallModel model(6, 4);
  model.add_everything();
  const SimulateTables tables = model.tables(99);
  const SimulatePayload in = tables.payload();
  std::vector<float> out(24 * 64), scratch(scratch_rows(in) * W);
  for (std::uint64_t first = 0; first < 64; first += W) {
    simulate_lanes<W>(in, first, scratch.data(), W, out.data() + first, 64, nullptr);
  }
  return out;
}

template <int W>
std::uint64_t hash_scenarios() {
  BitHash hash;
  hash.add(sweep_scenarios<W>());
  return hash.value();
}

/// One tile through every step after simulation: market rows, columns, an account, its tail.
template <class Real>
std::uint64_t hash_pipeline() {
  const std::vector<float> obs = sweep_scenarios<16>();
  std::vector<Real> market(12 * 64), cube(4 * 64), pnl(64);
  const Real far = Real(row_not_cut);
  const MarketRow<Real> rows[] = {
      {RowTransform::exponential, {20}, {Real(1)}, Real(0), -far, far},
      {RowTransform::exponential_minus_one, {20, 21}, {Real(1), Real(0.07)}, Real(0.0003), -far, far},
      {RowTransform::identity, {20, 22, 1}, {Real(1), Real(0.04), Real(0.1)}, Real(-0.0001), -far, far},
      {RowTransform::exponential, {20, 22, 1}, {Real(-1), Real(-0.04), Real(-0.1)}, Real(0.0001), -far, far},
      {RowTransform::identity, {23}, {Real(1)}, Real(0.0001), Real(-0.003), Real(0.003)},
      {RowTransform::exponential,
       {0, 5, 10, 11, 12},
       {Real(0.3), Real(-0.3), Real(0.7), Real(0.2), Real(-0.1)},
       Real(0),
       -far,
       far}};
  for (std::size_t r = 0; r < 6; ++r) { fill_market_row(rows[r], obs.data(), 64, 64, market.data() + r * 64); }
  const SmileRow<Real> smiles[] = {
      {21, 22, 23, 20, Real(1), Real(0.9), Real(1), Real(1), Real(0.008), Real(0.08), Real(-0.2), Real(0.6)},
      {21, 22, 23, 20, Real(1), Real(0.4), Real(1), Real(1), Real(0.012), Real(0.10), Real(-0.1), Real(0.6)}};
  fill_surface(smiles, SurfaceRows{0, 2}, obs.data(), 64, 64, market.data() + 6 * 64);
  const Payment<Real> payments[] = {{4, 5, Real(60123.7)}, {4, 0, Real(60123.7)}};
  const ProductColumn<Real> products[] = {{0, 0, 1, 0, 0, Real(60123.7)}, {1, 5, 1, 0, 2, Real(-3.3)}};
  for (std::size_t c = 0; c < 2; ++c) {
    fill_product_column(products[c], payments, market.data(), 64, 64, cube.data() + c * 64);
  }
  OptionColumn<Real> option{};
  option.growth_row = 0;
  option.unit_row = 5;
  option.return_row = 2;
  option.inverse_growth_row = 3;
  option.smile_row = 9;
  option.sign = Real(-1);
  option.scale = Real(60123.7);
  option.log_moneyness = Real(0.07);
  option.moneyness = math::exp(Real(0.07));
  option.residual = Real(0.03);
  option.follow = Real(1);
  option.base_value = Real(0.0917);
  fill_option_column(option, market.data(), 64, 64, cube.data() + 2 * 64);
  option.settled = 1;
  fill_option_column(option, market.data(), 64, 64, cube.data() + 3 * 64);
  const std::uint64_t offsets[] = {0, 4};
  const PositionColumn columns[] = {{0}, {2 | PositionColumn::last_flag}, {1}, {3 | PositionColumn::last_flag}};
  const Real quantities[] = {Real(0.37), Real(-1.9), Real(12.1), Real(0.77)};
  account_pnl<64>(AccountsPayload<Real>{offsets, columns, quantities}, 0, CubeView<Real>{cube.data(), 64, 1, 4},
                  pnl.data());
  std::vector<TailLoss<Real>> tail;
  for (std::uint32_t l = 0; l < 64; ++l) { tail.push_back({-pnl[l], l}); }
  for (std::size_t i = 1; i < tail.size(); ++i) {  // by insertion
    for (std::size_t j = i; j > 0 && worse(tail[j], tail[j - 1]); --j) {
      const TailLoss<Real> swapped = tail[j];
      tail[j] = tail[j - 1];
      tail[j - 1] = swapped;
    }
  }
  const TailFigures figures = summarise_tail(TailRule{6.4, 64.0, 64.0, 2.4, 25.0, 25}, tail.data(), 64, nullptr);
  BitHash hash;
  hash.add(market);
  hash.add(cube);
  hash.add(pnl);
  hash.add(figures.var);
  hash.add(figures.var_standard_error);
  hash.add(figures.es);
  hash.add(figures.es_standard_error);
  return hash.value();
}

/// Products and sums as no shared formula writes them: without an explicit fused multiply-add. What a compiler that may
/// contract does with them depends on the code around, so the formulas alone would not always give it away.
template <class Real>
std::uint64_t hash_plain_products() {
  std::vector<Real> sums(1000), differences(1000);
  for (std::size_t i = 0; i < 1000; ++i) {
    const Real n = Real(i + 1);
    sums[i] = n / Real(7) * (Real(1) / (n + Real(2))) + n / Real(11);
    differences[i] = n / Real(13) - n / Real(3) * (n / Real(17));
  }
  BitHash hash;
  hash.add(sums);
  hash.add(differences);
  return hash.value();
}

struct BitSweep {
  const char* name;
  std::uint64_t (*hash)();
};

inline constexpr BitSweep bit_sweeps[] = {
    {"exp_float", hash_exp<float>},
    {"exp_double", hash_exp<double>},
    {"expm1_float", hash_expm1<float>},
    {"expm1_double", hash_expm1<double>},
    {"log_float", hash_log<float>},
    {"log_double", hash_log<double>},
    {"normal_cdf_float", hash_cdf<float>},
    {"normal_cdf_double", hash_cdf<double>},
    {"normal_from_word", hash_normals},
    {"philox", hash_philox},
    {"black76_float", hash_black76<float>},
    {"black76_double", hash_black76<double>},
    {"ssvi_float", hash_ssvi<float>},
    {"ssvi_double", hash_ssvi<double>},
    {"limit_smile_float", hash_limit_smile<float>},
    {"limit_smile_double", hash_limit_smile<double>},
    {"scenarios_1_lane", hash_scenarios<1>},
    {"scenarios_16_lanes", hash_scenarios<16>},
    {"scenarios_64_lanes", hash_scenarios<64>},
    {"pipeline_float", hash_pipeline<float>},
    {"pipeline_double", hash_pipeline<double>},
    {"plain_products_float", hash_plain_products<float>},
    {"plain_products_double", hash_plain_products<double>},
};

}  // namespace tailmargin::test
