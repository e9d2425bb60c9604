// Each shipped preset on one mixed book, against its rule written out here with the venue's numbers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "support.hpp"

namespace tailmargin::venues::test {
namespace {

constexpr double index_usd = 70000.0, short_days = 20.0, long_days = 200.0, future_days = 60.0;

struct PlainOption {
  double quantity, sign, strike, forward, vol, days;
};
const std::vector<PlainOption> options = {{3.0, 1.0, 75000.0, 70200.0, 0.60, short_days},
                                          {-2.0, -1.0, 60000.0, 70200.0, 0.70, short_days},
                                          {-4.0, 1.0, 90000.0, 72000.0, 0.50, long_days}};
struct PlainFuture {
  double quantity, price, days;  ///< days 0: perpetual
};
const std::vector<PlainFuture> futures = {{-1.5, 70100.0, 0.0}, {0.8, 71500.0, future_days}};

Unit mixed_book() {
  Unit book = unit("BTC", index_usd);
  for (const PlainOption& o : options) {
    book.options.push_back(option(o.quantity, o.sign, o.strike, o.forward, o.vol, o.days * day));
  }
  for (const PlainFuture& f : futures) {
    book.delta_ones.push_back(f.days == 0.0 ? perpetual(f.quantity, f.price, "USDC")
                                            : future(f.quantity, f.price, f.days * day));
  }
  return book;
}

using VolOf = std::function<double(double vol, double days)>;

double relative(double vol, double shock, double days, double short_power, double long_power) {
  return vol * (1.0 + shock * std::pow(30.0 / days, days < 30.0 ? short_power : long_power));
}

double unchanged(double vol, double) { return vol; }

/// Value of the options over all, or of one expiry.
double options_value(double move, const VolOf& vol_of, double only_days = 0.0) {
  double sum = 0.0;
  for (const PlainOption& o : options) {
    if (only_days != 0.0 && o.days != only_days) { continue; }
    sum +=
        o.quantity * textbook_value(o.sign, o.forward * (1.0 + move), o.strike, vol_of(o.vol, o.days), o.days / 365.0);
  }
  return sum;
}

double futures_pnl(double move, bool by_index = false) {
  double sum = 0.0;
  for (const PlainFuture& f : futures) { sum += f.quantity * (by_index ? index_usd : f.price) * move; }
  return sum;
}

double pnl(double move, const VolOf& vol_of, bool by_index = false) {
  return options_value(move, vol_of) - options_value(0.0, unchanged) + futures_pnl(move, by_index);
}

double delta_of(const PlainOption& o) {
  return o.quantity * textbook_delta(o.sign, o.forward, o.strike, o.vol, o.days / 365.0);
}

Margin margin_by(const std::string& name, Unit book, double stable = 1.0) {
  static std::vector<Method> kept;  // margins point into their method
  kept.reserve(64);
  kept.push_back(preset(name));
  return margin_of(kept.back(), {{std::move(book)}, 0.0, stable});
}

TEST(Presets, HaveLabelsAndTheScenariosOfTheVenue) {
  const std::vector<std::pair<std::string, std::size_t>> scenarios = {
      {"bybit", 33}, {"deribit", 35}, {"derive", 33}, {"okx", 23}, {"paradex", 24}, {"span", 16}, {"deribit-sm", 0}};
  std::size_t files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(TAILMARGIN_SOURCE_DIR) / "presets")) {
    files += entry.path().extension() == ".toml" ? 1 : 0;
  }
  EXPECT_EQ(files, scenarios.size());
  for (const auto& [name, count] : scenarios) {
    const Method method = preset(name);
    EXPECT_EQ(method.name, name);
    for (const std::string& label : {method.title, method.fidelity, method.date, method.source}) {
      EXPECT_FALSE(label.empty()) << name;
    }
    EXPECT_FALSE(method.not_modelled.empty()) << name;
    EXPECT_EQ(method.futures == DatedFutures::left_out, name == "derive") << name;
    for (const ScenarioGroup& group : method.scenario_groups) { EXPECT_EQ(group.scenarios.size(), count) << name; }
  }
}

TEST(Presets, BybitMixedBook) {
  double worst = 0.0;
  for (int k = -5; k <= 5; ++k) {
    for (const double shock : {0.24, 0.0, -0.20}) {
      worst = std::min(worst, pnl(0.02 * k, [&](double v, double d) { return relative(v, shock, d, 0.30, 0.30); }));
    }
  }
  const double maintenance = -worst + 0.0003 * (1.5 + 0.8) * index_usd;
  const Margin margin = margin_by("bybit", mixed_book());
  EXPECT_NEAR(margin.maintenance_usd, maintenance, 1e-7);
  EXPECT_NEAR(margin.initial_usd, 1.2 * maintenance, 1e-7);
}

TEST(Presets, ParadexMixedBook) {
  double worst = 0.0;
  const VolOf up = [](double v, double d) {
    return v * (1.0 + std::max(0.40 * std::pow(30.0 / d, d < 30.0 ? 0.30 : 0.13), 0.40));
  };
  const VolOf down = [](double v, double d) { return relative(v, -0.22, d, 0.30, 0.13); };
  for (int k = -4; k <= 4; ++k) {
    worst = std::min(worst, pnl(0.04 * k, up));
    if (std::abs(k) != 4) { worst = std::min(worst, pnl(0.04 * k, down)); }
  }
  const double moves[] = {-0.66, -0.33, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0};
  const double weights[] = {0.18, 0.36, 0.24, 0.12, 0.06, 0.04, 0.03, 0.024};
  for (int i = 0; i < 8; ++i) { worst = std::min(worst, weights[i] * pnl(moves[i], up)); }
  double net = -1.5 + 0.8, gross = 1.5 + 0.8;
  for (const PlainOption& o : options) {
    net += delta_of(o);
    gross += std::fabs(delta_of(o));
  }
  const double minimum = (0.02 * std::fabs(net) + 0.01 * 0.5 * (gross - std::fabs(net))) * index_usd;
  ASSERT_LT(minimum, -worst);
  EXPECT_NEAR(margin_by("paradex", mixed_book()).initial_usd, -worst, 1e-7);
  EXPECT_NEAR(margin_by("paradex", mixed_book()).maintenance_usd, -0.5 * worst, 1e-7);

  Unit spread = unit("BTC", index_usd);  // nothing but hedged delta
  spread.delta_ones = {perpetual(5.0, index_usd), future(-5.0, index_usd, 60.0 * day)};
  EXPECT_NEAR(margin_by("paradex", spread).initial_usd, 0.01 * 5.0 * index_usd, 1e-9);
  Unit hype = unit("HYPE", 40.0);
  hype.delta_ones = {perpetual(10.0, 40.0)};
  EXPECT_NEAR(margin_by("paradex", hype).initial_usd, 0.33 * 0.50 * 400.0 > 0.28 * 400.0 ? 66.0 : 112.0, 1e-9);
}

TEST(Presets, OkxMixedBook) {
  double worst = 0.0;
  for (int k = -3; k <= 3; ++k) {
    for (const double points : {0.30, 0.0, -0.30}) {
      worst = std::min(worst, pnl(
                                  0.04 * k, [&](double v, double) { return std::max(v + points, 0.0); }, true));
    }
  }
  for (const double move : {-0.24, 0.24}) { worst = std::min(worst, 0.5 * pnl(move, unchanged, true)); }
  double short_delta = delta_of(options[0]) + delta_of(options[1]), long_delta = delta_of(options[2]);
  const auto rate = [](double days) { return std::max(std::exp(0.05 * days / 365.0) - 1.0, 0.002); };
  const double basis = 1.5 * 70100.0 * 0.002 + 0.8 * 71500.0 * rate(future_days) +
                       std::fabs(short_delta) * index_usd * rate(short_days) +
                       std::fabs(long_delta) * index_usd * rate(long_days);
  const double maintenance = -worst + basis;
  const Margin margin = margin_by("okx", mixed_book());
  EXPECT_NEAR(margin.maintenance_usd, maintenance, 1e-7);
  EXPECT_NEAR(margin.initial_usd, 1.3 * maintenance, 1e-7);

  Unit large = unit("BTC", index_usd);  // hedged, so that the minimum counts: raw charge 630,000 in tiers
  large.delta_ones = {perpetual(1000.0, index_usd), perpetual(-1000.0, index_usd)};
  EXPECT_NEAR(margin_by("okx", large).maintenance_usd, 250000.0 + 2.0 * 250000.0 + 4.0 * 130000.0, 1e-6);
  Unit other = unit("NEAR", 5.0);
  other.delta_ones = {perpetual(10.0, 5.0)};
  EXPECT_NEAR(margin_by("okx", other).maintenance_usd, 50.0 * (0.25 + 0.016), 1e-12);
}

TEST(Presets, SpanMixedBook) {
  double worst = 0.0;
  for (int k = -3; k <= 3; ++k) {
    for (const double points : {0.15, -0.15}) {
      worst = std::min(worst, pnl(0.05 * k, [&](double v, double) { return v + points; }));
    }
  }
  for (const double move : {-0.45, 0.45}) { worst = std::min(worst, 0.33 * pnl(move, unchanged)); }
  const Margin margin = margin_by("span", mixed_book());
  EXPECT_NEAR(margin.maintenance_usd, -worst, 1e-7);
  EXPECT_NEAR(margin.initial_usd, -1.1 * worst, 1e-7);

  Unit far = unit("BTC", index_usd);  // worth nothing in any scenario: the minimum
  far.options = {option(-3.0, 1.0, 900000.0, index_usd, 0.3, 2.0 * day)};
  EXPECT_NEAR(margin_by("span", far).maintenance_usd, 0.01 * 3.0 * index_usd, 1e-9);
}

TEST(Presets, DeribitMixedBookInCoin) {
  const VolOf up = [](double v, double d) { return std::max(relative(v, 0.50, d, 0.30, 0.13), 0.50); };
  const VolOf down = [](double v, double d) { return relative(v, -0.25, d, 0.30, 0.13); };
  const auto coins = [&](double move, const VolOf& vol_of) {
    double sum = 0.0;
    for (const PlainOption& o : options) {
      const double moved = o.forward * (1.0 + move);
      sum += o.quantity * (textbook_value(o.sign, moved, o.strike, vol_of(o.vol, o.days), o.days / 365.0) / moved -
                           textbook_value(o.sign, o.forward, o.strike, o.vol, o.days / 365.0) / o.forward);
    }
    for (const PlainFuture& f : futures) { sum += f.quantity * (1.0 - 1.0 / (1.0 + move)); }
    return sum;
  };
  double worst = 0.0;
  for (int k = -4; k <= 4; ++k) {
    for (const VolOf& vol_of : {up, VolOf(unchanged), down}) { worst = std::min(worst, coins(0.04 * k, vol_of)); }
  }
  for (const double move : {-0.66, -0.33, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0}) {
    const double size = std::fabs(move), edge = move < 0.0 ? 0.84 : 1.16;
    const double loss = coins(move, up) * 0.16 / size * (1.0 + move) / edge;
    const double dampener = (size / 0.16 - 1.0) * 100000.0 / (edge * index_usd);
    worst = std::min(worst, loss + std::min(dampener, std::fabs(loss)));
  }
  const auto rate = [](double days) { return std::max(std::exp(0.075 * days / 365.0) - 1.0, 0.01); };
  const double roll = 1.5 * 0.01 + 0.8 * rate(future_days) +
                      std::fabs(delta_of(options[0]) + delta_of(options[1])) * rate(short_days) +
                      std::fabs(delta_of(options[2])) * rate(long_days);
  Unit book = mixed_book();
  book.settlement = Settlement::coin;
  const Margin margin = margin_by("deribit", book);
  EXPECT_NEAR(margin.initial_usd, (-worst + roll) * index_usd, 1e-7);
  EXPECT_NEAR(margin.maintenance_usd, 0.8 * (-worst + roll) * index_usd, 1e-7);
}

TEST(Presets, DeribitOffsetsGainsOfEthOnly) {
  const Method method = preset("deribit");
  Unit btc = unit("BTC", 50000.0), eth = unit("ETH", 2000.0);
  btc.settlement = eth.settlement = Settlement::coin;
  btc.delta_ones = {perpetual(1.0, 50000.0)};
  eth.delta_ones = {perpetual(-10.0, 2000.0)};
  const double fall = (1.0 / 0.84 - 1.0) * 50000.0, gain = (1.0 / 0.82 - 1.0) * 20000.0;
  const double roll = 500.0 + 0.005 * 20000.0;
  EXPECT_NEAR(margin_of(method, {{btc, eth}}).initial_usd, fall - 0.6 * gain + roll, 1e-8);
  btc.delta_ones = {perpetual(-0.01, 50000.0)};  // a small gain of BTC does not count
  eth.delta_ones = {perpetual(10.0, 2000.0)};
  EXPECT_NEAR(margin_of(method, {{btc, eth}}).initial_usd, gain + 5.0 + 100.0, 1e-8);
  btc.settlement = Settlement::usd;  // here 0.4 of it does
  EXPECT_NEAR(margin_of(method, {{btc, eth}}).initial_usd, gain - 0.4 * 0.16 * 500.0 + 5.0 + 100.0, 1e-8);
}

TEST(Presets, DeriveMixedBook) {
  const VolOf up = [](double v, double d) { return std::max(relative(v, 0.50, d, 0.30, 0.13), 0.40); };
  const VolOf down = [](double v, double d) { return relative(v, -0.30, d, 0.30, 0.13); };
  const double coins = 0.25, stable = 0.98, collateral = coins * index_usd / stable;
  const auto expiry = [&](double move, const VolOf& vol_of, double days) {
    const double value = options_value(move, vol_of, days), years = days / 365.0;
    // Without a rate 1 / df is 1, so that short values are not marked up.
    return value * (value >= 0.0 ? 0.95 * std::exp(-0.16 * years) : std::min(1.0, 1.05 * std::exp(0.16 * years))) -
           options_value(0.0, unchanged, days);
  };
  const auto total = [&](double move, const VolOf& vol_of) {
    return expiry(move, vol_of, short_days) + expiry(move, vol_of, long_days) + futures_pnl(move) + collateral * move;
  };
  double worst = 0.0;
  for (int k = -4; k <= 4; ++k) {
    worst = std::min(worst, total(0.045 * k, up));
    if (std::abs(k) == 4) { continue; }
    worst = std::min({worst, total(0.045 * k, unchanged), total(0.045 * k, down)});
  }
  const double moves[] = {-0.66, -0.33, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0};
  const double weights[] = {0.21, 0.42, 0.2772, 0.1386, 0.0693, 0.0462, 0.03465, 0.02772};
  for (int i = 0; i < 8; ++i) { worst = std::min(worst, weights[i] * total(moves[i], up)); }
  Unit book = mixed_book();
  book.collateral_coins = coins;
  const Margin margin = margin_by("derive", book, stable);
  const double naked = 2.0 + 4.0;
  EXPECT_NEAR(margin.units.at(0).worst_loss_usd, -worst, 1e-7);
  EXPECT_NEAR(margin.maintenance_usd,
              -0.8 * worst + 1.5 * index_usd * 0.03 + naked * index_usd * 0.003 + collateral * 0.02, 1e-7);
  EXPECT_NEAR(margin.initial_usd,
              -(1.0 + 4.0 * 0.01) * worst + 1.5 * index_usd * 0.04 + naked * index_usd * 0.005 + collateral * 0.03,
              1e-7);
}

TEST(Presets, DeribitStandardMarginOfBtcAndEth) {
  Unit btc = unit("BTC", index_usd), eth = unit("ETH", 2000.0);
  btc.delta_ones = {perpetual(100.0, index_usd)};
  eth.delta_ones = {perpetual(-1000.0, 2000.0)};
  EXPECT_NEAR(margin_by("deribit-sm", btc).initial_usd, 100.0 * index_usd * 0.025, 1e-6);
  EXPECT_NEAR(margin_by("deribit-sm", btc).maintenance_usd, 100.0 * index_usd * 0.015, 1e-6);
  EXPECT_NEAR(margin_by("deribit-sm", eth).initial_usd, 2e6 * 0.024, 1e-6);
  EXPECT_NEAR(margin_by("deribit-sm", eth).maintenance_usd, 2e6 * 0.014, 1e-6);
  Unit call = unit("BTC", index_usd);
  call.options = {option(-1.0, 1.0, 75000.0, 70200.0, 0.6, 20.0 * day)};
  const double mark = textbook_value(1.0, 70200.0, 75000.0, 0.6, 20.0 / 365.0);
  EXPECT_NEAR(margin_by("deribit-sm", call).initial_usd, std::max(10500.0 - 5000.0, 7000.0) + mark, 1e-8);
  EXPECT_NEAR(margin_by("deribit-sm", call).maintenance_usd, 5250.0 + mark, 1e-8);
}

}  // namespace
}  // namespace tailmargin::venues::test
