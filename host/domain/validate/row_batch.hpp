// A run of rows of a table as a reader hands it over: column by column, decoded but not yet judged.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tailmargin/book.hpp"

namespace tailmargin {

enum class ColumnType : std::uint8_t {
  text,
  number,   ///< double
  integer,  ///< whole, 0 to 2^32 - 1; decoded as a number
  flag,     ///< true or false; decoded as 1 or 0
  time,     ///< UTC, seconds
};

/// Whether a table was read whole. If not, names that seem unknown may only be unread, and are not reported.
enum class Completeness : std::uint8_t { whole, partial };

enum class Presence : std::uint8_t { required, optional };

struct ColumnSpec {
  const char* name;
  ColumnType type;
  Presence presence = Presence::required;
};

/// A table by its file name without extension, and the columns it may have.
struct TableSpec {
  const char* name;
  std::vector<ColumnSpec> columns;
};

/// An empty text is a missing one, so text cells have no state of their own.
enum class CellState : std::uint8_t { good, missing, not_a_number, not_finite, out_of_range, not_a_time, not_a_flag };

/// One column of a batch. Vectors are reused from batch to batch; what is not of the column's type stays empty.
struct ColumnCells {
  bool in_file = false;
  std::vector<std::string_view> text;  ///< [row] as in the file; not for numbers and times from Parquet
  std::vector<CellState> state;        ///< [row] not for text
  std::vector<double> numbers;         ///< [row]
  std::vector<UtcTime> times;          ///< [row]
};

/// Valid only during the call that hands it over: texts point into the reader's memory.
struct RowBatch {
  std::size_t num_rows = 0;
  std::size_t expected_rows = 0;           ///< of the whole table, about
  std::uint64_t first_row = 1;             ///< number of row 0 in the file, data rows count from 1
  std::vector<std::uint64_t> row_numbers;  ///< [row] if rows of the file were left out, else empty
  std::vector<ColumnCells> columns;        ///< [column of the TableSpec]

  std::uint64_t row_number(std::size_t row) const { return row_numbers.empty() ? first_row + row : row_numbers[row]; }
};

}  // namespace tailmargin
