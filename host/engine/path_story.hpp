// What happens on single paths: regimes, tail scales, jumps, observations, simulated again from the seed.
#pragma once

#include <cstdint>
#include <vector>

#include "host/backends/backend.hpp"
#include "host/backends/run_tables.hpp"
#include "kernels/executors/simulate.hpp"

namespace tailmargin {

/// A jump as it is drawn: process number, size, and the step (1 and on) it falls into.
struct DrawnJump {
  std::uint32_t process = 0, step = 0;
  float size = 0.0f;
};

struct PathStory {
  std::vector<std::uint32_t> regimes;  ///< [step]
  std::vector<float> shock_scales;     ///< [mixing block][tail class] what shocks are multiplied with
  std::vector<DrawnJump> jumps;        ///< in the order they fall
};

/// Simulates paths one by one, with the bits they have in the run.
class PathTeller {
 public:
  /// Copies what it needs of the run.
  explicit PathTeller(const PreparedRun& run);

  std::uint32_t num_rows() const { return simulate_.num_observations; }

  /// [row] the observations of a path. @param out  num_rows() floats
  void observe(std::uint64_t path, float* out) const;

  PathStory tell(std::uint64_t path) const;

 private:
  template <class T>
  using Buffer = std::vector<T>;

  StepTables<Buffer> tables_;
  SimulatePayload simulate_;
};

/// Observations of single paths: as a pass has kept them, or else simulated again.
class ObservedPaths {
 public:
  /// @param kept  of the teller's run; may be empty. Both must outlive this.
  ObservedPaths(const PathTeller& teller, const Observations& kept) : teller_(teller), kept_(kept) {}

  std::uint32_t num_rows() const { return teller_.num_rows(); }

  /// [row] @param out  num_rows() floats
  void read(std::uint64_t path, float* out) const;

 private:
  const PathTeller& teller_;
  const Observations& kept_;
};

}  // namespace tailmargin
