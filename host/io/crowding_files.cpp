#include "host/io/crowding_files.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

#include "host/io/account_row.hpp"
#include "host/io/exchange_json.hpp"
#include "host/io/pending_file.hpp"
#include "host/io/raw_numbers.hpp"
#include "host/io/table_writer.hpp"

namespace tailmargin {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

Json deleveraging_json(const Deleveraging& deleveraging) {
  return {{"expected_usd", estimate_json(deleveraging.expected_usd)},
          {"worst_usd", deleveraging.worst_usd},
          {"worst_path", deleveraging.worst_path}};
}

Json round_json(const CrowdingRound& round) {
  Json json = {{"expected_liquidated_accounts", estimate_json(round.liquidated)}};
  json.update(distribution_json(round.shortfall));
  json["deleveraged"] = round.deleveraging ? deleveraging_json(*round.deleveraging) : Json(nullptr);
  return json;
}

Json price_json(const CrowdedPrice& price) {
  return {
      {"underlying", price.underlying},
      {"day_vol", price.day_vol},
      {"depth_usd", price.depth_usd},
      {"probability_of_liquidations", price.probability},
      {"mean_log_move", price.mean_move},
      {"probability_of_largest_move", price.capped},
      {"worst", {{"log_move", price.largest_move}, {"path", price.path}, {"liquidated_delta_usd", price.delta_usd}}}};
}

using Column = std::pair<const char*, double (*)(const CrowdedFigures&)>;

constexpr std::array<Column, 10> columns = {{
    {"liquidation_probability", [](const CrowdedFigures& c) { return c.liquidation_probability; }},
    {"es_usd", [](const CrowdedFigures& c) { return c.es_usd; }},
    {"es_se_usd", [](const CrowdedFigures& c) { return c.es_se_usd; }},
    {"crowded_es_usd", [](const CrowdedFigures& c) { return c.crowded_es_usd; }},
    {"crowded_es_se_usd", [](const CrowdedFigures& c) { return c.crowded_es_se_usd; }},
    {"crowding_usd", [](const CrowdedFigures& c) { return c.crowding_usd(); }},
    {"initial_margin_usd", [](const CrowdedFigures& c) { return c.initial_margin_usd; }},
    {"crowded_initial_margin_usd", [](const CrowdedFigures& c) { return c.crowded_initial_margin_usd; }},
    {"crowded_shortfall_probability", [](const CrowdedFigures& c) { return c.crowded_shortfall_probability; }},
    {"crowded_uncovered_loss_usd", [](const CrowdedFigures& c) { return c.crowded_uncovered_loss_usd; }},
}};

TableSpec crowding_table() {
  TableSpec table{"crowding", {{"account", ColumnType::text}}};
  for (const Column& column : columns) { table.columns.push_back({column.first, ColumnType::number}); }
  return table;
}

constexpr std::string_view magic = "TMLIQUI2";
constexpr std::string_view earlier_magic = "TMLIQUI1";

PathLiquidations parse_liquidations(RawNumbers bytes) {
  const std::vector<char> bytes_of_magic = bytes.take<char>(magic.size());
  const std::string_view start(bytes_of_magic.data(), bytes_of_magic.size());
  if (start == earlier_magic) { throw FileError("it was written by an earlier version"); }
  if (start != magic) { throw FileError("it is no liquidations.bin"); }
  const std::vector<std::uint64_t> head = bytes.take<std::uint64_t>(5);
  PathLiquidations out;
  out.scenarios = head[0];
  out.model = head[1];
  out.num_accounts = head[2];
  out.num_paths = head[3];
  if (out.num_paths == 0) { throw FileError("it has no path"); }
  out.marks = bytes.take<AccountMark>(out.num_accounts);
  out.accounts = bytes.take<std::uint64_t>(out.num_paths);
  if (*std::max_element(out.accounts.begin(), out.accounts.end()) > out.num_accounts) {
    throw FileError("more accounts are liquidated on a path than there are");
  }
  for (std::uint64_t u = 0; u < head[4]; ++u) {
    const std::vector<std::int64_t> cents = bytes.take<std::int64_t>(out.num_paths);
    out.delta_cents.insert(out.delta_cents.end(), cents.begin(), cents.end());
  }
  if (!bytes.at_end()) { throw FileError("more stands in it than there should"); }
  const auto not_rising = [](const AccountMark& a, const AccountMark& b) { return a.name >= b.name; };
  if (std::adjacent_find(out.marks.begin(), out.marks.end(), not_rising) != out.marks.end()) {
    throw FileError("its accounts are not in order");  // whether two files share one could not be told
  }
  return out;
}

}  // namespace

Json crowding_json(const CrowdingReport& report) {
  Json prices = Json::array();
  for (const CrowdedPrice& price : report.prices) { prices.push_back(price_json(price)); }
  return {{"without", round_json(report.without)}, {"with", round_json(report.with)}, {"prices", prices}};
}

void write_crowding(const std::vector<AccountMargin>& margins, const fs::path& folder) {
  create_folder(folder);
  std::vector<const AccountMargin*> sorted;
  for (const AccountMargin& margin : margins) { sorted.push_back(&margin); }
  std::stable_sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return a->account < b->account; });
  const auto out = create_table(folder, crowding_table(), FileFormat::csv);
  for (const AccountMargin* margin : sorted) {
    out->text(margin->account);
    for (const Column& column : columns) { out->number(column.second(margin->crowding)); }
  }
  out->commit();
}

CrowdedFigures read_crowding(const fs::path& file, const std::string& account) {
  const std::vector<double> row = read_account_row(file, crowding_table(), account);
  return {row[0], row[1], row[2], row[6], row[3], row[4], row[7], row[8], row[9]};  // row[5] is a difference
}

void write_liquidations(const PathLiquidations& liquidations, const fs::path& folder) {
  create_folder(folder);
  RawNumbers bytes{std::string(magic)};
  const std::uint64_t underlyings =
      liquidations.num_paths == 0 ? 0 : liquidations.delta_cents.size() / liquidations.num_paths;
  bytes.put(std::vector<std::uint64_t>{liquidations.scenarios, liquidations.model, liquidations.num_accounts,
                                       liquidations.num_paths, underlyings});
  bytes.put(liquidations.marks);
  bytes.put(liquidations.accounts);
  bytes.put(liquidations.delta_cents);
  write_whole_file(folder / "liquidations.bin", bytes.text());
}

PathLiquidations read_liquidations(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  try {
    if (fs::is_directory(file)) { throw FileError("it is a folder"); }
    if (!stream) { throw FileError("it cannot be opened"); }
    PathLiquidations out = parse_liquidations(RawNumbers{std::string{std::istreambuf_iterator<char>(stream), {}}});
    out.files = {file.string()};
    return out;
  } catch (const FileError& error) {
    throw FileError("cannot read " + file.string() + ": " + error.what() +
                    " (liquidations of the parts of a book are added from whole files). Write it again with "
                    "--keep-liquidations.");
  }
}

}  // namespace tailmargin
