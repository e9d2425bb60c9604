// controlled_es.csv: its form, and the same bytes however the run was made.
#include <gtest/gtest.h>

#include "host/io/run_files.hpp"
#include "tests/estimators/support.hpp"
#include "tests/io/temporary_folder.hpp"

namespace tailmargin {
namespace {

using namespace test;

std::string written(const std::vector<AccountMargin>& margins) {
  const TemporaryFolder folder;
  write_controlled_es(margins, folder.path());
  return read_bytes(folder.path() / "controlled_es.csv");
}

TEST(ControlledFile, HasARowPerAccountInOrderOfNames) {
  std::vector<AccountMargin> margins(2);
  margins[0].account = "b";
  margins[0].controlled_es = {100.0, 4.0, 101.5, 0.5};
  margins[1].account = "a";

  EXPECT_EQ(written(margins),
            "account,es_usd,es_se_usd,controlled_es_usd,controlled_se_usd,variance_ratio\n"
            "a,0,0,0,0,1\n"
            "b,100,4,101.5,0.5,64\n");
}

TEST(ControlledFile, IsTheSameForBackendsThreadsAndBatches) {
  RunConfig config;
  config.num_paths = 2'000;
  config.control_variate = true;
  config.backend = BackendChoice::cpu;
  config.threads = 1;
  config.isa = "baseline";
  const auto run = [&] { return written(run_margin(three_coin_book(), wild_model(), config).margins); };
  const std::string expected = run();

  config.threads = 2;
  EXPECT_EQ(run(), expected);
  config.isa = "auto";
  EXPECT_EQ(run(), expected);
  config.paths_per_tile = 64;
  config.accounts_per_batch = 1;
  EXPECT_EQ(run(), expected);
  config.backend = BackendChoice::reference;
  EXPECT_EQ(run(), expected);
}

}  // namespace
}  // namespace tailmargin
