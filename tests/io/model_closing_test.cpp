// [closing] of a model file: read as written, every problem found, told in a run's record.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "host/io/model_file.hpp"
#include "host/io/model_json.hpp"
#include "tests/io/broken_book.hpp"
#include "tests/io/full_model.hpp"
#include "tests/io/print_diagnostics.hpp"

namespace tailmargin::test {
namespace {

/// The full model, 24 hours in steps of 4, read at its end, with this [closing] there.
std::string with_closing(const std::string& keys) {
  return edited(edited(full, "measure = \"worst\"\nmeasure_hours = 8\n", ""), "[chain]",
                "[closing]\n" + keys + "[chain]");
}

std::vector<Diagnostic> problems_of(const std::string& text) {
  Diagnostics diagnostics;
  parse_model(text, "model.toml", diagnostics);
  return diagnostics.items();
}

TEST(ModelClosing, IsReadAsWritten) {
  Diagnostics diagnostics;

  const Model model =
      parse_model(with_closing("participation = 0.2\nhours = [28, 48, 96]\n"), "model.toml", diagnostics);

  EXPECT_EQ(diagnostics.items(), std::vector<Diagnostic>{});
  ASSERT_TRUE(model.closing.has_value());
  EXPECT_EQ(model.closing->participation, 0.2);
  EXPECT_EQ(model.closing->hours, (std::vector<double>{28.0, 48.0, 96.0}));
  EXPECT_EQ(model_parameters(model)["closing"].dump(), "{\"participation\":0.2,\"hours\":[28.0,48.0,96.0]}");
}

TEST(ModelClosing, IsNoneWithoutTheTable) {
  Diagnostics diagnostics;
  const Model model = parse_model(full, "model.toml", diagnostics);
  EXPECT_FALSE(model.closing.has_value());
  EXPECT_FALSE(model_parameters(model).contains("closing"));
}

TEST(ModelClosing, NamesEveryProblem) {
  const std::string good = "participation = 0.2\n", hours = "hours = [48]\n";
  const std::string no_steps =
      "this is no whole number of steps (positions close where steps end). Choose a multiple of step_hours.";
  const std::string not_later =
      "this is not later than the horizon and the time before it (each time closes what is left). Put the times in "
      "order.";
  const std::string no_list =
      "the list does not have 1 to 16 times (each adds a column to every instrument). Add or drop some.";
  const std::string range = "the number is out of range (it must be above 0 and at most 1). Correct it.";
  const std::string missing = "the key is missing (it has no default). Add it.";
  const auto expect = [](const std::string& keys, std::uint64_t row, const std::string& field, const std::string& value,
                         const std::string& reason) {
    EXPECT_EQ(problems_of(with_closing(keys)),
              (std::vector<Diagnostic>{{"model.toml", row, field, value, reason, Severity::error}}))
        << keys;
  };
  expect("participation = 0\n" + hours, 7, "closing.participation", "0", range);
  expect("participation = 1.01\n" + hours, 7, "closing.participation", "1.01", range);
  expect(hours, 6, "closing.participation", "", missing);
  expect(good, 6, "closing.hours", "", missing);
  expect(good + "hours = [50]\n", 8, "closing.hours[1]", "50", no_steps);
  expect(good + "hours = [24]\n", 8, "closing.hours[1]", "24", not_later);
  expect(good + "hours = [48, 48]\n", 8, "closing.hours[2]", "48", not_later);
  expect(good + "hours = [96, 48]\n", 8, "closing.hours[2]", "48", not_later);
  expect(good + "hours = [40004]\n", 8, "closing.hours[1]", "40004",
         "the path to this time has more than 10000 steps (a run would not end in useful time). Choose a longer step.");
  expect(good + "hours = []\n", 8, "closing.hours", "[]", no_list);
  const std::string seventeen = "[28, 32, 36, 40, 44, 48, 52, 56, 60, 64, 68, 72, 76, 80, 84, 88, 92]";
  expect(good + "hours = " + seventeen + "\n", 8, "closing.hours", seventeen, no_list);
  expect(good + hours + "hour = 3\n", 9, "closing.hour", "3",
         "the key is unknown (a typo must not change a result unseen). Is hours meant?");
}

TEST(ModelClosing, HasNoWorstLook) {
  const std::vector<Diagnostic> problems =
      problems_of(edited(full, "[chain]", "[closing]\nparticipation = 0.2\nhours = [48]\n[chain]"));
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].field, "closing");
  EXPECT_EQ(problems[0].row, 8U);
  EXPECT_EQ(problems[0].severity, Severity::error);
}

}  // namespace
}  // namespace tailmargin::test
