// A margin as bytes, to be compared bit by bit.
#pragma once

#include <string>

#include "tailmargin/engine.hpp"

namespace tailmargin::test {

/// All bits of the figures that a margin comes from; equity only if asked, because trades leave it in other roundings.
inline std::string bits_of(const AccountMargin& m, bool equity = true) {
  const double figures[] = {m.gross_notional_usd,
                            m.net_delta_usd,
                            equity ? m.equity_usd : 0.0,
                            m.var_usd,
                            m.var_se_usd,
                            m.es_usd,
                            m.es_se_usd,
                            m.worst_loss_usd,
                            m.initial_margin_usd,
                            m.maintenance_margin_usd};
  std::string bytes = m.account + std::to_string(m.num_positions);
  bytes.append(reinterpret_cast<const char*>(figures), sizeof figures);
  bytes.append(std::to_string(m.worst_path) + (m.exact_precision ? "e" : "f"));
  bytes.append(reinterpret_cast<const char*>(m.tail_paths.data()), m.tail_paths.size() * sizeof(std::uint32_t));
  return bytes;
}

}  // namespace tailmargin::test
