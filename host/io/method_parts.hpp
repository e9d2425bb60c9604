// What the readers of a preset share.
#pragma once

#include <string>
#include <vector>

#include "host/io/toml_table.hpp"
#include "host/venues/method.hpp"

namespace tailmargin {

inline constexpr NumberRange fraction_range{0.0, 1.0, false, false, "from 0 to 1"};
inline constexpr NumberRange factor_range{0.0, 100.0, false, false, "from 0 to 100"};
inline constexpr NumberRange usd_range{0.0, 1e15, false, false, "from 0 to 1e15 USD"};

/// method_charges.cpp: `charges` of a group.
std::vector<venues::Charge> read_charges(const TomlValue* list, const std::string& path, ProblemLog& problems);

}  // namespace tailmargin
