// Three coins with options, and models from plain to wild, for tests of estimators.
#pragma once

#include <array>

#include "host/estimators/host_scenarios.hpp"
#include "tests/support/small_book.hpp"

namespace tailmargin::test {

/// Accounts: "a" short strangles, "b" short straddles hedged by perpetuals, "c" perpetuals, "d" nothing.
inline Book three_coin_book() {
  static constexpr std::array<const char*, 3> names = {"BTC", "ETH", "SOL"};
  static constexpr std::array<double, 3> prices = {60'000.0, 3'000.0, 150.0}, vols = {0.6, 0.7, 0.9},
                                         sizes = {1.0, 20.0, 400.0};
  BookMaker maker;
  for (std::size_t i = 0; i < 3; ++i) { maker.underlying(names[i], prices[i]); }
  std::array<std::array<InstrumentId, 5>, 3> ids{};
  for (UnderlyingId u = 0; u < 3; ++u) {
    const std::string name = names[u];
    const auto option = [&](const char* suffix, double strike, OptionType type) {
      return maker.option(name + suffix, u, 30, prices[u] * strike, type, vols[u]);
    };
    ids[u] = {option("-A-CALL-115", 1.15, OptionType::call), option("-B-CALL-100", 1.0, OptionType::call),
              option("-C-PUT-85", 0.85, OptionType::put), option("-D-PUT-100", 1.0, OptionType::put),
              maker.perpetual(name + "-E-PERPETUAL", u, Payoff::linear)};
  }
  const AccountId strangles = maker.account("a"), hedged = maker.account("b"), perpetuals = maker.account("c");
  maker.account("d");
  for (std::size_t i = 0; i < 3; ++i) {
    maker.hold(strangles, ids[i][0], -sizes[i]).hold(strangles, ids[i][2], -sizes[i]);
    maker.hold(hedged, ids[i][1], -sizes[i])
        .hold(hedged, ids[i][3], -sizes[i])
        .hold(hedged, ids[i][4], 0.07 * sizes[i]);
    maker.hold(perpetuals, ids[i][4], i == 1 ? -0.5 * sizes[i] : sizes[i]);
  }
  return maker.book();
}

/// Two days in one normal regime; prices together, vols against them.
inline Model one_regime_model() {
  VolRule rule{"*", {}};
  rule.vol[static_cast<std::size_t>(FactorKind::price)] = 0.8;
  rule.vol[static_cast<std::size_t>(FactorKind::vol)] = 1.2;
  Model model = gaussian_model(2.0, {rule});
  model.step_hours = 8.0;
  model.funding_interval_hours = 0.0;
  model.regimes[0].kinds = {{FactorKind::price, FactorKind::vol, -0.4}};
  model.regimes[0].underlyings = {{"*", "*", 0.7}};
  return model;
}

/// Two regimes, fat tails in two blocks, reversion, and crashes sampled ten times as often as they happen.
inline Model wild_model() {
  Model model = one_regime_model();
  model.mixing_hours = 24.0;
  model.mixing_persistence = 0.3;
  model.regimes[0].name = "calm";
  model.regimes[0].vols[0].tail_index = 5.0;
  Regime stress = model.regimes[0];
  stress.name = "stress";
  for (double& vol : stress.vols[0].vol) { vol *= 2.0; }
  stress.vols[0].tail_index = 8.0;
  stress.underlyings = {{"*", "*", 0.9}};
  model.regimes.push_back(stress);
  model.transition_hours = 8.0;
  model.transition = {{0.95, 0.05}, {0.2, 0.8}};
  model.reversions = {{"*", FactorKind::vol, 48.0, 0.0}};
  JumpRule crash;
  crash.name = "crash";
  crash.per_year = {2.0, 8.0};
  crash.law = JumpLaw::lognormal;
  crash.location = 0.1;
  crash.scale = 0.4;
  JumpEffect effect{"*", {}};
  effect.change[static_cast<std::size_t>(FactorKind::price)] = -1.0;
  effect.change[static_cast<std::size_t>(FactorKind::vol)] = 1.5;
  crash.effects = {effect};
  crash.sample_multiple = 5.0;
  model.jumps = {crash};
  return model;
}

inline HostLoops fast_loops() { return {&choose_kernels(Isa::automatic), 1}; }

}  // namespace tailmargin::test
