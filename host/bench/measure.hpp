// Running a case: the answer first, then repeats of the engine, then the whole command as a process of its own.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tailmargin/engine.hpp"

namespace tailmargin::bench {

/// run_margin, or what a test puts in its place.
using Engine = std::function<RunResult(const Book&, const Model&, const RunConfig&)>;

/// Margins of a small book against the reference backend.
/// @throws std::runtime_error naming the first account that differs: the bench ends there
void check_answer(const Book& book, const Model& model, RunConfig config, const Engine& engine);

/// A what-if of the first account, which gives up its first position, against full runs before and after.
/// @throws std::runtime_error if a bit differs
void check_whatif(const Book& book, const Model& model, RunConfig config);

/// Times of one thing in the repeats after the warm-up.
struct Times {
  std::vector<double> seconds;
  double median() const;
  double low() const;
  double high() const;
};

struct StageTimes {
  std::string stage;
  Times times;
};

struct Repeats {
  double warm_up_seconds = 0.0;
  Times run;                       ///< book in memory to margins in memory
  std::vector<StageTimes> stages;  ///< as the engine names them, in its order
  RunResult last;
};

/// One warm-up, then `count` runs.
Repeats repeat_run(const Book& book, const Model& model, const RunConfig& config, int count, const Engine& engine);

/// The same of anything; no stages.
Repeats repeat_call(const std::function<void()>& call, int count);

struct ProcessRun {
  double seconds = 0.0;  ///< from before its start to after its end
  std::uint64_t peak_rss_bytes = 0;
  int exit_code = 0;
};

/// Runs a program with its standard output thrown away. @throws std::runtime_error if it cannot be started
ProcessRun run_process(const std::vector<std::string>& command);

/// The file of this program.
std::filesystem::path this_program();

/// A folder of its own under the system's temporary ones, gone at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;             // one owner
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;  // likewise
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace tailmargin::bench
