// The scenario model: regimes, factor laws, jumps, surface dynamics, margin parameters. File form: docs/model_file.md.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tailmargin {

/// What a risk factor moves. Never renumber: factor order, and so the draws of a path, depend on it.
enum class FactorKind : std::uint8_t {
  price = 0,        ///< log of the index price; of a stablecoin: its peg
  vol = 1,          ///< log of the implied-vol level of long tenors
  carry = 2,        ///< annualised log basis of dated futures and option forwards, long tenors
  premium = 3,      ///< log of perpetual mark over index
  term = 4,         ///< log of the implied-vol level of short tenors over that of long ones
  skew = 5,         ///< log of the 25-delta call vol over the 25-delta put vol
  butterfly = 6,    ///< log of the smile's curvature
  carry_slope = 7,  ///< annualised log basis of short tenors less that of long ones
  dislocation = 8,  ///< log of the venue's own prices over everybody else's
};
inline constexpr std::size_t num_factor_kinds = 9;

/// Picks factors: an underlying by name, "@group", or "*" for all; and a kind.
struct FactorSelector {
  std::string underlying;
  FactorKind kind = FactorKind::price;
};

/// How much the factors of the underlyings it matches move; the first matching rule of a regime counts.
struct VolRule {
  std::string match;                                ///< name, "@group" or "*"
  std::array<double, num_factor_kinds> vol = {};    ///< [kind] standard deviation per sqrt(year), >= 0
  std::optional<double> tail_index = std::nullopt;  ///< degrees of freedom of the t law of a day, > 2; none: normal
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

/// Loadings of an underlying on what all of them share and on what its block shares; the rest is its own:
/// own^2 = 1 - common^2 - block^2. The first matching row counts; no match is all own.
struct UnderlyingFactors {
  std::string match;  ///< name, "@group" or "*"
  double common = 0.0;
  std::string block;  ///< any name; underlyings with the same one share the block's draw; empty: none
  double block_loading = 0.0;
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
  std::vector<KindCorrelation> kinds = {};
  std::vector<UnderlyingCorrelation> underlyings = {};     ///< a full matrix; or
  std::vector<UnderlyingFactors> underlying_factors = {};  ///< common + block + own
  std::vector<CorrelationRule> correlations = {};
};

struct Group {
  std::string name;
  std::vector<std::string> underlyings;
};

/// Pulls a factor back: what is left of its distance to `level` halves every half life. First match counts.
struct Reversion {
  std::string match;
  FactorKind kind = FactorKind::vol;
  double half_life_hours = 0.0;  ///< > 0
  double level = 0.0;            ///< change from now it is pulled to
};

/// The law of a jump's size Y. From one standard normal Z:
///   fixed      location
///   normal     location + scale Z
///   lognormal  location exp(scale Z)          location is the median, > 0
///   exponential  -location ln(uniform)        location is the mean, > 0
/// cut to [-max, max].
enum class JumpLaw : std::uint8_t { fixed = 0, normal = 1, lognormal = 2, exponential = 3 };

/// What a jump of size 1 does to an underlying's factors; the first matching row counts.
struct JumpEffect {
  std::string match;
  std::array<double, num_factor_kinds> change{};  ///< [kind] added per unit of size
};

enum class JumpScope : std::uint8_t {
  market,  ///< one event moves every underlying an effect matches, by one size
  each,    ///< every underlying an effect matches has events of its own, independent of the others'
};

/// A Poisson process of jumps.
struct JumpRule {
  std::string name;
  JumpScope scope = JumpScope::market;
  std::vector<double> per_year;  ///< [regime] intensity, >= 0; with scope each, of every single underlying
  JumpLaw law = JumpLaw::fixed;
  double location = 0.0, scale = 0.0, max = 3.0;
  std::vector<JumpEffect> effects;
  double sample_multiple = 1.0;  ///< how many times more often it is sampled than it happens, >= 1; weights undo it
};

/// Largest number of regimes a model may have.
inline constexpr std::size_t max_regimes = 16;

enum class Drift : std::uint8_t { martingale, zero };  ///< of the price: what keeps its mean, price or log price
enum class TimeRoll : std::uint8_t { on, off };        ///< whether instruments age by the horizon

enum class StartKind : std::uint8_t { stationary, probabilities };

enum class Repair : std::uint8_t { refuse, nearest };  ///< of correlations that no joint law has

enum class Sticky : std::uint8_t { moneyness, strike };  ///< what implied vol stays with when the forward moves

enum class PathMeasure : std::uint8_t { terminal, worst };  ///< loss at the horizon, or the worst on the way

/// Tools against margins that are low in calm markets and jump in a crisis.
enum class AntiProcyclical : std::uint8_t {
  none,
  buffer,    ///< a part of the expected shortfall on top, used up as the chance of a crisis at the start rises
  stressed,  ///< a part of the margin is that of a crisis start
  floor      ///< no lower than with a start in the long run's mix of regimes
};

/// What a margin is made of beside the expected shortfall of the book (docs/methodology.md, "Margin terms"). A weight
/// or rate of 0 switches its term off.
struct MarginTerms {
  std::string calm_regime;             ///< name; its correlations are what offsets are measured against
  std::string crisis_regime;           ///< name; where a crisis starts
  double crisis_start_weight = 0.0;    ///< margin at least this times the ES of a crisis start, in [0, 2]
  double correlation_weight = 0.0;     ///< and this times the worst ES with one regime's correlations, in [0, 2]
  double dependence_weight = 0.0;      ///< of what other dependence would cost, in [0, 1]
  double concentration_weight = 0.0;   ///< of what the two largest underlyings alone would cost, in [0, 1]
  double stressed_confidence = 0.995;  ///< of both, in (0.5, 1)
  AntiProcyclical anti_procyclical = AntiProcyclical::none;
  double buffer = 0.25;               ///< of tool `buffer`, in [0, 1]
  double stressed_share = 0.25;       ///< of tool `stressed`, in [0, 1]
  double short_option_minimum = 0.0;  ///< of the index, for every coin of options sold, in [0, 1]
  double spread_multiple = 0.0;       ///< times the half-spread of the quotes, in [0, 100]
  double default_half_spread = 0.0;   ///< of the price, where there are no quotes, in [0, 1]
  double impact = 0.0;                ///< times crisis vol of a day times the root of size over volume, in [0, 10]
  double paths_share = 0.1;           ///< of the run's paths, for terms that need scenarios of their own, in (0, 1]
};

/// A share of the price of the assets it matches; the first matching row counts, no match is 0.
struct AssetShare {
  std::string match;  ///< name, "@group" or "*"
  double share = 0.0;
};

/// How liquidations move prices (docs/methodology.md, "Crowding").
struct Crowding {
  std::string regime;         ///< name; its price vols are what impact is measured in
  double impact = 1.0;        ///< log move in vols of a day when as much is liquidated as the depth, in [0, 10]
  double depth = 1.0;         ///< of an underlying's average daily volume: what liquidations can meet, in (0, 100]
  double largest_move = 0.5;  ///< of a log price, either way, in (0, 2]
};

/// How fast a position can be closed. Without it everything closes at the horizon.
struct Closing {
  double participation = 0.1;  ///< of a market's daily volume that one account can take, in (0, 1]
  std::vector<double>
      hours;  ///< when the rest of a position closes, rising, beyond the horizon, whole steps; not empty
};

struct Model {
  std::string name, date, source;
  std::string file;                            ///< where it was read from, for messages
  std::map<std::string, std::uint64_t> lines;  ///< likewise: "regime[1].vols[2]" -> line of the file

  double horizon_hours = 24.0;
  double step_hours = 1.0;
  Drift drift = Drift::martingale;
  TimeRoll time_roll = TimeRoll::on;
  PathMeasure measure = PathMeasure::terminal;
  double measure_hours =
      1.0;  ///< with measure worst: how often the loss is looked at; whole steps that divide the horizon

  std::vector<Regime> regimes;
  double transition_hours = 1.0;                ///< time the matrix is for
  std::vector<std::vector<double>> transition;  ///< [from][to] per transition_hours, rows sum to one
  StartKind start = StartKind::stationary;
  std::vector<double> start_probabilities;  ///< [regime] if start is probabilities

  std::vector<Group> groups;
  Repair repair = Repair::refuse;
  double min_eigenvalue = 0.01;  ///< of a repaired correlation matrix, in (0, 1)

  /// Fat tails that live at the horizon: one scale per path and block of hours, shared by all steps in it.
  double mixing_hours = 24.0;       ///< whole steps
  double mixing_persistence = 0.0;  ///< correlation of the scores of a block and the next, in [0, 1)
  double mixing_max_scale = 20.0;   ///< largest scale, in standard deviations

  std::vector<Reversion> reversions;
  std::vector<JumpRule> jumps;

  Sticky sticky = Sticky::moneyness;
  double term_days = 30.0;                  ///< tenor over which `term` decays by e
  double carry_slope_days = 30.0;           ///< the same for `carry_slope`
  double settlement_average_minutes = 0.0;  ///< index average before an expiry within the horizon, at most a step
  double funding_interval_hours = 8.0;      ///< between payments, aligned to midnight UTC; 0: no funding
  double funding_cap = 0.03;                ///< largest rate of a payment either way, fraction of notional

  double confidence = 0.99;        ///< of VaR and ES, in (0.5, 1)
  double maintenance_ratio = 0.8;  ///< maintenance over initial margin, in (0, 1]
  double uplift_confidence = 0.5;  ///< margin takes the upper bound of ES at this one-sided level, in [0.5, 1); 0.5: ES
  std::vector<AssetShare> haircuts;  ///< what a balance above 0 does not count for, in [0, 1]
  std::vector<AssetShare> depegs;    ///< how far prices fall, all at once, where pegs break, in [0, 1)
  std::optional<Closing> closing;    ///< none: every position closes at the horizon, whatever its size
  std::optional<MarginTerms> terms;  ///< none: the margin is the expected shortfall
  std::optional<Crowding> crowding;  ///< none: it is not looked at
};

/// Name of a factor kind as model files spell it.
const char* to_string(FactorKind kind);

}  // namespace tailmargin
