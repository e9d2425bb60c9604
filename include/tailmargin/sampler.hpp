// How the paths of a run are drawn.
#pragma once

#include <cstdint>

namespace tailmargin {

/// Independent paths, or paths that cover what matters most evenly. Expectations are the same; the sampling error is
/// not. docs/decisions/0009.
enum class Sampler : std::uint8_t {
  plain,       ///< independent paths
  stratified,  ///< scrambled Sobol points for regimes, the first tail score and the first jump
  sobol,       ///< and for the sums over the horizon of the leading draws
};

/// "plain", ...
const char* to_string(Sampler sampler);

}  // namespace tailmargin
