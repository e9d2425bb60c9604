// A run folder read back: what run.json says its margins were computed from.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tailmargin/diagnostics.hpp"
#include "tailmargin/engine.hpp"
#include "tailmargin/model.hpp"

namespace tailmargin {

/// A file as a run recorded it.
struct RecordedFile {
  std::string file;  ///< name in its folder
  std::string sha256;
};

/// What computing a run again needs of its manifest.
struct RunRecord {
  std::filesystem::path manifest;  ///< run.json
  std::string version;             ///< of tailmargin
  std::string backend;             ///< that computed it: cpu, cuda, reference
  RunConfig config;                ///< paths, seed, sampler, and what was asked for beside the margins
  std::filesystem::path book;      ///< the book's folder, as it can be opened from here
  std::vector<RecordedFile> book_files;
  std::filesystem::path model_file;  ///< likewise; empty: the model was built in
  std::string model_sha256, model_text;
  std::string model_parameters;  ///< every parameter that margins depend on, as JSON
  RecordedFile margins;
  std::vector<RecordedFile> outputs;  ///< of the run, the margins file too
  std::string prepared_sha256;        ///< of RunResult::prepared_tables
};

/// Reads run.json of a run's folder. Relative paths in it count from the folder the run was started in if they lead
/// somewhere from there, else from here. Problems (no such file, not JSON, a key that is missing) go to diagnostics;
/// the record must not be used then.
RunRecord read_run_record(const std::filesystem::path& run, Diagnostics& diagnostics);

/// An error for each file of the book that is not what the run read, with both hashes: changed, gone, or new.
void check_book_files(const RunRecord& record, const std::filesystem::path& book, Diagnostics& diagnostics);

/// The margins file of the run, checked against its hash. Empty if it is not what the run wrote.
std::filesystem::path margins_of_run(const RunRecord& record, Diagnostics& diagnostics);

/// Another file of the run, likewise; empty, and no problem, if the run wrote none of this name.
std::filesystem::path output_of_run(const RunRecord& record, const std::string& name, Diagnostics& diagnostics);

/// The run's model from the text in its manifest; a model file that changed since is a warning. A model that was built
/// in is parsed from `built_in` and must have the parameters of the run.
Model model_of_run(const RunRecord& record, const char* built_in, Diagnostics& diagnostics);

/// The files a book is read from, those there are: book.toml, then its tables.
std::vector<std::filesystem::path> list_book_files(const std::filesystem::path& folder);

}  // namespace tailmargin
