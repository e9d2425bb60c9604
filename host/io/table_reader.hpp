// Reads tables, CSV or Parquet, batch by batch. The only reader of either format; Arrow stays behind it.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "host/domain/validate/problem_log.hpp"
#include "host/domain/validate/row_batch.hpp"

namespace tailmargin {

/// The file of a table in a folder: NAME.csv or NAME.parquet. None, or both, is a problem and gives nothing.
std::optional<std::filesystem::path> find_table(const std::filesystem::path& folder, const TableSpec& table,
                                                Diagnostics& diagnostics);

/// Reads a table and hands its rows over in order. Problems of the file (encoding, header, rows of the wrong length,
/// column types) go to `problems`, and the table then counts as partial; cells are judged by the consumer.
Completeness read_table(const std::filesystem::path& file, const TableSpec& table, ProblemLog& problems,
                        const std::function<void(const RowBatch&)>& consume);

/// Version of the Arrow library in use.
std::string arrow_version();

}  // namespace tailmargin
