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

/// The number of what stands before and the value.
std::uint64_t with_value(std::uint64_t number, const std::optional<double>& value) {
  if (!value) { return number_of_bytes("-", number); }
  return number_of_bytes({reinterpret_cast<const char*>(&*value), sizeof *value}, number);
}

}  // namespace

std::uint64_t margins_number(const Model& model, const Book& market) {
  nlohmann::ordered_json parameters = model_parameters(model);
  for (const char* label : {"name", "date", "source"}) { parameters.erase(label); }
  std::uint64_t number = number_of_bytes(parameters.dump());
  for (const Underlying& underlying : market.underlyings) { number = with_value(number, underlying.adv_usd); }
  for (const Quote& quote : market.quotes) {
    for (const auto& value : {quote.mark_price, quote.bid, quote.ask, quote.volume_24h}) {
      number = with_value(number, value);
    }
  }
  return number;
}

std::optional<PathLiquidations> read_liquidation_parts(const std::vector<std::string>& files, const Model& model,
                                                       const Book& market, Diagnostics& diagnostics) {
  if (files.empty()) { return std::nullopt; }
  const std::vector<PathLiquidations> parts = read_all(files, diagnostics);
  check_parts(parts, diagnostics);
  const std::uint64_t of_run = margins_number(model, market);
  for (const PathLiquidations& part : parts) {
    if (part.model == of_run) { continue; }
    diagnostics.error(part.files.front(), 0, "", "",
                      "these liquidations come from another model than the run's, with other options that change it, "
                      "or with other marks, quotes or volumes of the market (its margins liquidate others). Run all "
                      "parts, both times, with the same model, options and market.");
  }
  if (diagnostics.has_errors()) { return std::nullopt; }
  try {
    return join_liquidations(parts);
  } catch (const UsageError& error) { diagnostics.error("--liquidations", 0, "", "", error.what()); }
  return std::nullopt;
}

}  // namespace tailmargin
