#include "host/io/csv_writer.hpp"

#include <array>
#include <charconv>
#include <string>

#include "host/domain/validate/text.hpp"

namespace tailmargin {
namespace {

constexpr std::size_t buffer_bytes = 1 << 20;

template <class Number>
void append_number(std::string& buffer, Number value) {
  std::array<char, 32> digits;
  const auto [end, code] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  buffer.append(digits.data(), end);
}

}  // namespace

CsvWriter::CsvWriter(const std::filesystem::path& file, const TableSpec& table)
    : file_(file), num_columns_(table.columns.size()) {
  buffer_.reserve(buffer_bytes + 4096);
  for (const ColumnSpec& column : table.columns) text(column.name);
}

void CsvWriter::text(std::string_view value) {
  if (value.find_first_of(",\"\r\n") == std::string_view::npos) {
    buffer_ += value;
  } else {
    buffer_ += '"';
    for (const char c : value) buffer_.append(c == '"' ? 2 : 1, c);
    buffer_ += '"';
  }
  end_cell();
}

void CsvWriter::number(double value) {
  append_number(buffer_, value);
  end_cell();
}

void CsvWriter::integer(std::uint32_t value) {
  append_number(buffer_, value);
  end_cell();
}

void CsvWriter::flag(bool value) {
  buffer_ += value ? "true" : "false";
  end_cell();
}

void CsvWriter::time(UtcTime value) {
  buffer_ += format_utc_time(value);
  end_cell();
}

void CsvWriter::end_cell() {
  column_ = (column_ + 1) % num_columns_;
  buffer_ += column_ == 0 ? '\n' : ',';
  if (buffer_.size() < buffer_bytes) return;
  file_.write(buffer_);
  buffer_.clear();
}

void CsvWriter::commit() {
  file_.write(buffer_);
  file_.commit();
}

}  // namespace tailmargin
