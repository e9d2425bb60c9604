// [terms] of a model file: read as written, every problem found; and the columns they fill.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "host/io/model_file.hpp"
#include "host/io/run_files.hpp"
#include "tests/io/broken_book.hpp"
#include "tests/io/full_model.hpp"
#include "tests/io/print_diagnostics.hpp"

namespace tailmargin::test {
namespace {

/// The full model with this [terms] at its end.
std::string with_terms(const std::string& keys) {
  return std::string(full) + "\n[terms]\ncalm_regime = \"calm\"\ncrisis_regime = \"stress\"\n" + keys;
}

std::vector<Diagnostic> problems_of(const std::string& text) {
  Diagnostics diagnostics;
  parse_model(text, "model.toml", diagnostics);
  return diagnostics.items();
}

TEST(ModelTerms, AreReadAsWritten) {
  Diagnostics diagnostics;
  const Model model = parse_model(
      with_terms("crisis_start_weight = 0.5\ncorrelation_weight = 1.5\ndependence_weight = 0.25\n"
                 "concentration_weight = 0.3\nstressed_confidence = 0.997\nanti_procyclical = \"stressed\"\n"
                 "buffer = 0.2\nstressed_share = 0.4\nshort_option_minimum = 0.01\nspread_multiple = 2\n"
                 "default_half_spread = 0.02\nimpact = 0.6\npaths_share = 0.5\n"),
      "model.toml", diagnostics);
  EXPECT_EQ(diagnostics.items(), std::vector<Diagnostic>{});
  ASSERT_TRUE(model.terms.has_value());
  const MarginTerms& terms = *model.terms;
  EXPECT_EQ(terms.calm_regime, "calm");
  EXPECT_EQ(terms.crisis_regime, "stress");
  EXPECT_EQ(terms.crisis_start_weight, 0.5);
  EXPECT_EQ(terms.correlation_weight, 1.5);
  EXPECT_EQ(terms.dependence_weight, 0.25);
  EXPECT_EQ(terms.concentration_weight, 0.3);
  EXPECT_EQ(terms.stressed_confidence, 0.997);
  EXPECT_EQ(terms.anti_procyclical, AntiProcyclical::stressed);
  EXPECT_EQ(terms.buffer, 0.2);
  EXPECT_EQ(terms.stressed_share, 0.4);
  EXPECT_EQ(terms.short_option_minimum, 0.01);
  EXPECT_EQ(terms.spread_multiple, 2.0);
  EXPECT_EQ(terms.default_half_spread, 0.02);
  EXPECT_EQ(terms.impact, 0.6);
  EXPECT_EQ(terms.paths_share, 0.5);
}

TEST(ModelTerms, AreNoneWithoutTheTable) {
  Diagnostics diagnostics;
  EXPECT_FALSE(parse_model(full, "model.toml", diagnostics).terms.has_value());
}

TEST(ModelTerms, NameEveryProblem) {
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{{"crisis_start_weight", "2.1"},
                                                                                   {"correlation_weight", "-0.1"},
                                                                                   {"dependence_weight", "1.1"},
                                                                                   {"concentration_weight", "-1"},
                                                                                   {"stressed_confidence", "1"},
                                                                                   {"stressed_confidence", "0.98"},
                                                                                   {"anti_procyclical", "\"often\""},
                                                                                   {"buffer", "2"},
                                                                                   {"stressed_share", "-0.5"},
                                                                                   {"short_option_minimum", "1.5"},
                                                                                   {"spread_multiple", "101"},
                                                                                   {"default_half_spread", "3"},
                                                                                   {"impact", "11"},
                                                                                   {"paths_share", "0"},
                                                                                   {"impacts", "1"}}) {
    const std::vector<Diagnostic> problems = problems_of(with_terms(key + " = " + value + "\n"));
    ASSERT_EQ(problems.size(), 1U) << key << " = " << value;
    EXPECT_EQ(problems[0].field, "terms." + key);
    EXPECT_EQ(problems[0].severity, Severity::error);
    EXPECT_GT(problems[0].row, 0U);
  }
  const std::vector<Diagnostic> unnamed = problems_of(std::string(full) + "\n[terms]\ncalm_regime = \"clam\"\n");
  ASSERT_EQ(unnamed.size(), 2U);
  EXPECT_EQ(unnamed[0].field, "terms.crisis_regime");  // of the table's line, which comes first
  EXPECT_EQ(unnamed[1].field, "terms.calm_regime");
  EXPECT_EQ(unnamed[1].value, "clam");
}

class TermColumns : public ::testing::TestWithParam<FileFormat> {};

TEST_P(TermColumns, AreKeptAndEmptyWithoutTerms) {
  AccountMargin with, without;
  with.account = "with";
  with.has_terms = true;
  with.terms.core_usd = 1.0;
  with.terms.crisis_start_usd = 2.0;
  with.terms.correlation_usd = 3.0;
  with.terms.floor_usd = 4.0;
  with.terms.dependence_usd = 5.0;
  with.terms.concentration_usd = 6.0;
  with.terms.liquidity_usd = 7.0;
  with.terms.short_option_minimum_usd = 8.0;
  with.terms.isolated_usd = 9.0;
  with.terms.cross_usd = 10.0;
  with.terms.fragility = 11.0;
  without.account = "without";
  TemporaryFolder folder;
  const std::vector<AccountMargin> again = read_margins(write_margins({with, without}, folder.path(), GetParam()));
  ASSERT_EQ(again.size(), 2U);
  EXPECT_TRUE(again[0].has_terms);
  const AccountTerms& terms = again[0].terms;
  const std::vector<double> read = {
      terms.core_usd,       terms.crisis_start_usd,  terms.correlation_usd, terms.floor_usd,
      terms.dependence_usd, terms.concentration_usd, terms.liquidity_usd,   terms.short_option_minimum_usd,
      terms.isolated_usd,   terms.cross_usd,         terms.fragility};
  for (std::size_t i = 0; i < read.size(); ++i) { EXPECT_EQ(read[i], static_cast<double>(i + 1)); }
  EXPECT_FALSE(again[1].has_terms);
}

INSTANTIATE_TEST_SUITE_P(Formats, TermColumns, ::testing::Values(FileFormat::csv, FileFormat::parquet));

}  // namespace
}  // namespace tailmargin::test
