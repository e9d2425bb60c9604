#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "host/synth/synth.hpp"
#include "kernels/math/elementary.hpp"

namespace tailmargin {
namespace {

TEST(SynthMarket, HasEveryKind) {
  const Book book = make_market(1);

  std::map<std::pair<std::string, InstrumentKind>, std::size_t> count;
  std::set<std::int64_t> expiries;
  for (const Instrument& i : book.instruments) {
    ++count[{book.underlyings[i.underlying].name, i.kind}];
    if (i.kind == InstrumentKind::option) { expiries.insert(i.expiry.seconds); }
  }
  EXPECT_EQ(book.underlyings.size(), 22u);  // 20 coins, USDC, USDT
  EXPECT_EQ(expiries.size(), 10u);
  for (const char* coin : {"BTC", "ETH", "SOL", "XRP"}) {
    const std::size_t options = count[{coin, InstrumentKind::option}];
    EXPECT_GE(options, 400u) << coin;
    EXPECT_LE(options, 1000u) << coin;
  }
  for (const Underlying& u : book.underlyings) {
    if (u.name == "USDC" || u.name == "USDT") { continue; }
    EXPECT_GE((count[{u.name, InstrumentKind::perpetual}]), 1u) << u.name;
    EXPECT_TRUE(u.adv_usd && u.funding_rate_8h) << u.name;
  }
  EXPECT_EQ((count[{"BTC", InstrumentKind::future}]), 7u);
}

TEST(SynthMarket, NamesAreSortedAndDistinct) {
  const Book book = make_market(2);

  for (std::size_t i = 1; i < book.instruments.size(); ++i) {
    EXPECT_LT(book.instruments[i - 1].name, book.instruments[i].name);
  }
  for (std::size_t u = 1; u < book.underlyings.size(); ++u) {
    EXPECT_LT(book.underlyings[u - 1].name, book.underlyings[u].name);
  }
}

struct Smile {
  std::map<double, double> call, put, vol;  ///< by strike; prices over the forward
};

std::map<std::tuple<UnderlyingId, UtcTime>, std::pair<double, Smile>> smiles(const Book& book) {
  std::map<std::tuple<UnderlyingId, UtcTime>, std::pair<double, Smile>> result;
  for (InstrumentId i = 0; i < book.instruments.size(); ++i) {
    const Instrument& option = book.instruments[i];
    if (option.kind != InstrumentKind::option) { continue; }
    auto& [forward, smile] = result[{option.underlying, option.expiry}];
    forward = *book.quotes[i].forward;
    const double price = *book.quotes[i].mark_price / (option.payoff == Payoff::inverse ? 1.0 : forward);
    (option.option_type == OptionType::call ? smile.call : smile.put)[option.strike] = price;
    smile.vol[option.strike] = *book.quotes[i].mark_iv;
  }
  return result;
}

TEST(SynthMarket, PutCallParityHolds) {
  for (const auto& [key, entry] : smiles(make_market(3))) {
    const auto& [forward, smile] = entry;
    ASSERT_EQ(smile.call.size(), smile.put.size());
    for (const auto& [strike, call] : smile.call) {
      // Marks are rounded to 1e-8 of a coin or about 1e-7 of the forward, each of the two by half of that.
      EXPECT_NEAR(call - smile.put.at(strike), 1.0 - strike / forward, 1.1e-7)
          << "strike " << strike << " of " << forward;
    }
  }
}

TEST(SynthMarket, SmilesAreFreeOfArbitrageAndSkewed) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Book book = make_market(seed);
    std::map<std::pair<UnderlyingId, double>, double> variance_before;
    for (const auto& [key, entry] : smiles(book)) {
      const auto& [forward, smile] = entry;
      double before = 2.0, slope_before = -2.0, strike_before = 0.0;
      for (const auto& [strike, call] : smile.call) {
        const double slope = (call - before) / (strike - strike_before) * forward;
        if (strike_before > 0.0) {
          EXPECT_LE(slope, 1e-5) << "calls fall with the strike";
          // Volatilities are rounded to 1e-4, which bends prices by less than this.
          EXPECT_GE(slope, slope_before - 0.02) << "calls are convex in the strike " << strike << " of " << forward;
          slope_before = slope;
        }
        before = call;
        strike_before = strike;
      }
      const double low = smile.vol.begin()->second, high = smile.vol.rbegin()->second;
      double lowest = low;
      for (const auto& [strike, vol] : smile.vol) { lowest = std::min(lowest, vol); }
      EXPECT_GT(low, lowest + 0.01);
      EXPECT_GT(high, lowest);
      EXPECT_GT(lowest, 0.25);
      EXPECT_LT(std::max(low, high), 2.5);
      const std::string& name = book.underlyings[std::get<0>(key)].name;
      if (name == "BTC" || name == "ETH") {  // puts below are dearer than calls as far above
        const auto vol_at = [&e = entry](double k) { return e.second.vol.lower_bound(e.first * math::exp(k))->second; };
        const double width = 0.5 * std::log(smile.vol.rbegin()->first / forward);
        EXPECT_GT(vol_at(-width), vol_at(width) - 0.005) << name;
      }
    }
  }
}

TEST(SynthMarket, SeedMovesIt) {
  const Book one = make_market(1), again = make_market(1), two = make_market(2);

  EXPECT_EQ(one.underlyings[0].index_price_usd, again.underlyings[0].index_price_usd);
  EXPECT_NE(one.underlyings[0].index_price_usd, two.underlyings[0].index_price_usd);
  EXPECT_EQ(one.as_of, two.as_of);
}

}  // namespace
}  // namespace tailmargin
