// Whether a CUDA device can be used here.
#pragma once

#include <string>

namespace tailmargin {

/// Empty if device `ordinal` can be used; else one line why not and what to do. Never throws on a machine without
/// a driver: the runtime is linked statically and looks for the driver only when asked.
std::string unavailable_reason(int ordinal);

}  // namespace tailmargin
