#include "host/io/model_file.hpp"

#include <fstream>
#include <iterator>
#include <string>

#include "host/io/model_parts.hpp"
#include "host/io/model_rules.hpp"

namespace tailmargin {
namespace {

constexpr NumberRange format_range{1.0, 1.0, false, false, "1, the only format there is"};

/// Where every table and key of a file stands.
void note_lines(const TomlValue& value, const std::string& path, Model& model) {
  if (!path.empty()) model.lines.emplace(path, value.line);
  for (std::size_t i = 0; i < value.items.size(); ++i) note_lines(value.items[i], item_path(path, i), model);
  for (const TomlEntry& entry : value.entries) {
    note_lines(entry.value, path.empty() ? entry.key : path + "." + entry.key, model);
  }
}

Model read_root(const TomlValue& root, ProblemLog& problems) {
  TomlTable table(root, "", problems);
  ModelDraft draft{{}, problems};
  note_lines(root, "", draft.model);
  table.number("format", format_range, true);
  draft.model.name = table.text("name", true).value_or("");
  draft.model.date = table.text("date").value_or("");
  draft.model.source = table.text("source").value_or("");
  read_horizon(table.table("horizon"), draft);
  read_closing(table.table("closing"), draft);
  read_margin(table.table("margin"), draft);
  read_groups(table.table("groups"), draft);
  read_correlation(table.table("correlation"), draft);
  read_surface(table.table("surface"), draft);
  read_settlement(table.table("settlement"), draft);
  read_funding(table.table("funding"), draft);
  read_reversions(table.array("reversion"), draft);
  read_regimes(table.array("regime", true), draft);
  read_chain(table.table("chain"), draft);
  read_mixing(table.table("mixing"), draft);
  read_jumps(table.array("jump"), draft);
  read_terms(table.table("terms"), draft);
  read_haircuts(table.array("haircut"), draft);
  read_depegs(table.array("depeg"), draft);
  read_crowding(table.table("crowding"), draft);
  check_names(draft);
  table.finish();
  return std::move(draft.model);
}

}  // namespace

Model parse_model(std::string_view text, std::string_view file, Diagnostics& diagnostics) {
  ProblemLog problems{std::string(file)};
  Model model;
  if (const auto root = parse_toml(text, problems)) model = read_root(*root, problems);
  problems.append_to(diagnostics);
  return model;
}

Model read_model(const std::filesystem::path& file, Diagnostics& diagnostics) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream || std::filesystem::is_directory(file)) {
    diagnostics.error(file.string(), 0, "", "", "the model cannot be opened (a run needs one). Check the path.");
    return {};
  }
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  Model model = parse_model(text, file.string(), diagnostics);
  model.file = file.string();
  return model;
}

}  // namespace tailmargin
