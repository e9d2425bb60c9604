#include "host/io/pending_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "tailmargin/diagnostics.hpp"

namespace tailmargin {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, int code) {
  throw FileError("cannot write " + path.string() + ": " + std::generic_category().message(code) +
                  " (nothing was put in its place). Check the folder, its permissions and the free space.");
}

}  // namespace

PendingFile::PendingFile(std::filesystem::path target) : target_(std::move(target)) {
  partial_ = target_;
  partial_.replace_filename("." + target_.filename().string() + ".partial");
  descriptor_ = ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(target_, errno);
}

PendingFile::~PendingFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(partial_.c_str());
}

void PendingFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ::ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(target_, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void PendingFile::commit() {
  if (::fsync(descriptor_) != 0) fail(target_, errno);
  if (::rename(partial_.c_str(), target_.c_str()) != 0) fail(target_, errno);
  ::close(descriptor_);
  descriptor_ = -1;
}

void create_folder(const std::filesystem::path& folder) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code) fail(folder, code.value());
}

void write_whole_file(const std::filesystem::path& target, std::string_view bytes) {
  PendingFile file(target);
  file.write(bytes);
  file.commit();
}

}  // namespace tailmargin
