// Model files: readable TOML, checked as a whole. Form: docs/model_file.md, example: examples/models/.
#pragma once

#include <filesystem>
#include <string_view>

#include "tailmargin/diagnostics.hpp"
#include "tailmargin/model.hpp"

namespace tailmargin {

/// Reads and checks a model. Every problem goes to `diagnostics`; unknown keys are errors (a typo must not
/// silently change a margin). Whether the correlations are positive definite depends on the book and is
/// checked when a run is prepared.
Model read_model(const std::filesystem::path& file, Diagnostics& diagnostics);

/// The same from text; `file` names it in diagnostics.
Model parse_model(std::string_view text, std::string_view file, Diagnostics& diagnostics);

}  // namespace tailmargin
