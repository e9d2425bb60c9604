// Diagnostics in test failures: one line each.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "tailmargin/diagnostics.hpp"

namespace tailmargin {

inline void PrintTo(const Diagnostic& d, std::ostream* out) {
  *out << "\n  " << (d.severity == Severity::error ? "error " : "warning ") << d.file << " row " << d.row << " field '"
       << d.field << "' value '" << d.value << "': " << d.reason;
}

namespace test {

inline Diagnostic problem(std::string file, std::uint64_t row, std::string field, std::string value,
                          std::string reason) {
  return {std::move(file), row, std::move(field), std::move(value), std::move(reason), Severity::error};
}

inline Diagnostic notice(std::string file, std::uint64_t row, std::string field, std::string value,
                         std::string reason) {
  return {std::move(file), row, std::move(field), std::move(value), std::move(reason), Severity::warning};
}

/// Reasons that quote a library, without what it says: that may change with its version.
inline std::vector<Diagnostic> without_library_text(std::vector<Diagnostic> items) {
  for (Diagnostic& d : items) {
    for (const std::string_view start : {"the file cannot be read: ", "this is not TOML: "}) {
      if (d.reason.starts_with(start)) d.reason = std::string(start) + "*";
    }
  }
  return items;
}

}  // namespace test
}  // namespace tailmargin
