// The pass in double for accounts whose offsets cancel too far for float: on the few paths that can be in their tails
// instead of on all.
#pragma once

#include <cstdint>
#include <vector>

#include "host/backends/backend.hpp"
#include "host/cpu/cpu_kernels.hpp"

namespace tailmargin {

/// How far below the end of its tail the losses of an account are kept, in parts of its rounding scale. A path of the
/// tail in double has a float loss no lower than the tail's end less twice the float error of a loss, which is bounded
/// by a multiple of accuracy::account_rounding; near_tails() holds the error of every account to a quarter of this.
inline constexpr double near_slack = 8.0 * accuracy::account_rounding;

struct NearTails {
  Tails tails;                         ///< [account]; of those missing nothing is filled in
  std::vector<std::uint64_t> missing;  ///< rising: accounts without hints, or whose float losses were further off
};

/// Tails in double from the paths that request.hints names. Uses the threads of the caller's arena.
NearTails near_tails(const PreparedRun& run, const AccountPlan& accounts, const TailsRequest& request,
                     const cpu::Kernels& kernels);

/// Adds the missing ones.
/// @param rest  of near.missing, in its order
Tails join_tails(NearTails& near, const Tails& rest);

/// Where the split by regime of an account stands; null if ES is not split.
double* regime_es_of(Tails& tails, std::uint64_t account);

/// Copies the split by regime of one account.
void copy_regime_es(const Tails& from, std::uint64_t account, std::uint64_t place, Tails& to);

/// The tails of accounts one after the other.
void join_paths(const std::vector<std::vector<TailLoss<double>>>& kept, Tails& tails);

}  // namespace tailmargin
