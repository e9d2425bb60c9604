// Margins, tail paths and errors: tables of a run. The manifest is in run_manifest.cpp.
#include "host/io/run_files.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <variant>

#include "host/domain/validate/row_checks.hpp"
#include "host/io/pending_file.hpp"
#include "host/io/table_reader.hpp"
#include "host/io/table_writer.hpp"

namespace tailmargin {
namespace {

namespace fs = std::filesystem;

/// One column of the margins file and where it lives in the record; reader and writer share the list.
struct MarginColumn {
  const char* name;
  std::variant<double AccountMargin::*, std::uint32_t AccountMargin::*, bool AccountMargin::*> member;
};

constexpr std::array<MarginColumn, 13> margin_columns = {{
    {"num_positions", &AccountMargin::num_positions},
    {"gross_notional_usd", &AccountMargin::gross_notional_usd},
    {"net_delta_usd", &AccountMargin::net_delta_usd},
    {"equity_usd", &AccountMargin::equity_usd},
    {"var_usd", &AccountMargin::var_usd},
    {"var_se_usd", &AccountMargin::var_se_usd},
    {"es_usd", &AccountMargin::es_usd},
    {"es_se_usd", &AccountMargin::es_se_usd},
    {"worst_loss_usd", &AccountMargin::worst_loss_usd},
    {"worst_path", &AccountMargin::worst_path},
    {"initial_margin_usd", &AccountMargin::initial_margin_usd},
    {"maintenance_margin_usd", &AccountMargin::maintenance_margin_usd},
    {"exact_precision", &AccountMargin::exact_precision},
}};

ColumnType type_of(const MarginColumn& column) {
  static constexpr std::array<ColumnType, 3> types = {ColumnType::number, ColumnType::integer, ColumnType::flag};
  return types.at(column.member.index());
}

TableSpec margins_table() {
  TableSpec table{"margins", {{"account", ColumnType::text}}};
  for (const MarginColumn& column : margin_columns) table.columns.push_back({column.name, type_of(column)});
  return table;
}

bool same_bits(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }
bool same_bits(std::uint32_t a, std::uint32_t b) { return a == b; }
bool same_bits(bool a, bool b) { return a == b; }

void write_cell(TableWriter& out, double value) { out.number(value); }
void write_cell(TableWriter& out, std::uint32_t value) { out.integer(value); }
void write_cell(TableWriter& out, bool value) { out.flag(value); }

/// Accounts in byte order of their names, whatever order they come in.
std::vector<const AccountMargin*> sorted_by_account(const std::vector<AccountMargin>& margins) {
  std::vector<const AccountMargin*> sorted;
  sorted.reserve(margins.size());
  for (const AccountMargin& margin : margins) sorted.push_back(&margin);
  std::stable_sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return a->account < b->account; });
  return sorted;
}

AccountMargin read_margin(CheckedRow& row) {
  AccountMargin margin;
  margin.account = row.text(0);
  for (std::size_t c = 0; c < margin_columns.size(); ++c) {
    const double value = row.number(c + 1, NumberRule::any).value_or(0.0);
    std::visit(
        [&](auto member) {
          using Value = std::remove_reference_t<decltype(margin.*member)>;
          margin.*member = static_cast<Value>(value);
        },
        margin_columns[c].member);
  }
  return margin;
}

}  // namespace

fs::path write_margins(const std::vector<AccountMargin>& margins, const fs::path& folder, FileFormat format) {
  create_folder(folder);
  const auto out = create_table(folder, margins_table(), format);
  for (const AccountMargin* margin : sorted_by_account(margins)) {
    out->text(margin->account);
    for (const MarginColumn& column : margin_columns) {
      std::visit([&](auto member) { write_cell(*out, margin->*member); }, column.member);
    }
  }
  out->commit();
  remove_other_format(folder, "margins", format);
  return table_path(folder, "margins", format);
}

void write_tail_paths(const std::vector<AccountMargin>& margins, const fs::path& folder) {
  static const TableSpec table{
      "tail_paths", {{"account", ColumnType::text}, {"rank", ColumnType::integer}, {"path", ColumnType::integer}}};
  create_folder(folder);
  const auto out = create_table(folder, table, FileFormat::parquet);
  for (const AccountMargin* margin : sorted_by_account(margins)) {
    for (std::uint32_t rank = 0; rank < margin->tail_paths.size(); ++rank) {
      out->text(margin->account);
      out->integer(rank);
      out->integer(margin->tail_paths[rank]);
    }
  }
  out->commit();
}

void write_tail_fits(const std::vector<AccountMargin>& margins, const fs::path& folder) {
  static const TableSpec table{"tail_fits",
                               {{"account", ColumnType::text},
                                {"es_usd", ColumnType::number},
                                {"fitted_es_usd", ColumnType::number},
                                {"shape", ColumnType::number},
                                {"scale_usd", ColumnType::number},
                                {"threshold_usd", ColumnType::number}}};
  create_folder(folder);
  const auto out = create_table(folder, table, FileFormat::csv);
  for (const AccountMargin* margin : sorted_by_account(margins)) {
    out->text(margin->account);
    const TailFitFigures& fit = margin->tail_fit;
    for (const double value : {margin->es_usd, fit.es_usd, fit.shape, fit.scale_usd, fit.threshold_usd}) {
      out->number(value);
    }
  }
  out->commit();
}

void write_controlled_es(const std::vector<AccountMargin>& margins, const fs::path& folder) {
  static const TableSpec table{"controlled_es",
                               {{"account", ColumnType::text},
                                {"es_usd", ColumnType::number},
                                {"es_se_usd", ColumnType::number},
                                {"controlled_es_usd", ColumnType::number},
                                {"controlled_se_usd", ColumnType::number},
                                {"variance_ratio", ColumnType::number}}};
  create_folder(folder);
  const auto out = create_table(folder, table, FileFormat::csv);
  for (const AccountMargin* margin : sorted_by_account(margins)) {
    const ControlledEsFigures& c = margin->controlled_es;
    const double ratio = c.controlled_es_se_usd > 0.0 ? c.es_se_usd / c.controlled_es_se_usd : 1.0;
    out->text(margin->account);
    for (const double value : {c.es_usd, c.es_se_usd, c.controlled_es_usd, c.controlled_es_se_usd, ratio * ratio}) {
      out->number(value);
    }
  }
  out->commit();
}

void write_prepared_tables(const std::string& tables, const fs::path& folder) {
  create_folder(folder);
  write_whole_file(folder / "prepared.bin", tables);
}

void write_errors(const Diagnostics& diagnostics, const fs::path& folder) {
  static const TableSpec table{"errors",
                               {{"file", ColumnType::text},
                                {"row", ColumnType::text},
                                {"field", ColumnType::text},
                                {"value", ColumnType::text},
                                {"severity", ColumnType::text},
                                {"reason", ColumnType::text}}};
  create_folder(folder);
  const auto out = create_table(folder, table, FileFormat::csv);
  for (const Diagnostic& d : diagnostics.items()) {
    out->text(d.file);
    d.row == 0 ? out->missing() : out->text(std::to_string(d.row));
    out->text(d.field);
    out->text(d.value);
    out->text(d.severity == Severity::error ? "error" : "warning");
    out->text(d.reason);
  }
  out->commit();
}

std::vector<AccountMargin> read_margins(const fs::path& file) {
  const TableSpec table = margins_table();
  std::vector<AccountMargin> margins;
  ProblemLog problems(file.string());
  read_table(file, table, problems, [&](const RowBatch& batch) {
    for (std::size_t i = 0; i < batch.num_rows; ++i) {
      CheckedRow row(table, batch, i, problems);
      margins.push_back(read_margin(row));
    }
  });
  if (problems.has_errors()) {
    Diagnostics diagnostics;
    problems.append_to(diagnostics);
    throw InputError(std::move(diagnostics));
  }
  return margins;
}

std::vector<std::string> different_columns(const AccountMargin& a, const AccountMargin& b) {
  std::vector<std::string> names;
  if (a.account != b.account) names.push_back("account");
  for (const MarginColumn& column : margin_columns) {
    const bool same = std::visit([&](auto member) { return same_bits(a.*member, b.*member); }, column.member);
    if (!same) names.push_back(column.name);
  }
  return names;
}

}  // namespace tailmargin
