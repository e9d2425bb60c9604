// Whole runs on a real option market: every option priced, its unshocked value the mark, its unshocked P&L zero.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "host/importers/import_market.hpp"
#include "host/prepare/prepare_run.hpp"
#include "tailmargin/engine.hpp"
#include "tests/importers/support.hpp"

namespace tailmargin {
namespace {

/// The market with one account for each instrument, holding one contract.
Book one_account_each(const std::filesystem::path& file) {
  Diagnostics diagnostics;
  Book book = import_deribit({file}, diagnostics);
  EXPECT_FALSE(diagnostics.has_errors());
  for (InstrumentId i = 0; i < book.instruments.size(); ++i) {
    book.accounts.push_back(book.instruments[i].name);
    book.positions.push_back({i, i, 1.0, 0.0});
  }
  return book;
}

Model still_model() {
  Model model;
  model.name = "nothing moves";
  model.time_roll = TimeRoll::off;
  model.regimes.push_back({"only", {{"*", {}}}});
  model.transition = {{1.0}};
  return model;
}

class RealMarket : public testing::TestWithParam<const char*> {};

TEST_P(RealMarket, UnshockedValuesAreTheMarks) {
  const auto file = real_data(GetParam());
  if (!file) { GTEST_SKIP() << GetParam() << " is not there; set TAILMARGIN_SHARED_DATA to the folder of market data"; }
  const Book book = one_account_each(*file);

  const PreparedRun run = prepare_run(book, still_model(), 1000, 1);

  std::vector<double> errors;  // coins per coin of underlying
  for (InstrumentId i = 0; i < book.instruments.size(); ++i) {
    if (book.instruments[i].kind == InstrumentKind::option) {
      errors.push_back(std::fabs(run.columns.model_value[i] - *book.quotes[i].mark_price));
    }
  }
  std::sort(errors.begin(), errors.end());
  // Marks are printed with vols of six and prices of eight digits; the data's own note gives 3e-3 at worst.
  EXPECT_LT(errors.back(), 3e-3);
  EXPECT_LT(errors[errors.size() / 2], 3e-5);
}

TEST_P(RealMarket, NothingMovesNothingIsLost) {
  const auto file = real_data(GetParam());
  if (!file) { GTEST_SKIP() << GetParam() << " is not there; set TAILMARGIN_SHARED_DATA to the folder of market data"; }
  const Book book = one_account_each(*file);
  RunConfig config;
  config.num_paths = 128;
  config.backend = BackendChoice::cpu;

  const RunResult result = run_margin(book, still_model(), config);

  ASSERT_EQ(result.margins.size(), book.instruments.size());
  for (const AccountMargin& m : result.margins) { ASSERT_EQ(m.worst_loss_usd, 0.0) << m.account; }
}

TEST_P(RealMarket, EveryOptionIsPricedOnEveryPath) {
  const auto file = real_data(GetParam());
  if (!file) { GTEST_SKIP() << GetParam() << " is not there; set TAILMARGIN_SHARED_DATA to the folder of market data"; }
  const Book book = one_account_each(*file);
  Model model = still_model();
  model.time_roll = TimeRoll::on;
  model.regimes[0].vols = {{"*", {0.8, 1.0, 0.3, 0.05}}};
  RunConfig config;
  config.num_paths = 2000;
  config.backend = BackendChoice::cpu;

  const RunResult result = run_margin(book, model, config);

  for (const AccountMargin& m : result.margins) {
    const InstrumentId i = static_cast<InstrumentId>(&m - result.margins.data());
    ASSERT_TRUE(std::isfinite(m.es_usd)) << m.account;
    // A long option loses at most what it is worth now (the entry price of zero makes its value a balance).
    const double worth = *book.quotes[i].mark_price * book.underlyings[book.instruments[i].underlying].index_price_usd;
    EXPECT_LE(m.worst_loss_usd, worth + 5e-3 * book.underlyings[book.instruments[i].underlying].index_price_usd)
        << m.account;
  }
}

INSTANTIATE_TEST_SUITE_P(Snapshots, RealMarket,
                         testing::Values("options_snapshot_2026-02-05.csv", "options_snapshot_2026-01-15.csv",
                                         "options_snapshot_2024-01-08_eth.csv", "options_snapshot_2020-05-21_btc.csv"));

}  // namespace
}  // namespace tailmargin
