// What a backend does: tails of accounts on shared scenarios. Backends know neither the engine, nor IO, nor each other.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/prepare/prepared_run.hpp"

namespace tailmargin {

enum class Precision : std::uint8_t {
  single,  ///< float columns and sums: the fast path
  exact,   ///< double columns and sums on the same scenarios: accounts whose offsets cancel too much for float
};

struct StageSeconds {
  double simulate = 0.0, revalue = 0.0, pnl = 0.0, tail = 0.0;
};

/// Tails of a set of accounts, in their order.
struct Tails {
  std::vector<TailFigures> figures;         ///< [account]
  std::vector<std::uint64_t> path_offsets;  ///< [account + 1] into tail_paths; empty unless asked for
  std::vector<std::uint32_t> tail_paths;    ///< worst first, the paths with a share in ES
  StageSeconds seconds;
};

enum class KeepTailPaths : std::uint8_t { no, yes };

struct TailsRequest {
  Precision precision = Precision::single;
  KeepTailPaths keep_paths = KeepTailPaths::no;
  std::function<void(double fraction)> progress;  ///< called now and then from one thread; may be empty
  const std::atomic<bool>* stop = nullptr;        ///< when it turns true the backend throws Interrupted
};

class Backend {
 public:
  virtual ~Backend() = default;
  /// "cpu", "cuda", "reference"
  virtual std::string name() const = 0;
  /// One line: processor and instruction set, or the GPU's name.
  virtual std::string device() const = 0;
  /// Tails of `accounts` (which may be a part of run.accounts) on the scenarios of `run`.
  virtual Tails tails(const PreparedRun& run, const AccountPlan& accounts, const TailsRequest& request) = 0;
};

/// Tail rule of a run: where the quantile lies and how many losses must be kept to reach it.
/// Throws UsageError if there are too few paths for the confidence level.
TailRule make_tail_rule(const PreparedRun& run);

/// Double precision, one thread, plain loops, own formulas: the definition of correct.
std::unique_ptr<Backend> make_reference_backend();

/// Instruction sets compiled into the cpu backend.
enum class Isa : std::uint8_t { automatic, baseline, avx2, avx512 };

struct CpuOptions {
  int threads = 0;  ///< 0: all
  Isa isa = Isa::automatic;
  std::uint32_t paths_per_tile = 0;      ///< 0: chosen from the cache size; else a multiple of 64
  std::uint64_t accounts_per_batch = 0;  ///< 0: chosen from memory
};

/// Throws BackendUnavailable if the processor lacks the instruction set asked for.
std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options);

struct CudaOptions {
  int device = 0;
  std::uint64_t accounts_per_batch = 0;  ///< 0: from free device memory
};

/// Throws BackendUnavailable, naming the cure, if not built in, or no driver or device.
std::unique_ptr<Backend> make_cuda_backend(const CudaOptions& options);

/// Empty if the cuda backend can run here; else one line why not and what to do.
std::string cuda_unavailable_reason();

}  // namespace tailmargin
