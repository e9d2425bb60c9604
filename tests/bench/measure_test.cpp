// A wrong answer ends the bench; repeats, spreads and whole processes are what they say.
#include "host/bench/measure.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace tailmargin::bench {
namespace {

/// An engine that gives one account an ES, on the reference backend another.
Engine engine_with(double es_usd, double reference_es_usd) {
  return [=](const Book&, const Model&, const RunConfig& config) {
    RunResult result;
    AccountMargin margin;
    margin.account = "alice";
    margin.gross_notional_usd = 1000.0;
    margin.es_usd = config.backend == BackendChoice::reference ? reference_es_usd : es_usd;
    result.margins.push_back(margin);
    return result;
  };
}

TEST(CheckAnswer, AWrongAnswerEndsTheBench) {
  for (const double wrong : {99.8, 100.2, -100.0, 0.0, std::numeric_limits<double>::quiet_NaN()}) {
    try {
      check_answer({}, {}, {}, engine_with(wrong, 100.0));
      FAIL() << wrong << " was taken for 100";
    } catch (const std::runtime_error& error) {
      EXPECT_NE(std::string(error.what()).find("the bench stops: account alice"), std::string::npos) << error.what();
    }
  }
}

TEST(CheckAnswer, ARightOnePasses) {
  EXPECT_NO_THROW(check_answer({}, {}, {}, engine_with(100.0, 100.0)));
  EXPECT_NO_THROW(check_answer({}, {}, {}, engine_with(100.05, 100.0)));
}

TEST(CheckAnswer, NoticesAccountsThatAreMissing) {
  const Engine engine = [](const Book&, const Model&, const RunConfig& config) {
    RunResult result;
    result.margins.resize(config.backend == BackendChoice::reference ? 2 : 1);
    return result;
  };

  EXPECT_THROW(check_answer({}, {}, {}, engine), std::runtime_error);
}

TEST(RepeatRun, KeepsTheWarmUpApart) {
  int calls = 0;
  const Engine engine = [&calls](const Book&, const Model&, const RunConfig&) {
    RunResult result;
    result.stages = {{"pnl", calls == 0 ? 1000.0 : static_cast<double>(calls)}, {"tail", 0.5}};
    ++calls;
    return result;
  };

  const Repeats repeats = repeat_run({}, {}, {}, 3, engine);

  EXPECT_EQ(calls, 4);
  EXPECT_EQ(repeats.run.seconds.size(), 3u);
  ASSERT_EQ(repeats.stages.size(), 2u);
  EXPECT_EQ(repeats.stages[0].stage, "pnl");
  EXPECT_EQ(repeats.stages[0].times.seconds, (std::vector<double>{1.0, 2.0, 3.0}));
}

TEST(Times, MedianAndRange) {
  EXPECT_EQ((Times{{3.0, 1.0, 2.0}}.median()), 2.0);
  EXPECT_EQ((Times{{4.0, 1.0, 2.0, 3.0}}.median()), 2.5);
  EXPECT_EQ((Times{{3.0, 1.0, 2.0}}.low()), 1.0);
  EXPECT_EQ((Times{{3.0, 1.0, 2.0}}.high()), 3.0);
}

TEST(RunProcess, ReportsTimeMemoryAndExitCode) {
  const ProcessRun slept = run_process({"/bin/sh", "-c", "sleep 0.2; exit 7"});

  EXPECT_GE(slept.seconds, 0.2);
  EXPECT_LT(slept.seconds, 20.0);
  EXPECT_EQ(slept.exit_code, 7);
  EXPECT_GT(slept.peak_rss_bytes, std::uint64_t{100} << 10);  // a shell needs a few hundred KiB
  EXPECT_EQ(run_process({"/bin/sh", "-c", "kill -9 $$"}).exit_code, 128 + 9);
}

TEST(RunProcess, SaysWhatCannotBeStarted) { EXPECT_THROW(run_process({"/nowhere/tailmargin"}), std::runtime_error); }

TEST(TemporaryFolder, IsGoneAfterwards) {
  std::filesystem::path path;
  {
    const TemporaryFolder folder;
    path = folder.path();
    EXPECT_TRUE(std::filesystem::is_directory(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace tailmargin::bench
