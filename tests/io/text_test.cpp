// Numbers, times and names in input files.
#include <gtest/gtest.h>

#include <string>

#include "host/domain/validate/name_table.hpp"
#include "host/domain/validate/text.hpp"

namespace tailmargin::test {
namespace {

TEST(UtcTimes, AreReadAndWritten) {
  struct Row {
    const char* text;
    std::int64_t seconds;
    const char* written;
  };
  for (const Row& row : {Row{"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"},
                         Row{"2026-02-05T21:29:37Z", 1770326977, "2026-02-05T21:29:37Z"},
                         Row{"2026-02-05t21:29:37z", 1770326977, "2026-02-05T21:29:37Z"},
                         Row{"2026-02-05T21:29:37.999999+00:00", 1770326977, "2026-02-05T21:29:37Z"},
                         Row{"2024-02-29T23:59:59-00:00", 1709251199, "2024-02-29T23:59:59Z"},
                         Row{"1969-12-31T23:59:59.5Z", -1, "1969-12-31T23:59:59Z"}}) {
    const auto time = parse_utc_time(row.text);
    ASSERT_TRUE(time) << row.text;
    EXPECT_EQ(time->seconds, row.seconds) << row.text;
    EXPECT_EQ(format_utc_time(*time), row.written);
  }
}

TEST(UtcTimes, OfAnyOtherFormAreRefused) {
  for (const char* text :
       {"", "2026-02-05", "2026-02-05T21:29:37", "2026-02-05 21:29:37Z", "2026-02-05T21:29Z", "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-02-05T24:00:00Z", "2026-02-05T21:60:00Z",
        "2026-02-05T21:29:60Z", "2026-02-05T21:29:37.Z", "2026-02-05T21:29:37+01:00", "2026-02-05T21:29:37Z ",
        "26-02-05T21:29:37Z", "+026-02-05T21:29:37Z", "1770326977"}) {
    EXPECT_FALSE(parse_utc_time(text)) << text;
  }
}

TEST(Numbers, AreClassified) {
  EXPECT_EQ(parse_number("-12.5").value, -12.5);
  EXPECT_EQ(parse_number("1e-300").value, 1e-300);
  EXPECT_EQ(parse_number(".5").value, 0.5);
  for (const char* text : {"", " 1", "1 ", "+1", "1,5", "0x10", "1e", "--1", "1_000",
                           "\xC2\xA0"
                           "1"}) {
    EXPECT_EQ(parse_number(text).state, NumberState::not_a_number) << text;
  }
  for (const char* text : {"nan", "inf", "-infinity", "NaN"}) {
    EXPECT_EQ(parse_number(text).state, NumberState::not_finite) << text;
  }
  for (const char* text : {"1e309", "-1e400", "1e-400"}) {
    EXPECT_EQ(parse_number(text).state, NumberState::out_of_range) << text;
  }
}

TEST(Utf8, IsCheckedToTheLastForm) {
  EXPECT_TRUE(is_valid_utf8("\xC3\xBC \xE2\x82\xBF \xF0\x9F\x9A\x80 \xF4\x8F\xBF\xBF"));
  for (const char* text : {"\xFC", "\xC3", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF0\x80\x80\x80",
                           "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "a\x80", "\xE2\x82"}) {
    EXPECT_FALSE(is_valid_utf8(text)) << printable(text);
  }
}

TEST(PrintableText, HidesNothing) {
  EXPECT_EQ(printable("a\tb\xFF\xC3\xBC"), "a\\x09b\\xFF\xC3\xBC");
  EXPECT_EQ(printable(std::string(500, 'x')), std::string(120, 'x') + "...");
}

TEST(NearestName, IsNearOrNone) {
  const std::string_view names[] = {"mark_price", "mark_iv", "bid"};
  EXPECT_EQ(nearest_name("mark_prise", names), "mark_price");
  EXPECT_EQ(nearest_name("markiv", names), "mark_iv");
  EXPECT_EQ(nearest_name("volume", names), "");
}

TEST(NameTable, NumbersNamesInOrderAndRanksThemByBytes) {
  NameTable names;
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(names.insert("name " + std::to_string(i)).is_new);

  EXPECT_EQ(names.size(), 10'000U);
  EXPECT_EQ(names.find("name 9999"), 9999U);
  EXPECT_EQ(names.find("name 10000"), NameTable::absent);
  EXPECT_FALSE(names.insert("name 17").is_new);
  EXPECT_EQ(names.name(17), "name 17");
  EXPECT_EQ(names.ranks()[10], 2U);  // after "name 0" and "name 1"
}

}  // namespace
}  // namespace tailmargin::test
