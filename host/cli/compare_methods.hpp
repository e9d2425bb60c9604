// Which margin methods a comparison takes, and where each comes from.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/venues/method.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {

/// A preset that is compiled in.
struct PresetText {
  const char* file;
  const char* text;
};

/// presets/*.toml, by file name.
const std::vector<PresetText>& default_presets();

inline constexpr const char* monte_carlo_name = "monte-carlo";

/// What the command line says of methods.
struct MethodOptions {
  std::vector<std::string> names;    ///< empty: all
  std::vector<std::string> presets;  ///< files beside the compiled ones; one of the same name takes its place
  std::string deribit_params;        ///< document in place of the preset's parameters; empty: none
};

struct ChosenMethods {
  bool monte_carlo = false;
  std::vector<venues::Method> methods;  ///< in the order asked for
};

/// Problems of files go to diagnostics; then nothing is chosen.
/// @throws UsageError for a name that there is not, naming those there are
ChosenMethods choose_methods(const MethodOptions& options, Diagnostics& diagnostics);

}  // namespace tailmargin
