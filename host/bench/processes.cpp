// Whole processes, and the folder they work in.
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>

#include "host/bench/measure.hpp"
#include "tailmargin/diagnostics.hpp"

extern char** environ;

namespace tailmargin::bench {
namespace {

/// posix_spawn's actions, freed.
class QuietOutput {
 public:
  QuietOutput() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  }
  ~QuietOutput() { posix_spawn_file_actions_destroy(&actions_); }
  QuietOutput(const QuietOutput&) = delete;             // the actions are freed once
  QuietOutput& operator=(const QuietOutput&) = delete;  // likewise
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

}  // namespace

ProcessRun run_process(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) { arguments.push_back(const_cast<char*>(argument.c_str())); }
  arguments.push_back(nullptr);
  const QuietOutput quiet;
  const auto start = std::chrono::steady_clock::now();
  pid_t child = 0;
  const int failure = posix_spawn(&child, arguments[0], quiet.get(), nullptr, arguments.data(), environ);
  if (failure != 0) { throw std::runtime_error("cannot start " + command.front() + ": " + std::strerror(failure)); }
  int status = 0;
  rusage usage{};
  while (wait4(child, &status, 0, &usage) < 0) {
    if (errno != EINTR) { throw std::runtime_error(std::string("lost a process: ") + std::strerror(errno)); }
  }
  ProcessRun run;
  run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  run.peak_rss_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024u;
  run.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return run;
}

std::filesystem::path this_program() { return std::filesystem::read_symlink("/proc/self/exe"); }

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "tailmargin-bench-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    throw FileError("cannot make a folder like " + name + " (the bench writes its book there): " +
                    std::strerror(errno) + ". Set TMPDIR to a folder with room.");
  }
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace tailmargin::bench
