#include "host/engine/price_impact.hpp"

#include "host/engine/position_terms.hpp"
#include "kernels/executors/shortfall.hpp"
#include "kernels/math/elementary.hpp"

namespace tailmargin {

double PriceImpact::log_move(std::int64_t delta_cents) const {
  if (!moves() || delta_cents == 0) { return 0.0; }
  const double held_usd = static_cast<double>(delta_cents) / cents_per_usd;
  const double sold_long = held_usd > 0.0 ? 1.0 : -1.0;
  return -sold_long * math::smaller(scale * math::sqrt(sold_long * held_usd / depth_usd), largest);
}

std::vector<PriceImpact> price_impacts(const Book& book, const Model& model, const ScenarioPlan& scenarios) {
  const Crowding& rule = *model.crowding;
  std::vector<PriceImpact> impacts;
  for (const Underlying& underlying : book.underlyings) {
    PriceImpact impact;
    impact.day_vol = day_vol(model, rule.regime, underlying.name);
    impact.scale = rule.impact * impact.day_vol;
    impact.depth_usd = rule.depth * underlying.adv_usd.value_or(0.0);
    impact.largest = rule.largest_move;
    impacts.push_back(impact);
  }
  for (std::uint32_t row = 0; row < scenarios.observations.size(); ++row) {
    const Observation& read = scenarios.observations[row];
    const Factor& factor = scenarios.factors[read.factor];
    if (read.step != scenarios.num_steps || factor.kind != FactorKind::price) { continue; }
    impacts[factor.underlying].row = row;
  }
  return impacts;
}

bool move_prices(const std::vector<PriceImpact>& impacts, const std::vector<std::int64_t>& delta_cents,
                 std::uint64_t num_paths, std::uint32_t num_rows, Observations& observations) {
  bool moved = false;
  const std::uint64_t width = observations.tile_width;
  for (std::size_t u = 0; u < impacts.size(); ++u) {
    for (std::uint64_t path = 0; path < num_paths; ++path) {
      const double move = impacts[u].log_move(delta_cents[u * num_paths + path]);
      if (move == 0.0) { continue; }
      const std::uint64_t tile = path / width;
      float& log_price = observations.values.data()[(tile * num_rows + impacts[u].row) * width + path % width];
      log_price = static_cast<float>(static_cast<double>(log_price) + move);
      moved = true;
    }
  }
  return moved;
}

}  // namespace tailmargin
