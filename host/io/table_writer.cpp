// Includes Arrow; the only writer of Parquet.
#include "host/io/table_writer.hpp"

#include <arrow/api.h>
#include <arrow/io/api.h>
#include <arrow/util/compression.h>
#include <fcntl.h>
#include <parquet/arrow/writer.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <system_error>

#include "host/io/csv_writer.hpp"
#include "host/io/pending_file.hpp"

namespace tailmargin {
namespace {

constexpr std::int64_t rows_per_group = 1 << 20;

std::shared_ptr<arrow::DataType> arrow_type(ColumnType type) {
  switch (type) {
    case ColumnType::text: return arrow::utf8();
    case ColumnType::number: return arrow::float64();
    case ColumnType::integer: return arrow::uint32();
    case ColumnType::flag: return arrow::boolean();
    case ColumnType::time: return arrow::timestamp(arrow::TimeUnit::MILLI, "UTC");  // Parquet has no seconds
  }
  return arrow::null();
}

class ParquetWriter final : public TableWriter {
 public:
  ParquetWriter(const std::filesystem::path& file, const TableSpec& table);
  ~ParquetWriter() override;

  void text(std::string_view value) override { append<arrow::StringBuilder>(value); }
  void number(double value) override { append<arrow::DoubleBuilder>(value); }
  void integer(std::uint32_t value) override { append<arrow::UInt32Builder>(value); }
  void flag(bool value) override { append<arrow::BooleanBuilder>(value); }
  void time(UtcTime value) override { append<arrow::TimestampBuilder>(value.seconds * 1000); }
  void missing() override;
  void commit() override;

 private:
  template <class Builder, class Value>
  void append(const Value& value) {
    check(static_cast<Builder&>(*builders_[column_]).Append(value));
    end_cell();
  }
  void end_cell();
  void write_group();
  void check(const arrow::Status& status) const;

  PendingFile file_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders_;  ///< [column]
  std::shared_ptr<arrow::io::FileOutputStream> stream_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  std::size_t column_ = 0;
  std::int64_t rows_ = 0;  ///< in the builders
};

ParquetWriter::ParquetWriter(const std::filesystem::path& file, const TableSpec& table) : file_(file) {
  arrow::FieldVector fields;
  for (const ColumnSpec& column : table.columns) {
    fields.push_back(arrow::field(column.name, arrow_type(column.type)));
    auto builder = arrow::MakeBuilder(fields.back()->type());
    check(builder.status());
    builders_.push_back(builder.MoveValueUnsafe());
  }
  schema_ = arrow::schema(fields);
  const int copy = ::fcntl(file_.descriptor(), F_DUPFD_CLOEXEC, 0);  // the stream closes its own
  auto stream = arrow::io::FileOutputStream::Open(copy);
  check(stream.status());
  stream_ = stream.MoveValueUnsafe();
  const bool can_compress = arrow::util::Codec::IsAvailable(arrow::Compression::SNAPPY);
  const auto properties = parquet::WriterProperties::Builder()
                              .compression(can_compress ? arrow::Compression::SNAPPY : arrow::Compression::UNCOMPRESSED)
                              ->max_row_group_length(rows_per_group)
                              ->enable_page_checksum()
                              ->build();
  auto writer = parquet::arrow::FileWriter::Open(*schema_, arrow::default_memory_pool(), stream_, properties);
  check(writer.status());
  writer_ = writer.MoveValueUnsafe();
}

/// An abandoned file is closed without its footer being of use to anybody; what closing says does not matter.
ParquetWriter::~ParquetWriter() {
  if (!writer_) return;
  try {
    (void)writer_->Close();
    (void)stream_->Close();
  } catch (const std::exception&) {
    // The file is removed in any case.
  }
}

void ParquetWriter::check(const arrow::Status& status) const {
  if (status.ok()) return;
  throw FileError("cannot write " + file_.target().string() + ": " + status.message() +
                  " (nothing was put in its place). Check the folder, its permissions and the free space.");
}

void ParquetWriter::missing() {
  check(builders_[column_]->AppendNull());
  end_cell();
}

void ParquetWriter::end_cell() {
  column_ = (column_ + 1) % builders_.size();
  if (column_ == 0 && ++rows_ == rows_per_group) write_group();
}

void ParquetWriter::write_group() {
  arrow::ArrayVector columns;
  for (const auto& builder : builders_) {
    auto column = builder->Finish();
    check(column.status());
    columns.push_back(column.MoveValueUnsafe());
  }
  check(writer_->WriteTable(*arrow::Table::Make(schema_, columns, rows_), rows_per_group));
  rows_ = 0;
}

void ParquetWriter::commit() {
  if (rows_ != 0) write_group();
  check(writer_->Close());
  check(stream_->Close());
  writer_.reset();
  file_.commit();
}

}  // namespace

std::unique_ptr<TableWriter> create_table(const std::filesystem::path& folder, const TableSpec& table,
                                          FileFormat format) {
  const std::filesystem::path file = table_path(folder, table.name, format);
  if (format == FileFormat::csv) return std::make_unique<CsvWriter>(file, table);
  return std::make_unique<ParquetWriter>(file, table);
}

void remove_other_format(const std::filesystem::path& folder, const char* name, FileFormat written) {
  std::error_code ignored;  // mostly there is none
  std::filesystem::remove(table_path(folder, name, written == FileFormat::csv ? FileFormat::parquet : FileFormat::csv),
                          ignored);
}

std::filesystem::path table_path(const std::filesystem::path& folder, const char* name, FileFormat format) {
  return folder / (std::string(name) + (format == FileFormat::csv ? ".csv" : ".parquet"));
}

}  // namespace tailmargin
