#include "host/io/exchange_files.hpp"

#include <fstream>
#include <iterator>
#include <string_view>

#include "host/io/crowding_files.hpp"
#include "host/io/exchange_json.hpp"
#include "host/io/pending_file.hpp"
#include "host/io/raw_numbers.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

Json level_json(const ShortfallLevel& level) {
  return {{"confidence", level.confidence},
          {"quantile_usd", estimate_json(level.quantile_usd)},
          {"es_usd", estimate_json(level.es_usd)},
          {"cover_two_quantile_usd", estimate_json(level.cover_two_quantile_usd)}};
}

Json fund_json(const FundUse& fund) {
  return {{"insurance_fund_usd", fund.fund_usd},
          {"expected_use_usd", estimate_json(fund.used_usd)},
          {"probability_exceeded", estimate_json(fund.exceeded)},
          {"expected_excess_usd", estimate_json(fund.excess_usd)}};
}

Json worst_json(const ExchangeShortfall& exchange) {
  Json accounts = Json::array();
  for (const ShortfallPart& part : exchange.largest) {
    accounts.push_back({{"account", part.account}, {"part_usd", part.part_usd}, {"share", part.share}});
  }
  return {{"paths", exchange.num_worst_paths},
          {"mean_usd", exchange.worst_mean_usd},
          {"accounts", accounts},
          {"others",
           {{"accounts", exchange.num_others}, {"part_usd", exchange.others_usd}, {"share", exchange.others_share}}}};
}

constexpr std::string_view magic = "TMSHORT1";

PathShortfalls parse_shortfalls(RawNumbers bytes) {
  const std::vector<char> start = bytes.take<char>(magic.size());
  if (std::string_view(start.data(), start.size()) != magic) { throw FileError("it is no shortfalls.bin"); }
  const std::vector<std::uint64_t> head = bytes.take<std::uint64_t>(6);
  PathShortfalls out;
  out.scenarios = head[0];
  out.num_accounts = head[1];
  out.num_short_accounts = head[2];
  out.num_replicates = static_cast<std::uint32_t>(head[3]);
  out.weights = bytes.take<std::uint32_t>(head[4]);
  out.sum = bytes.take<std::int64_t>(head[5]);
  out.largest = bytes.take<std::int64_t>(head[5]);
  out.second = bytes.take<std::int64_t>(head[5]);
  if (!bytes.at_end()) { throw FileError("more stands in it than there should"); }
  return out;
}

}  // namespace

Json estimate_json(const PathEstimate& estimate) {
  return {{"value", estimate.value}, {"standard_error", estimate.standard_error}};
}

Json distribution_json(const ExchangeShortfall& exchange) {
  Json levels = Json::array();
  for (const ShortfallLevel& level : exchange.levels) { levels.push_back(level_json(level)); }
  return {{"accounts_that_can_fall_short", exchange.num_short_accounts},
          {"shortfall",
           {{"expected_usd", estimate_json(exchange.expected_usd)},
            {"probability_of_any", estimate_json(exchange.probability)},
            {"levels", levels}}},
          {"fund", exchange.fund ? fund_json(*exchange.fund) : Json(nullptr)}};
}

std::string exchange_json(const ExchangeShortfall& exchange, const CrowdingReport* crowding) {
  Json json = {{"format", 1}, {"accounts", exchange.num_accounts}};
  json.update(distribution_json(exchange));
  json["worst_paths"] = worst_json(exchange);
  if (crowding != nullptr) { json["crowding"] = crowding_json(*crowding); }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

fs::path write_exchange(const ExchangeShortfall& exchange, const fs::path& folder, const CrowdingReport* crowding) {
  create_folder(folder);
  write_whole_file(folder / "exchange.json", exchange_json(exchange, crowding));
  return folder / "exchange.json";
}

void write_shortfalls(const PathShortfalls& shortfalls, const fs::path& folder) {
  create_folder(folder);
  RawNumbers bytes{std::string(magic)};
  bytes.put(std::vector<std::uint64_t>{shortfalls.scenarios, shortfalls.num_accounts, shortfalls.num_short_accounts,
                                       shortfalls.num_replicates, shortfalls.weights.size(), shortfalls.sum.size()});
  bytes.put(shortfalls.weights);
  bytes.put(shortfalls.sum);
  bytes.put(shortfalls.largest);
  bytes.put(shortfalls.second);
  write_whole_file(folder / "shortfalls.bin", bytes.text());
}

PathShortfalls read_shortfalls(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  try {
    if (!stream) { throw FileError("it cannot be opened"); }
    return parse_shortfalls(RawNumbers{std::string{std::istreambuf_iterator<char>(stream), {}}});
  } catch (const FileError& error) {
    throw FileError("cannot read " + file.string() + ": " + error.what() +
                    " (parts of a book are added from whole files). Write it again with --keep-shortfalls.");
  }
}

}  // namespace tailmargin
