#include "host/engine/tail_change.hpp"

#include <algorithm>
#include <cmath>

namespace tailmargin {
namespace {

/// What a path adds to psi by lying in a tail, and which tails it lies in.
struct Share {
  std::uint32_t path = 0;
  double influence = 0.0;
  bool before = false, after = false;
};

void add_shares(const TailRule& rule, const KnownTail& tail, Share sign, std::vector<Share>& shares) {
  const double beyond = rule.weight_sum / rule.tail_weight;  // 1 / (1 - confidence)
  for (const TailLoss<double>& loss : tail.losses) {
    sign.path = loss.path;
    sign.influence = (sign.after ? beyond : -beyond) * (loss.loss - tail.figures.var);
    shares.push_back(sign);
  }
}

/// By rising path, one entry each.
std::vector<Share> join_tails(const TailRule& rule, const KnownTail& before, const KnownTail& after) {
  std::vector<Share> shares, out;
  add_shares(rule, before, {0, 0.0, true, false}, shares);
  add_shares(rule, after, {0, 0.0, false, true}, shares);
  std::stable_sort(shares.begin(), shares.end(), [](const Share& a, const Share& b) { return a.path < b.path; });
  for (const Share& share : shares) {
    if (out.empty() || out.back().path != share.path) {
      out.push_back(share);
    } else {
      out.back().influence += share.influence;
      out.back().after = true;
    }
  }
  return out;
}

}  // namespace

TailChange compare_tails(const TailRule& rule, const KnownTail& before, const KnownTail& after,
                         const std::uint32_t* weights) {
  const double elsewhere = (after.figures.var - after.figures.es) - (before.figures.var - before.figures.es);
  double squares = 0.0, counted = 0.0, shared = 0.0, of_before = 0.0;
  double replicates[TailRule::max_replicates] = {};
  for (std::uint32_t r = 0; r < rule.num_replicates; ++r) { replicates[r] = rule.replicate_weight[r] * elsewhere; }
  for (const Share& share : join_tails(rule, before, after)) {
    const double weight = weights == nullptr ? 1.0 : double(weights[share.path]);
    const double change = weight * (elsewhere + share.influence);
    squares += change * change;
    counted += weight * weight;
    if (rule.num_replicates != 0) { replicates[share.path % rule.num_replicates] += weight * share.influence; }
    if (share.before) { of_before += weight; }
    if (share.before && share.after) { shared += weight; }
  }
  squares += (rule.weight_square_sum - counted) * elsewhere * elsewhere;
  const double spread =
      rule.num_replicates == 0 ? std::sqrt(squares) : ReplicateSums::spread(replicates, rule.num_replicates);
  return {after.figures.es - before.figures.es, spread / rule.weight_sum, of_before > 0.0 ? shared / of_before : 1.0};
}

}  // namespace tailmargin
