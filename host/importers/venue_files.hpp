// Reading a venue's files: JSON documents field by field, and what kind of file it is.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "host/domain/validate/problem_log.hpp"
#include "host/domain/validate/row_checks.hpp"
#include "tailmargin/book.hpp"

namespace tailmargin::importers {

using Json = nlohmann::json;

/// One object of a document under checks. A missing field and null are the same.
class JsonRow {
 public:
  JsonRow(const Json& object, std::uint64_t row, ProblemLog& problems)
      : object_(object), row_(row), problems_(problems) {}

  bool has(const char* field) const;
  std::string text(const char* field) const;  ///< empty if missing or no string

  /// A number, or a string that is one. Nothing if missing; nothing and a problem if wrong.
  std::optional<double> number(const char* field, NumberRule rule) const;

  /// Milliseconds since 1970.
  std::optional<UtcTime> time_ms(const char* field) const;

  /// The same checks on an object inside this one; on an empty one if there is none.
  JsonRow inside(const char* field) const;

  void error(const char* field, const std::string& reason) const;
  void warning(const char* field, const std::string& reason) const;
  std::uint64_t row() const { return row_; }

 private:
  const Json& object_;
  std::uint64_t row_;
  ProblemLog& problems_;
};

enum class FileKind : std::uint8_t { json, table, unreadable };

/// By content: a document starts with a brace or bracket.
FileKind kind_of_file(const std::filesystem::path& file, ProblemLog& problems);

/// First line of a table, to tell which one it is.
std::string header_of(const std::filesystem::path& file);

/// Hands over each document of a file: one, or several one after the other.
void read_documents(const std::filesystem::path& file, ProblemLog& problems,
                    const std::function<void(const Json&)>& consume);

}  // namespace tailmargin::importers
