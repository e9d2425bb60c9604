// The scenarios of a run on the host, simulated once.
#pragma once

#include <atomic>
#include <functional>
#include <utility>
#include <vector>

#include "host/backends/run_tables.hpp"
#include "host/cpu/host_loops.hpp"

namespace tailmargin {

/// How the host simulates.
struct SimulateOptions {
  const cpu::Kernels* kernels = nullptr;
  int threads = 0;  ///< 0: all
  std::function<void(double fraction)> progress;
  const std::atomic<bool>* stop = nullptr;
};

/// Whether simulate_together() takes two runs: their draws are the same numbers.
bool have_common_draws(const PreparedRun& a, const PreparedRun& b);

/// The scenarios of several runs with common draws: each draw is made once.
/// @param runs  at most max_models
/// @throws Interrupted
std::vector<Observations> simulate_together(const std::vector<const PreparedRun*>& runs,
                                            const SimulateOptions& options);

class KeptScenarios {
 public:
  /// More than that is not kept but simulated when needed.
  static constexpr std::uint64_t most_bytes = std::uint64_t{4} << 30;

  struct Options : SimulateOptions {
    std::uint64_t largest_bytes = most_bytes;
  };

  /// What keeping a run's scenarios takes.
  static std::uint64_t bytes(const PreparedRun& run);

  /// Simulates. The run must outlive this. @throws Interrupted
  KeptScenarios(const PreparedRun& run, Options options);

  /// Null if they are not kept.
  const Observations* observations() const { return kept_.empty() ? nullptr : &kept_; }

  /// Hands them over; they are simulated when needed from now on.
  Observations take_observations() { return std::exchange(kept_, {}); }

  /// P&L of one account in double at every read time of every path: [slice][path], USD.
  /// @param columns  of the run or a part of them
  std::vector<std::vector<double>> pnl(const ColumnPlan& columns, const AccountPlan& account) const;

 private:
  template <class T>
  using Buffer = std::vector<T>;

  const PreparedRun& run_;
  Options options_;
  StepTables<Buffer> tables_;
  SimulatePayload simulate_;
  Observations kept_;
};

}  // namespace tailmargin
