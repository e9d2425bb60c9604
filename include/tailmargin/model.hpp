// The scenario model: regimes, factor vols and correlations, margin parameters. File form: docs/model_file.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tailmargin {

/// What a risk factor moves. Never renumber: factor order, and so the draws of a path, depend on it.
enum class FactorKind : std::uint8_t {
  price = 0,    ///< log of the index price
  vol = 1,      ///< log of the implied-vol level
  carry = 2,    ///< annualised log-basis of dated futures and option forwards
  premium = 3,  ///< log of perpetual mark over index
};
inline constexpr int num_factor_kinds = 4;

/// Picks factors: an underlying by name, "@group", or "*" for all; and a kind.
struct FactorSelector {
  std::string underlying;
  FactorKind kind = FactorKind::price;
};

/// Annual volatilities of the factors of the underlyings it matches; the first matching rule of a regime counts.
struct VolRule {
  std::string match;         ///< name, "@group" or "*"
  double price_vol = 0.0;    ///< per sqrt(year), >= 0
  double vol_of_vol = 0.0;   ///< of the log implied-vol level, per sqrt(year), >= 0
  double carry_vol = 0.0;    ///< of the annualised carry, per sqrt(year), >= 0
  double premium_vol = 0.0;  ///< of the log perpetual premium, per sqrt(year), >= 0
};

enum class SameUnderlying : std::uint8_t { any, yes, no };

/// Correlation of two kinds of factor of one underlying, |rho| < 1; pairs not listed are 0.
struct KindCorrelation {
  FactorKind a = FactorKind::price, b = FactorKind::price;
  double rho = 0.0;
};

/// Correlation of two different underlyings; the first matching row counts, in either order; no match is 0.
struct UnderlyingCorrelation {
  std::string a, b;  ///< name, "@group" or "*"
  double rho = 0.0;  ///< in (-1, 1)
};

/// An exception to the product of kind and underlying correlation, for each pair of different factors (one from a, one
/// from b, either order); the first matching row counts.
struct CorrelationRule {
  FactorSelector a, b;
  SameUnderlying same_underlying = SameUnderlying::any;
  double rho = 0.0;  ///< in (-1, 1)
};

struct Regime {
  std::string name;
  std::vector<VolRule> vols;
  /// Two factors have the correlation of their kinds times that of their underlyings (1 for the same): positive
  /// definite whenever both tables are.
  std::vector<KindCorrelation> kinds;
  std::vector<UnderlyingCorrelation> underlyings;
  std::vector<CorrelationRule> correlations;
};

struct Group {
  std::string name;
  std::vector<std::string> underlyings;
};

enum class Drift : std::uint8_t { martingale, zero };  ///< of the log price within a regime
enum class TimeRoll : std::uint8_t { on, off };        ///< whether instruments age by the horizon

enum class StartKind : std::uint8_t { stationary, probabilities };

struct Model {
  std::string name, date, source;
  std::string file;  ///< where it was read from, for messages
  double horizon_hours = 24.0;
  double step_hours = 1.0;
  Drift drift = Drift::martingale;
  TimeRoll time_roll = TimeRoll::on;
  std::vector<Regime> regimes;
  std::vector<std::vector<double>> transition;  ///< [from][to] per step, rows sum to one
  StartKind start = StartKind::stationary;
  std::vector<double> start_probabilities;  ///< if start is probabilities
  std::vector<Group> groups;
  double confidence = 0.99;        ///< of VaR and ES, in (0.5, 1)
  double maintenance_ratio = 0.8;  ///< maintenance over initial margin, in (0, 1]
};

/// Name of a factor kind as model files spell it.
const char* to_string(FactorKind kind);

}  // namespace tailmargin
