// Real chains, which are not part of the source: these tests skip, and say so, where the data is absent.
// TAILMARGIN_SHARED_DATA names the folder.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "host/importers/import_market.hpp"
#include "kernels/math/black76.hpp"
#include "tests/importers/support.hpp"

namespace tailmargin {
namespace {

struct Snapshot {
  const char* file;
  std::size_t num_options;
  std::size_t num_vols_filled;  ///< blank in the source and without time value
  double median, tenth, worst;  ///< bounds of |Black-76 - mark|, coins: at the median, 90 %, the worst
};

std::vector<double> sorted_errors(const Book& book) {
  std::vector<double> errors;
  for (InstrumentId i = 0; i < book.instruments.size(); ++i) {
    const Instrument& option = book.instruments[i];
    const Quote& quote = book.quotes[i];
    const double years = static_cast<double>(option.expiry.seconds - book.as_of.seconds) / (365.0 * 86400.0);
    const double moneyness = option.strike / *quote.forward;
    const double value = math::black76_over_forward(option.option_type == OptionType::call ? 1.0 : -1.0,
                                                    math::log(moneyness), moneyness, *quote.mark_iv * std::sqrt(years));
    errors.push_back(std::abs(value - *quote.mark_price));
  }
  std::sort(errors.begin(), errors.end());
  return errors;
}

class RealChain : public ::testing::TestWithParam<Snapshot> {};

TEST_P(RealChain, ImportsWholeAndPricesBack) {
  const Snapshot& snapshot = GetParam();
  const auto file = real_data(snapshot.file);
  if (!file) {
    GTEST_SKIP() << snapshot.file << " is not there; set TAILMARGIN_SHARED_DATA to the folder of market data";
  }
  Diagnostics diagnostics;

  const Book book = import_deribit({*file}, diagnostics);

  ASSERT_FALSE(diagnostics.has_errors()) << listed(diagnostics);
  EXPECT_EQ(diagnostics.items().size(), snapshot.num_vols_filled) << listed(diagnostics);
  ASSERT_EQ(book.instruments.size(), snapshot.num_options);
  std::map<std::tuple<UnderlyingId, UtcTime>, double> forwards;
  for (InstrumentId i = 0; i < book.instruments.size(); ++i) {
    const auto key = std::make_tuple(book.instruments[i].underlying, book.instruments[i].expiry);
    EXPECT_EQ(forwards.emplace(key, *book.quotes[i].forward).first->second, *book.quotes[i].forward);
  }
  const std::vector<double> errors = sorted_errors(book);
  EXPECT_LT(errors[errors.size() / 2], snapshot.median);
  EXPECT_LT(errors[errors.size() * 9 / 10], snapshot.tenth);
  EXPECT_LT(errors.back(), snapshot.worst);
}

// Worst: what the notes on the data state for all chains, 3e-3 coin. Medians and tenths: measured here, with room of
// about two; the stress day and 2020 are above the average because their options were quoted seconds or minutes apart.
INSTANTIATE_TEST_SUITE_P(All, RealChain,
                         ::testing::Values(Snapshot{"options_snapshot_2026-02-05.csv", 1840, 0, 5e-5, 6e-4, 3e-3},
                                           Snapshot{"options_snapshot_2026-01-15.csv", 1416, 0, 1e-5, 1e-4, 3e-3},
                                           Snapshot{"options_snapshot_2024-01-08_eth.csv", 684, 12, 1e-6, 1e-5, 3e-3},
                                           Snapshot{"options_snapshot_2020-05-21_btc.csv", 326, 0, 5e-5, 5e-4, 3e-3}),
                         [](const auto& chain) {
                           std::string name(chain.param.file);
                           std::replace_if(
                               name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
                           return name;
                         });

TEST(RealPerpetuals, ImportWhole) {
  const auto file = real_data("perps_snapshot_2026-03-01.csv");
  if (!file) { GTEST_SKIP() << "the snapshot is not there; set TAILMARGIN_SHARED_DATA to the folder of market data"; }
  Diagnostics diagnostics;

  const Book book = import_binance({*file}, {}, diagnostics);
  const Book top = import_binance({*file}, {.top = 20}, diagnostics);

  ASSERT_TRUE(diagnostics.items().empty()) << listed(diagnostics);
  EXPECT_EQ(book.instruments.size(), 536u);
  EXPECT_EQ(underlying_of(book, "BTC").index_price_usd, 65750.0);
  EXPECT_EQ(instrument_of(book, "1000SHIBUSDT").contract_size, 1000.0);
  EXPECT_EQ(underlying_of(book, "BTC").funding_rate_8h, 7.212e-05 / 3.0);
  ASSERT_EQ(top.instruments.size(), 20u);
  EXPECT_NO_THROW(find_instrument(top, "BTCUSDT"));
}

}  // namespace
}  // namespace tailmargin
