#include "host/domain/validate/row_checks.hpp"

#include "host/domain/validate/text.hpp"

namespace tailmargin {
namespace {

constexpr std::string_view missing_value =
    "the value is missing (every row needs one here). Fill it in or drop the row.";

std::string_view reason_of(CellState state) {
  switch (state) {
    case CellState::good: break;
    case CellState::missing: return missing_value;
    case CellState::not_a_number:
      return "this is not a number (plain decimals such as -12.5 or 1e-3 are read). Correct it.";
    case CellState::not_finite:
      return "this is not a finite number (nothing can be computed from it). Put in a finite one.";
    case CellState::out_of_range:
      return "this number is too large or too small for a double (it would become infinity or 0). Correct it.";
    case CellState::not_a_time:
      return "this is not a UTC time (times look like 2026-02-05T21:29:37Z, no other offset). Correct it.";
    case CellState::not_a_flag: return "this is neither true nor false (nothing else is read). Correct it.";
  }
  return {};
}

}  // namespace

bool CheckedRow::is_missing(std::size_t column) const {
  const ColumnCells& cells = batch_.columns[column];
  if (!cells.in_file) return true;
  return table_.columns[column].type == ColumnType::text ? cells.text[row_].empty()
                                                         : cells.state[row_] == CellState::missing;
}

std::string CheckedRow::value_text(std::size_t column) const {
  const ColumnCells& cells = batch_.columns[column];
  if (!cells.in_file || is_missing(column)) return {};
  if (!cells.text.empty()) return std::string(cells.text[row_]);
  return cells.numbers.empty() ? format_utc_time(cells.times[row_]) : shortest_number(cells.numbers[row_]);
}

void CheckedRow::report_state(std::size_t column, CellState state) { error(column, reason_of(state)); }

std::optional<double> CheckedRow::number(std::size_t column, NumberRule rule, Presence presence) {
  const ColumnCells& cells = batch_.columns[column];
  const CellState state = cells.in_file ? cells.state[row_] : CellState::missing;
  if (state != CellState::good) {
    if (state != CellState::missing || presence == Presence::required) report_state(column, state);
    return std::nullopt;
  }
  const double value = cells.numbers[row_];
  if (rule == NumberRule::positive && !(value > 0.0)) {
    error(column, "this is not positive (prices, sizes and volatilities are). Correct it or drop the row.");
    return std::nullopt;
  }
  if (rule == NumberRule::not_negative && value < 0.0) {
    error(column, "this is negative (it cannot be below 0). Correct it or leave it empty.");
    return std::nullopt;
  }
  return value;
}

std::optional<UtcTime> CheckedRow::time(std::size_t column) {
  const ColumnCells& cells = batch_.columns[column];
  const CellState state = cells.in_file ? cells.state[row_] : CellState::missing;
  if (state == CellState::good) return cells.times[row_];
  report_state(column, state);
  return std::nullopt;
}

std::optional<std::size_t> CheckedRow::choice(std::size_t column, std::initializer_list<std::string_view> choices) {
  const std::string_view word = text(column);
  if (word.empty()) {
    report_state(column, CellState::missing);
    return std::nullopt;
  }
  std::size_t index = 0;
  std::string expected;
  for (const std::string_view candidate : choices) {
    if (word == candidate) return index;
    ++index;
    expected.append(expected.empty() ? "" : ", ").append(candidate);
  }
  error(column, "this is none of the words known here (" + expected + "). Use one of them, in lower case.");
  return std::nullopt;
}

}  // namespace tailmargin
