// The order of a made-up market: instruments by name, as reading a book leaves them.
#pragma once

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "tailmargin/book.hpp"

namespace tailmargin::synth {

/// Sorts a book's instruments by name, and their quotes with them.
inline void sort_instruments(Book& book) {
  std::vector<std::size_t> order(book.instruments.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&book](std::size_t a, std::size_t b) { return book.instruments[a].name < book.instruments[b].name; });
  std::vector<Instrument> instruments;
  std::vector<Quote> quotes;
  for (const std::size_t n : order) {
    instruments.push_back(std::move(book.instruments[n]));
    quotes.push_back(book.quotes[n]);
  }
  book.instruments = std::move(instruments);
  book.quotes = std::move(quotes);
}

}  // namespace tailmargin::synth
