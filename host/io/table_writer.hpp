// Writes tables row by row, as CSV or Parquet. The same rows give the same bytes, whenever and wherever.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "host/domain/validate/row_batch.hpp"
#include "host/io/book_files.hpp"

namespace tailmargin {

/// Cells are given in the order of the columns, row after row. All functions throw std::runtime_error if the file
/// cannot be written; then, and if commit() is never called, no file is left behind.
class TableWriter {
 public:
  virtual ~TableWriter() = default;
  virtual void text(std::string_view value) = 0;
  virtual void number(double value) = 0;
  virtual void integer(std::uint32_t value) = 0;
  virtual void flag(bool value) = 0;
  virtual void time(UtcTime value) = 0;
  virtual void missing() = 0;
  virtual void commit() = 0;

  void number(const std::optional<double>& value) { value ? number(*value) : missing(); }
};

/// A writer for `folder`/NAME.csv or NAME.parquet; the folder must exist.
std::unique_ptr<TableWriter> create_table(const std::filesystem::path& folder, const TableSpec& table,
                                          FileFormat format);

/// Removes the file a table has in the other format, which is out of date once this one is written.
void remove_other_format(const std::filesystem::path& folder, const char* name, FileFormat written);

/// Path of a table's file.
std::filesystem::path table_path(const std::filesystem::path& folder, const char* name, FileFormat format);

}  // namespace tailmargin
