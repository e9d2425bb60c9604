// Runs read back: the manifest, hashes of what was read and written, the model's text.
#include "host/io/run_record.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "host/io/model_file.hpp"
#include "host/io/run_files.hpp"
#include "tests/io/broken_book.hpp"
#include "tests/io/print_diagnostics.hpp"

namespace tailmargin::test {
namespace {

namespace fs = std::filesystem;

/// A run's folder beside its book, as the margin command leaves it.
class WrittenRun {
 public:
  WrittenRun() {
    Diagnostics diagnostics;
    const Model model = read_model(model_file, diagnostics);
    AccountMargin margin;
    margin.account = "alice";
    margin.es_usd = 0.1;
    RunResult result;
    result.margins = {margin};
    result.backend = "reference";
    result.prepared_tables = "tables";
    RunConfig config;
    config.num_paths = 1'234;
    config.seed = 77;
    config.sampler = Sampler::sobol;
    config.control_variate = true;
    write_bytes(book / "positions.csv", "account\n");
    write_bytes(book / "book.toml", "name\n");
    write_controlled_es(result.margins, run);
    RunManifest manifest;
    manifest.book_folder = book;
    manifest.model_file = model_file;
    manifest.margins_file = write_margins(result.margins, run, FileFormat::csv);
    write_run_manifest(manifest, config, model, result, diagnostics, run);
  }

  /// Changes one value of run.json.
  void edit(const char* pointer, const nlohmann::ordered_json& value) {
    auto json = nlohmann::ordered_json::parse(read_bytes(run / "run.json"));
    json[nlohmann::ordered_json::json_pointer(pointer)] = value;
    write_bytes(run / "run.json", json.dump());
  }

  RunRecord record(Diagnostics& diagnostics) const { return read_run_record(run, diagnostics); }

 private:
  TemporaryFolder folder_;

 public:
  const fs::path book = make("book"), run = make("run"), model_file = copied_model();

 private:
  fs::path make(const char* name) const {
    fs::create_directory(folder_.path() / name);
    return folder_.path() / name;
  }
  fs::path copied_model() const {
    fs::copy_file(fs::path(TAILMARGIN_SOURCE_DIR) / "examples/models/small.toml", folder_.path() / "own.toml");
    return folder_.path() / "own.toml";
  }
};

std::string only_problem(const Diagnostics& diagnostics) {
  EXPECT_EQ(diagnostics.items().size(), 1u) << testing::PrintToString(diagnostics.items());
  return diagnostics.items().empty() ? "" : diagnostics.items()[0].reason;
}

TEST(RunRecord, IsWhatTheRunWrote) {
  const WrittenRun written;
  Diagnostics diagnostics;

  const RunRecord record = written.record(diagnostics);
  check_book_files(record, record.book, diagnostics);
  const fs::path margins = margins_of_run(record, diagnostics);
  const Model model = model_of_run(record, "", diagnostics);

  EXPECT_FALSE(diagnostics.has_errors()) << testing::PrintToString(diagnostics.items());
  EXPECT_EQ(record.backend, "reference");
  EXPECT_EQ(record.config.num_paths, 1'234u);
  EXPECT_EQ(record.config.seed, 77u);
  EXPECT_EQ(record.config.sampler, Sampler::sobol);
  EXPECT_TRUE(record.config.control_variate);
  EXPECT_FALSE(record.config.keep_tail_paths);
  EXPECT_EQ(record.book, written.book);
  EXPECT_EQ(margins, written.run / "margins.csv");
  EXPECT_EQ(model.name, read_model(written.model_file, diagnostics).name);
  EXPECT_EQ(read_margins(margins).at(0).es_usd, 0.1);
}

TEST(RunRecord, FindsABookGivenRelativeToWhereTheRunWasStarted) {
  WrittenRun written;
  Diagnostics diagnostics;
  written.edit("/inputs/working_folder", written.book.parent_path().string());
  written.edit("/inputs/book_folder", "book");

  EXPECT_EQ(written.record(diagnostics).book, written.book);
  written.edit("/inputs/working_folder", "/nowhere");
  EXPECT_EQ(written.record(diagnostics).book, fs::path("book"));  // from here
}

TEST(RunRecord, ListsEveryFileThatIsNotWhatTheRunRead) {
  const WrittenRun written;
  Diagnostics diagnostics;
  const RunRecord record = written.record(diagnostics);
  const std::string before = sha256_file(written.book / "positions.csv");
  write_bytes(written.book / "positions.csv", "account,\n");
  write_bytes(written.book / "market.csv", "new");
  fs::remove(written.book / "book.toml");

  check_book_files(record, written.book, diagnostics);

  ASSERT_EQ(diagnostics.items().size(), 3u) << testing::PrintToString(diagnostics.items());
  EXPECT_NE(diagnostics.items()[0].reason.find("was not there"), std::string::npos);
  EXPECT_EQ(diagnostics.items()[1].file, (written.book / "positions.csv").string());
  EXPECT_EQ(diagnostics.items()[1].value, sha256_file(written.book / "positions.csv"));
  EXPECT_NE(diagnostics.items()[1].reason.find(before), std::string::npos);
  EXPECT_NE(diagnostics.items()[2].reason.find("not there any more"), std::string::npos);
}

TEST(RunRecord, RefusesAMarginsFileThatTheRunDidNotWrite) {
  const WrittenRun written;
  Diagnostics diagnostics;
  const RunRecord record = written.record(diagnostics);
  write_bytes(written.run / "margins.csv", "account\n");

  EXPECT_TRUE(margins_of_run(record, diagnostics).empty());
  EXPECT_NE(only_problem(diagnostics).find("is not what the run wrote"), std::string::npos);
  fs::remove(written.run / "margins.csv");
  EXPECT_TRUE(margins_of_run(record, diagnostics).empty());
}

TEST(RunRecord, TakesTheModelFromTheManifest) {
  WrittenRun written;
  Diagnostics diagnostics;
  const RunRecord record = written.record(diagnostics);
  write_bytes(written.model_file, "format = 1\n");

  const Model model = model_of_run(record, "", diagnostics);

  EXPECT_FALSE(diagnostics.has_errors());
  EXPECT_FALSE(model.regimes.empty());
  EXPECT_NE(only_problem(diagnostics).find("changed since the run"), std::string::npos);  // a warning

  written.edit("/model/text", record.model_text + " ");
  Diagnostics edited;
  model_of_run(written.record(edited), "", edited);
  EXPECT_TRUE(edited.has_errors());
}

TEST(RunRecord, RefusesAnotherBuiltInModel) {
  WrittenRun written;
  written.edit("/model/file", nullptr);
  written.edit("/model/sha256", nullptr);
  written.edit("/model/text", nullptr);
  const std::string same = read_bytes(written.model_file);
  Diagnostics good, bad;

  model_of_run(written.record(good), same.c_str(), good);
  std::string other = same;
  other.replace(other.find("confidence = 0.99"), 17, "confidence = 0.98");
  model_of_run(written.record(bad), other.c_str(), bad);

  EXPECT_FALSE(good.has_errors()) << testing::PrintToString(good.items());
  EXPECT_TRUE(bad.has_errors());
}

// A run may leave the terms of its model's margins out; its text still has them.
TEST(RunRecord, LeavesOutTheTermsThatTheRunLeftOut) {
  WrittenRun written;
  Diagnostics diagnostics;
  const RunRecord before = written.record(diagnostics);
  const std::string text = before.model_text +
                           "\n[terms]\ncalm_regime = \"calm\"\ncrisis_regime = \"stress\"\n"
                           "crisis_start_weight = 0.5\n";
  ASSERT_TRUE(parse_model(text, "text", diagnostics).terms) << testing::PrintToString(diagnostics.items());
  written.edit("/model/text", text);
  written.edit("/model/sha256", sha256_bytes(text.data(), text.size()));

  const Model model = model_of_run(written.record(diagnostics), "", diagnostics);

  EXPECT_FALSE(diagnostics.has_errors()) << testing::PrintToString(diagnostics.items());
  EXPECT_FALSE(model.terms);
}

// Margins do not depend on crowding: whether the run looked at it or left it out, its model has none.
TEST(RunRecord, LeavesOutCrowding) {
  WrittenRun written;
  Diagnostics diagnostics;
  const std::string text = written.record(diagnostics).model_text + "\n[crowding]\nregime = \"stress\"\n";
  ASSERT_TRUE(parse_model(text, "text", diagnostics).crowding) << testing::PrintToString(diagnostics.items());
  written.edit("/model/text", text);
  written.edit("/model/sha256", sha256_bytes(text.data(), text.size()));

  const Model left_out = model_of_run(written.record(diagnostics), "", diagnostics);
  written.edit("/model/parameters/crowding", "as it was");
  const Model looked_at = model_of_run(written.record(diagnostics), "", diagnostics);

  EXPECT_FALSE(diagnostics.has_errors()) << testing::PrintToString(diagnostics.items());
  EXPECT_FALSE(left_out.crowding);
  EXPECT_FALSE(looked_at.crowding);
}

TEST(RunRecord, SaysWhatTheManifestLacks) {
  WrittenRun written;
  Diagnostics nothing, cut, missing;

  read_run_record(written.book, nothing);
  EXPECT_NE(only_problem(nothing).find("no such file"), std::string::npos);
  written.edit("/config/seed", "one");
  written.edit("/inputs", nullptr);
  written.record(missing);
  ASSERT_EQ(missing.items().size(), 3u) << testing::PrintToString(missing.items());
  EXPECT_EQ(missing.items()[0].field, "config/seed");
  EXPECT_EQ(missing.items()[1].field, "inputs/book_folder");
  EXPECT_EQ(missing.items()[2].field, "inputs/book");
  write_bytes(written.run / "run.json", "{\"format\": 1,");
  written.record(cut);
  EXPECT_NE(only_problem(cut).find("not JSON"), std::string::npos);
}

TEST(RunRecord, RefusesNumbersThatNoRunHas) {
  for (const auto& [pointer, value] :
       std::vector<std::pair<const char*, nlohmann::ordered_json>>{{"/config/num_paths", -5},
                                                                   {"/config/num_paths", 0},
                                                                   {"/config/num_paths", 4'294'967'296u},
                                                                   {"/config/num_paths", 1234.0},
                                                                   {"/config/num_paths", nullptr},
                                                                   {"/config/seed", -1},
                                                                   {"/format", 2}}) {
    WrittenRun written;
    Diagnostics diagnostics;
    written.edit(pointer, value);

    written.record(diagnostics);

    EXPECT_NE(only_problem(diagnostics).find("no whole number"), std::string::npos) << pointer << value;
    EXPECT_EQ(diagnostics.items().at(0).field, pointer + 1);
    EXPECT_EQ(diagnostics.items().at(0).value, value.dump());
  }
}

TEST(DifferentColumns, AreThoseWhoseBitsDiffer) {
  AccountMargin a;
  a.account = "alice";
  AccountMargin b = a;

  EXPECT_TRUE(different_columns(a, b).empty());
  b.es_usd = -0.0;
  b.worst_path = 3;
  b.exact_precision = true;
  EXPECT_EQ(different_columns(a, b), (std::vector<std::string>{"es_usd", "worst_path", "exact_precision"}));
}

}  // namespace
}  // namespace tailmargin::test
