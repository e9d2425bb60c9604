// A model text after an edit, and all that must be said about it.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "tailmargin/diagnostics.hpp"

namespace tailmargin::test {

struct BrokenModelCase {
  const char* name;
  std::string (*text)();
  std::vector<Diagnostic> expected;
};

inline void PrintTo(const BrokenModelCase& c, std::ostream* out) { *out << c.name; }

}  // namespace tailmargin::test
