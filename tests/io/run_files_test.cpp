// Files of a run: hashes, the manifest, errors, tail paths; and that a failed write leaves nothing behind.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/io/exchange_files.hpp"
#include "host/io/model_file.hpp"
#include "host/io/run_files.hpp"
#include "tests/io/broken_book.hpp"
#include "tests/io/print_diagnostics.hpp"

namespace tailmargin::test {
namespace {

namespace fs = std::filesystem;

TEST(Sha256, MeetsThePublishedVectors) {  // FIPS 180-4 examples, and the empty message
  const std::string abc = "abc", two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  EXPECT_EQ(sha256_bytes(nullptr, 0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_bytes(abc.data(), abc.size()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_bytes(two_blocks.data(), two_blocks.size()),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256, OfAFileIsThatOfItsBytes) {
  TemporaryFolder folder;
  const std::string million_letters(1'000'000, 'a');
  write_bytes(folder.path() / "letters", million_letters);

  EXPECT_EQ(sha256_file(folder.path() / "letters"), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_THROW(sha256_file(folder.path() / "missing"), std::runtime_error);
}

TEST(Errors, AreWrittenInTheOrderFound) {
  Diagnostics diagnostics;
  diagnostics.error("market.csv", 7, "bid", "-1", "negative, \"bad\"");
  diagnostics.warning("book.toml", 0, "", "", "odd");
  TemporaryFolder folder;

  write_errors(diagnostics, folder.path() / "run");

  EXPECT_EQ(read_bytes(folder.path() / "run" / "errors.csv"),
            "file,row,field,value,severity,reason\n"
            "market.csv,7,bid,-1,error,\"negative, \"\"bad\"\"\"\n"
            "book.toml,,,,warning,odd\n");
}

TEST(Margins, HaveTheColumnsOfTheRecord) {
  TemporaryFolder folder;

  write_margins({AccountMargin{}}, folder.path(), FileFormat::csv);

  EXPECT_EQ(read_bytes(folder.path() / "margins.csv"),
            "account,num_positions,gross_notional_usd,net_delta_usd,equity_usd,leverage,var_usd,var_se_usd,es_usd,"
            "es_se_usd,worst_loss_usd,worst_path,initial_margin_usd,maintenance_margin_usd,shortfall_probability,"
            "expected_uncovered_loss_usd,collateral_haircut_usd,margin_ratio,wrong_way_usd,depeg_loss_usd,"
            "exact_precision,core_usd,crisis_start_usd,correlation_usd,floor_usd,"
            "dependence_usd,concentration_usd,liquidity_usd,short_option_minimum_usd,isolated_usd,cross_usd,"
            "offset_credit_usd,efficiency,fragility\n"
            ",0,0,0,0,,0,0,0,0,0,0,0,0,0,0,0,,0,0,false,,,,,,,,,,,,,\n");
}

TEST(Contributions, HaveARowForEachHolding) {
  Book book;
  book.accounts = {"a", "b, c", "d"};
  book.underlyings.resize(1);
  book.underlyings[0].name = "BTC";
  book.instruments.resize(1);
  book.instruments[0].name = "BTC-PERP";
  TemporaryFolder folder;

  write_contributions(
      {{{0, 0, -2.5, 70000.0, {12.25, 0.5}}, {{}, 0, 3.0, {}, {-1.0, 0.0}}}, {{0, 0, 1.0, {}, {0.0, 0.125}}}, {}}, book,
      folder.path());

  EXPECT_EQ(read_bytes(folder.path() / "contributions.csv"),
            "account,instrument,underlying,quantity,entry_price,es_usd,es_se_usd\n"
            "a,BTC-PERP,BTC,-2.5,70000,12.25,0.5\n"
            "a,,BTC,3,,-1,0\n"
            "\"b, c\",BTC-PERP,BTC,1,,0,0.125\n");
}

TEST(RegimeEs, HasARowForEachAccountAndRegime) {
  Model model;
  model.regimes.resize(2);
  model.regimes[0].name = "calm";
  model.regimes[1].name = "wild, wild";
  AccountMargin late, early;
  late.account = "b";
  late.regime_es_usd = {1.5, 0.25};
  early.account = "a";
  early.regime_es_usd = {0.0, -2.0};
  TemporaryFolder folder;

  write_regime_es({late, early}, model, folder.path());

  EXPECT_EQ(read_bytes(folder.path() / "regime_es.csv"),
            "account,regime,es_usd\na,calm,0\na,\"wild, wild\",-2\nb,calm,1.5\nb,\"wild, wild\",0.25\n");
}

TEST(Margins, ThatAreBrokenAreRefused) {
  TemporaryFolder folder;
  write_bytes(folder.path() / "margins.csv", "account,num_positions\nalice,1\n");

  EXPECT_THROW(read_margins(folder.path() / "margins.csv"), InputError);
  EXPECT_THROW(read_margins(folder.path() / "missing.csv"), InputError);
}

PathShortfalls some_shortfalls() {
  PathShortfalls shortfalls;
  shortfalls.scenarios = 0xfedcba9876543210u;
  shortfalls.num_accounts = 5;
  shortfalls.num_short_accounts = 2;
  shortfalls.num_replicates = 16;
  shortfalls.weights = {4'000'000'000u, 1};
  shortfalls.sum = {std::int64_t{9'000'000'000'000'000'000}, 0};
  shortfalls.largest = {7, 0};
  shortfalls.second = {3, 0};
  return shortfalls;
}

TEST(Shortfalls, ReadBackAsWritten) {
  TemporaryFolder folder;
  const PathShortfalls written = some_shortfalls();

  write_shortfalls(written, folder.path());

  const PathShortfalls read = read_shortfalls(folder.path() / "shortfalls.bin");
  EXPECT_EQ(read.scenarios, written.scenarios);
  EXPECT_EQ(read.num_accounts, written.num_accounts);
  EXPECT_EQ(read.num_short_accounts, written.num_short_accounts);
  EXPECT_EQ(read.num_replicates, written.num_replicates);
  EXPECT_EQ(read.weights, written.weights);
  EXPECT_EQ(read.sum, written.sum);
  EXPECT_EQ(read.largest, written.largest);
  EXPECT_EQ(read.second, written.second);
}

TEST(Shortfalls, ThatAreBrokenAreRefused) {
  TemporaryFolder folder;
  const fs::path file = folder.path() / "shortfalls.bin";
  write_shortfalls(some_shortfalls(), folder.path());
  const std::string good = read_bytes(file);

  for (const std::string& bad :
       {std::string(), good.substr(0, 30), good.substr(0, good.size() - 1), good + "x", "X" + good.substr(1)}) {
    write_bytes(file, bad);
    EXPECT_THROW(read_shortfalls(file), FileError) << bad.size();
  }
  EXPECT_THROW(read_shortfalls(folder.path() / "missing.bin"), FileError);
}

TEST(Exchange, HasItsNumbersUnderTheirNames) {
  ExchangeShortfall exchange;
  exchange.num_accounts = 30;
  exchange.num_short_accounts = 4;
  exchange.expected_usd = {1.5, 0.25};
  exchange.probability = {0.125, 0.01};
  exchange.levels = {{0.99, {10.0, 1.0}, {20.0, 2.0}, {9.0, 0.5}}};
  exchange.num_worst_paths = 7;
  exchange.worst_mean_usd = 19.0;
  exchange.largest = {{"alice", 15.0, 0.75}};
  exchange.num_others = 3;
  exchange.others_usd = 4.0;
  exchange.others_share = 0.25;
  TemporaryFolder folder;

  const auto without = nlohmann::json::parse(read_bytes(write_exchange(exchange, folder.path())));
  exchange.fund = FundUse{100.0, {1.25, 0.5}, {0.001, 0.0005}, {0.25, 0.2}};
  const auto json = nlohmann::json::parse(exchange_json(exchange));

  EXPECT_TRUE(without["fund"].is_null());
  EXPECT_EQ(json["accounts"], 30);
  EXPECT_EQ(json["accounts_that_can_fall_short"], 4);
  EXPECT_EQ(json["shortfall"]["expected_usd"]["value"], 1.5);
  EXPECT_EQ(json["shortfall"]["probability_of_any"]["standard_error"], 0.01);
  EXPECT_EQ(json["shortfall"]["levels"][0]["quantile_usd"]["value"], 10.0);
  EXPECT_EQ(json["shortfall"]["levels"][0]["es_usd"]["standard_error"], 2.0);
  EXPECT_EQ(json["shortfall"]["levels"][0]["cover_two_quantile_usd"]["value"], 9.0);
  EXPECT_EQ(json["fund"]["insurance_fund_usd"], 100.0);
  EXPECT_EQ(json["fund"]["expected_use_usd"]["value"], 1.25);
  EXPECT_EQ(json["fund"]["probability_exceeded"]["value"], 0.001);
  EXPECT_EQ(json["fund"]["expected_excess_usd"]["standard_error"], 0.2);
  EXPECT_EQ(json["worst_paths"]["paths"], 7);
  EXPECT_EQ(json["worst_paths"]["mean_usd"], 19.0);
  EXPECT_EQ(json["worst_paths"]["accounts"][0]["account"], "alice");
  EXPECT_EQ(json["worst_paths"]["accounts"][0]["share"], 0.75);
  EXPECT_EQ(json["worst_paths"]["others"]["part_usd"], 4.0);
}

TEST(Manifest, HoldsInputsOutputsAndParameters) {
  TemporaryFolder folder;
  BrokenBook().save(folder.path());
  const fs::path model_file = TAILMARGIN_SOURCE_DIR "/examples/models/three-regimes.toml";
  Diagnostics diagnostics;
  const Model model = read_model(model_file, diagnostics);
  diagnostics.warning("market.csv", 2, "bid", "70011", "crossed");
  AccountMargin margin;
  margin.account = "alice";
  margin.tail_paths = {5, 3};
  RunResult result;
  result.margins = {margin};
  result.backend = "cpu";
  result.prepared_tables = "tables";
  result.stages = {{"simulate", 0.5}};
  const fs::path run = folder.path() / "run";
  RunManifest manifest;
  manifest.book_folder = folder.path();
  manifest.model_file = model_file;
  manifest.margins_file = write_margins(result.margins, run, FileFormat::parquet);
  write_tail_paths(result.margins, run);
  manifest.exchange_file = write_exchange(result.exchange, run);
  write_shortfalls(some_shortfalls(), run);
  write_prepared_tables(result.prepared_tables, run);

  RunConfig config;
  config.keep_tail_paths = true;
  config.keep_shortfalls = true;
  write_run_manifest(manifest, config, model, result, diagnostics, run);

  const auto json = nlohmann::json::parse(read_bytes(run / "run.json"));
  EXPECT_EQ(json["backend"], "cpu");
  EXPECT_EQ(json["config"]["num_paths"], 100000);
  EXPECT_EQ(json["inputs"]["book"].size(), 6U);
  EXPECT_EQ(json["inputs"]["book"][0]["sha256"], sha256_file(folder.path() / "book.toml"));
  EXPECT_EQ(json["model"]["text"], read_bytes(model_file));
  EXPECT_EQ(json["model"]["sha256"], sha256_file(model_file));
  EXPECT_EQ(json["model"]["parameters"]["regime"][2]["underlying_correlations"][2]["rho"], 0.93);
  ASSERT_EQ(json["outputs"].size(), 5U);
  for (const auto& output : json["outputs"]) {
    EXPECT_EQ(output["sha256"], sha256_file(run / output["file"].get<std::string>()));
  }
  EXPECT_EQ(json["diagnostics"][0]["row"], 2);
  EXPECT_EQ(json["timings"]["stages"][0]["stage"], "simulate");
}

std::vector<AccountMargin> many_margins() {
  std::vector<AccountMargin> margins(200'000);
  for (std::size_t i = 0; i < margins.size(); ++i) {
    margins[i].account = "account " + std::to_string(i * 7919);
    margins[i].es_usd = 1.0 / static_cast<double>(i + 1);
  }
  return margins;
}

/// While it lives no file can grow past `bytes`: writing fails in the middle, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    old_handler_ = ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &old_);
    rlimit limit = old_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    ::signal(SIGXFSZ, old_handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;             // the limit belongs to the process
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;  // likewise

 private:
  rlimit old_{};
  void (*old_handler_)(int) = nullptr;
};

class FailedWrite : public testing::TestWithParam<FileFormat> {};

TEST_P(FailedWrite, LeavesTheOldFileAndNothingElse) {
  TemporaryFolder folder;
  const fs::path file = write_margins({AccountMargin{}}, folder.path(), GetParam());
  const std::string before = read_bytes(file);

  {
    const FileSizeLimit limit(100'000);
    EXPECT_THROW(write_margins(many_margins(), folder.path(), GetParam()), std::runtime_error);
  }

  EXPECT_EQ(read_bytes(file), before);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST_P(FailedWrite, LeavesNothingWhereNothingWas) {
  TemporaryFolder folder;

  {
    const FileSizeLimit limit(100'000);
    EXPECT_THROW(write_margins(many_margins(), folder.path(), GetParam()), std::runtime_error);
  }

  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST_P(FailedWrite, NamesTheFileAndTheCure) {
  TemporaryFolder folder;
  const char* name = GetParam() == FileFormat::csv ? "margins.csv" : "margins.parquet";
  fs::create_directories(folder.path() / name / "in the way");

  try {
    write_margins({AccountMargin{}}, folder.path(), GetParam());
    FAIL() << "a folder was overwritten";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(error.what(), "cannot write " + (folder.path() / name).string() +
                                ": Is a directory (nothing was put in its place). Check the folder, its permissions "
                                "and the free space.");
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

INSTANTIATE_TEST_SUITE_P(Formats, FailedWrite, testing::Values(FileFormat::csv, FileFormat::parquet),
                         [](const auto& c) { return c.param == FileFormat::csv ? "Csv" : "Parquet"; });

}  // namespace
}  // namespace tailmargin::test
