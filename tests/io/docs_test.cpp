// The examples in docs/files.md and docs/model_file.md are read as they stand.
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "host/io/model_file.hpp"
#include "host/io/run_files.hpp"
#include "tests/io/broken_book.hpp"
#include "tests/io/print_diagnostics.hpp"

namespace tailmargin::test {
namespace {

/// Fenced blocks of a page: what stands behind the opening fence, and the lines.
std::vector<std::pair<std::string, std::string>> fenced_blocks(const std::string& page) {
  std::istringstream stream(read_bytes(std::string(TAILMARGIN_SOURCE_DIR "/docs/") + page));
  std::vector<std::pair<std::string, std::string>> blocks;
  bool is_inside = false;
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("```")) {
      is_inside = !is_inside;
      if (is_inside) blocks.emplace_back(line.substr(3), "");
    } else if (is_inside) {
      blocks.back().second += line + "\n";
    }
  }
  return blocks;
}

TEST(FilesPage, ShowsAGoodBook) {
  TemporaryFolder folder;
  std::size_t files = 0;
  for (const auto& [info, text] : fenced_blocks("files.md")) {
    const std::size_t space = info.find(' ');
    if (space == std::string::npos) continue;
    write_bytes(folder.path() / info.substr(space + 1), text);
    ++files;
  }

  Diagnostics diagnostics;
  const Book book = read_book(folder.path(), BookParts::all, diagnostics);

  EXPECT_EQ(files, 6U);
  EXPECT_EQ(diagnostics.items(), std::vector<Diagnostic>{});
  EXPECT_EQ(book.accounts.size(), 2U);
}

TEST(FilesPage, ShowsAGoodMarginsFile) {
  TemporaryFolder folder;
  for (const auto& [info, text] : fenced_blocks("files.md")) {
    if (text.starts_with("account,num_positions")) write_bytes(folder.path() / "margins.csv", text);
  }

  const auto margins = read_margins(folder.path() / "margins.csv");

  ASSERT_EQ(margins.size(), 1U);
  EXPECT_DOUBLE_EQ(margins[0].maintenance_margin_usd, 0.8 * margins[0].initial_margin_usd);
}

TEST(ModelPage, ShowsGoodModels) {
  const auto blocks = fenced_blocks("model_file.md");

  ASSERT_EQ(blocks.size(), 2U);
  for (const auto& [info, text] : blocks) {
    Diagnostics diagnostics;
    parse_model(text, "model_file.md", diagnostics);
    EXPECT_EQ(diagnostics.items(), std::vector<Diagnostic>{});
  }
}

}  // namespace
}  // namespace tailmargin::test
