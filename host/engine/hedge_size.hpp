// How much of one instrument lowers an account's ES most.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/executors/tail.hpp"

namespace tailmargin {

/// P&L on all paths, USD, in double: [slice][path].
using PathPnl = std::vector<std::vector<double>>;

/// ES of an account with q contracts of an instrument more, as a function of q. Losses are linear in q, or the highest
/// of linear ones (worst look on the way), so the ES is convex; and it is the largest of linear functions, one for each
/// way to weigh a tail, so that a tangent lies nowhere above it.
class HedgedEs {
 public:
  struct Tangent {
    double quantity = 0.0, es = 0.0, slope = 0.0;  ///< USD, USD per contract
  };

  /// All must outlive this. @param weights  [path] or null for ones
  HedgedEs(const TailRule& rule, const std::uint32_t* weights, const PathPnl& account, const PathPnl& contract)
      : rule_(rule), weights_(weights), account_(account), contract_(contract) {}

  Tangent at(double quantity) const;

 private:
  const TailRule& rule_;
  const std::uint32_t* weights_;
  const PathPnl& account_;
  const PathPnl& contract_;
};

struct HedgeSize {
  double quantity = 0.0;  ///< contracts; 0: no size lowers the ES, or there is none to lower
  double es = 0.0;        ///< USD, with it
  bool at_limit = false;  ///< the ES still falls at the largest size
};

/// The minimum, between brackets found by doubling, at the crossing of the tangents of both ends, which bounds it from
/// below; where that stalls, in the middle. Ends when no size can lower the ES by more than a thousand-millionth of
/// what this one does; of the sizes as good as that, one of few digits.
/// @param largest_quantity  no larger size is tried, either way
HedgeSize find_hedge_size(const HedgedEs& hedged, double largest_quantity);

}  // namespace tailmargin
