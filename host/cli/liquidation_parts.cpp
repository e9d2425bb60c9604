#include "host/cli/liquidation_parts.hpp"

#include <filesystem>
#include <set>

#include "host/engine/byte_number.hpp"
#include "host/io/crowding_files.hpp"
#include "host/io/model_json.hpp"

namespace tailmargin {
namespace {

/// Those that can be read; the others go to diagnostics.
std::vector<PathLiquidations> read_all(const std::vector<std::string>& files, Diagnostics& diagnostics) {
  std::vector<PathLiquidations> parts;
  std::set<std::filesystem::path> seen;
  for (const std::string& file : files) {
    if (!seen.insert(std::filesystem::weakly_canonical(file)).second) {
      diagnostics.error(file, 0, "", "",
                        "the file is named twice (its liquidations would count twice). Name every part once.");
      continue;
    }
    try {
      parts.push_back(read_liquidations(file));
    } catch (const FileError& error) { diagnostics.error(file, 0, "", "", error.what()); }
  }
  return parts;
}

}  // namespace

std::uint64_t model_number(const Model& model) {
  nlohmann::ordered_json parameters = model_parameters(model);
  for (const char* label : {"name", "date", "source"}) { parameters.erase(label); }
  return number_of_bytes(parameters.dump());
}

std::optional<PathLiquidations> read_liquidation_parts(const std::vector<std::string>& files, const Model& model,
                                                       Diagnostics& diagnostics) {
  if (files.empty()) { return std::nullopt; }
  const std::vector<PathLiquidations> parts = read_all(files, diagnostics);
  check_parts(parts, diagnostics);
  for (const PathLiquidations& part : parts) {
    if (part.model == model_number(model)) { continue; }
    diagnostics.error(part.files.front(), 0, "", "",
                      "these liquidations come from another model than the run's, or with other options that change it "
                      "(its margins liquidate others). Run all parts, both times, with the same model and options.");
  }
  if (diagnostics.has_errors()) { return std::nullopt; }
  try {
    return join_liquidations(parts);
  } catch (const UsageError& error) { diagnostics.error("--liquidations", 0, "", "", error.what()); }
  return std::nullopt;
}

}  // namespace tailmargin
