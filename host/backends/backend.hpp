// What a backend does: tails of accounts on shared scenarios. Backends know neither the engine, nor IO, nor each other.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/backends/large_buffer.hpp"
#include "host/prepare/prepared_run.hpp"
#include "kernels/executors/shortfall.hpp"
#include "tailmargin/accuracy.hpp"

namespace tailmargin {

enum class Precision : std::uint8_t {
  single,  ///< float columns and sums: the fast path
  exact,   ///< double columns and sums on the same scenarios: accounts whose offsets cancel too much for float
};

struct StageSeconds {
  double simulate = 0.0, revalue = 0.0, pnl = 0.0, tail = 0.0;
};

/// Paths of one account that may be in its tail once losses are computed in double.
struct NearPaths {
  std::uint64_t account = 0;
  std::vector<std::uint32_t> paths;  ///< rising; empty: not known
  std::vector<float> losses;         ///< the same in float
  double slack = 0.0;                ///< how much a float loss may be off, USD, for the list to be complete, times two
};

/// What scenarios are read at, of all paths of a run: the same for any accounts.
struct Observations {
  LargeBuffer<float> values;  ///< [tile][row][lane]; empty if that is too much to keep
  std::uint32_t tile_width = 0;

  bool empty() const { return values.empty(); }
};

/// What a pass in float leaves to spare the one in double work.
struct ExactHints {
  std::vector<NearPaths> near;  ///< by rising account; of those that a second pass is for, if known
  Observations observations;
};

/// Shortfalls of one account whose losses exceed its equity on paths of its tail only.
struct TailShortfalls {
  std::uint64_t account = 0;
  std::vector<std::uint32_t> paths;
  std::vector<std::int64_t> cents;  ///< of these paths, above 0; on all others there is none
};

/// Tails of a set of accounts, in their order.
struct Tails {
  std::vector<TailFigures> figures;         ///< [account]
  std::vector<double> regime_es;            ///< [account][regime] USD, if the run has regime_steps
  std::vector<std::uint64_t> path_offsets;  ///< [account + 1] into tail_paths; empty unless asked for
  std::vector<std::uint32_t> tail_paths;    ///< worst first, the paths with a share in ES
  std::vector<double> tail_losses;          ///< of tail_paths, USD; a backend may leave it empty
  ExactHints hints;                         ///< of a pass in float; a backend may leave it empty
  std::vector<TailShortfalls> shortfalls;   ///< if asked for, by rising account; a backend may leave any account out
  StageSeconds seconds;
};

/// Tail paths and losses of one account, where they were kept.
inline std::vector<TailLoss<double>> tail_of(const Tails& tails, std::uint64_t account) {
  std::vector<TailLoss<double>> out;
  for (std::uint64_t i = tails.path_offsets[account]; i < tails.path_offsets[account + 1]; ++i) {
    out.push_back({tails.tail_losses[i], tails.tail_paths[i]});
  }
  return out;
}

enum class KeepTailPaths : std::uint8_t { no, yes };
enum class ListShortfalls : std::uint8_t { no, yes };
enum class KeepShortPaths : std::uint8_t { no, yes };

/// What every pass over the paths of a run can be told.
struct PassRequest {
  Precision precision = Precision::single;
  std::function<void(double fraction)> progress;  ///< called now and then from one thread; may be empty
  const std::atomic<bool>* stop = nullptr;        ///< when it turns true the backend throws Interrupted
  const Observations* observations = nullptr;     ///< of this run; a backend need not look at them and simulates then
};

struct TailsRequest : PassRequest {
  KeepTailPaths keep_paths = KeepTailPaths::no;
  ListShortfalls list_shortfalls = ListShortfalls::no;  ///< also keeps observations in hints, if they fit
  const ExactHints* hints = nullptr;  ///< of the same accounts, for a pass in double; a backend need not look at it
  /// [account] about where the tail begins, USD, for a pass in float; 0: not known. Null: of none. It may be wrong:
  /// that costs time and changes nothing. A backend need not look at it.
  const std::vector<double>* expected_var = nullptr;
};

struct ShortfallsRequest : PassRequest {
  /// [path] weights of the paths in the sums of accounts. A path of weight 0 is left out, in `paths` too, where nothing
  /// is found then. Null: all are 1.
  const std::vector<std::uint32_t>* weights = nullptr;
  KeepShortPaths keep_paths = KeepShortPaths::no;
};

/// A bit for each path of a run, path p in bit p % 64 of word p / 64.
constexpr std::uint64_t path_words(std::uint64_t num_paths) { return (num_paths + 63) / 64; }

/// What a set of accounts lacks beyond its equity, exactly: shortfalls of docs/methodology.md in cents.
struct Shortfalls {
  std::vector<PathShortfall> paths;        ///< [path]
  std::vector<AccountShortfall> accounts;  ///< [account]
  /// [account][word of paths] on which paths it falls short; empty unless asked for.
  std::vector<std::uint64_t> short_paths;
};

class Backend {
 public:
  virtual ~Backend() = default;
  /// "cpu", "cuda", "reference"
  virtual std::string name() const = 0;
  /// One line: processor and instruction set, or the GPU's name.
  virtual std::string device() const = 0;
  /// Whether it looks at PassRequest::observations.
  virtual bool reads_observations() const { return false; }
  /// Tails of `accounts` (which may be a part of run.accounts) on the scenarios of `run`.
  virtual Tails tails(const PreparedRun& run, const AccountPlan& accounts, const TailsRequest& request) = 0;
  /// Shortfalls of `accounts` on the scenarios of `run`. Sums are not checked: together, accounts must lack less than
  /// 9e16 USD on every path, and the sum of weights times that must stay below 2^95 cents.
  virtual Shortfalls shortfalls(const PreparedRun& run, const AccountPlan& accounts,
                                const ShortfallsRequest& request) = 0;
};

/// Whether float is not enough for an account: its offsets cancel so far that the error bound of docs/accuracy.md would
/// not hold. From numbers that are the same on every backend, so that all pick the same accounts.
inline bool needs_double(double rounding_scale_usd, double es_usd) {
  return !(rounding_scale_usd <= accuracy::max_gross_to_tail * (es_usd > 0.0 ? es_usd : 0.0));
}

/// Tail rule of a run: where the quantile lies and how many losses must be kept to reach it.
/// Throws UsageError if there are too few paths for the confidence level.
TailRule make_tail_rule(const PreparedRun& run);

/// Paths of a run, as far as statistics over them go.
struct PathSample {
  std::uint64_t num_paths = 0;
  const std::vector<std::uint32_t>& weights;  ///< [path]; empty: all one
  std::uint32_t num_replicates = 0;           ///< as in TailRule
};

/// Whether the tail beyond a level holds a path's worth.
bool has_tail(const PathSample& paths, double confidence);

/// The same for any level and no fitted law.
TailRule make_tail_rule(const PathSample& paths, double confidence);

/// Double precision, one thread, plain loops, own formulas: the definition of correct.
std::unique_ptr<Backend> make_reference_backend();

/// Instruction sets compiled into the cpu backend.
enum class Isa : std::uint8_t { automatic, baseline, avx2, avx512 };

struct CpuOptions {
  int threads = 0;  ///< 0: all
  Isa isa = Isa::automatic;
  std::uint32_t paths_per_tile = 0;      ///< 0: chosen from the cache size; else a multiple of 64
  std::uint64_t accounts_per_batch = 0;  ///< 0: chosen from memory
  /// How sure the first paths must be of where an account's tail begins, in standard deviations. An account they were
  /// wrong about is computed again, so it changes the time of a run and nothing else; infinity: nothing is foretold.
  double tail_sigmas = 7.0;
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
