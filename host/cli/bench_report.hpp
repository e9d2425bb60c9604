// What the bench found out about one case, as text and as JSON.
#pragma once

#include <array>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "host/bench/cases.hpp"
#include "host/bench/measure.hpp"
#include "host/bench/stage_work.hpp"

namespace tailmargin {

/// The book of a case as it was made.
struct MadeBook {
  std::uint64_t accounts = 0, positions = 0, instruments = 0, factors = 0, steps = 0, exposures = 0, columns = 0;
};

struct CaseReport {
  std::string name, model;
  bench::Measured measured = bench::Measured::margins;
  std::uint64_t paths = 0, seed = 0;
  MadeBook made;
  double make_seconds = 0.0, write_book_seconds = 0.0;
  bench::Ceilings ceilings;
  std::array<bench::StageWork, 4> work;
  bench::Repeats repeats;
  bench::Times total;  ///< whole processes: start of `tailmargin margin` to its end; or one answer of a what-if
  std::uint64_t peak_rss_bytes = 0;
  std::string margins_sha256;
};

/// Keys: docs/performance.md.
nlohmann::ordered_json case_json(const CaseReport& report);

std::string case_text(const CaseReport& report);

}  // namespace tailmargin
