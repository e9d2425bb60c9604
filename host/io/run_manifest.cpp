// run.json and the hashes in it.
#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "host/domain/validate/text.hpp"
#include "host/io/model_json.hpp"
#include "host/io/pending_file.hpp"
#include "host/io/run_files.hpp"
#include "host/io/run_record.hpp"
#include "host/io/table_reader.hpp"

namespace tailmargin {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    check(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }
  void add(const void* data, std::size_t size) { check(EVP_DigestUpdate(context_.get(), data, size) == 1); }
  std::string hex() {
    static constexpr char digits[] = "0123456789abcdef";
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
    unsigned int size = 0;
    check(EVP_DigestFinal_ex(context_.get(), bytes.data(), &size) == 1);
    std::string text;
    for (unsigned int i = 0; i < size; ++i) text += {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
    return text;
  }

 private:
  static void check(bool succeeded) {
    if (!succeeded)
      throw std::runtime_error("OpenSSL cannot compute SHA-256 (a run records hashes). Check its set-up.");
  }
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

Json file_entry(const fs::path& file) {
  return {{"file", file.filename().string()}, {"bytes", fs::file_size(file)}, {"sha256", sha256_file(file)}};
}

Json book_files(const fs::path& folder) {
  Json files = Json::array();
  for (const fs::path& file : list_book_files(folder)) files.push_back(file_entry(file));
  return files;
}

Json model_json(const RunManifest& manifest, const Model& model) {
  Json json = {{"file", nullptr}, {"sha256", nullptr}, {"text", nullptr}};
  if (!manifest.model_file.empty()) {
    std::ifstream stream(manifest.model_file, std::ios::binary);
    json["file"] = manifest.model_file.string();
    json["sha256"] = sha256_file(manifest.model_file);
    json["text"] = std::string{std::istreambuf_iterator<char>(stream), {}};
  }
  json["parameters"] = model_parameters(model);
  return json;
}

Json config_json(const RunConfig& config) {
  static constexpr std::array<const char*, 4> backends = {"auto", "cuda", "cpu", "reference"};
  return {{"num_paths", config.num_paths},
          {"seed", config.seed},
          {"sampler", to_string(config.sampler)},
          {"backend", backends.at(static_cast<std::size_t>(config.backend))},
          {"threads", config.threads},
          {"isa", config.isa},
          {"paths_per_tile", config.paths_per_tile},
          {"accounts_per_batch", config.accounts_per_batch},
          {"keep_tail_paths", config.keep_tail_paths},
          {"fit_tails", config.fit_tails},
          {"control_variate", config.control_variate},
          {"contributions", config.contributions},
          {"keep_shortfalls", config.keep_shortfalls},
          {"keep_liquidations", config.keep_liquidations}};
}

Json result_json(const RunResult& result) {
  return {{"accounts", result.margins.size()},
          {"factors", result.num_factors},
          {"steps", result.num_steps},
          {"columns", result.num_columns},
          {"exact_accounts", result.num_exact_accounts},
          {"position_paths", result.position_paths},
          {"notes", result.notes}};
}

Json smiles_json(const RunResult& result) {
  Json smiles = Json::array();
  for (const SmileReport& smile : result.smiles) {
    smiles.push_back({{"underlying", smile.underlying},
                      {"settlement", smile.settlement},
                      {"expiry", format_utc_time(smile.expiry)},
                      {"quotes", smile.num_quotes},
                      {"rms_vol", smile.rms_vol},
                      {"vega_weighted_rms_vol", smile.near_rms_vol},
                      {"worst_vol", smile.worst_vol},
                      {"marks_have_butterfly_arbitrage", smile.butterfly_marks},
                      {"marks_have_calendar_arbitrage", smile.calendar_marks}});
  }
  return smiles;
}

/// Only what this run wrote: the folder may hold files of an earlier one.
Json outputs_json(const RunManifest& manifest, const RunConfig& config, const RunResult& result,
                  const fs::path& folder) {
  Json files = Json::array();
  if (!manifest.margins_file.empty()) files.push_back(file_entry(manifest.margins_file));
  if (!result.prepared_tables.empty()) {
    files.push_back({{"file", "prepared.bin"},
                     {"bytes", result.prepared_tables.size()},
                     {"sha256", sha256_bytes(result.prepared_tables.data(), result.prepared_tables.size())}});
  }
  if (config.keep_tail_paths) files.push_back(file_entry(folder / "tail_paths.parquet"));
  if (config.fit_tails) files.push_back(file_entry(folder / "tail_fits.csv"));
  if (config.control_variate) files.push_back(file_entry(folder / "controlled_es.csv"));
  if (config.contributions) files.push_back(file_entry(folder / "contributions.csv"));
  if (!result.wrong_way.empty()) files.push_back(file_entry(folder / "wrong_way.csv"));
  if (!result.venues.accounts.empty()) {
    for (const char* name : {"venues.csv", "venue_accounts.csv"}) files.push_back(file_entry(folder / name));
  }
  if (!manifest.exchange_file.empty()) files.push_back(file_entry(manifest.exchange_file));
  if (config.keep_shortfalls) files.push_back(file_entry(folder / "shortfalls.bin"));
  if (result.crowding) files.push_back(file_entry(folder / "crowding.csv"));
  if (config.keep_liquidations) files.push_back(file_entry(folder / "liquidations.bin"));
  return files;
}

Json timings_json(const RunManifest& manifest, const RunResult& result) {
  Json stages = Json::array();
  for (const StageTime& stage : result.stages) {
    stages.push_back({{"stage", stage.stage}, {"seconds", stage.seconds}});
  }
  return {{"total_seconds", manifest.total_seconds}, {"stages", stages}};
}

Json diagnostics_json(const Diagnostics& diagnostics) {
  Json list = Json::array();
  for (const Diagnostic& d : diagnostics.items()) {
    list.push_back({{"file", d.file},
                    {"row", d.row},
                    {"field", d.field},
                    {"value", d.value},
                    {"severity", d.severity == Severity::error ? "error" : "warning"},
                    {"reason", d.reason}});
  }
  return list;
}

}  // namespace

std::string sha256_bytes(const void* data, std::size_t size) {
  Sha256 hash;
  hash.add(data, size);
  return hash.hex();
}

std::string sha256_file(const fs::path& file) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(std::fopen(file.c_str(), "rb"), std::fclose);
  const auto fail = [&](int code) {
    throw FileError("cannot read " + file.string() + ": " + std::strerror(code) +
                    " (its hash belongs in the manifest). Check the path and its permissions.");
  };
  if (!stream) fail(errno);
  Sha256 hash;
  std::vector<char> buffer(1 << 20);
  while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), stream.get())) {
    hash.add(buffer.data(), size);
  }
  if (std::ferror(stream.get())) fail(errno);
  return hash.hex();
}

void write_run_manifest(const RunManifest& manifest, const RunConfig& config, const Model& model,
                        const RunResult& result, const Diagnostics& diagnostics, const fs::path& folder) {
  create_folder(folder);
  Json json = {{"format", 1}, {"command_line", manifest.command_line}};
  json["versions"] = {{"tailmargin", TAILMARGIN_VERSION}, {"compiler", __VERSION__}, {"arrow", arrow_version()}};
  json["backend"] = result.backend;
  json["device"] = result.device;
  json["config"] = config_json(config);
  json["inputs"] = {{"working_folder", fs::current_path().string()},
                    {"book_folder", manifest.book_folder.string()},
                    {"book", book_files(manifest.book_folder)}};
  json["model"] = model_json(manifest, model);
  json["outputs"] = outputs_json(manifest, config, result, folder);
  json["result"] = result_json(result);
  json["smiles"] = smiles_json(result);
  json["timings"] = timings_json(manifest, result);
  json["peak_rss_bytes"] = manifest.peak_rss_bytes;
  json["diagnostics"] = diagnostics_json(diagnostics);
  write_whole_file(folder / "run.json", json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace tailmargin
