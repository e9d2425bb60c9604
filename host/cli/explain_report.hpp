// What `tailmargin explain` prints.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tailmargin/book.hpp"
#include "tailmargin/crowding.hpp"
#include "tailmargin/explain.hpp"
#include "tailmargin/model.hpp"
#include "tailmargin/sampler.hpp"
#include "tailmargin/venues.hpp"

namespace tailmargin {

struct ExplainReport {
  std::string run, book, margins_file;  ///< as the user finds them
  std::string model;
  Sampler sampler = Sampler::plain;
  std::uint64_t num_paths = 0, seed = 0;
  std::uint64_t holdings_shown = 0;  ///< 0: all
  Explanation explanation;
  std::optional<CrowdedFigures> crowding;  ///< as the run found them, not computed again
  std::optional<AccountVenues> venues;     ///< likewise
  double total_seconds = 0.0;
};

std::string explain_text(const Book& book, const Model& model, const ExplainReport& report);
std::string explain_json(const Book& book, const Model& model, const ExplainReport& report);

}  // namespace tailmargin
