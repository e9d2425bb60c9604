// Several files that appear in a folder together, or not at all.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace tailmargin {

/// Files are written to path(), a hidden folder inside the target, and commit() moves them into place. Without commit()
/// nothing is left behind, not even the target if it was made here. One writer at a time: the target is locked.
class StagedFolder {
 public:
  /// @throws FileError if the folder cannot be made or written, UsageError if somebody else is writing to it
  explicit StagedFolder(std::filesystem::path target);
  ~StagedFolder();
  StagedFolder(const StagedFolder&) = delete;             // one owner of the lock
  StagedFolder& operator=(const StagedFolder&) = delete;  // likewise

  const std::filesystem::path& path() const { return staging_; }

  /// Moves every file into place, over what has its name, and removes the same table in the other format (csv,
  /// parquet) and the `outdated` names that were not written.
  void commit(const std::vector<std::string>& outdated = {});

 private:
  std::filesystem::path target_, staging_;
  int descriptor_ = -1;
  bool made_target_ = false;
};

}  // namespace tailmargin
