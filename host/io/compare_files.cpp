#include "host/io/compare_files.hpp"

#include <algorithm>
#include <deque>

#include "host/io/pending_file.hpp"
#include "host/io/table_writer.hpp"

namespace tailmargin {
namespace {

/// A method's name as the start of a column.
std::string column_prefix(const std::string& method) {
  std::string prefix = method;
  std::replace(prefix.begin(), prefix.end(), '-', '_');
  return prefix;
}

}  // namespace

void write_compare_table(const ComparedBook& compared, const std::filesystem::path& folder) {
  std::deque<std::string> names;  // columns keep pointers to them
  TableSpec table{"compare", {{"account", ColumnType::text}, {"num_positions", ColumnType::integer}}};
  const auto add = [&](std::string name, ColumnType type) {
    names.push_back(std::move(name));
    table.columns.push_back({names.back().c_str(), type});
  };
  const auto add_margins = [&](const std::string& prefix) {
    add(prefix + "_initial_margin_usd", ColumnType::number);
    add(prefix + "_maintenance_margin_usd", ColumnType::number);
  };
  if (!compared.monte_carlo.empty()) { add_margins("monte_carlo"); }
  for (const venues::BookRequirement& method : compared.methods) {
    add_margins(column_prefix(method.method->name));
    add(column_prefix(method.method->name) + "_left_out", ColumnType::integer);
  }
  create_folder(folder);
  const auto out = create_table(folder, table, FileFormat::csv);
  for (std::size_t a = 0; a < compared.accounts.size(); ++a) {
    out->text(compared.accounts[a]);
    out->integer(compared.num_positions[a]);
    if (!compared.monte_carlo.empty()) {
      out->number(compared.monte_carlo[a].initial_margin_usd);
      out->number(compared.monte_carlo[a].maintenance_margin_usd);
    }
    for (const venues::BookRequirement& method : compared.methods) {
      out->number(method.accounts[a].initial_usd);
      out->number(method.accounts[a].maintenance_usd);
      out->integer(method.accounts[a].num_left_out);
    }
  }
  out->commit();
}

void write_left_out(const ComparedBook& compared, const std::filesystem::path& folder) {
  static const TableSpec table{"compare_left_out",
                               {{"method", ColumnType::text},
                                {"instrument", ColumnType::text},
                                {"reason", ColumnType::text},
                                {"num_accounts", ColumnType::integer}}};
  create_folder(folder);
  const auto out = create_table(folder, table, FileFormat::csv);
  for (const venues::BookRequirement& method : compared.methods) {
    for (const venues::LeftOutCount& row : method.left_out) {
      out->text(method.method->name);
      out->text(row.what);
      out->text(row.reason);
      out->integer(static_cast<std::uint32_t>(row.num_accounts));
    }
  }
  out->commit();
}

}  // namespace tailmargin
