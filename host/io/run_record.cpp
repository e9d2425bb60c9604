#include "host/io/run_record.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>

#include <nlohmann/json.hpp>

#include "host/domain/validate/book_tables.hpp"
#include "host/io/model_file.hpp"
#include "host/io/model_json.hpp"
#include "host/io/run_files.hpp"

namespace tailmargin {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// Values of a manifest; what is missing or of another type is a problem.
class ManifestReader {
 public:
  ManifestReader(const Json& json, std::string file, Diagnostics& diagnostics)
      : json_(json), file_(std::move(file)), diagnostics_(diagnostics) {}

  /// The value at a JSON pointer such as "/config/seed"; a default one if it is not there.
  template <class T>
  T get(const char* pointer) {
    const Json::json_pointer at(pointer);
    if (json_.contains(at)) {
      try {
        return json_.at(at).get<T>();
      } catch (const Json::exception&) {}  // of another type: reported below
    }
    diagnostics_.error(file_, 0, pointer + 1, "",
                       "the manifest does not say it (a run cannot be computed again "
                       "without). Run `tailmargin margin` again.");
    return T{};
  }

  /// A whole number at a JSON pointer, which must be from `least` to `most`.
  std::uint64_t whole(const char* pointer, std::uint64_t least, std::uint64_t most) {
    const Json value = get<Json>(pointer);
    if (!json_.contains(Json::json_pointer(pointer))) { return least; }  // reported
    if (value.is_number_unsigned()) {
      const auto number = value.get<std::uint64_t>();
      if (number >= least && number <= most) { return number; }
    }
    diagnostics_.error(file_, 0, pointer + 1, value.dump(),
                       "this is no whole number from " + std::to_string(least) + " to " + std::to_string(most) +
                           " (the file was edited). Run `tailmargin margin` again.");
    return least;
  }

  /// Text; empty where null stands, or nothing.
  std::string optional_text(const char* pointer) const {
    const Json::json_pointer at(pointer);
    return json_.contains(at) && json_.at(at).is_string() ? json_.at(at).get<std::string>() : std::string();
  }

  std::vector<RecordedFile> files(const char* pointer) {
    std::vector<RecordedFile> out;
    for (const Json& entry : get<Json>(pointer)) {
      if (!entry.is_object()) { continue; }
      out.push_back({entry.value("file", std::string()), entry.value("sha256", std::string())});
    }
    return out;
  }

 private:
  const Json& json_;
  std::string file_;
  Diagnostics& diagnostics_;
};

/// From the folder the run was started in if it is there, else from here.
fs::path found_from(const std::string& started_in, const std::string& path) {
  if (path.empty() || started_in == fs::current_path()) { return path; }
  const fs::path there = fs::path(started_in) / path;
  return fs::exists(there) ? there : fs::path(path);
}

Sampler sampler_of(const std::string& name) {
  for (const Sampler sampler : {Sampler::stratified, Sampler::sobol}) {
    if (name == to_string(sampler)) { return sampler; }
  }
  return Sampler::plain;
}

void changed(const fs::path& file, const std::string& then, const std::string& now, const std::string& what,
             Diagnostics& diagnostics) {
  diagnostics.error(file.string(), 0, "sha256", now,
                    what + " (the run read " + (then.empty() ? "no such file" : then) +
                        "; explained would be another margin). Bring it back, name the run's book with --book, or run "
                        "`tailmargin margin` again.");
}

}  // namespace

std::vector<fs::path> list_book_files(const fs::path& folder) {
  std::vector<fs::path> files;
  if (fs::exists(folder / "book.toml")) { files.push_back(folder / "book.toml"); }
  for (const TableSpec* table :
       {&tables::underlyings, &tables::instruments, &tables::market, &tables::positions, &tables::collateral}) {
    for (const char* extension : {".csv", ".parquet"}) {
      const fs::path file = folder / (std::string(table->name) + extension);
      if (fs::exists(file)) { files.push_back(file); }
    }
  }
  return files;
}

RunRecord read_run_record(const fs::path& run, Diagnostics& diagnostics) {
  RunRecord record;
  record.manifest = run / "run.json";
  std::ifstream stream(record.manifest, std::ios::binary);
  if (!stream) {
    diagnostics.error(record.manifest.string(), 0, "", "",
                      "there is no such file (a run's folder has one). Name the folder that `tailmargin margin -o` "
                      "wrote.");
    return record;
  }
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    diagnostics.error(record.manifest.string(), 0, "", "",
                      "this is not JSON (the file is cut off or was edited). "
                      "Run `tailmargin margin` again.");
    return record;
  }
  ManifestReader in(json, record.manifest.string(), diagnostics);
  in.whole("/format", 1, 1);
  record.version = in.get<std::string>("/versions/tailmargin");
  record.backend = in.get<std::string>("/backend");
  record.config.num_paths = in.whole("/config/num_paths", 1, std::numeric_limits<std::uint32_t>::max());
  record.config.seed = in.whole("/config/seed", 0, std::numeric_limits<std::uint64_t>::max());
  record.config.sampler = sampler_of(in.get<std::string>("/config/sampler"));
  record.config.keep_tail_paths = in.get<bool>("/config/keep_tail_paths");
  record.config.fit_tails = in.get<bool>("/config/fit_tails");
  record.config.control_variate = in.get<bool>("/config/control_variate");
  const std::string started_in = in.optional_text("/inputs/working_folder");
  record.book = found_from(started_in, in.get<std::string>("/inputs/book_folder"));
  record.book_files = in.files("/inputs/book");
  record.model_file = found_from(started_in, in.optional_text("/model/file"));
  record.model_sha256 = in.optional_text("/model/sha256");
  record.model_text = in.optional_text("/model/text");
  Json parameters = in.get<Json>("/model/parameters");
  if (parameters.is_object()) { parameters.erase("crowding"); }  // margins do not depend on it
  record.model_parameters = parameters.dump();
  record.outputs = in.files("/outputs");
  for (const RecordedFile& output : record.outputs) {
    if (output.file == "prepared.bin") { record.prepared_sha256 = output.sha256; }
    if (fs::path(output.file).stem() == "margins") { record.margins = output; }
  }
  return record;
}

void check_book_files(const RunRecord& record, const fs::path& book, Diagnostics& diagnostics) {
  std::vector<RecordedFile> gone = record.book_files;
  for (const fs::path& file : list_book_files(book)) {
    const auto then = std::find_if(gone.begin(), gone.end(),
                                   [&](const RecordedFile& f) { return f.file == file.filename().string(); });
    const std::string now = sha256_file(file);
    if (then == gone.end()) {
      changed(file, "", now, "the file was not there when the margins were computed", diagnostics);
      continue;
    }
    if (then->sha256 != now) { changed(file, then->sha256, now, "the file changed since the run", diagnostics); }
    gone.erase(then);
  }
  for (const RecordedFile& file : gone) {
    changed(book / file.file, file.sha256, "", "the file is not there any more", diagnostics);
  }
}

namespace {

/// A file of the run, checked against its hash; empty if it is not what the run wrote.
fs::path checked_output(const RunRecord& record, const RecordedFile& output, const std::string& what,
                        Diagnostics& diagnostics) {
  const fs::path file = record.manifest.parent_path() / output.file;
  if (output.file.empty() || !fs::exists(file)) {
    diagnostics.error(file.string(), 0, "", "", "the run's " + what + " is not there. Run `tailmargin margin` again.");
    return {};
  }
  const std::string now = sha256_file(file);
  if (now == output.sha256) { return file; }
  diagnostics.error(file.string(), 0, "sha256", now,
                    "the file is not what the run wrote (" + output.sha256 +
                        "; it was edited, or the folder holds two runs). Run `tailmargin margin` again.");
  return {};
}

}  // namespace

fs::path margins_of_run(const RunRecord& record, Diagnostics& diagnostics) {
  return checked_output(record, record.margins, "margins file", diagnostics);
}

fs::path output_of_run(const RunRecord& record, const std::string& name, Diagnostics& diagnostics) {
  for (const RecordedFile& output : record.outputs) {
    if (output.file == name) { return checked_output(record, output, name, diagnostics); }
  }
  return {};
}

namespace {

/// A model as the run's margins took it: with the recorded parameters, its terms left out if the run left them out,
/// without crowding.
Model with_parameters_of(const RunRecord& record, Model model, const std::string& source, Diagnostics& diagnostics) {
  model.crowding.reset();
  if (diagnostics.has_errors() || model_parameters(model).dump() == record.model_parameters) { return model; }
  Model without_terms = model;
  without_terms.terms.reset();
  if (model_parameters(without_terms).dump() == record.model_parameters) { return without_terms; }
  diagnostics.error(record.manifest.string(), 0, "model/parameters", "",
                    source + " has not the parameters of the run, which tailmargin " + record.version +
                        " computed. Use that version, or run `tailmargin margin` again.");
  return model;
}

}  // namespace

Model model_of_run(const RunRecord& record, const char* built_in, Diagnostics& diagnostics) {
  if (record.model_sha256.empty()) {
    return with_parameters_of(record, parse_model(built_in, "built-in model", diagnostics), "the built-in model",
                              diagnostics);
  }
  const std::string of_text = sha256_bytes(record.model_text.data(), record.model_text.size());
  if (of_text != record.model_sha256) {
    diagnostics.error(record.manifest.string(), 0, "model/text", of_text,
                      "this is not the model's text (" + record.model_sha256 +
                          "; the file was edited). Run `tailmargin margin` again.");
    return {};
  }
  if (fs::exists(record.model_file)) {
    const std::string now = sha256_file(record.model_file);
    if (now != record.model_sha256) {
      diagnostics.warning(record.model_file.string(), 0, "sha256", now,
                          "the model file changed since the run, which read " + record.model_sha256 +
                              ". What is explained is the run: its manifest holds the text it read.");
    }
  }
  return with_parameters_of(record, parse_model(record.model_text, record.model_file.string(), diagnostics),
                            "the model's text", diagnostics);
}

}  // namespace tailmargin
