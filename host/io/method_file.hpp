// Presets of margin methods, as docs/venues.md lists their keys.
#pragma once

#include <filesystem>
#include <string_view>

#include "host/venues/method.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {

/// Reads a preset; all its problems go to diagnostics, and the method is of use only if there were no errors.
/// @param file  its name, for messages
venues::Method parse_method(std::string_view text, std::string_view file, Diagnostics& diagnostics);

venues::Method read_method(const std::filesystem::path& file, Diagnostics& diagnostics);

}  // namespace tailmargin
