// A made-up market of the size and shape of early 2026: every number below is our own, none is a quote.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include "host/synth/draws.hpp"
#include "host/synth/sort_instruments.hpp"
#include "host/synth/synth.hpp"
#include "kernels/math/black76.hpp"
#include "kernels/math/smile.hpp"

namespace tailmargin {
namespace synth {
namespace {

constexpr std::int64_t as_of_seconds = 1772366400;  // 2026-03-01T12:00:00Z, a Sunday
constexpr double seconds_per_year = 365.0 * 86400.0;

enum class OptionsOf : std::uint8_t { none, inverse, linear };

struct Coin {
  const char* name;
  double price_usd;
  double vol;       ///< at-the-money, long-dated
  double adv_usd;   ///< of all its markets together
  double open_usd;  ///< open interest of its perpetuals
  double funding_8h;
  OptionsOf options;
  double options_open;   ///< open interest in coins
  double contract_size;  ///< of linear options and of the USDT perpetual: thousands for coins worth next to nothing
};

constexpr std::array<Coin, 20> coins = {{
    {"AAVE", 118.0, 0.85, 2.4e8, 9.0e7, 0.6e-4, OptionsOf::none, 0, 1},
    {"ADA", 0.27, 0.80, 3.6e8, 1.3e8, 0.4e-4, OptionsOf::none, 0, 1},
    {"APT", 0.92, 0.95, 9.0e7, 3.5e7, 0.2e-4, OptionsOf::none, 0, 1},
    {"ARB", 0.098, 0.95, 8.0e7, 3.2e7, 0.3e-4, OptionsOf::none, 0, 1},
    {"ATOM", 1.95, 0.80, 6.0e7, 2.6e7, 0.2e-4, OptionsOf::none, 0, 1},
    {"AVAX", 8.9, 0.85, 2.2e8, 8.0e7, 0.4e-4, OptionsOf::none, 0, 1},
    {"BCH", 452.0, 0.75, 1.5e8, 8.5e7, 0.3e-4, OptionsOf::none, 0, 1},
    {"BNB", 618.0, 0.60, 9.0e8, 4.2e8, 0.4e-4, OptionsOf::none, 0, 1},
    {"BTC", 66000.0, 0.50, 2.2e10, 7.5e9, 0.5e-4, OptionsOf::inverse, 4.1e5, 1},
    {"DOGE", 0.094, 0.90, 1.1e9, 3.8e8, 0.6e-4, OptionsOf::none, 0, 1},
    {"DOT", 1.52, 0.80, 1.1e8, 4.4e7, 0.2e-4, OptionsOf::none, 0, 1},
    {"ETH", 1950.0, 0.68, 1.8e10, 5.0e9, 0.4e-4, OptionsOf::inverse, 2.4e6, 1},
    {"LINK", 8.7, 0.82, 2.6e8, 1.1e8, 0.4e-4, OptionsOf::none, 0, 1},
    {"LTC", 54.0, 0.70, 1.9e8, 9.5e7, 0.3e-4, OptionsOf::none, 0, 1},
    {"PEPE", 0.0000037, 1.05, 3.2e8, 9.0e7, 0.8e-4, OptionsOf::none, 0, 1000},
    {"SOL", 84.0, 0.80, 4.2e9, 1.2e9, 0.5e-4, OptionsOf::linear, 1.6e6, 10},
    {"SUI", 0.91, 0.95, 3.0e8, 1.2e8, 0.5e-4, OptionsOf::none, 0, 1},
    {"TRX", 0.282, 0.45, 1.2e8, 6.5e7, 0.1e-4, OptionsOf::none, 0, 1},
    {"UNI", 3.6, 0.88, 1.4e8, 5.5e7, 0.3e-4, OptionsOf::none, 0, 1},
    {"XRP", 1.36, 0.78, 1.9e9, 6.5e8, 0.4e-4, OptionsOf::linear, 9.0e7, 1000},
}};

struct ListedExpiry {
  const char* text;
  std::int64_t seconds;  ///< 08:00Z
  double popularity;     ///< of its options: the end of a quarter draws most
  bool has_future;
};

constexpr std::array<ListedExpiry, 10> expiries = {{
    {"2MAR26", 1772438400, 0.02, false},
    {"3MAR26", 1772524800, 0.01, false},
    {"6MAR26", 1772784000, 0.07, true},
    {"13MAR26", 1773388800, 0.06, true},
    {"20MAR26", 1773993600, 0.04, false},
    {"27MAR26", 1774598400, 0.32, true},
    {"24APR26", 1777017600, 0.10, true},
    {"26JUN26", 1782460800, 0.20, true},
    {"25SEP26", 1790323200, 0.08, true},
    {"25DEC26", 1798185600, 0.10, true},
}};

std::string shortest(double x) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), x, std::chars_format::fixed).ptr;
  return std::string(text.data(), end);
}

/// 1.35 as 1d35: a point in an instrument's name would look like a separator.
std::string strike_text(double strike) {
  std::string text = shortest(strike);
  std::replace(text.begin(), text.end(), '.', 'd');
  return text;
}

/// A number x multiplied by 1, 2, 2.5 or 5 times a power of ten, not above x.
double nice_step(double x) {
  const int e = decade(x);
  const double mantissa = x / decimal(1.0, e);
  const double nice = mantissa < 2.0 ? 10.0 : mantissa < 2.5 ? 20.0 : mantissa < 5.0 ? 25.0 : 50.0;
  return decimal(nice, e - 1);
}

/// Gatheral and Jacquier, "Arbitrage-free SVI volatility surfaces" (2014), power-law SSVI. Total at-the-money variance
/// rises with the term, and eta (1 + |rho|) <= 2 rules out butterflies.
math::SsviSmile<double> smile_of(double atm_variance, double rho, double eta) {
  return {math::sqrt(0.5 * atm_variance), eta / math::sqrt(atm_variance * (1.0 + atm_variance)), rho};
}

class MarketMaker {
 public:
  explicit MarketMaker(std::uint64_t seed) : seed_(seed) {}

  Book make() {
    book_.name = "synthetic market, seed " + std::to_string(seed_);
    book_.as_of = {as_of_seconds};
    for (const Coin& coin : coins) { underlyings_.emplace_back(coin.name); }
    underlyings_.insert(underlyings_.end(), {"USDC", "USDT"});
    std::sort(underlyings_.begin(), underlyings_.end());
    book_.underlyings.resize(underlyings_.size());
    book_.underlyings[id("USDC")] = {"USDC", 0.9999, 3e9, std::nullopt};
    book_.underlyings[id("USDT")] = {"USDT", 0.9995, 5e10, std::nullopt};
    for (std::size_t c = 0; c < coins.size(); ++c) { add_coin(coins[c], c); }
    synth::sort_instruments(book_);
    return std::move(book_);
  }

 private:
  UnderlyingId id(const std::string& name) const {
    return static_cast<UnderlyingId>(std::lower_bound(underlyings_.begin(), underlyings_.end(), name) -
                                     underlyings_.begin());
  }

  void add(Instrument instrument, Quote quote) {
    book_.instruments.push_back(std::move(instrument));
    book_.quotes.push_back(quote);
  }

  void add_coin(const Coin& coin, std::size_t path) {
    Draws draws(seed_, DrawStream::market, path);
    const double index = round_digits(draws.log_normal(coin.price_usd, 0.03), 6);
    const double adv = round_digits(draws.log_normal(coin.adv_usd, 0.2), 5);
    const double funding = round_to(coin.funding_8h + 0.3e-4 * draws.normal(), -6);
    book_.underlyings[id(coin.name)] = {coin.name, index, adv, funding};
    add_cash_and_perpetuals(coin, index, adv, draws);
    if (coin.options == OptionsOf::none) { return; }
    const bool inverse = coin.options == OptionsOf::inverse;
    const double basis = draws.between(0.02, 0.05);  // a year, continuously compounded
    const double atm = draws.log_normal(coin.vol, 0.06);
    const double front = atm * draws.between(0.85, 1.25);  // at-the-money vol of the shortest expiry
    for (const ListedExpiry& expiry : expiries) {
      const double years = static_cast<double>(expiry.seconds - as_of_seconds) / seconds_per_year;
      const double quote_price = inverse ? index : index / book_.underlyings[id("USDC")].index_price_usd;
      const double forward = round_digits(quote_price * math::exp(basis * years), 7);
      if (inverse && expiry.has_future) { add_future(coin, expiry, forward, draws); }
      add_chain(coin, expiry, years, forward, atm + (front - atm) / (1.0 + 12.0 * years), draws);
    }
  }

  void add_cash_and_perpetuals(const Coin& coin, double index, double adv, Draws& draws) {
    const std::string name = coin.name;
    const double usdt = index / book_.underlyings[id("USDT")].index_price_usd;
    const double usdc = index / book_.underlyings[id("USDC")].index_price_usd;
    const double premium = 1.0 + 2e-4 * draws.normal();
    const double open = draws.log_normal(coin.open_usd, 0.25);
    Instrument spot;
    spot.name = name + "_USDT";
    spot.underlying = id(name);
    spot.settlement = id("USDT");
    add(spot, quoted(usdt, 2e-4, std::nullopt, 0.25 * adv / index));
    Instrument perpetual = spot;
    perpetual.kind = InstrumentKind::perpetual;
    const bool thousands = coin.options == OptionsOf::none && coin.contract_size > 1.0;
    perpetual.contract_size = thousands ? coin.contract_size : 1.0;
    perpetual.name = (thousands ? "1000" : "") + name + "USDT";
    const double contract_usd = index * perpetual.contract_size;
    add(perpetual, quoted(usdt * premium, 1e-4, 0.8 * open / contract_usd, 0.6 * adv / contract_usd));
    if (coin.options == OptionsOf::none) { return; }
    perpetual.name = name + "_USDC-PERPETUAL";
    perpetual.settlement = id("USDC");
    add(perpetual, quoted(usdc * premium, 1e-4, 0.05 * open / index, 0.05 * adv / index));
    if (coin.options != OptionsOf::inverse) { return; }
    const double size = inverse_size(coin);
    perpetual.name = name + "-PERPETUAL";
    perpetual.settlement = id(name);
    perpetual.payoff = Payoff::inverse;
    perpetual.contract_size = size;
    add(perpetual, quoted(index * premium, 1e-4, 0.15 * open / size, 0.1 * adv / size));
  }

  static double inverse_size(const Coin& coin) { return coin.price_usd > 10'000.0 ? 10.0 : 1.0; }

  void add_future(const Coin& coin, const ListedExpiry& expiry, double forward, Draws& draws) {
    const double size = inverse_size(coin);
    Instrument future;
    future.name = std::string(coin.name) + "-" + expiry.text;
    future.kind = InstrumentKind::future;
    future.underlying = future.settlement = id(coin.name);
    future.payoff = Payoff::inverse;
    future.contract_size = size;
    future.expiry = {expiry.seconds};
    const double open = draws.log_normal(0.5 * coin.open_usd * expiry.popularity, 0.4);
    add(future, quoted(forward, 3e-4, open / size, 0.3 * open / size));
  }

  static Quote quoted(double mark, double half_spread, std::optional<double> open, double volume) {
    Quote quote;
    quote.mark_price = round_digits(mark, 7);
    quote.bid = round_digits(mark * (1.0 - half_spread), 6);
    quote.ask = round_digits(mark * (1.0 + half_spread), 6);
    if (open) { quote.open_interest = std::floor(*open); }
    quote.volume_24h = std::floor(volume);
    return quote;
  }

  void add_chain(const Coin& coin, const ListedExpiry& expiry, double years, double forward, double atm, Draws& draws) {
    const double sd = atm * math::sqrt(years);
    const double rho = coin.options == OptionsOf::inverse ? draws.between(-0.35, -0.15) : draws.between(-0.2, 0.1);
    const math::SsviSmile<double> smile = smile_of(sd * sd, rho, draws.between(0.9, 1.2));
    const double step = nice_step(forward * math::larger(sd * 0.3, 0.008));
    const double reach = 3.3;  // standard deviations to the last strikes
    const double first = std::floor(forward * math::exp(-reach * sd) / step);
    const double last = std::floor(forward * math::exp(reach * math::smaller(sd, 0.45)) / step) + 1.0;
    for (double n = math::larger(first, 1.0); n <= last; n += 1.0) {
      const double strike = round_digits(n * step, 6);
      const double k = math::log(strike / forward);
      const double vol = round_to(math::ssvi_total_vol(smile, k) / math::sqrt(years), -4);
      add_option(coin, expiry, years, forward, strike, vol, k / sd, OptionType::call, draws);
      add_option(coin, expiry, years, forward, strike, vol, k / sd, OptionType::put, draws);
    }
  }

  /// @param steps  log-moneyness in standard deviations
  void add_option(const Coin& coin, const ListedExpiry& expiry, double years, double forward, double strike, double vol,
                  double steps, OptionType type, Draws& draws) {
    const bool inverse = coin.options == OptionsOf::inverse;
    const double sign = type == OptionType::call ? 1.0 : -1.0;
    Instrument option;
    option.name = coin.name + std::string(inverse ? "-" : "_USDC-") + expiry.text + "-" + strike_text(strike) +
                  (type == OptionType::call ? "-C" : "-P");
    option.kind = InstrumentKind::option;
    option.underlying = id(coin.name);
    option.settlement = id(inverse ? coin.name : "USDC");
    option.payoff = inverse ? Payoff::inverse : Payoff::linear;
    option.contract_size = coin.contract_size;
    option.expiry = {expiry.seconds};
    option.strike = strike;
    option.option_type = type;
    const double value =
        math::black76_over_forward(sign, math::log(strike / forward), strike / forward, vol * math::sqrt(years));
    const double unit = inverse ? 1.0 : forward;
    const int digits = inverse ? -8 : decade(forward) - 7;
    Quote quote;
    quote.mark_price = round_to(math::larger(value, 0.0) * unit, digits);
    quote.forward = forward;
    quote.mark_iv = vol;
    const double half_spread = unit * (2e-4 + 0.02 * value);
    const int tick = decade(unit) - 4;
    if (*quote.mark_price > half_spread) { quote.bid = round_to(*quote.mark_price - half_spread, tick); }
    if (quote.bid && *quote.bid <= 0.0) { quote.bid.reset(); }
    quote.ask = round_to(*quote.mark_price + half_spread, tick) + 0.0;
    const double out_of_the_money = sign * steps;
    const double popularity = math::exp(-0.5 * steps * steps / 2.0) * (out_of_the_money > 0.0 ? 1.6 : 0.35);
    const double mean = coin.options_open * expiry.popularity * popularity / 25.0;  // about 25 strikes hold most of it
    const double open = draws.log_normal(mean, 0.8) / coin.contract_size;
    quote.open_interest = round_to(open, coin.price_usd > 10'000.0 ? -1 : 0);
    quote.volume_24h = round_to(*quote.open_interest * draws.between(0.0, 0.12), coin.price_usd > 10'000.0 ? -1 : 0);
    add(std::move(option), quote);
  }

  std::uint64_t seed_;
  Book book_;
  std::vector<std::string> underlyings_;
};

}  // namespace
}  // namespace synth

Book make_market(std::uint64_t seed) { return synth::MarketMaker(seed).make(); }

}  // namespace tailmargin
