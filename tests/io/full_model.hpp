// A model with every part, for the tests of model files.
#pragma once

#include <string>

namespace tailmargin::test {

// clang-format off
inline const std::string full = R"(format = 1
name = "full"
[horizon]
hours = 24
step_hours = 4
measure = "worst"
measure_hours = 8
[chain]
start = "stress"
transition_hours = 24
transition = [[0.9, 0.1], [0.3, 0.7]]
[groups]
stable = ["USDT", "USDC"]
[correlation]
repair = "nearest"
min_eigenvalue = 0.02
[mixing]
hours = 12
persistence = 0.6
max_scale = 15
[surface]
sticky = "strike"
term_days = 20
carry_slope_days = 40
[settlement]
average_minutes = 30
[funding]
interval_hours = 12
cap = 0.02
[margin]
uplift_confidence = 0.95
[[reversion]]
match = "@stable"
kind = "price"
half_life_hours = 36
level = -0.01
[[reversion]]
match = "*"
kind = "dislocation"
half_life_hours = 3
[[regime]]
name = "calm"
vols = [
  { match = "BTC", price_vol = 0.4, vol_of_vol = 0.9, carry_vol = 0.2, premium_vol = 0.01, term_vol = 0.5, skew_vol = 0.6, butterfly_vol = 0.7, carry_slope_vol = 0.3, dislocation_vol = 0.02, tail_index = 4.5 },
  { match = "*", price_vol = 0.8, vol_of_vol = 0.9, carry_vol = 0.3, premium_vol = 0.03 },
]
kind_correlations = [{ a = "skew", b = "price", rho = 0.3 }]
underlying_correlations = [{ a = "*", b = "*", rho = 0.6 }]
correlations = [{ a = "BTC.price", b = "*.butterfly", rho = -0.1 }]
[[regime]]
name = "stress"
vols = [{ match = "*", price_vol = 2.1, vol_of_vol = 2.2, carry_vol = 1.5, premium_vol = 0.2 }]
underlying_factors = [
  { match = "BTC", common = 0.9 },
  { match = "*", common = 0.7, block = "alts", block_loading = 0.5 },
]
[[jump]]
name = "crash"
scope = "market"
per_year = { calm = 1.5, stress = 12 }
size = { law = "lognormal", median = 0.12, log_sd = 0.5, max = 2 }
effects = [
  { match = "@stable", price = -0.02 },
  { match = "*", price = -1, vol = 2, carry = -0.5, premium = -0.1, term = 1.5, skew = -0.3, butterfly = 0.2, carry_slope = -0.4, dislocation = -0.05 },
]
sample_multiple = 8
[[jump]]
name = "pump"
scope = "each"
per_year = 3
size = { law = "fixed", value = 0.3 }
effects = [{ match = "*", price = 1 }]
)";
// clang-format on

}  // namespace tailmargin::test
