// Prices and vol levels keep their means with regimes, tails and jumps all at once.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/laws/law_sample.hpp"

namespace tailmargin::test {
namespace {

/// Two regimes with tails of their own, three kinds of jump, one of them sampled more often than it happens.
Model everything() {
  Model model = one_regime(48.0, 6.0, {});
  VolRule calm{"*", {0.6, 0.9}, 4.0}, wild_btc{"BTC", {1.5, 2.0}, 3.0}, wild{"*", {2.0, 2.5}, 6.0};
  model.regimes = {{"calm", {calm}}, {"wild", {wild_btc, wild}}};
  model.regimes[0].kinds = {{FactorKind::price, FactorKind::vol, -0.4}};
  model.regimes[1].kinds = {{FactorKind::price, FactorKind::vol, -0.7}};
  model.regimes[0].underlyings = {{"*", "*", 0.6}};
  model.regimes[1].underlyings = {{"*", "*", 0.9}};
  model.transition = {{0.97, 0.03}, {0.2, 0.8}};
  model.transition_hours = 24.0;
  model.start = StartKind::probabilities;
  model.start_probabilities = {0.7, 0.3};
  model.mixing_persistence = 0.5;
  model.mixing_max_scale = 5.0;
  const auto price = [](const std::string& match, double change) { return JumpEffect{match, {change}}; };
  JumpRule crash, own, pump;
  crash.name = "crash";
  crash.per_year = {5.0, 60.0};
  crash.law = JumpLaw::lognormal;
  crash.location = 0.1;
  crash.scale = 0.5;
  crash.max = 0.4;
  crash.effects = {price("BTC", -1.0), price("*", -1.5)};
  crash.sample_multiple = 3.0;
  own.name = "own";
  own.scope = JumpScope::each;
  own.per_year = {40.0, 80.0};
  own.law = JumpLaw::normal;
  own.location = 0.01;
  own.scale = 0.08;
  own.effects = {price("*", 1.0)};
  pump.name = "pump";
  pump.per_year = {20.0, 0.0};
  pump.law = JumpLaw::exponential;
  pump.location = 0.1;
  pump.max = 0.5;
  pump.effects = {price("ETH", 1.0)};
  model.jumps = {crash, own, pump};
  return model;
}

TEST(Martingale, PricesKeepTheirMeansWithEverythingAtOnce) {
  const LawSample sample(book_of({"BTC", "ETH"}), everything(),
                         {{0, FactorKind::price, 24.0},
                          {0, FactorKind::price, 48.0},
                          {1, FactorKind::price, 24.0},
                          {1, FactorKind::price, 48.0}},
                         401, law_paths / 2);

  const char* names[] = {"BTC, 24 h", "BTC, 48 h", "ETH, 24 h", "ETH, 48 h"};
  for (std::size_t r = 0; r < 4; ++r) {
    const Estimate mean = mean_over(sample, [&](std::uint64_t p) { return std::exp(sample.value(r, p)); });
    expect_law(std::string(names[r]) + ": E[exp(x)]", mean, 1.0);
    EXPECT_LT(mean.se * std::sqrt(static_cast<double>(sample.num_paths())), 0.6) << "too wide to find an error";
  }
  for (const std::size_t coin : {0u, 1u}) {  // what one day brings says nothing of the next's mean
    const auto moved = [&](std::uint64_t p) {
      return std::exp(sample.value(2 * coin + 1, p) - sample.value(2 * coin, p)) - 1.0;
    };
    expect_law(std::string(coin == 0 ? "BTC" : "ETH") + ": second day after a fall",
               mean_over(sample, [&](std::uint64_t p) { return sample.value(2 * coin, p) < -0.05 ? moved(p) : 0.0; }),
               0.0);
  }
}

TEST(Martingale, VolLevelsKeepTheirMeans) {
  Model model = everything();
  for (const Drift drift : {Drift::martingale, Drift::zero}) {  // whatever the price does
    model.drift = drift;
    const LawSample sample(book_of({"BTC"}), model, {{0, FactorKind::vol, 24.0}, {0, FactorKind::vol, 48.0}}, 402,
                           law_paths / 4);

    for (const std::size_t r : {0u, 1u}) {
      expect_law(std::string(drift == Drift::zero ? "zero: " : "martingale: ") + (r == 0 ? "24 h" : "48 h"),
                 mean_over(sample, [&](std::uint64_t p) { return std::exp(sample.value(r, p)); }), 1.0);
    }
  }
}

// Given the scale of the day the mean is kept, too: on wild days and on calm ones. Both coins share the day's scale.
TEST(Martingale, PricesKeepTheirMeansOnWildDays) {
  Model model = one_regime(24.0, 12.0, {2.5});
  model.regimes[0].vols[0].tail_index = 3.0;
  model.mixing_max_scale = 8.0;
  const LawSample sample(book_of({"A", "B"}), model, {{0, FactorKind::price, 24.0}, {1, FactorKind::price, 24.0}}, 403);

  const double sd = 2.5 / std::sqrt(year_days);
  const auto wild = [&](std::uint64_t p) { return std::fabs(sample.value(1, p)) > 2.0 * sd; };
  expect_law("A, where B is wild",
             mean_over(sample, [&](std::uint64_t p) { return wild(p) ? std::exp(sample.value(0, p)) - 1.0 : 0.0; }),
             0.0);
  expect_law("A, where B is calm",
             mean_over(sample, [&](std::uint64_t p) { return wild(p) ? 0.0 : std::exp(sample.value(0, p)) - 1.0; }),
             0.0);
}

}  // namespace
}  // namespace tailmargin::test
