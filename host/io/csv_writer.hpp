// The CSV side of TableWriter.
#pragma once

#include "host/io/pending_file.hpp"
#include "host/io/table_writer.hpp"

namespace tailmargin {

/// Line ends are \n; a text is quoted only if it holds a comma, a quote or a line end; no value is an empty field.
class CsvWriter final : public TableWriter {
 public:
  CsvWriter(const std::filesystem::path& file, const TableSpec& table);

  void text(std::string_view value) override;
  void number(double value) override;
  void integer(std::uint32_t value) override;
  void flag(bool value) override;
  void time(UtcTime value) override;
  void missing() override { end_cell(); }
  void commit() override;

 private:
  void end_cell();

  PendingFile file_;
  std::string buffer_;
  std::size_t num_columns_, column_ = 0;
};

}  // namespace tailmargin
