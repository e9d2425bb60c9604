// The check that decides whether a C++ peer agrees.
#include <gtest/gtest.h>

#include <limits>

#include "bench/peers/report.hpp"

namespace tailmargin::peers {
namespace {

const std::vector<double> answers = {100.0, 2e6, 3.5};

TEST(PeerCheck, PassesEqualAnswers) {
  const Check check = check_es(answers, answers);

  EXPECT_TRUE(check.passed()) << check.json;
  EXPECT_EQ(check.largest_difference, 0.0);
}

TEST(PeerCheck, FailsIfOneAnswerDiffersByMoreThanAllowed) {
  for (std::size_t wrong = 0; wrong < answers.size(); ++wrong) {
    std::vector<double> es = answers;
    es[wrong] *= 1.0 + 1.1 * es_tolerance;

    EXPECT_FALSE(check_es(es, answers).passed()) << "account " << wrong;

    es[wrong] = answers[wrong] * (1.0 - 0.9 * es_tolerance);
    EXPECT_TRUE(check_es(es, answers).passed()) << "account " << wrong;
  }
}

TEST(PeerCheck, FailsIfOneAnswerIsNotANumber) {
  for (std::size_t wrong = 0; wrong < answers.size(); ++wrong) {
    std::vector<double> es = answers;
    es[wrong] = std::numeric_limits<double>::quiet_NaN();

    const Check check = check_es(es, answers);

    EXPECT_FALSE(check.passed()) << "account " << wrong;
    EXPECT_NE(check.json.find("\"largest_relative_es_difference\": null"), std::string::npos) << check.json;
  }
}

TEST(PeerStages, AreGivenAsMedianLowAndHigh) {
  const std::string json = stages_json({{"pnl", {4.0, 2.0, 3.0}, 6.0, "position-paths"}, {"exact", {0.5}, 0.0, ""}});

  EXPECT_EQ(json,
            "{\"pnl\": {\"seconds\": 3, \"low\": 2, \"high\": 4, \"work\": 6, \"rate\": 2, \"unit\": "
            "\"position-paths/s\"}, \"exact\": {\"seconds\": 0.5, \"low\": 0.5, \"high\": 0.5}}");
}

}  // namespace
}  // namespace tailmargin::peers
