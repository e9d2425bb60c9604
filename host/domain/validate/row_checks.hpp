// Judges cells: turns a cell into a value, or into a problem with its row, field, value and reason.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "host/domain/validate/problem_log.hpp"
#include "host/domain/validate/row_batch.hpp"

namespace tailmargin {

enum class NumberRule : std::uint8_t { any, positive, not_negative };

/// One row of a batch under checks. Cheap to make; holds no values.
class CheckedRow {
 public:
  CheckedRow(const TableSpec& table, const RowBatch& batch, std::size_t row, ProblemLog& problems)
      : table_(table), batch_(batch), row_(row), problems_(problems) {}

  /// Raw text of a cell, empty if the column or the value is missing.
  std::string_view text(std::size_t column) const {
    const ColumnCells& cells = batch_.columns[column];
    return cells.in_file ? cells.text[row_] : std::string_view{};
  }

  /// A number; nothing if it is missing or wrong. A wrong one is a problem; so is a missing one unless optional.
  std::optional<double> number(std::size_t column, NumberRule rule, Presence presence = Presence::required);

  std::optional<UtcTime> time(std::size_t column);

  /// Index of the cell's word among the choices; nothing, and a problem, if it is none of them.
  std::optional<std::size_t> choice(std::size_t column, std::initializer_list<std::string_view> choices);

  bool is_missing(std::size_t column) const;

  void error(std::size_t column, std::string_view reason) {
    problems_.error(row_number(), field(column), value_text(column), reason);
  }
  void error_of_kind(std::string_view kind, std::size_t column, std::string_view reason) {
    problems_.error_of_kind(kind, row_number(), field(column), value_text(column), reason);
  }
  void warning(std::size_t column, std::string_view reason) {
    problems_.warning(row_number(), field(column), value_text(column), reason);
  }

  std::uint64_t row_number() const { return batch_.row_number(row_); }

 private:
  const char* field(std::size_t column) const { return table_.columns[column].name; }
  std::string value_text(std::size_t column) const;
  void report_state(std::size_t column, CellState state);

  const TableSpec& table_;
  const RowBatch& batch_;
  std::size_t row_;
  ProblemLog& problems_;
};

}  // namespace tailmargin
