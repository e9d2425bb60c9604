// The market of a made book: exactly as many instruments as the shape says. Prices and vols are our own numbers of the
// size of early 2026; nothing is drawn, so a coin is the same in every shape.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "host/bench/cases.hpp"
#include "host/synth/draws.hpp"
#include "host/synth/sort_instruments.hpp"
#include "kernels/math/black76.hpp"
#include "kernels/math/smile.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin::bench {
namespace {

using synth::round_digits;
using synth::round_to;

constexpr std::int64_t as_of_seconds = 1772366400;  // 2026-03-01T12:00:00Z
constexpr std::int64_t day_seconds = 86'400;
constexpr std::int64_t first_expiry_seconds = 72'000;  // the next 08:00Z
constexpr double seconds_per_year = 365.0 * 86'400.0;
constexpr double basis_per_year = 0.03;  // of forwards, continuously compounded
constexpr double stablecoin_price = 0.9995;
constexpr double reach = 2.5;  // standard deviations to the last strikes

struct Coin {
  std::string name;
  double price_usd, vol;
};

/// The most traded first. Coins beyond the list are called C020, C021 and so on.
Coin coin_number(std::uint32_t i) {
  static const std::array<Coin, 20> known = {
      {{"BTC", 66000.0, 0.50}, {"ETH", 1950.0, 0.68}, {"SOL", 84.0, 0.80},  {"XRP", 1.36, 0.78},
       {"BNB", 618.0, 0.60},   {"DOGE", 0.094, 0.90}, {"ADA", 0.27, 0.80},  {"AVAX", 8.9, 0.85},
       {"LINK", 8.7, 0.82},    {"SUI", 0.91, 0.95},   {"LTC", 54.0, 0.70},  {"BCH", 452.0, 0.75},
       {"DOT", 1.52, 0.80},    {"UNI", 3.6, 0.88},    {"APT", 0.92, 0.95},  {"ARB", 0.098, 0.95},
       {"ATOM", 1.95, 0.80},   {"AAVE", 118.0, 0.85}, {"TRX", 0.282, 0.45}, {"NEAR", 1.2, 0.90}}};
  if (i < known.size()) { return known[i]; }
  const std::string number = std::to_string(i);
  return {"C" + std::string(number.size() < 3 ? 3 - number.size() : 0, '0') + number, 1.0 + 0.37 * (i % 11), 0.90};
}

struct Expiry {
  std::uint32_t days;
  bool has_future;
};

constexpr std::array<Expiry, 10> expiries = {{{1, false},
                                              {2, false},
                                              {5, false},
                                              {12, false},
                                              {19, false},
                                              {26, true},
                                              {54, true},
                                              {117, true},
                                              {208, true},
                                              {299, false}}};
constexpr std::uint32_t products_of_chain_coin = 2 + 4, products_of_perpetual_coin = 2;  // spot, perpetual; futures

UtcTime expiry_time(const Expiry& expiry) {
  return {as_of_seconds + first_expiry_seconds + static_cast<std::int64_t>(expiry.days - 1) * day_seconds};
}

double years_to(const Expiry& expiry) {
  return static_cast<double>(expiry_time(expiry).seconds - as_of_seconds) / seconds_per_year;
}

std::string expiry_text(const Expiry& expiry) { return "-" + std::to_string(expiry.days) + "D"; }

/// 1.35 as 1d35, as venues write it.
std::string strike_text(double strike) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), strike, std::chars_format::fixed).ptr;
  std::string text(digits.data(), end);
  std::replace(text.begin(), text.end(), '.', 'd');
  return text;
}

class MarketMaker {
 public:
  explicit MarketMaker(const BookShape& shape) : shape_(shape) {
    const std::uint32_t products =
        shape.chain_coins * products_of_chain_coin + shape.perpetual_coins * products_of_perpetual_coin;
    if (products > shape.instruments || (shape.chain_coins == 0 && products != shape.instruments)) {
      throw UsageError("a book of " + std::to_string(shape.chain_coins) + " coins with options and " +
                       std::to_string(shape.perpetual_coins) + " without has at least " + std::to_string(products) +
                       " instruments. Ask for as many, or for fewer factors.");
    }
    options_left_ = shape.instruments - products;
    chains_left_ = shape.chain_coins * static_cast<std::uint32_t>(expiries.size());
  }

  Book make() {
    book_.name = "bench";
    book_.as_of = {as_of_seconds};
    const std::uint32_t num_coins = shape_.chain_coins + shape_.perpetual_coins;
    for (std::uint32_t c = 0; c < num_coins; ++c) {
      const Coin coin = coin_number(c);
      book_.underlyings.push_back({coin.name, coin.price_usd, 1e9 / (1.0 + c), 0.5e-4});
    }
    book_.underlyings.push_back({"USDT", stablecoin_price, 5e10, std::nullopt});
    std::sort(book_.underlyings.begin(), book_.underlyings.end(),
              [](const Underlying& a, const Underlying& b) { return a.name < b.name; });
    for (std::uint32_t c = 0; c < num_coins; ++c) { add_coin(coin_number(c), c); }
    synth::sort_instruments(book_);
    return std::move(book_);
  }

 private:
  UnderlyingId id(const std::string& name) const {
    const auto at = std::lower_bound(book_.underlyings.begin(), book_.underlyings.end(), name,
                                     [](const Underlying& u, const std::string& n) { return u.name < n; });
    return static_cast<UnderlyingId>(at - book_.underlyings.begin());
  }

  void add(Instrument instrument, const Quote& quote) {
    book_.instruments.push_back(std::move(instrument));
    book_.quotes.push_back(quote);
  }

  /// BTC and ETH are settled in the coin, as on the largest venue for their options; the others in USDT.
  void add_coin(const Coin& coin, std::uint32_t number) {
    const bool has_chains = number < shape_.chain_coins, inverse = has_chains && number < 2;
    const double usdt_price = coin.price_usd / stablecoin_price;
    Instrument spot;
    spot.name = coin.name + "_USDT";
    spot.underlying = id(coin.name);
    spot.settlement = id("USDT");
    add(spot, marked(usdt_price));
    Instrument perpetual = spot;
    perpetual.name = coin.name + "USDT";
    perpetual.kind = InstrumentKind::perpetual;
    add(perpetual, marked(usdt_price * 1.0001));
    if (!has_chains) { return; }
    for (const Expiry& expiry : expiries) {
      const double forward =
          round_digits((inverse ? coin.price_usd : usdt_price) * math::exp(basis_per_year * years_to(expiry)), 7);
      if (expiry.has_future) { add_future(coin, expiry, forward, inverse); }
      add_chain(coin, expiry, forward, inverse);
    }
  }

  static Quote marked(double price) {
    Quote quote;
    quote.mark_price = round_digits(price, 7);
    return quote;
  }

  void add_future(const Coin& coin, const Expiry& expiry, double forward, bool inverse) {
    Instrument future;
    future.name = coin.name + expiry_text(expiry);
    future.kind = InstrumentKind::future;
    future.underlying = id(coin.name);
    future.settlement = inverse ? id(coin.name) : id("USDT");
    future.payoff = inverse ? Payoff::inverse : Payoff::linear;
    future.contract_size = inverse ? 10.0 : 1.0;  // USD, coins
    future.expiry = expiry_time(expiry);
    add(std::move(future), marked(forward));
  }

  /// An equal share of the options that are left; strikes at equal steps of log-moneyness. A chain with an odd number
  /// lacks its last put.
  void add_chain(const Coin& coin, const Expiry& expiry, double forward, bool inverse) {
    const std::uint32_t count = (options_left_ + chains_left_ - 1) / chains_left_;
    options_left_ -= count;
    --chains_left_;
    const double sd = coin.vol * math::sqrt(years_to(expiry));
    const double variance = sd * sd;
    const math::SsviSmile<double> smile = {math::sqrt(0.5 * variance), 1.0 / math::sqrt(variance * (1.0 + variance)),
                                           -0.2};
    const std::uint32_t strikes = (count + 1) / 2;
    for (std::uint32_t n = 0; n < count; ++n) {
      const double step = (static_cast<double>(n / 2) + 0.5) / strikes;
      const double strike = round_digits(forward * math::exp(reach * sd * (2.0 * step - 1.0)), 6);
      add_option(coin, expiry, forward, strike, smile, n % 2 == 0 ? OptionType::call : OptionType::put, inverse);
    }
  }

  void add_option(const Coin& coin, const Expiry& expiry, double forward, double strike,
                  const math::SsviSmile<double>& smile, OptionType type, bool inverse) {
    Instrument option;
    option.name =
        coin.name + expiry_text(expiry) + "-" + strike_text(strike) + (type == OptionType::call ? "-C" : "-P");
    option.kind = InstrumentKind::option;
    option.underlying = id(coin.name);
    option.settlement = inverse ? id(coin.name) : id("USDT");
    option.payoff = inverse ? Payoff::inverse : Payoff::linear;
    option.expiry = expiry_time(expiry);
    option.strike = strike;
    option.option_type = type;
    const double k = math::log(strike / forward), root_years = math::sqrt(years_to(expiry));
    const double vol = round_to(math::ssvi_total_vol(smile, k) / root_years, -4);
    const double value =
        math::black76_over_forward(type == OptionType::call ? 1.0 : -1.0, k, strike / forward, vol * root_years);
    const double unit = inverse ? 1.0 : forward;
    Quote quote;
    quote.mark_price = round_to(math::larger(value, 0.0) * unit, inverse ? -8 : synth::decade(forward) - 7);
    quote.forward = forward;
    quote.mark_iv = vol;
    add(std::move(option), quote);
  }

  BookShape shape_;
  Book book_;
  std::uint32_t options_left_ = 0, chains_left_ = 0;
};

}  // namespace

Book make_case_market(const BookShape& shape) { return MarketMaker(shape).make(); }

}  // namespace tailmargin::bench
