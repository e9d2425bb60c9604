// Problems of one file: sorted by row, and bounded, so that a file with millions of bad rows stays readable.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tailmargin/diagnostics.hpp"

namespace tailmargin {

/// Problems of one kind in one field of one file that are listed; the rest is only counted.
inline constexpr std::uint64_t max_listed_problems = 1000;

class ProblemLog {
 public:
  explicit ProblemLog(std::string file) : file_(std::move(file)) {}

  /// `value` may be raw input; it is made printable. Problems with the same field and reason are of one kind.
  void error(std::uint64_t row, std::string_view field, std::string_view value, std::string_view reason) {
    add(Severity::error, reason, row, field, value, reason);
  }
  void warning(std::uint64_t row, std::string_view field, std::string_view value, std::string_view reason) {
    add(Severity::warning, reason, row, field, value, reason);
  }
  /// For reasons that carry a detail of the row: `kind` is what such reasons share.
  void error_of_kind(std::string_view kind, std::uint64_t row, std::string_view field, std::string_view value,
                     std::string_view reason) {
    add(Severity::error, kind, row, field, value, reason);
  }

  bool has_errors() const { return has_errors_; }

  /// Hands over what was found, by row, then one line for each kind of which more was found than is listed.
  void append_to(Diagnostics& diagnostics);

 private:
  struct Kind {
    std::string field;
    Severity severity = Severity::error;
    std::uint64_t count = 0;
  };
  void add(Severity severity, std::string_view kind, std::uint64_t row, std::string_view field, std::string_view value,
           std::string_view reason);

  std::string file_;
  std::vector<Diagnostic> listed_;
  std::vector<Kind> kinds_;                               ///< in the order found
  std::unordered_map<std::string, std::size_t> kind_of_;  ///< field and kind -> index in kinds_
  std::string key_;                                       ///< reused between calls
  bool has_errors_ = false;
};

}  // namespace tailmargin
