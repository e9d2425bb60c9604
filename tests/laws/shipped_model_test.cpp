// The measured facts come out of the shipped twenty-coin model. Two outside sources, both of docs/validation_facts.md:
//
//   simulation  the same law once more, in numpy, written from docs/model_file.md without a look at the kernels: a day
//   is
//               drawn at once from what the hours add up to; 1.3 million days
//   data        daily closes of 2018-01 to 2025-06, standard errors by a block bootstrap
//
// ES is the mean loss of the worst 1 % of simple returns, in per cent, of holding one coin (long) or owing it (short).
#include <gtest/gtest.h>

#include <cmath>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "host/cli/horizon_statistics.hpp"
#include "host/engine/price_paths.hpp"
#include "host/io/model_file.hpp"
#include "host/prepare/scenario_laws.hpp"
#include "tests/laws/law_sample.hpp"
#include "tests/support/small_book.hpp"

namespace tailmargin::test {
namespace {

constexpr std::uint64_t paths_of_model = law_paths / 5;
constexpr std::uint64_t paths_of_rare_jumps = law_paths / 10;
/// Tolerances are for 200,000 paths; fewer make more noise.
const double noise = std::sqrt(200'000.0 / static_cast<double>(paths_of_model));

/// Coins with a price on every day of the data.
const std::vector<std::string> panel = {"ADA", "BNB", "BTC", "DOGE", "ETH", "LINK", "LTC", "XRP"};
const std::vector<std::string> panel_and_sol = {"ADA", "BNB", "BTC", "DOGE", "ETH", "LINK", "LTC", "SOL", "XRP"};
/// What `tailmargin synth` lists: 20 coins and two stablecoins, each with rare jumps of its own.
const std::vector<std::string> exchange = {"AAVE", "ADA",  "APT", "ARB",  "ATOM", "AVAX", "BCH",  "BNB",
                                           "BTC",  "DOGE", "DOT", "ETH",  "LINK", "LTC",  "PEPE", "SOL",
                                           "SUI",  "TRX",  "UNI", "USDC", "USDT", "XRP"};

Model shipped_model() {
  Diagnostics diagnostics;
  Model model = read_model(TAILMARGIN_SOURCE_DIR "/examples/models/twenty-coins.toml", diagnostics);
  EXPECT_FALSE(diagnostics.has_errors());
  return model;
}

using CoinSamples = std::map<std::string, HorizonSample>;

/// Prices at the model's horizon.
CoinSamples simulated(const Model& model, const std::vector<std::string>& coins, std::uint64_t num_paths,
                      std::uint64_t seed) {
  Diagnostics diagnostics;
  const auto last = static_cast<std::uint32_t>(std::llround(model.horizon_hours / model.step_hours));
  const PricePaths paths = simulate_prices(model, coins, {last}, num_paths, seed, diagnostics);
  EXPECT_FALSE(diagnostics.has_errors());
  CoinSamples samples;
  for (std::size_t c = 0; c < coins.size(); ++c) {
    const std::vector<float>& changes = paths.log_change.at(0).at(c);
    samples[coins[c]] = {coins[c], {changes.begin(), changes.end()}, {paths.weights.begin(), paths.weights.end()}};
  }
  return samples;
}

/// The long run's coins after one day and after two, simulated when first asked for.
const CoinSamples& one_day() {
  static const CoinSamples samples = simulated(shipped_model(), panel_and_sol, paths_of_model, 701);
  return samples;
}

const CoinSamples& two_days() {
  static const CoinSamples samples = [] {
    Model model = shipped_model();
    model.horizon_hours = 48.0;
    return simulated(model, panel_and_sol, paths_of_model, 702);
  }();
  return samples;
}

double sum_of(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) { sum += value; }
  return sum;
}

/// Pearson's, of log changes.
double correlation(const HorizonSample& a, const HorizonSample& b) {
  double total = 0.0, mean_a = 0.0, mean_b = 0.0;
  for (std::size_t p = 0; p < a.weight.size(); ++p) {
    total += a.weight[p];
    mean_a += a.weight[p] * a.log_change[p];
    mean_b += a.weight[p] * b.log_change[p];
  }
  double aa = 0.0, ab = 0.0, bb = 0.0;
  for (std::size_t p = 0; p < a.weight.size(); ++p) {
    const double x = a.log_change[p] - mean_a / total, y = b.log_change[p] - mean_b / total;
    aa += a.weight[p] * x * x;
    ab += a.weight[p] * x * y;
    bb += a.weight[p] * y * y;
  }
  return ab / std::sqrt(aa * bb);
}

/// Mean of f(a, b) over ordered pairs of different coins of the panel.
template <class F>
double mean_over_pairs(F f) {
  double sum = 0.0;
  for (const std::string& a : panel) {
    for (const std::string& b : panel) { sum += a == b ? 0.0 : f(a, b); }
  }
  return sum / static_cast<double>(panel.size() * (panel.size() - 1));
}

double mean_correlation(const CoinSamples& samples) {
  return mean_over_pairs(
      [&](const std::string& a, const std::string& b) { return correlation(samples.at(a), samples.at(b)); });
}

enum class Side { lower, upper };

/// Mean over ordered pairs of P(coin j is beyond its quantile, given that coin i is).
double joint_tail(const CoinSamples& samples, double share, Side side) {
  std::map<std::string, std::vector<double>> beyond;  // [coin][path] the weight of a path beyond the quantile, else 0
  for (const std::string& coin : panel) {
    const HorizonSample& sample = samples.at(coin);
    const HorizonStatistics s = horizon_statistics(sample, 1.0 - share);
    const double quantile = std::log1p(side == Side::lower ? -s.long_var.value : s.short_var.value);
    for (std::size_t p = 0; p < sample.log_change.size(); ++p) {
      const double x = sample.log_change[p];
      beyond[coin].push_back((side == Side::lower ? x < quantile : x > quantile) ? sample.weight[p] : 0.0);
    }
  }
  return mean_over_pairs([&](const std::string& i, const std::string& j) {
    double both = 0.0;
    for (std::size_t p = 0; p < beyond[i].size(); ++p) { both += beyond[j][p] > 0.0 ? beyond[i][p] : 0.0; }
    return both / sum_of(beyond[i]);
  });
}

/// Days a year on which at least five of the panel move by more than `log_move` to its side.
double common_days_a_year(const CoinSamples& samples, double log_move) {
  const std::vector<double>& weight = samples.at(panel.front()).weight;
  double sum = 0.0;
  for (std::size_t p = 0; p < weight.size(); ++p) {
    int moved = 0;
    for (const std::string& coin : panel) {
      const double x = samples.at(coin).log_change[p];
      moved += (log_move < 0.0 ? x < log_move : x > log_move) ? 1 : 0;
    }
    sum += moved >= 5 ? weight[p] : 0.0;
  }
  return year_days * sum / sum_of(weight);
}

// --- against the simulation ------------------------------------------------------------------------------------------

struct CoinTails {
  const char* coin;
  double day_long, day_short, two_days_long, two_days_short, day_sd;  ///< ES and standard deviation of logs, per cent
  double short_tolerance, sd_tolerance;                               ///< relative; of ES long 0.025
};

/// docs/validation_facts.md, "The engine against a second program"; its own standard errors are 0.3 % to 0.6 % of long
/// sides, 0.6 % to 1.1 % of short ones. Pumps make short sides of small coins noisy.
constexpr CoinTails simulation[] = {
    {"BTC", 13.45, 12.64, 17.54, 17.25, 3.367, 0.03, 0.015},  //
    {"ETH", 17.71, 16.65, 22.74, 23.04, 4.492, 0.03, 0.015},  //
    {"XRP", 18.68, 30.82, 24.37, 43.31, 5.579, 0.04, 0.02},   //
    {"LTC", 18.57, 18.73, 24.22, 26.42, 4.965, 0.03, 0.015},  //
    {"ADA", 18.68, 23.55, 24.38, 32.62, 5.230, 0.04, 0.02},   //
    {"SOL", 21.16, 28.56, 28.29, 39.84, 6.618, 0.04, 0.04},   //
    {"DOGE", 21.43, 49.82, 28.67, 72.47, 7.562, 0.08, 0.04},
};

TEST(ShippedModel, DayIsThatOfASecondProgram) {
  for (const CoinTails& expected : simulation) {
    const HorizonStatistics ours = horizon_statistics(one_day().at(expected.coin), 0.99);

    EXPECT_NEAR(100.0 * ours.long_es.value, expected.day_long, 0.025 * noise * expected.day_long) << expected.coin;
    EXPECT_NEAR(100.0 * ours.short_es.value, expected.day_short, expected.short_tolerance * noise * expected.day_short)
        << expected.coin;
    EXPECT_NEAR(100.0 * ours.moments.sd.value, expected.day_sd, expected.sd_tolerance * noise * expected.day_sd)
        << expected.coin;
  }
  struct {
    const char* coin;
    double long_var, short_var;
  } constexpr quantiles[] = {{"BTC", 9.83, 9.39},
                             {"ETH", 13.18, 12.37},
                             {"XRP", 14.15, 17.32},
                             {"DOGE", 16.25, 23.83}};  // the same simulation
  for (const auto& expected : quantiles) {
    const HorizonStatistics ours = horizon_statistics(one_day().at(expected.coin), 0.99);

    EXPECT_NEAR(100.0 * ours.long_var.value, expected.long_var, 0.03 * noise * expected.long_var) << expected.coin;
    EXPECT_NEAR(100.0 * ours.short_var.value, expected.short_var, 0.03 * noise * expected.short_var) << expected.coin;
  }
}

TEST(ShippedModel, TwoDaysAreThoseOfASecondProgram) {
  for (const CoinTails& expected : simulation) {
    const HorizonStatistics ours = horizon_statistics(two_days().at(expected.coin), 0.99);

    EXPECT_NEAR(100.0 * ours.long_es.value, expected.two_days_long, 0.025 * noise * expected.two_days_long)
        << expected.coin;
    EXPECT_NEAR(100.0 * ours.short_es.value, expected.two_days_short,
                expected.short_tolerance * noise * expected.two_days_short)
        << expected.coin;
  }
}

// docs/validation_facts.md, last paragraph.
TEST(ShippedModel, CoinsMoveTogetherAsInASecondProgram) {
  const CoinSamples& day = one_day();

  EXPECT_NEAR(joint_tail(day, 0.02, Side::lower), 0.574, 0.015 * noise);
  EXPECT_NEAR(joint_tail(day, 0.02, Side::upper), 0.257, 0.015 * noise);
  EXPECT_NEAR(joint_tail(day, 0.05, Side::lower), 0.563, 0.015 * noise);
  EXPECT_NEAR(joint_tail(day, 0.05, Side::upper), 0.367, 0.015 * noise);
  EXPECT_NEAR(mean_correlation(day), 0.602, 0.015 * noise);
  EXPECT_NEAR(correlation(day.at("BTC"), day.at("ETH")), 0.813, 0.015 * noise);
  EXPECT_NEAR(common_days_a_year(day, -0.10), 7.09, 0.6 * noise);
  EXPECT_NEAR(common_days_a_year(day, -0.15), 2.42, 0.35 * noise);
  EXPECT_NEAR(common_days_a_year(day, 0.10), 2.71, 0.4 * noise);
}

// --- against the data: docs/validation_facts.md, columns "data" and "s.e."; within three of them --------------------

struct Measured {
  double value, se;
};

void expect_fact(const std::string& fact, double ours, Measured data) {
  EXPECT_NEAR(ours, data.value, 3.0 * data.se) << fact;
}

TEST(ShippedModel, SingleCoinsMoveAsTheyDid) {
  struct {
    const char* coin;
    Measured day_long, day_short, two_days_long, two_days_short;  ///< ES, per cent
  } constexpr tails[] = {
      {"BTC", {13.2, 1.2}, {12.6, 0.6}, {17.2, 1.9}, {16.5, 0.8}},
      {"ETH", {17.0, 1.5}, {16.7, 1.1}, {21.5, 2.0}, {21.7, 1.7}},
      {"XRP", {19.5, 2.1}, {30.2, 3.7}, {25.6, 2.7}, {45.1, 5.6}},
      {"SOL", {22.3, 2.6}, {27.9, 2.1}, {26.9, 2.8}, {40.0, 3.6}},
      {"DOGE", {20.6, 2.3}, {48.7, 15.5}, {25.5, 2.4}, {92.0, 32.0}},
  };
  for (const auto& data : tails) {
    const std::string coin = data.coin;
    const HorizonStatistics day = horizon_statistics(one_day().at(coin), 0.99),
                            two = horizon_statistics(two_days().at(coin), 0.99);

    expect_fact(coin + ", a day, long", 100.0 * day.long_es.value, data.day_long);
    expect_fact(coin + ", a day, short", 100.0 * day.short_es.value, data.day_short);
    expect_fact(coin + ", two days, long", 100.0 * two.long_es.value, data.two_days_long);
    expect_fact(coin + ", two days, short", 100.0 * two.short_es.value, data.two_days_short);
  }
  const std::map<std::string, Measured> vols = {// of a day, a year
                                                {"BTC", {0.68, 0.04}},
                                                {"ETH", {0.89, 0.05}},
                                                {"XRP", {1.06, 0.07}},
                                                {"DOGE", {1.31, 0.19}}};
  for (const auto& [coin, data] : vols) {
    expect_fact(coin + ", vol", horizon_statistics(one_day().at(coin), 0.99).moments.sd.value * std::sqrt(year_days),
                data);
  }
}

TEST(ShippedModel, CoinsMoveTogetherAsTheyDid) {
  const CoinSamples& day = one_day();

  expect_fact("joint tail, lower 2 %", joint_tail(day, 0.02, Side::lower), {0.551, 0.034});
  expect_fact("joint tail, upper 2 %", joint_tail(day, 0.02, Side::upper), {0.197, 0.036});
  expect_fact("joint tail, lower 5 %", joint_tail(day, 0.05, Side::lower), {0.581, 0.016});
  expect_fact("joint tail, upper 5 %", joint_tail(day, 0.05, Side::upper), {0.310, 0.025});
  expect_fact("average pair correlation", mean_correlation(day), {0.621, 0.032});
  expect_fact("BTC-ETH correlation", correlation(day.at("BTC"), day.at("ETH")), {0.829, 0.018});
  expect_fact("days with five down 0.10", common_days_a_year(day, -0.10), {6.5, 1.2});
  expect_fact("days with five down 0.15", common_days_a_year(day, -0.15), {1.6, 0.6});
  expect_fact("days with five up 0.10", common_days_a_year(day, 0.10), {2.7, 0.8});
}

// --- by regime, and the rare jumps -----------------------------------------------------------------------------------

// docs/validation_facts.md, "How to read it": 300,000 paths from a pinned start, so this holds the file, not the
// engine.
TEST(ShippedModel, StressIsWildAndMovesAsOne) {
  struct {
    const char* regime;
    double long_es, short_es;  ///< of BTC, a day, per cent
  } constexpr starts[] = {{"calm", 12.1, 11.7}, {"alt-season", 12.2, 11.7}, {"stress", 21.5, 18.9}};
  Model model = shipped_model();
  ASSERT_EQ(model.regimes.size(), std::size(starts));
  model.start = StartKind::probabilities;
  std::vector<double> mean_correlations;
  for (std::size_t k = 0; k < std::size(starts); ++k) {
    ASSERT_EQ(model.regimes[k].name, starts[k].regime);
    model.start_probabilities.assign(std::size(starts), 0.0);
    model.start_probabilities[k] = 1.0;
    const CoinSamples samples = simulated(model, panel, paths_of_model, 703);

    const HorizonStatistics btc = horizon_statistics(samples.at("BTC"), 0.99);
    mean_correlations.push_back(mean_correlation(samples));

    EXPECT_NEAR(100.0 * btc.long_es.value, starts[k].long_es, 0.05 * noise * starts[k].long_es) << starts[k].regime;
    EXPECT_NEAR(100.0 * btc.short_es.value, starts[k].short_es, 0.05 * noise * starts[k].short_es) << starts[k].regime;
  }
  EXPECT_GT(mean_correlations[2], mean_correlations[0]);
  EXPECT_GT(mean_correlations[2], mean_correlations[1]);
}

void expect_mean_weight_of_one(const HorizonSample& sample, const std::string& of) {
  const auto n = static_cast<double>(sample.weight.size());
  ASSERT_GT(n, 0.0) << of;
  double sum = 0.0, squares = 0.0;
  for (const double weight : sample.weight) {
    sum += weight / weight_unit;
    squares += weight / weight_unit * (weight / weight_unit);
  }
  const double mean = sum / n;
  EXPECT_NEAR(mean, 1.0, 4.0 * std::sqrt((squares / n - mean * mean) / n)) << of;
}

TEST(ShippedModel, WeightsAreOneOnAverage) {
  for (const double hours : {24.0, 48.0}) {
    Model model = shipped_model();
    model.horizon_hours = hours;
    expect_mean_weight_of_one(simulated(model, exchange, paths_of_rare_jumps, 704).at("BTC"),
                              std::to_string(hours) + " hours");
  }
}

// A process by itself, without diffusion or drift: a path on which a price moved has one of its jumps. 1 - P(no jump in
// 24 hourly steps of the chain), by powers of the matrix's root outside this program, is of 100,000 paths
//   crash     sampled 30 times as often, one for all:  1105.6
//   wipe-out  25 times, 11 coins:                      1495.6
//   de-peg    20 times, two stablecoins:               2100.7
TEST(ShippedModel, RareJumpsAreOnHundredsOfPaths) {
  const std::map<std::string, double> expected = {{"crash", 1105.6}, {"wipe-out", 1495.6}, {"de-peg", 2100.7}};
  std::size_t found = 0;
  for (const JumpRule& rule : shipped_model().jumps) {
    const auto number = expected.find(rule.name);
    if (number == expected.end()) { continue; }
    ++found;
    Model model = shipped_model();
    model.drift = Drift::zero;
    model.jumps = {rule};
    for (Regime& regime : model.regimes) {
      for (VolRule& vols : regime.vols) { vols.vol = {}; }
    }
    const CoinSamples samples = simulated(model, exchange, paths_of_rare_jumps, 705);

    int jumped = 0;
    for (std::size_t p = 0; p < paths_of_rare_jumps; ++p) {
      bool moved = false;
      for (const auto& [coin, sample] : samples) { moved = moved || sample.log_change[p] != 0.0; }
      jumped += moved ? 1 : 0;
    }

    const double outside = number->second * static_cast<double>(paths_of_rare_jumps) / 1e5;
    EXPECT_NEAR(jumped, outside, 4.0 * std::sqrt(outside)) << rule.name;
    expect_mean_weight_of_one(samples.at("BTC"), rule.name);
  }
  EXPECT_EQ(found, expected.size());
}

}  // namespace
}  // namespace tailmargin::test
