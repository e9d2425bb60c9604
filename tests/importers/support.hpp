// What the import tests share: files made on the spot, look-ups by name, and where real data lies.
#pragma once

#include <unistd.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "tailmargin/book.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {

/// A folder of this test case and process (the same test may run twice at a time), removed when it is done.
class TestFolder {
 public:
  TestFolder() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::temp_directory_path() /
              ("tailmargin-" + std::to_string(getpid()) + "-" + test->test_suite_name() + "-" + test->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~TestFolder() { std::filesystem::remove_all(folder_); }
  TestFolder(const TestFolder&) = delete;             // one owner removes the folder
  TestFolder& operator=(const TestFolder&) = delete;  // likewise

  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }
  std::filesystem::path path() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

inline std::filesystem::path example(const std::string& name) {
  return std::filesystem::path(TAILMARGIN_SOURCE_DIR) / "examples" / "import" / name;
}

inline InstrumentId find_instrument(const Book& book, const std::string& name) {
  const auto found = std::find_if(book.instruments.begin(), book.instruments.end(),
                                  [&](const Instrument& i) { return i.name == name; });
  if (found == book.instruments.end()) { throw std::runtime_error("no instrument " + name); }
  return static_cast<InstrumentId>(found - book.instruments.begin());
}
inline const Instrument& instrument_of(const Book& book, const std::string& name) {
  return book.instruments[find_instrument(book, name)];
}
inline const Quote& quote_of(const Book& book, const std::string& name) {
  return book.quotes[find_instrument(book, name)];
}

inline UnderlyingId find_underlying(const Book& book, const std::string& name) {
  const auto found = std::find_if(book.underlyings.begin(), book.underlyings.end(),
                                  [&](const Underlying& u) { return u.name == name; });
  if (found == book.underlyings.end()) { throw std::runtime_error("no underlying " + name); }
  return static_cast<UnderlyingId>(found - book.underlyings.begin());
}
inline const Underlying& underlying_of(const Book& book, const std::string& name) {
  return book.underlyings[find_underlying(book, name)];
}

/// All problems as text, for messages of failed tests.
inline std::string listed(const Diagnostics& diagnostics) {
  std::string text;
  for (const Diagnostic& d : diagnostics.items()) {
    text += d.file + " row " + std::to_string(d.row) + " " + d.field + " = '" + d.value + "': " + d.reason + "\n";
  }
  return text;
}

/// Whether some problem is in this row and field.
inline bool has_problem(const Diagnostics& diagnostics, std::uint64_t row, const std::string& field,
                        Severity severity) {
  return std::any_of(diagnostics.items().begin(), diagnostics.items().end(),
                     [&](const Diagnostic& d) { return d.row == row && d.field == field && d.severity == severity; });
}

/// A file of real market data, which is not part of the source; nothing if it is not there.
inline std::optional<std::filesystem::path> real_data(const std::string& name) {
  const char* folder = std::getenv("TAILMARGIN_SHARED_DATA");
  const std::filesystem::path base = folder != nullptr
                                         ? std::filesystem::path(folder)
                                         : std::filesystem::path(TAILMARGIN_SOURCE_DIR) / ".." / "shared" / "data";
  const std::filesystem::path file = base / name;
  return std::filesystem::exists(file) ? std::optional(file) : std::nullopt;
}

}  // namespace tailmargin
