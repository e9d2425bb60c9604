// Single positions and small books against published or high-precision values, each under a model file of its own.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "host/engine/price_paths.hpp"
#include "host/io/model_file.hpp"
#include "tests/support/small_book.hpp"

namespace tailmargin::test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t num_paths = 100'000;
#else
constexpr std::uint64_t num_paths = 1'000'000;
#endif

struct Tail {
  double var, es;
};

Model model_of(const std::string& name) {
  Diagnostics diagnostics;
  Model model = read_model(std::string(TAILMARGIN_SOURCE_DIR) + "/tests/checks/models/" + name + ".toml", diagnostics);
  EXPECT_FALSE(diagnostics.has_errors()) << name;
  return model;
}

AccountMargin run_one(const BookMaker& maker, const Model& model) {
  RunConfig config;
  config.num_paths = num_paths;
  config.sampler = Sampler::plain;
  config.backend = BackendChoice::cpu;
  config.keep_tail_paths = true;
  return run_margin(maker.book(), model, config).margins.front();
}

/// Leaves a number in the test's report: docs/validation.md is written from it.
void record(const std::string& what, double ours) { testing::Test::RecordProperty(what, std::to_string(ours)); }

void expect_tail(const char* what, const AccountMargin& margin, const Tail& expected) {
  record(std::string(what) + " VaR", margin.var_usd);
  record(std::string(what) + " VaR s.e.", margin.var_se_usd);
  record(std::string(what) + " ES", margin.es_usd);
  record(std::string(what) + " ES s.e.", margin.es_se_usd);
  EXPECT_NEAR(margin.var_usd, expected.var, 3.0 * margin.var_se_usd) << "VaR, s.e. " << margin.var_se_usd;
  EXPECT_NEAR(margin.es_usd, expected.es, 3.0 * margin.es_se_usd) << "ES, s.e. " << margin.es_se_usd;
  EXPECT_LT(margin.es_se_usd, 0.02 * expected.es) << "a bound too wide to find an error";
}

/// One perpetual of a price of one million on each of `coins` underlyings.
BookMaker long_coins(int coins) {
  BookMaker maker;
  for (int c = 0; c < coins; ++c) { maker.underlying("C" + std::to_string(c), 1e6); }
  std::vector<InstrumentId> perpetuals;
  for (int c = 0; c < coins; ++c) {
    perpetuals.push_back(
        maker.perpetual("C" + std::to_string(c) + "-PERP", static_cast<UnderlyingId>(c), Payoff::linear));
  }
  const AccountId account = maker.account("a");
  for (const InstrumentId i : perpetuals) { maker.hold(account, i, 1.0); }
  return maker;
}

// Short 30-day at-the-money straddle, S = 60,000, vol 60 %, two days, zero log drift, vol shock eta 12 % in two days,
// correlation with the price -0.4 or +0.4. Values from high-precision integration outside this project.
TEST(CheckValues, ShortStraddleWithAndWithoutVolShock) {
  struct Case {
    const char* model;
    Tail tail;
  };
  for (const Case& c : {Case{"straddle", {1757.6259, 2321.2786}}, Case{"straddle-vol-rises", {2503.487, 2976.038}},
                        Case{"straddle-vol-falls", {3202.558, 3891.327}}}) {
    SCOPED_TRACE(c.model);
    BookMaker maker;
    const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
    const InstrumentId call = maker.option("BTC-C", btc, 30.0, 60'000.0, OptionType::call, 0.6);
    const InstrumentId put = maker.option("BTC-P", btc, 30.0, 60'000.0, OptionType::put, 0.6);
    maker.hold(maker.account("a"), call, -1.0).hold(0, put, -1.0);

    expect_tail(c.model, run_one(maker, model_of(c.model)), c.tail);
  }
}

// An inverse contract of 600,000 USD at 60,000, two days. In coins a long loses 10 (e^-x - 1), a short 10 (1 - e^-x):
// check values 1.0884884 and 1.2577201 BTC long, 0.9816382 and 1.1155095 short. Margins are in USD, so the coins are
// counted on the paths of the tail, and the USD on the same paths must be the margin's.
TEST(CheckValues, InverseContractInCoins) {
  for (const double side : {1.0, -1.0}) {
    SCOPED_TRACE(side > 0.0 ? "long" : "short");
    BookMaker maker;
    const UnderlyingId btc = maker.underlying("BTC", 60'000.0);
    maker.hold(maker.account("a"), maker.perpetual("BTC-PERP", btc, Payoff::inverse), side * 600'000.0);
    const Model model = model_of("two-days");
    const AccountMargin margin = run_one(maker, model);
    Diagnostics diagnostics;
    const PricePaths paths = simulate_prices(model, {"BTC"}, {48}, num_paths, 1, diagnostics);

    double coins = 0.0, usd = 0.0;
    for (const std::uint32_t path : margin.tail_paths) {
      const double x = static_cast<double>(paths.log_change[0][0][path]);
      coins += side * 10.0 * std::expm1(-x);
      usd -= side * 600'000.0 * std::expm1(x);
    }
    const double count = static_cast<double>(margin.tail_paths.size());
    const double edge = std::fabs(static_cast<double>(paths.log_change[0][0][margin.tail_paths.back()]));

    record(side > 0.0 ? "long VaR, BTC" : "short VaR, BTC", side * 10.0 * std::expm1(side * edge));
    record(side > 0.0 ? "long ES, BTC" : "short ES, BTC", coins / count);
    record(side > 0.0 ? "long ES s.e., BTC" : "short ES s.e., BTC", margin.es_se_usd / 60'000.0);
    EXPECT_NEAR(usd / count, margin.es_usd, 1e-6 * margin.es_usd);
    const double var_bound = 3.0 * margin.var_se_usd / 60'000.0 * 1.2,
                 es_bound = 3.0 * margin.es_se_usd / 60'000.0 * 1.2;
    EXPECT_NEAR(side * 10.0 * std::expm1(side * edge), side > 0.0 ? 1.0884884 : 0.9816382, var_bound);
    EXPECT_NEAR(coins / count, side > 0.0 ? 1.2577201 : 1.1155095, es_bound);
  }
}

// Price moves of 1e-4: losses are the shock itself, times 100 USD, to 2e-4 of it. N(0, 1): VaR 2.326347874, ES
// 2.665214220; an equal pair with correlation 0.5: sqrt(3) times that, 4.029353 and 4.616286.
TEST(CheckValues, NormalLossAndGaussianPair) {
  const Model model = model_of("small-normal");

  expect_tail("one", run_one(long_coins(1), model), {232.6347874, 266.5214220});
  expect_tail("pair", run_one(long_coins(2), model), {402.9353, 461.6286});
}

// Student t with 4 degrees of freedom in scale units: VaR 3.746947, ES 5.220584. A pair of the bivariate t with
// correlation 0.5 is sqrt(3) times as wide.
TEST(CheckValues, StudentLossAndStudentPair) {
  const Model model = model_of("small-student-4");

  expect_tail("one", run_one(long_coins(1), model), {374.6947, 522.0584});
  expect_tail("pair", run_one(long_coins(2), model), {374.6947 * std::sqrt(3.0), 522.0584 * std::sqrt(3.0)});
}

}  // namespace
}  // namespace tailmargin::test
