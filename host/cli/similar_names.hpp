// Names that were perhaps meant.
#pragma once

#include <string>
#include <vector>

namespace tailmargin {

/// Up to three of `names`, nearest first by the letters to add, drop or change (case does not count), none further off
/// than half the name; as text: " Did you mean A, B?", or empty.
std::string did_you_mean(const std::string& name, const std::vector<std::string>& names);

}  // namespace tailmargin
