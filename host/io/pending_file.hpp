// A file that appears under its name only when it is whole.
#pragma once

#include <filesystem>
#include <string_view>

namespace tailmargin {

/// Written as ".NAME.partial" beside its place; commit() flushes it to the disk and renames it. Without commit()
/// nothing is left behind. All functions throw FileError with the path and the system's reason.
class PendingFile {
 public:
  explicit PendingFile(std::filesystem::path target);
  ~PendingFile();
  PendingFile(const PendingFile&) = delete;             // one owner removes or renames the file
  PendingFile& operator=(const PendingFile&) = delete;  // likewise

  void write(std::string_view bytes);
  void commit();

  /// For writers that want a file of their own; valid until commit().
  int descriptor() const { return descriptor_; }
  const std::filesystem::path& target() const { return target_; }

 private:
  std::filesystem::path target_, partial_;
  int descriptor_ = -1;
};

/// Creates the folder and those above it if missing.
void create_folder(const std::filesystem::path& folder);

/// Writes a whole small file in one go.
void write_whole_file(const std::filesystem::path& target, std::string_view bytes);

}  // namespace tailmargin
