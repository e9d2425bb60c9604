// Margins, tail paths and errors: tables of a run. The manifest is in run_manifest.cpp.
#include "host/io/run_files.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <utility>
#include <variant>

#include "host/domain/validate/row_checks.hpp"
#include "host/io/pending_file.hpp"
#include "host/io/table_reader.hpp"
#include "host/io/table_writer.hpp"

namespace tailmargin {
namespace {

namespace fs = std::filesystem;

/// Worked out from other columns; empty where there is none.
using DerivedFigure = std::optional<double> (AccountMargin::*)() const;

/// One column of the margins file and where it lives in the record; reader and writer share the list.
struct MarginColumn {
  const char* name;
  std::variant<double AccountMargin::*, std::uint32_t AccountMargin::*, bool AccountMargin::*, double AccountTerms::*,
               double CollateralFigures::*, DerivedFigure>
      member;
};

constexpr std::array<MarginColumn, 33> margin_columns = {{
    {"num_positions", &AccountMargin::num_positions},
    {"gross_notional_usd", &AccountMargin::gross_notional_usd},
    {"net_delta_usd", &AccountMargin::net_delta_usd},
    {"equity_usd", &AccountMargin::equity_usd},
    {"leverage", &AccountMargin::leverage},
    {"var_usd", &AccountMargin::var_usd},
    {"var_se_usd", &AccountMargin::var_se_usd},
    {"es_usd", &AccountMargin::es_usd},
    {"es_se_usd", &AccountMargin::es_se_usd},
    {"worst_loss_usd", &AccountMargin::worst_loss_usd},
    {"worst_path", &AccountMargin::worst_path},
    {"initial_margin_usd", &AccountMargin::initial_margin_usd},
    {"maintenance_margin_usd", &AccountMargin::maintenance_margin_usd},
    {"shortfall_probability", &AccountMargin::shortfall_probability},
    {"expected_uncovered_loss_usd", &AccountMargin::expected_uncovered_loss_usd},
    {"collateral_haircut_usd", &CollateralFigures::haircut_usd},
    {"margin_ratio", &AccountMargin::margin_ratio},
    {"wrong_way_usd", &CollateralFigures::wrong_way_usd},
    {"depeg_loss_usd", &CollateralFigures::depeg_loss_usd},
    {"exact_precision", &AccountMargin::exact_precision},
    {"core_usd", &AccountTerms::core_usd},
    {"crisis_start_usd", &AccountTerms::crisis_start_usd},
    {"correlation_usd", &AccountTerms::correlation_usd},
    {"floor_usd", &AccountTerms::floor_usd},
    {"dependence_usd", &AccountTerms::dependence_usd},
    {"concentration_usd", &AccountTerms::concentration_usd},
    {"liquidity_usd", &AccountTerms::liquidity_usd},
    {"short_option_minimum_usd", &AccountTerms::short_option_minimum_usd},
    {"isolated_usd", &AccountTerms::isolated_usd},
    {"cross_usd", &AccountTerms::cross_usd},
    {"offset_credit_usd", &AccountTerms::offset_credit_usd},
    {"efficiency", &AccountTerms::efficiency},
    {"fragility", &AccountTerms::fragility},
}};

ColumnType type_of(const MarginColumn& column) {
  static constexpr std::array<ColumnType, 6> types = {ColumnType::number, ColumnType::integer, ColumnType::flag,
                                                      ColumnType::number, ColumnType::number,  ColumnType::number};
  return types.at(column.member.index());
}

bool may_be_empty(const MarginColumn& column) {
  return std::holds_alternative<double AccountTerms::*>(column.member) ||
         std::holds_alternative<DerivedFigure>(column.member);
}

TableSpec margins_table() {
  TableSpec table{"margins", {{"account", ColumnType::text}}};
  for (const MarginColumn& column : margin_columns) {
    const Presence presence = may_be_empty(column) ? Presence::optional : Presence::required;
    table.columns.push_back({column.name, type_of(column), presence});
  }
  return table;
}

bool same_bits(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }
bool same_bits(std::uint32_t a, std::uint32_t b) { return a == b; }
bool same_bits(bool a, bool b) { return a == b; }

template <class Value>
bool same_cell(const AccountMargin& a, const AccountMargin& b, Value AccountMargin::*member) {
  return same_bits(a.*member, b.*member);
}
bool same_cell(const AccountMargin& a, const AccountMargin& b, double AccountTerms::*member) {
  return a.has_terms == b.has_terms && (!a.has_terms || same_bits(a.terms.*member, b.terms.*member));
}
bool same_cell(const AccountMargin& a, const AccountMargin& b, double CollateralFigures::*member) {
  return same_bits(a.collateral.*member, b.collateral.*member);
}
bool same_cell(const AccountMargin& a, const AccountMargin& b, DerivedFigure figure) {
  return (a.*figure)() == (b.*figure)();
}

void write_cell(TableWriter& out, const AccountMargin& row, double AccountMargin::*member) { out.number(row.*member); }
void write_cell(TableWriter& out, const AccountMargin& row, std::uint32_t AccountMargin::*member) {
  out.integer(row.*member);
}
void write_cell(TableWriter& out, const AccountMargin& row, bool AccountMargin::*member) { out.flag(row.*member); }
void write_cell(TableWriter& out, const AccountMargin& row, double AccountTerms::*member) {
  row.has_terms ? out.number(row.terms.*member) : out.missing();
}
void write_cell(TableWriter& out, const AccountMargin& row, double CollateralFigures::*member) {
  out.number(row.collateral.*member);
}
void write_cell(TableWriter& out, const AccountMargin& row, DerivedFigure figure) { out.number((row.*figure)()); }

void set_cell(AccountMargin& row, double AccountTerms::*member, std::optional<double> value) {
  row.has_terms = value.has_value();
  row.terms.*member = value.value_or(0.0);
}
void set_cell(AccountMargin& row, double CollateralFigures::*member, std::optional<double> value) {
  row.collateral.*member = value.value_or(0.0);
}
void set_cell(AccountMargin&, DerivedFigure, std::optional<double>) {}  // follows from the others
template <class Value>
void set_cell(AccountMargin& row, Value AccountMargin::*member, std::optional<double> value) {
  row.*member = static_cast<Value>(value.value_or(0.0));
}

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
    const Presence presence = may_be_empty(margin_columns[c]) ? Presence::optional : Presence::required;
    const std::optional<double> value = row.number(c + 1, NumberRule::any, presence);
    std::visit([&](auto member) { set_cell(margin, member, value); }, margin_columns[c].member);
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
      std::visit([&](auto member) { write_cell(*out, *margin, member); }, column.member);
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

namespace {

struct TermFigure {
  const char *es_name, *se_name;
  EsFigure AccountTerms::*member;
};

/// What the terms were made from.
constexpr std::array<TermFigure, 8> term_figures = {{
    {"own_es_usd", "own_se_usd", &AccountTerms::own},
    {"perfect_es_usd", "perfect_se_usd", &AccountTerms::perfect},
    {"independent_es_usd", "independent_se_usd", &AccountTerms::independent},
    {"rest_es_usd", "rest_se_usd", &AccountTerms::rest},
    {"crisis_start_es_usd", "crisis_start_se_usd", &AccountTerms::crisis_start},
    {"long_run_start_es_usd", "long_run_start_se_usd", &AccountTerms::long_run_start},
    {"calm_correlation_es_usd", "calm_correlation_se_usd", &AccountTerms::calm_correlation},
    {"worst_correlation_es_usd", "worst_correlation_se_usd", &AccountTerms::worst_correlation},
}};

TableSpec terms_table() {
  TableSpec table{"terms", {{"account", ColumnType::text}}};
  for (const TermFigure& figure : term_figures) {
    table.columns.push_back({figure.es_name, ColumnType::number});
    table.columns.push_back({figure.se_name, ColumnType::number});
  }
  table.columns.push_back({"worst_regime", ColumnType::integer});
  for (const char* name : {"own_stressed_es_usd", "adverse_es_usd", "largest_two_es_usd"}) {
    table.columns.push_back({name, ColumnType::number});
  }
  return table;
}

}  // namespace

void write_terms(const std::vector<AccountMargin>& margins, const fs::path& folder) {
  create_folder(folder);
  const auto out = create_table(folder, terms_table(), FileFormat::csv);
  for (const AccountMargin* margin : sorted_by_account(margins)) {
    const AccountTerms& terms = margin->terms;
    out->text(margin->account);
    for (const TermFigure& figure : term_figures) {
      out->number((terms.*figure.member).es_usd);
      out->number((terms.*figure.member).se_usd);
    }
    out->integer(terms.worst_regime);
    for (const double value : {terms.own_stressed_es_usd, terms.adverse_es_usd, terms.largest_two_es_usd}) {
      out->number(value);
    }
  }
  out->commit();
}

void write_regime_es(const std::vector<AccountMargin>& margins, const Model& model, const fs::path& folder) {
  static const TableSpec table{
      "regime_es", {{"account", ColumnType::text}, {"regime", ColumnType::text}, {"es_usd", ColumnType::number}}};
  create_folder(folder);
  const auto out = create_table(folder, table, FileFormat::csv);
  for (const AccountMargin* margin : sorted_by_account(margins)) {
    for (std::size_t k = 0; k < margin->regime_es_usd.size(); ++k) {
      out->text(margin->account);
      out->text(model.regimes[k].name);
      out->number(margin->regime_es_usd[k]);
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

void write_contributions(const std::vector<std::vector<HoldingShare>>& accounts, const Book& book,
                         const fs::path& folder) {
  static const TableSpec table{"contributions",
                               {{"account", ColumnType::text},
                                {"instrument", ColumnType::text, Presence::optional},
                                {"underlying", ColumnType::text},
                                {"quantity", ColumnType::number},
                                {"entry_price", ColumnType::number, Presence::optional},
                                {"es_usd", ColumnType::number},
                                {"es_se_usd", ColumnType::number}}};
  create_folder(folder);
  const auto out = create_table(folder, table, FileFormat::csv);
  for (AccountId a = 0; a < accounts.size(); ++a) {
    for (const HoldingShare& holding : accounts[a]) {
      out->text(book.accounts[a]);
      holding.instrument ? out->text(book.instruments[*holding.instrument].name) : out->missing();
      out->text(book.underlyings[holding.underlying].name);
      out->number(holding.quantity);
      holding.entry_price ? out->number(*holding.entry_price) : out->missing();
      out->number(holding.es.usd);
      out->number(holding.es.se_usd);
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
    const bool same = std::visit([&](auto member) { return same_cell(a, b, member); }, column.member);
    if (!same) names.push_back(column.name);
  }
  return names;
}

}  // namespace tailmargin
