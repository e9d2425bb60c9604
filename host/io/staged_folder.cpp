#include "host/io/staged_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "host/io/pending_file.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {
namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const fs::path& path, const std::error_code& code) {
  throw FileError("cannot write " + path.string() + ": " + code.message() +
                  ". Check the folder, its permissions and the free space.");
}

}  // namespace

StagedFolder::StagedFolder(fs::path target) : target_(std::move(target)), staging_(target_ / ".partial") {
  std::error_code code;
  made_target_ = !fs::exists(target_, code);
  create_folder(target_);
  descriptor_ = ::open(target_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor_ < 0) fail(target_, {errno, std::generic_category()});
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    ::close(descriptor_);
    throw UsageError("another run is writing to " + target_.string() +
                     " (the files of both would mix). Wait for it, or choose another folder.");
  }
  fs::remove_all(staging_, code);  // of a run that was killed
  fs::create_directory(staging_, code);
  if (code) {
    ::close(descriptor_);
    fail(target_, code);
  }
}

StagedFolder::~StagedFolder() {
  std::error_code ignored;
  fs::remove_all(staging_, ignored);
  if (made_target_) fs::remove(target_, ignored);  // only if it is empty
  ::close(descriptor_);
}

void StagedFolder::commit(const std::vector<std::string>& outdated) {
  std::vector<fs::path> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(staging_)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  std::error_code code;
  for (const fs::path& name : names) {
    fs::rename(staging_ / name, target_ / name, code);
    if (code) fail(target_ / name, code);
    const fs::path extension = name.extension();
    if (extension != ".csv" && extension != ".parquet") continue;
    fs::remove(target_ / fs::path(name).replace_extension(extension == ".csv" ? ".parquet" : ".csv"), code);
  }
  for (const std::string& name : outdated) {
    if (std::find(names.begin(), names.end(), name) == names.end()) fs::remove(target_ / name, code);
  }
}

}  // namespace tailmargin
