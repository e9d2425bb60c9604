// What the whatif command says.
#pragma once

#include <string>
#include <vector>

#include "tailmargin/whatif.hpp"

namespace tailmargin {

struct WhatIfReport {
  std::string account, model, backend, device;
  std::uint64_t num_paths = 0, num_steps = 0, num_factors = 0, seed = 0;
  std::vector<Trade> trades;
  WhatIfMargins margins;
  std::vector<Hedge> hedges;
  bool hedges_asked = false;
  std::vector<std::string> notes;
  std::vector<StageTime> stages;
  double answer_seconds = 0.0;  ///< of the margins, on the prepared run
  double hedge_seconds = 0.0;
  double total_seconds = 0.0;
};

std::string whatif_text(const Book& book, const WhatIfReport& report);

std::string whatif_json(const Book& book, const WhatIfReport& report);

}  // namespace tailmargin
