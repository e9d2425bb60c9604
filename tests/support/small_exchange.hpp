// A small exchange with every kind of instrument, models and settings of runs over it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/margin_bits.hpp"
#include "tests/support/small_book.hpp"

namespace tailmargin::test {

/// Two coins and a stablecoin, every kind of instrument, accounts of no to eight positions; the last but one holds legs
/// that cancel too far for float.
struct Exchange {
  BookMaker maker;
  UnderlyingId btc = maker.underlying("BTC", 60'000.0), eth = maker.underlying("ETH", 2'000.0),
               usdc = maker.underlying("USDC", 0.999);
  InstrumentId call = maker.option("BTC-1-C", btc, 30.0, 66'000.0, OptionType::call, 0.6),
               put = maker.option("BTC-2-P", btc, 7.0, 55'000.0, OptionType::put, 0.7, Payoff::inverse),
               future = maker.future("BTC-FUT", btc, 60.0, 60'500.0),
               inverse = maker.perpetual("BTC-INV", btc, Payoff::inverse),
               perpetual = maker.perpetual("BTC-PERP", btc, Payoff::linear),
               eth_call = maker.option("ETH-1-C", eth, 0.4, 2'100.0, OptionType::call, 0.8, Payoff::inverse),
               eth_perpetual = maker.perpetual("ETH-PERP", eth, Payoff::linear, usdc);
  AccountId hedged = 0, empty = 0;

  Exchange() {
    const std::vector<InstrumentId> ids = {call, put, future, inverse, perpetual, eth_call, eth_perpetual};
    for (std::size_t a = 0; a < 8; ++a) {
      const AccountId account = maker.account("account-" + std::to_string(100 + a));
      for (std::size_t i = 0; i < ids.size(); ++i) {
        if ((i + a) % 3 == 0 && i < a) { continue; }
        maker.hold(account, ids[i], (static_cast<double>((7 * a + 5 * i) % 11) - 5.25) * (ids[i] == inverse ? 1e4 : 1));
      }
      if (a % 2 == 0) { maker.deposit(account, eth, 3.0 - static_cast<double>(a)); }
    }
    hedged = maker.account("hedged");
    maker.hold(hedged, inverse, 6'000'000.0);
    maker.deposit(hedged, btc, -100.0);
    empty = maker.account("none");
    maker.deposit(empty, no_underlying, 1'000.0);
    // At a tenth of them a day some positions above close in a day, some in two, and one has no market.
    for (const auto& [instrument, contracts] :
         {std::pair{call, 20.0}, std::pair{put, 10.0}, std::pair{future, 15.0}, std::pair{inverse, 1e9},
          std::pair{perpetual, 30.0}, std::pair{eth_perpetual, 8.0}}) {
      maker.edit().quotes[instrument].volume_24h = contracts;
    }
  }
  const Book& book() const { return maker.book(); }
};

/// Two regimes, correlated prices and vols.
inline Model regimes() {
  Model model;
  model.name = "regimes";
  const auto regime = [](const std::string& name, double vol, double rho) {
    Regime r;
    r.name = name;
    r.vols = {{"USDC", {0.01, 0.0, 0.0, 0.0}}, {"*", {vol, vol, 0.3, 0.001}}};
    r.underlyings = {{"USDC", "*", 0.0}, {"*", "*", rho}};
    return r;
  };
  model.regimes = {regime("calm", 0.5, 0.6), regime("stress", 1.4, 0.9)};
  model.transition = {{0.95, 0.05}, {0.1, 0.9}};
  return model;
}

/// The same with falls of the market sampled five times as often as they happen: path weights.
inline Model weighted() {
  Model model = regimes();
  JumpRule rule;
  rule.name = "fall";
  rule.per_year = {5.0, 20.0};
  rule.law = JumpLaw::normal;
  rule.location = -0.1;
  rule.scale = 0.03;
  rule.effects = {{"*", {1.0, 1.0}}};
  rule.sample_multiple = 5.0;
  model.jumps = {rule};
  return model;
}

/// The worst look on the way instead of the horizon.
inline Model worst_on_the_way() {
  Model model = weighted();
  model.measure = PathMeasure::worst;
  model.measure_hours = 8.0;
  return model;
}

inline RunConfig config_of(std::uint64_t paths, BackendChoice backend = BackendChoice::cpu) {
  RunConfig config;
  config.num_paths = paths;
  config.seed = 7;
  config.backend = backend;
  config.keep_tail_paths = true;
  return config;
}

/// Every term of the margin at work.
inline Model with_terms() {
  Model model = weighted();
  MarginTerms terms;
  terms.calm_regime = "calm";
  terms.crisis_regime = "stress";
  terms.crisis_start_weight = 0.5;
  terms.correlation_weight = 1.0;
  terms.dependence_weight = terms.concentration_weight = 0.25;
  terms.anti_procyclical = AntiProcyclical::floor;
  terms.short_option_minimum = 0.01;
  terms.spread_multiple = 2.0;
  terms.default_half_spread = 0.01;
  terms.impact = 0.5;
  model.terms = terms;
  return model;
}

/// What does not fit the horizon closes in the day and a half after it.
inline Model closed_late(Model model) {
  model.closing = Closing{0.1, {36.0, 60.0}};
  return model;
}

struct Setting {
  std::string name;
  Model model;
  RunConfig config;
};

inline std::vector<Setting> settings() {
  std::vector<Setting> all = {
      {"plain", regimes(), config_of(3'000)},
      {"weights", weighted(), config_of(3'000)},
      {"worst on the way", worst_on_the_way(), config_of(2'000)},
      {"odd paths, three threads", weighted(), config_of(1'111)},
      {"baseline", weighted(), config_of(1'500)},
      {"sobol", weighted(), config_of(1'600)},
      {"sobol on the reference", weighted(), config_of(400, BackendChoice::reference)},
      {"reference", weighted(), config_of(400, BackendChoice::reference)},
      {"terms", with_terms(), config_of(2'000)},
      {"closing", closed_late(with_terms()), config_of(2'000)},
      {"closing on the reference", closed_late(regimes()), config_of(400, BackendChoice::reference)}};
  all[1].model.uplift_confidence = 0.9;
  all[3].config.threads = 3;
  all[4].config.isa = "baseline";
  all[5].config.sampler = all[6].config.sampler = Sampler::sobol;
  return all;
}

}  // namespace tailmargin::test
