// Error bounds of the shared formulas. Tests read them from here, and docs/accuracy.md shows the same table.
#pragma once

namespace tailmargin {

/// One row of docs/accuracy.md: the largest error a formula may have over a range.
struct AccuracyBound {
  const char* name;
  double bound;
  const char* unit;   ///< "ulp": units in the last place of the true value
  const char* range;  ///< arguments it holds for
};

namespace accuracy {

inline constexpr AccuracyBound exp_float{"exp, float", 1.0, "ulp", "-87.3 to 88"};
inline constexpr AccuracyBound exp_double{"exp, double", 1.0, "ulp", "-708 to 709"};
inline constexpr AccuracyBound exp2_float{"exp2_in_range, float", 1.5, "ulp", "-126 to 127"};
inline constexpr AccuracyBound expm1_float{"expm1, float", 1.5, "ulp", "-87.3 to 88"};
inline constexpr AccuracyBound expm1_double{"expm1, double", 2.0, "ulp", "-708 to 709"};
inline constexpr AccuracyBound log_float{"log, float", 1.0, "ulp", "normal numbers above 0"};
inline constexpr AccuracyBound log_double{"log, double", 2.0, "ulp", "normal numbers above 0"};
inline constexpr AccuracyBound normal_cdf_float{"normal_cdf, float", 1.5e-7, "absolute", "all"};
inline constexpr AccuracyBound normal_cdf_double{"normal_cdf, double", 3e-16, "absolute", "all"};
inline constexpr AccuracyBound scaled_upper_tail_float{"scaled_upper_tail, float", 1e-7, "absolute", "0 to 12"};
inline constexpr AccuracyBound upper_tail_double_near{"normal_upper_tail, double, near", 4e-15, "relative", "0 to 5"};
inline constexpr AccuracyBound upper_tail_double_far{"normal_upper_tail, double, far", 1e-13, "relative", "5 to 37"};
inline constexpr AccuracyBound normal_from_word{"normal_from_word", 1e-6, "absolute", "all words"};
inline constexpr AccuracyBound normal_from_word_fall{"normal_from_word, fall from word to word", 5e-7, "absolute",
                                                     "all words"};
inline constexpr AccuracyBound black76_float{"black76, float", 2e-7, "of the larger of forward and strike",
                                             "k -3 to 3, total vol 1e-4 to 4"};
inline constexpr AccuracyBound black76_double{"black76, double", 5e-16, "of the larger of forward and strike",
                                              "k -3 to 3, total vol 1e-4 to 4"};
inline constexpr AccuracyBound ssvi_total_vol_float{"ssvi_total_vol, float", 2e-6, "relative",
                                                    "k -3 to 3, smiles of the test"};
inline constexpr AccuracyBound ssvi_total_vol_double{"ssvi_total_vol, double", 4e-15, "relative",
                                                     "k -3 to 3, smiles of the test"};

/// An account is computed in double when the size its P&L is computed in (sum of |quantity| times contract size
/// in USD) exceeds this many times its ES: float rounding errors grow with that size, the margin with the ES.
inline constexpr double max_gross_to_tail = 500.0;

/// VaR and ES of an account in float differ from the reference by at most this times its rounding scale, for horizons
/// of up to 100 steps and horizon standard deviations of up to 0.3 per factor.
inline constexpr double account_rounding = 1e-6;

/// The same for an account computed in double: what is left is the float rounding of the shared scenarios.
inline constexpr double scenario_rounding = 1e-6;

/// Every bound, in the order of docs/accuracy.md.
inline constexpr AccuracyBound all[] = {
    exp_float,
    exp_double,
    exp2_float,
    expm1_float,
    expm1_double,
    log_float,
    log_double,
    normal_cdf_float,
    normal_cdf_double,
    scaled_upper_tail_float,
    upper_tail_double_near,
    upper_tail_double_far,
    normal_from_word,
    normal_from_word_fall,
    black76_float,
    black76_double,
    ssvi_total_vol_float,
    ssvi_total_vol_double,
};

}  // namespace accuracy
}  // namespace tailmargin
