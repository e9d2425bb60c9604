#include "host/engine/hedge_size.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace tailmargin {
namespace {

using Tangent = HedgedEs::Tangent;

/// What a size may leave of the best cut.
constexpr double tolerance = 1e-9;
constexpr int max_steps = 100;

/// Where a path's loss is highest, and how it changes with the quantity there.
struct PathLoss {
  double loss = 0.0, slope = 0.0;
};

PathLoss loss_at(const PathPnl& account, const PathPnl& contract, double quantity, std::uint32_t path) {
  PathLoss out;
  for (std::size_t s = 0; s < account.size(); ++s) {
    const double loss = -(account[s][path] + quantity * contract[s][path]);
    if (s == 0 || loss > out.loss) { out = {loss, -contract[s][path]}; }
  }
  return out;
}

/// Both ends of a stretch that holds the minimum: the ES falls at the lower one and does not at the upper one, as seen
/// in the direction of the hedge.
struct Bracket {
  Tangent low, high;
};

/// Where the tangents cross: no ES in the bracket is lower.
Tangent crossing(const Bracket& b) {
  const double quantity = (b.high.es - b.low.es + b.low.slope * b.low.quantity - b.high.slope * b.high.quantity) /
                          (b.low.slope - b.high.slope);
  return {quantity, b.low.es + b.low.slope * (quantity - b.low.quantity), 0.0};
}

/// A decimal number of so many digits.
double rounded(double value, int digits) {
  char text[40];
  std::snprintf(text, sizeof text, "%.*e", digits - 1, value);
  return std::strtod(text, nullptr);
}

/// The ES of the opposite quantities, so that a search need look only upwards.
class OneWay {
 public:
  OneWay(const HedgedEs& hedged, double sign) : hedged_(hedged), sign_(sign) {}
  Tangent at(double quantity) const {
    const Tangent t = hedged_.at(sign_ * quantity);
    return {quantity, t.es, sign_ * t.slope};
  }

 private:
  const HedgedEs& hedged_;
  double sign_;
};

Tangent minimise(const OneWay& es, double start_es, Bracket bracket) {
  Tangent best = bracket.low.es <= bracket.high.es ? bracket.low : bracket.high;
  for (int step = 0; step < max_steps; ++step) {
    const Tangent bound = crossing(bracket);
    if (best.es - bound.es <= tolerance * (start_es - bound.es)) { break; }
    const bool halve = step % 3 == 2;
    const double quantity = halve ? 0.5 * (bracket.low.quantity + bracket.high.quantity) : bound.quantity;
    if (!(quantity > bracket.low.quantity && quantity < bracket.high.quantity)) { break; }  // no number between
    const Tangent next = es.at(quantity);
    if (next.es < best.es) { best = next; }
    (next.slope < 0.0 ? bracket.low : bracket.high) = next;
  }
  return best;
}

Tangent fewest_digits(const OneWay& es, double start_es, const Tangent& best) {
  for (int digits = 1; digits < 12; ++digits) {
    const double quantity = rounded(best.quantity, digits);
    if (quantity == best.quantity) { return best; }
    const Tangent near = es.at(quantity);
    if (near.es - best.es <= tolerance * (start_es - best.es)) { return near; }
  }
  return best;
}

}  // namespace

Tangent HedgedEs::at(double quantity) const {
  const auto num_paths = static_cast<std::uint32_t>(account_.front().size());
  std::vector<TailLoss<double>> tail(num_paths);
  for (std::uint32_t p = 0; p < num_paths; ++p) { tail[p] = {loss_at(account_, contract_, quantity, p).loss, p}; }
  const auto order = [](const TailLoss<double>& a, const TailLoss<double>& b) { return worse(a, b); };
  const auto end = tail.begin() + static_cast<std::ptrdiff_t>(std::min(rule_.num_tail, num_paths));
  if (end != tail.end()) { std::nth_element(tail.begin(), end, tail.end(), order); }
  std::sort(tail.begin(), end, order);
  const auto count = static_cast<std::uint32_t>(end - tail.begin());
  const TailFigures figures = summarise_tail(rule_, tail.data(), count, weights_);
  // The tail in full, and of the path at the quantile what is left of the weight.
  double slope = 0.0, weighed = 0.0;
  const auto slope_of = [&](std::uint32_t rank) {
    return loss_at(account_, contract_, quantity, tail[rank].path).slope;
  };
  for (std::uint32_t i = 0; i < figures.tail_count; ++i) {
    const double weight = weights_ == nullptr ? 1.0 : double(weights_[tail[i].path]);
    slope += weight * slope_of(i);
    weighed += weight;
  }
  slope += (rule_.tail_weight - weighed) * slope_of(std::min(figures.tail_count, count - 1));
  return {quantity, figures.es, slope / rule_.tail_weight};
}

HedgeSize find_hedge_size(const HedgedEs& hedged, double largest_quantity) {
  const Tangent start = hedged.at(0.0);
  if (!(start.es > 0.0) || start.slope == 0.0) { return {0.0, start.es, false}; }
  const double sign = start.slope < 0.0 ? 1.0 : -1.0;
  const OneWay es(hedged, sign);
  Bracket bracket = {{0.0, start.es, sign * start.slope}, {}};
  // The first size tried is the one that a straight line would take to zero.
  double quantity = std::min(start.es / std::fabs(start.slope), largest_quantity);
  for (bracket.high = es.at(quantity); bracket.high.slope < 0.0; bracket.high = es.at(quantity)) {
    if (quantity == largest_quantity) { return {sign * quantity, bracket.high.es, true}; }
    bracket.low = bracket.high;
    quantity = std::min(2.0 * quantity, largest_quantity);
  }
  const Tangent best = fewest_digits(es, start.es, minimise(es, start.es, bracket));
  if (!(best.es < start.es)) { return {0.0, start.es, false}; }
  return {sign * best.quantity, best.es, false};
}

}  // namespace tailmargin
