#include "bench/peers/case_book.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "host/synth/synth.hpp"
#include "kernels/math/normal.hpp"
#include "kernels/math/philox.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin::peers {
namespace {

/// Of a number of items, as many as wanted, spread evenly.
std::vector<InstrumentId> spread_evenly(const std::vector<InstrumentId>& items, std::size_t wanted) {
  std::vector<InstrumentId> out;
  for (std::size_t i = 0; i < wanted; ++i) { out.push_back(items[i * items.size() / wanted]); }
  return out;
}

Book select_instruments(const Book& market, std::size_t wanted, UtcTime horizon) {
  std::vector<InstrumentId> chosen, options;
  for (InstrumentId i = 0; i < market.instruments.size(); ++i) {
    const Instrument& instrument = market.instruments[i];
    if (instrument.kind != InstrumentKind::option) {
      chosen.push_back(i);
    } else if (instrument.expiry > horizon) {
      options.push_back(i);
    }
  }
  const std::size_t available = chosen.size() + options.size();
  if (wanted <= chosen.size() || wanted > available) {
    throw UsageError("the number of instruments must be between " + std::to_string(chosen.size() + 1) + " and " +
                     std::to_string(available));
  }
  const std::vector<InstrumentId> taken = spread_evenly(options, wanted - chosen.size());
  chosen.insert(chosen.end(), taken.begin(), taken.end());
  std::sort(chosen.begin(), chosen.end());
  Book book = market;
  book.instruments.clear();
  book.quotes.clear();
  for (const InstrumentId i : chosen) {
    book.instruments.push_back(market.instruments[i]);
    book.quotes.push_back(market.quotes[i]);
  }
  return book;
}

double contract_usd(const Book& book, const Instrument& instrument) {
  const bool usd_contract = instrument.payoff == Payoff::inverse && instrument.kind != InstrumentKind::option;
  return usd_contract ? instrument.contract_size
                      : instrument.contract_size * book.underlyings[instrument.underlying].index_price_usd;
}

/// Different instruments, in order.
std::vector<InstrumentId> draw_instruments(std::uint64_t seed, std::uint64_t account, std::uint32_t wanted,
                                           std::size_t available) {
  std::vector<InstrumentId> out;
  for (std::uint64_t n = 0; out.size() < wanted; ++n) {
    const std::uint32_t word = math::philox4x32_10(seed, n, account).word[0];
    const auto drawn = static_cast<InstrumentId>((std::uint64_t{word} * available) >> 32);
    const auto at = std::lower_bound(out.begin(), out.end(), drawn);
    if (at == out.end() || *at != drawn) { out.insert(at, drawn); }
  }
  return out;
}

void add_account(const CaseSize& size, std::uint64_t account, Book& book) {
  const std::string digits = std::to_string(account);
  book.accounts.push_back("account-" + std::string(9 - std::min<std::size_t>(9, digits.size()), '0') + digits);
  for (const InstrumentId i : draw_instruments(size.seed, account, size.positions, book.instruments.size())) {
    const math::PhiloxBlock words = math::philox4x32_10(size.seed, (std::uint64_t{1} << 40) + i, account);
    const double usd = 1e4 * math::exp(double(math::normal_from_word(words.word[0])));
    const double side = (words.word[1] & 1u) != 0u ? 1.0 : -1.0;
    // Entered at the mark: no unrealised P&L, so no balance in a coin, so no further column.
    book.positions.push_back(
        {account, i, side * usd / contract_usd(book, book.instruments[i]), book.quotes[i].mark_price});
  }
}

}  // namespace

Book make_case_book(const CaseSize& size, std::int64_t horizon_seconds) {
  if (size.positions > size.instruments) {
    throw UsageError("an account cannot hold more positions than there are instruments");
  }
  const Book market = make_market(size.seed);
  Book book = select_instruments(market, size.instruments, {market.as_of.seconds + horizon_seconds});
  for (std::uint64_t account = 0; account < size.accounts; ++account) { add_account(size, account, book); }
  return book;
}

}  // namespace tailmargin::peers
