// ES with a control variate: less noise, no bias, an honest standard error, and the same bits however it is run.
#include "host/estimators/control_variate.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "host/prepare/prepare_run.hpp"
#include "tailmargin/engine.hpp"
#include "tests/estimators/support.hpp"

namespace tailmargin {
namespace {

using namespace test;

/// Mean and variance of a figure over seeds.
class Spread {
 public:
  void add(double value) {
    ++count_;
    const double before = value - mean_;
    mean_ += before / count_;
    squares_ += before * (value - mean_);
  }
  double mean() const { return mean_; }
  double variance() const { return squares_ / (count_ - 1.0); }
  double error() const { return std::sqrt(variance() / count_); }

 private:
  double count_ = 0.0, mean_ = 0.0, squares_ = 0.0;
};

/// One account over seeds.
struct Study {
  Spread plain, controlled, difference, squared_error, plain_squared_error;
};

std::vector<Study> study(const Model& model, std::uint64_t num_paths, int seeds) {
  const Book book = three_coin_book();
  std::vector<Study> out(book.accounts.size());
  ControlVariateOptions options;
  options.loops = {&choose_kernels(Isa::automatic), 2};
  PreparedRun run = prepare_run(book, model, num_paths, 1);
  for (int seed = 0; seed < seeds; ++seed) {
    if (!run.path_weights.empty()) { run = prepare_run(book, model, num_paths, 1000 + seed); }
    run.seed = static_cast<std::uint64_t>(1000 + seed);
    const std::vector<ControlledFigures> figures = control_tails(run, options);
    for (std::size_t a = 0; a < out.size(); ++a) {
      out[a].plain.add(figures[a].es);
      out[a].controlled.add(figures[a].controlled_es);
      out[a].difference.add(figures[a].controlled_es - figures[a].es);
      out[a].squared_error.add(figures[a].controlled_standard_error * figures[a].controlled_standard_error);
      out[a].plain_squared_error.add(figures[a].es_standard_error * figures[a].es_standard_error);
    }
  }
  return out;
}

TEST(ControlVariate, TakesTheNoiseOutOfOptionBooks) {
  const std::vector<Study> accounts = study(one_regime_model(), 20'000, 200);
  const double least[] = {20.0, 4.0, 20.0};  // strangles, delta-hedged straddles, perpetuals

  for (std::size_t a = 0; a < 3; ++a) {
    const Study& s = accounts[a];
    const double ratio = s.plain.variance() / s.controlled.variance();
    RecordProperty("variance_ratio_" + std::to_string(a), std::to_string(ratio));
    EXPECT_GE(ratio, least[a]) << a;
    // 1.15: the spread of 200 seeds has a standard error of 5 %
    EXPECT_NEAR(std::sqrt(s.controlled.variance() / s.squared_error.mean()), 1.0, 0.15) << a;
    EXPECT_NEAR(s.difference.mean(), 0.0, 3.0 * s.difference.error()) << a;
  }
  EXPECT_EQ(accounts[3].controlled.mean(), 0.0);
}

TEST(ControlVariate, AgreesWithARunFiftyTimesAsLong) {
  const std::vector<Study> accounts = study(one_regime_model(), 20'000, 40);
  const Book book = three_coin_book();
  const PreparedRun run = prepare_run(book, one_regime_model(), 1'000'000, 77);
  ControlVariateOptions options;
  options.loops = {&choose_kernels(Isa::automatic), 2};
  const std::vector<ControlledFigures> figures = control_tails(run, options);

  for (std::size_t a = 0; a < 3; ++a) {
    const double known = figures[a].controlled_es, known_error = figures[a].controlled_standard_error;
    EXPECT_NEAR(accounts[a].controlled.mean(), known, 3.5 * std::hypot(accounts[a].controlled.error(), known_error))
        << a;
    EXPECT_NEAR(figures[a].es, known, 3.5 * figures[a].es_standard_error) << a;
  }
}

TEST(ControlVariate, StaysUnbiasedWithRegimesTailsJumpsAndWeights) {
  const std::vector<Study> accounts = study(wild_model(), 20'000, 60);

  for (std::size_t a = 0; a < 3; ++a) {
    const Study& s = accounts[a];
    RecordProperty("variance_ratio_" + std::to_string(a),
                   std::to_string(s.plain_squared_error.mean() / s.squared_error.mean()));
    EXPECT_LT(s.squared_error.mean(), s.plain_squared_error.mean()) << a;
    EXPECT_NEAR(s.difference.mean(), 0.0, 3.5 * s.difference.error()) << a;
  }
}

TEST(ControlVariate, StaysUnbiasedForTheWorstLookOnTheWay) {
  Model model = one_regime_model();
  model.measure = PathMeasure::worst;
  model.measure_hours = 16.0;
  const std::vector<Study> accounts = study(model, 20'000, 40);

  for (std::size_t a = 0; a < 3; ++a) {
    const Study& s = accounts[a];
    EXPECT_LT(2.0 * s.squared_error.mean(), s.plain_squared_error.mean()) << a;
    EXPECT_NEAR(s.difference.mean(), 0.0, 3.5 * s.difference.error()) << a;
  }
}

TEST(ControlVariate, HasTheSameBitsHoweverItIsRun) {
  const PreparedRun run = prepare_run(three_coin_book(), wild_model(), 5'003, 9);
  const auto with = [&](Isa isa, int threads, std::uint64_t batch) {
    ControlVariateOptions options;
    options.loops = {&choose_kernels(isa), threads};
    options.accounts_per_batch = batch;
    return control_tails(run, options);
  };
  const std::vector<ControlledFigures> expected = with(Isa::baseline, 1, 0);
  const std::vector<ControlledFigures> others[] = {with(Isa::baseline, 2, 0), with(Isa::automatic, 1, 0),
                                                   with(Isa::automatic, 2, 1), with(Isa::automatic, 3, 3)};

  for (const std::vector<ControlledFigures>& other : others) {
    ASSERT_EQ(other.size(), expected.size());
    for (std::size_t a = 0; a < expected.size(); ++a) {
      EXPECT_EQ(other[a].es, expected[a].es) << a;
      EXPECT_EQ(other[a].es_standard_error, expected[a].es_standard_error) << a;
      EXPECT_EQ(other[a].controlled_es, expected[a].controlled_es) << a;
      EXPECT_EQ(other[a].controlled_standard_error, expected[a].controlled_standard_error) << a;
    }
  }
}

TEST(ControlVariate, DoesNotDependOnTheBackend) {
  RunConfig config;
  config.num_paths = 3'000;
  config.control_variate = true;
  config.backend = BackendChoice::cpu;
  const RunResult cpu = run_margin(three_coin_book(), one_regime_model(), config);
  config.backend = BackendChoice::reference;
  const RunResult reference = run_margin(three_coin_book(), one_regime_model(), config);

  for (std::size_t a = 0; a < cpu.margins.size(); ++a) {
    const ControlledEsFigures &one = cpu.margins[a].controlled_es, &other = reference.margins[a].controlled_es;
    EXPECT_EQ(one.es_usd, other.es_usd) << a;
    EXPECT_EQ(one.controlled_es_usd, other.controlled_es_usd) << a;
    EXPECT_EQ(one.controlled_es_se_usd, other.controlled_es_se_usd) << a;
    // The margins file's ES is the same sample's, in float on the cpu.
    EXPECT_NEAR(one.es_usd, cpu.margins[a].es_usd, 1e-5 * std::fabs(one.es_usd)) << a;
    EXPECT_EQ(cpu.margins[a].initial_margin_usd, std::max(cpu.margins[a].es_usd, 0.0)) << a;
  }
}

TEST(ControlVariate, AccountsDoNotDependOnEachOther) {
  const PreparedRun run = prepare_run(three_coin_book(), one_regime_model(), 2'000, 4);
  PreparedRun last = run;
  last.accounts = select_accounts(run.accounts, {2, 0});
  ControlVariateOptions options;
  options.loops = fast_loops();

  const std::vector<ControlledFigures> all = control_tails(run, options), some = control_tails(last, options);

  EXPECT_EQ(some[0].controlled_es, all[2].controlled_es);
  EXPECT_EQ(some[1].controlled_es, all[0].controlled_es);
}

TEST(ControlVariate, CanBeStopped) {
  const PreparedRun run = prepare_run(three_coin_book(), one_regime_model(), 2'000, 4);
  const std::atomic<bool> stop{true};
  ControlVariateOptions options;
  options.loops = fast_loops();
  options.stop = &stop;

  EXPECT_THROW(control_tails(run, options), Interrupted);
}

}  // namespace
}  // namespace tailmargin
