// What is wrong with an input, and the exceptions of the library.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tailmargin {

enum class Severity { error, warning };

/// One problem in the input. `row` counts data rows from 1; 0 when the problem is not in one row.
struct Diagnostic {
  std::string file;
  std::uint64_t row = 0;
  std::string field;
  std::string value;
  std::string reason;  ///< what is wrong (why it matters). What to do.
  Severity severity = Severity::error;

  friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

/// Collects problems; reading and checking go on after the first.
class Diagnostics {
 public:
  void error(std::string file, std::uint64_t row, std::string field, std::string value, std::string reason) {
    items_.push_back({std::move(file), row, std::move(field), std::move(value), std::move(reason), Severity::error});
    ++errors_;
  }
  void warning(std::string file, std::uint64_t row, std::string field, std::string value, std::string reason) {
    items_.push_back({std::move(file), row, std::move(field), std::move(value), std::move(reason), Severity::warning});
  }
  bool has_errors() const { return errors_ != 0; }
  std::size_t num_errors() const { return errors_; }
  const std::vector<Diagnostic>& items() const { return items_; }

 private:
  std::vector<Diagnostic> items_;
  std::size_t errors_ = 0;
};

/// The input is unusable; carries every problem found. Exit code 3.
class InputError : public std::runtime_error {
 public:
  explicit InputError(Diagnostics diagnostics)
      : std::runtime_error(std::to_string(diagnostics.num_errors()) + " problem(s) in the input"),
        diagnostics_(std::move(diagnostics)) {}
  const Diagnostics& diagnostics() const { return diagnostics_; }

 private:
  Diagnostics diagnostics_;
};

/// The caller asked for something the API does not offer. Exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A file or folder cannot be read or written; the message names it and the cure. Exit code 1.
class FileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The backend was not built or has no device; the message names the cure. Exit code 4.
class BackendUnavailable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The run was stopped by a signal. Exit code 5.
class Interrupted : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace tailmargin
