#include "host/io/table_reader.hpp"

#include <arrow/api.h>
#include <arrow/csv/api.h>
#include <arrow/io/api.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>
#include <optional>
#include <vector>

#include "host/domain/validate/text.hpp"

namespace tailmargin {
namespace {

namespace fs = std::filesystem;

/// Rows of a CSV that do not have the header's number of fields. Arrow leaves them out; row numbers must not.
struct RaggedRow {
  std::uint64_t row = 0;
  std::int32_t expected = 0, found = 0;
  std::string text;
};

/// Rows, decoded; texts are views into the ones they come from.
struct DecodedRows {
  std::shared_ptr<arrow::RecordBatch> rows;  ///< null: there are no more
  RowBatch batch;
};

/// One table file while it is read.
class TableReading {
 public:
  TableReading(const fs::path& file, const TableSpec& table, ProblemLog& problems,
               const std::function<void(const RowBatch&)>& consume)
      : file_(file), table_(table), problems_(problems), consume_(consume), source_(table.columns.size(), -1) {}

  Completeness read();

 private:
  bool looks_readable();
  bool closes_its_quotes();
  arrow::Status read_csv();
  arrow::Status read_parquet();
  bool match_columns(const std::vector<std::string>& names);
  bool check_parquet_types(const arrow::Schema& schema);
  /// @param num_rows  of the whole table, about, given those of the first batch
  template <class NumRows>
  arrow::Status hand_over(arrow::RecordBatchReader& reader, NumRows num_rows);
  arrow::Status decode_next(arrow::RecordBatchReader& reader, DecodedRows& out);
  void number_rows(RowBatch& batch);
  void report_ragged_rows();
  void fail(std::string_view reason, std::string_view value = "") {
    problems_.error(0, "", value, reason);
    complete_ = false;
  }
  bool is_parquet() const { return file_.extension() == ".parquet"; }

  const fs::path& file_;
  const TableSpec& table_;
  ProblemLog& problems_;
  const std::function<void(const RowBatch&)>& consume_;
  std::vector<int> source_;  ///< [column] index among the columns read, -1: not in the file
  std::vector<RaggedRow> ragged_;
  std::size_t ragged_passed_ = 0;  ///< of ragged_, before the next batch
  std::uint64_t next_row_ = RowBatch{}.first_row;
  bool complete_ = true;
};

// --- decoding of cells ---------------------------------------------------------------------------------------

CellState cell_state(NumberState state) {
  switch (state) {
    case NumberState::good: return CellState::good;
    case NumberState::not_a_number: return CellState::not_a_number;
    case NumberState::not_finite: return CellState::not_finite;
    case NumberState::out_of_range: return CellState::out_of_range;
  }
  return CellState::not_a_number;
}

CellState number_state(double value, ColumnType type) {
  if (!std::isfinite(value)) return CellState::not_finite;
  const bool fits =
      type != ColumnType::integer || (value >= 0.0 && value <= 4294967295.0 && value == std::floor(value));
  return fits ? CellState::good : CellState::out_of_range;
}

void parse_text_cell(ColumnCells& cells, std::size_t row, ColumnType type) {
  const std::string_view text = cells.text[row];
  if (text.empty()) {
    cells.state[row] = CellState::missing;
  } else if (type == ColumnType::time) {
    const auto time = parse_utc_time(text);
    cells.times[row] = time.value_or(UtcTime{});
    cells.state[row] = time ? CellState::good : CellState::not_a_time;
  } else if (type == ColumnType::flag) {
    cells.numbers[row] = text == "true" ? 1.0 : 0.0;
    cells.state[row] = text == "true" || text == "false" ? CellState::good : CellState::not_a_flag;
  } else {
    const ParsedNumber number = parse_number(text);
    cells.numbers[row] = number.value;
    cells.state[row] = number.state == NumberState::good ? number_state(number.value, type) : cell_state(number.state);
  }
}

void resize_cells(ColumnCells& cells, std::size_t num_rows, ColumnType type, bool has_text) {
  cells.in_file = true;
  cells.text.resize(has_text ? num_rows : 0);
  cells.state.resize(type == ColumnType::text ? 0 : num_rows);
  cells.times.resize(type == ColumnType::time ? num_rows : 0);
  cells.numbers.resize(type == ColumnType::text || type == ColumnType::time ? 0 : num_rows);
}

template <class Array>
void view_texts(const Array& array, ColumnCells& cells) {
  for (std::int64_t i = 0; i < array.length(); ++i) {
    cells.text[static_cast<std::size_t>(i)] = array.IsNull(i) ? std::string_view{} : array.GetView(i);
  }
}

void view_dictionary(const arrow::DictionaryArray& array, ColumnCells& cells) {
  ColumnCells words;
  words.text.resize(static_cast<std::size_t>(array.dictionary()->length()));
  if (array.dictionary()->type_id() == arrow::Type::LARGE_STRING) {
    view_texts(static_cast<const arrow::LargeStringArray&>(*array.dictionary()), words);
  } else {
    view_texts(static_cast<const arrow::StringArray&>(*array.dictionary()), words);
  }
  for (std::int64_t i = 0; i < array.length(); ++i) {
    cells.text[static_cast<std::size_t>(i)] =
        array.IsNull(i) ? std::string_view{} : words.text[static_cast<std::size_t>(array.GetValueIndex(i))];
  }
}

/// Texts of an array of one of the types is_text() accepts; views into it.
void view_any_text(const arrow::Array& array, ColumnCells& cells) {
  switch (array.type_id()) {
    case arrow::Type::BINARY: return view_texts(static_cast<const arrow::BinaryArray&>(array), cells);
    case arrow::Type::STRING: return view_texts(static_cast<const arrow::StringArray&>(array), cells);
    case arrow::Type::LARGE_STRING: return view_texts(static_cast<const arrow::LargeStringArray&>(array), cells);
    case arrow::Type::STRING_VIEW: return view_texts(static_cast<const arrow::StringViewArray&>(array), cells);
    default: return view_dictionary(static_cast<const arrow::DictionaryArray&>(array), cells);
  }
}

bool is_text(const arrow::DataType& type) {
  if (type.id() == arrow::Type::DICTIONARY) {
    const auto value = static_cast<const arrow::DictionaryType&>(type).value_type()->id();
    return value == arrow::Type::STRING || value == arrow::Type::LARGE_STRING;
  }
  return type.id() == arrow::Type::STRING || type.id() == arrow::Type::LARGE_STRING ||
         type.id() == arrow::Type::STRING_VIEW;
}

bool is_number(arrow::Type::type id) {
  return id == arrow::Type::DOUBLE || id == arrow::Type::FLOAT ||
         (id >= arrow::Type::UINT8 && id <= arrow::Type::INT64);
}

template <class ArrowType>
void copy_numbers(const arrow::Array& any, ColumnCells& cells, ColumnType type) {
  const auto& array = static_cast<const typename arrow::TypeTraits<ArrowType>::ArrayType&>(any);
  for (std::size_t row = 0; row < cells.numbers.size(); ++row) {
    const auto i = static_cast<std::int64_t>(row);
    cells.numbers[row] = array.IsNull(i) ? 0.0 : static_cast<double>(array.Value(i));
    cells.state[row] = array.IsNull(i) ? CellState::missing : number_state(cells.numbers[row], type);
  }
}

void copy_any_numbers(const arrow::Array& array, ColumnCells& cells, ColumnType type) {
  switch (array.type_id()) {
    case arrow::Type::DOUBLE: return copy_numbers<arrow::DoubleType>(array, cells, type);
    case arrow::Type::FLOAT: return copy_numbers<arrow::FloatType>(array, cells, type);
    case arrow::Type::BOOL: return copy_numbers<arrow::BooleanType>(array, cells, type);
    case arrow::Type::INT8: return copy_numbers<arrow::Int8Type>(array, cells, type);
    case arrow::Type::INT16: return copy_numbers<arrow::Int16Type>(array, cells, type);
    case arrow::Type::INT32: return copy_numbers<arrow::Int32Type>(array, cells, type);
    case arrow::Type::INT64: return copy_numbers<arrow::Int64Type>(array, cells, type);
    case arrow::Type::UINT8: return copy_numbers<arrow::UInt8Type>(array, cells, type);
    case arrow::Type::UINT16: return copy_numbers<arrow::UInt16Type>(array, cells, type);
    case arrow::Type::UINT32: return copy_numbers<arrow::UInt32Type>(array, cells, type);
    default: return copy_numbers<arrow::UInt64Type>(array, cells, type);
  }
}

/// Cuts fractions of a second off, towards the past.
void copy_timestamps(const arrow::TimestampArray& array, ColumnCells& cells) {
  static constexpr std::array<std::int64_t, 4> per_second = {1, 1'000, 1'000'000, 1'000'000'000};
  const auto unit = static_cast<const arrow::TimestampType&>(*array.type()).unit();
  const std::int64_t divisor = per_second[static_cast<std::size_t>(unit)];
  for (std::size_t row = 0; row < cells.times.size(); ++row) {
    const auto i = static_cast<std::int64_t>(row);
    const std::int64_t ticks = array.IsNull(i) ? 0 : array.Value(i);
    cells.times[row] = UtcTime{ticks / divisor - (ticks % divisor < 0 ? 1 : 0)};
    cells.state[row] = array.IsNull(i) ? CellState::missing : CellState::good;
  }
}

void decode_column(const arrow::Array& array, ColumnType type, ColumnCells& cells) {
  const bool has_text = array.type_id() == arrow::Type::BINARY || is_text(*array.type());
  const auto num_rows = static_cast<std::size_t>(array.length());
  resize_cells(cells, num_rows, type, has_text);
  if (has_text) {
    view_any_text(array, cells);
    if (type == ColumnType::text) return;
    for (std::size_t row = 0; row < num_rows; ++row) parse_text_cell(cells, row, type);
  } else if (type == ColumnType::time) {
    copy_timestamps(static_cast<const arrow::TimestampArray&>(array), cells);
  } else {
    copy_any_numbers(array, cells, type);
  }
}

// --- files -----------------------------------------------------------------------------------------------------

/// First line of a library's message, which may go on with traces.
std::string first_line(const std::string& message) { return message.substr(0, message.find('\n')); }

/// The first line with an odd number of quotation marks, counted from 0: a slip, since no value may hold a line break,
/// after which a CSV reader would take the rest of the file for one value.
std::optional<std::uint64_t> line_with_open_quote(std::istream& stream) {
  std::vector<char> block(std::size_t{1} << 20);
  std::uint64_t line = 0;
  bool open = false;
  while (stream.read(block.data(), static_cast<std::streamsize>(block.size())), stream.gcount() > 0) {
    const char* const end = block.data() + stream.gcount();
    for (const char* at = block.data(); at != end;) {
      const void* const found = std::memchr(at, '"', static_cast<std::size_t>(end - at));
      const char* const quote = found == nullptr ? end : static_cast<const char*>(found);
      const auto breaks = static_cast<std::uint64_t>(std::count(at, quote, '\n'));
      if (open && breaks > 0) { return line; }
      line += breaks;
      at = quote == end ? end : quote + 1;
      if (quote != end) { open = !open; }
    }
  }
  return open ? std::optional(line) : std::nullopt;
}

/// The row that stands on a line: blank lines are none, and the header is row 0.
std::uint64_t row_on_line(std::istream& stream, std::uint64_t line) {
  std::uint64_t rows = 0;
  std::string text;
  for (std::uint64_t l = 0; l < line && std::getline(stream, text); ++l) {
    rows += text.empty() || text == "\r" ? 0 : 1;
  }
  return rows;
}

/// Reports a quotation mark that is never closed.
bool TableReading::closes_its_quotes() {
  std::ifstream stream(file_, std::ios::binary);
  const auto line = line_with_open_quote(stream);
  if (!line) { return true; }
  stream.clear();
  stream.seekg(0);
  problems_.error(row_on_line(stream, *line), "", "",
                  "a quotation mark is never closed (it would swallow the rows after it). Close it or remove it.");
  complete_ = false;
  return false;
}

bool TableReading::looks_readable() {
  std::ifstream stream(file_, std::ios::binary);
  if (!stream) {
    fail("the file cannot be opened (its rows are needed). Check its permissions.");
    return false;
  }
  std::array<char, 4> begin{}, end{};
  stream.read(begin.data(), 4);
  const std::string_view head(begin.data(), static_cast<std::size_t>(stream.gcount()));
  if (head.empty()) {
    fail("the file is empty, without even a header (its columns are unknown). Write it again.");
    return false;
  }
  if (!is_parquet() && (head.starts_with("\xFF\xFE") || head.starts_with("\xFE\xFF"))) {
    fail("the file is UTF-16 (only UTF-8 is read). Save it as UTF-8.");
    return false;
  }
  stream.clear();
  stream.seekg(-std::min<std::streamoff>(4, static_cast<std::streamoff>(head.size())), std::ios::end);
  stream.read(end.data(), 4);
  const std::string_view mark("PAR1");
  if (is_parquet() && (head != mark || std::string_view(end.data(), 4) != mark)) {
    fail("the file is cut off or no Parquet file (the mark PAR1 is not at both ends). Write it again.");
    return false;
  }
  return true;
}

Completeness TableReading::read() {
  if (!looks_readable() || !(is_parquet() || closes_its_quotes())) return Completeness::partial;
  try {
    const arrow::Status status = is_parquet() ? read_parquet() : read_csv();
    if (!status.ok()) {
      problems_.error(
          0, "", "",
          "the file cannot be read: " + first_line(status.message()) + " (rows may be missing). Write it again.");
      complete_ = false;
    }
  } catch (const parquet::ParquetException& error) {
    problems_.error(0, "", "",
                    "the file cannot be read: " + first_line(error.what()) + " (rows may be missing). Write it again.");
    complete_ = false;
  }
  report_ragged_rows();
  return complete_ ? Completeness::whole : Completeness::partial;
}

/// The CSV as Arrow wants it: a header alone must end its line.
arrow::Result<std::shared_ptr<arrow::io::InputStream>> open_csv(const fs::path& file) {
  static constexpr std::uintmax_t longest_header = 1 << 16;
  if (fs::file_size(file) <= longest_header) {
    std::ifstream stream(file, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(stream), {}};
    if (text.find_first_of("\r\n") == std::string::npos) {
      return std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(std::move(text) + "\n"));
    }
  }
  return arrow::io::ReadableFile::Open(file.string());
}

/// Bytes that a row has at least: no file may ask for more memory than its rows could fill.
constexpr double shortest_row = 8.0;

/// Single-threaded, because only then Arrow knows the numbers of rows it leaves out.
arrow::Status TableReading::read_csv() {
  auto read_options = arrow::csv::ReadOptions::Defaults();
  read_options.use_threads = false;
  auto parse_options = arrow::csv::ParseOptions::Defaults();
  parse_options.invalid_row_handler = [this](const arrow::csv::InvalidRow& row) {
    const bool is_listed = ragged_.size() < max_listed_problems;
    ragged_.push_back({static_cast<std::uint64_t>(row.number - 1), row.expected_columns, row.actual_columns,
                       is_listed ? printable(row.text) : std::string{}});  // Arrow's numbers count the header
    return arrow::csv::InvalidRowResult::Skip;
  };
  auto convert_options = arrow::csv::ConvertOptions::Defaults();
  convert_options.default_column_type = arrow::binary();  // checked here, so that a bad byte is found in its row

  ARROW_ASSIGN_OR_RAISE(auto input, open_csv(file_));
  ARROW_ASSIGN_OR_RAISE(auto reader, arrow::csv::StreamingReader::Make(arrow::io::default_io_context(), input,
                                                                       read_options, parse_options, convert_options));
  if (!match_columns(reader->schema()->field_names())) return arrow::Status::OK();
  const auto file_size = static_cast<double>(fs::file_size(file_));
  return hand_over(*reader, [&](std::size_t first_rows) {
    const double bytes = static_cast<double>(std::max<std::int64_t>(reader->bytes_read(), 1));
    const double most = file_size / shortest_row;
    return static_cast<std::size_t>(std::min(1.01 * static_cast<double>(first_rows) * file_size / bytes, most));
  });
}

/// Rows that a file is believed to have before they are seen.
constexpr std::int64_t most_said = std::int64_t{1} << 26;

arrow::Status TableReading::read_parquet() {
  ARROW_ASSIGN_OR_RAISE(auto input, arrow::io::ReadableFile::Open(file_.string()));
  auto properties = parquet::default_reader_properties();
  properties.set_page_checksum_verification(true);  // where the writer left checksums
  parquet::arrow::FileReaderBuilder builder;
  ARROW_RETURN_NOT_OK(builder.Open(input, properties));
  ARROW_ASSIGN_OR_RAISE(auto reader, builder.Build());
  reader->set_use_threads(true);
  std::shared_ptr<arrow::Schema> schema;
  ARROW_RETURN_NOT_OK(reader->GetSchema(&schema));
  if (!match_columns(schema->field_names()) || !check_parquet_types(*schema)) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto batches, reader->GetRecordBatchReader());
  const std::int64_t num_rows =
      std::clamp<std::int64_t>(reader->parquet_reader()->metadata()->num_rows(), 0, most_said);
  return hand_over(*batches, [&](std::size_t) { return static_cast<std::size_t>(num_rows); });
}

bool TableReading::match_columns(const std::vector<std::string>& names) {
  if (names.size() == 1 && names[0].find_first_of(";\t|") != std::string::npos) {
    fail("the fields are not separated by commas (the header is read as one field). Write it with commas.", names[0]);
    return false;
  }
  std::vector<std::string_view> known;
  for (const ColumnSpec& column : table_.columns) known.push_back(column.name);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto found = std::find(known.begin(), known.end(), names[i]);
    if (found == known.end()) {
      const std::string_view near = nearest_name(names[i], known);
      const std::string cure = near.empty() ? "Drop it if it is not needed." : "Is " + std::string(near) + " meant?";
      problems_.warning(0, names[i], "", "the column is unknown (it is not read). " + cure);
      continue;
    }
    int& source = source_[static_cast<std::size_t>(found - known.begin())];
    if (source >= 0) {
      problems_.error(0, names[i], "", "the column is there twice (only one can be right). Drop one of them.");
      complete_ = false;
    }
    source = static_cast<int>(i);
  }
  for (std::size_t c = 0; c < known.size(); ++c) {
    if (source_[c] >= 0 || table_.columns[c].presence == Presence::optional) continue;
    problems_.error(0, known[c], "", "the column is missing (every row needs it). Add it.");
    complete_ = false;
  }
  return complete_;
}

bool TableReading::check_parquet_types(const arrow::Schema& schema) {
  for (std::size_t c = 0; c < source_.size(); ++c) {
    if (source_[c] < 0) continue;
    const arrow::DataType& type = *schema.field(source_[c])->type();
    bool fits = false;
    std::string_view expected;
    switch (table_.columns[c].type) {
      case ColumnType::text: fits = is_text(type), expected = "a string"; break;
      case ColumnType::number: fits = is_number(type.id()), expected = "a double or an integer"; break;
      case ColumnType::integer: fits = is_number(type.id()), expected = "an integer"; break;
      case ColumnType::flag: fits = type.id() == arrow::Type::BOOL, expected = "a boolean"; break;
      case ColumnType::time:
        fits = type.id() == arrow::Type::TIMESTAMP || is_text(type), expected = "a timestamp or a string";
        break;
    }
    // A column without a single value has no type of its own in some writers.
    if (fits || (type.id() == arrow::Type::NA && table_.columns[c].presence == Presence::optional)) continue;
    problems_.error(0, table_.columns[c].name, type.ToString(),
                    "the column has the wrong type (it must be " + std::string(expected) + "). Convert it.");
    complete_ = false;
  }
  return complete_;
}

/// Batch after batch; while one is consumed, another thread reads and decodes the next.
template <class NumRows>
arrow::Status TableReading::hand_over(arrow::RecordBatchReader& reader, NumRows num_rows) {
  std::array<DecodedRows, 2> decoded;
  ARROW_RETURN_NOT_OK(decode_next(reader, decoded[0]));
  decoded[0].batch.expected_rows = decoded[1].batch.expected_rows = num_rows(decoded[0].batch.num_rows);
  for (std::size_t now = 0; decoded[now].rows; now = 1 - now) {
    std::future<arrow::Status> next =
        std::async(std::launch::async, [&, now] { return decode_next(reader, decoded[1 - now]); });
    consume_(decoded[now].batch);
    ARROW_RETURN_NOT_OK(next.get());
  }
  return arrow::Status::OK();
}

arrow::Status TableReading::decode_next(arrow::RecordBatchReader& reader, DecodedRows& out) {
  ARROW_RETURN_NOT_OK(reader.ReadNext(&out.rows));
  if (!out.rows) return arrow::Status::OK();
  RowBatch& batch = out.batch;
  batch.num_rows = static_cast<std::size_t>(out.rows->num_rows());
  batch.first_row = next_row_;
  batch.columns.resize(table_.columns.size());
  number_rows(batch);
  for (std::size_t c = 0; c < source_.size(); ++c) {
    if (source_[c] < 0) continue;
    const arrow::Array& array = *out.rows->column(source_[c]);
    if (array.type_id() != arrow::Type::NA) decode_column(array, table_.columns[c].type, batch.columns[c]);
  }
  if (batch.num_rows != 0) next_row_ = batch.row_number(batch.num_rows - 1) + 1;
  return arrow::Status::OK();
}

/// Rows are numbered as they come until one was left out; from then on each has its number.
void TableReading::number_rows(RowBatch& batch) {
  if (ragged_.empty()) return;
  batch.row_numbers.resize(batch.num_rows);
  std::uint64_t next = batch.first_row;
  for (std::uint64_t& number : batch.row_numbers) {
    while (ragged_passed_ < ragged_.size() && ragged_[ragged_passed_].row <= next) {
      if (ragged_[ragged_passed_].row == next) ++next;
      ++ragged_passed_;
    }
    number = next++;
  }
}

void TableReading::report_ragged_rows() {
  for (const RaggedRow& ragged : ragged_) {
    complete_ = false;
    problems_.error_of_kind("ragged row", ragged.row, "", ragged.text,
                            "the number of fields is " + std::to_string(ragged.found) + " but the header has " +
                                std::to_string(ragged.expected) +
                                " (values would land in the wrong column). Correct the commas and quotes.");
  }
}

}  // namespace

std::optional<fs::path> find_table(const fs::path& folder, const TableSpec& table, Diagnostics& diagnostics) {
  const fs::path csv = folder / (std::string(table.name) + ".csv");
  const fs::path parquet = folder / (std::string(table.name) + ".parquet");
  const bool has_csv = fs::exists(csv), has_parquet = fs::exists(parquet);
  if (has_csv && has_parquet) {
    diagnostics.error(csv.filename().string(), 0, "", "",
                      "the table is there as CSV and as Parquet (only one can be right). Remove one of the two files.");
    return std::nullopt;
  }
  if (!has_csv && !has_parquet) {
    diagnostics.error(csv.filename().string(), 0, "", "",
                      "the table is missing, as CSV and as Parquet (a book needs it). Add one of the two files.");
    return std::nullopt;
  }
  return has_csv ? csv : parquet;
}

Completeness read_table(const fs::path& file, const TableSpec& table, ProblemLog& problems,
                        const std::function<void(const RowBatch&)>& consume) {
  return TableReading(file, table, problems, consume).read();
}

std::string arrow_version() { return arrow::GetBuildInfo().version_string; }

}  // namespace tailmargin
