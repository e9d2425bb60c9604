// One good tiny book, and edits that break it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/io/book_files.hpp"
#include "tests/io/temporary_folder.hpp"

namespace tailmargin::test {

/// A book as texts of files; good until it is edited. Edits name what they expect to find and throw if it is not there.
class BrokenBook {
 public:
  BrokenBook();

  BrokenBook& replace(const std::string& file, std::string_view from, std::string_view to);
  BrokenBook& append(const std::string& file, std::string_view text);
  BrokenBook& write(const std::string& file, std::string text);
  BrokenBook& remove(const std::string& file);
  BrokenBook& rename(const std::string& file, const std::string& to);
  /// The file's table as Parquet in place of the CSV; from a good book, so before other edits.
  BrokenBook& as_parquet(const std::string& table);
  BrokenBook& cut(const std::string& file, std::size_t bytes);

  const std::string& text(const std::string& file) const { return files_.at(file); }
  void save(const std::filesystem::path& folder) const;

  /// What read_book says of it.
  std::vector<Diagnostic> problems(BookParts parts = BookParts::all) const;

 private:
  std::map<std::string, std::string> files_;
};

/// The same for a model text.
std::string edited(std::string text, std::string_view from, std::string_view to);

}  // namespace tailmargin::test
