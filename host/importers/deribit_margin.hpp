// Margin parameters from a venue's public documents, in place of a preset's. Fields read: docs/venues.md.
#pragma once

#include <filesystem>

#include "host/venues/method.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {

/// Deribit's public/pme/get_params, alone, as `result` of a response, or as `model_params` of a simulation.
/// @param preset  gives the name, the title and what is not modelled; everything else comes from the document
/// @return of use only if there were no errors
venues::Method read_deribit_margin(const std::filesystem::path& file, const venues::Method& preset,
                                   Diagnostics& diagnostics);

}  // namespace tailmargin
