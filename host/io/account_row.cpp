#include "host/io/account_row.hpp"

#include "host/domain/validate/row_checks.hpp"
#include "host/io/table_reader.hpp"

namespace tailmargin {

std::vector<double> read_account_row(const std::filesystem::path& file, const TableSpec& table,
                                     const std::string& account) {
  std::vector<double> numbers;
  ProblemLog problems(file.string());
  read_table(file, table, problems, [&](const RowBatch& batch) {
    for (std::size_t i = 0; i < batch.num_rows; ++i) {
      CheckedRow row(table, batch, i, problems);
      if (row.text(0) != account) { continue; }
      for (std::size_t c = 1; c < table.columns.size(); ++c) {
        numbers.push_back(row.number(c, NumberRule::any).value_or(0.0));
      }
    }
  });
  if (problems.has_errors()) {
    Diagnostics diagnostics;
    problems.append_to(diagnostics);
    throw InputError(std::move(diagnostics));
  }
  if (numbers.size() + 1 != table.columns.size()) {
    throw FileError("account " + account + " has not one row in " + file.string());
  }
  return numbers;
}

}  // namespace tailmargin
