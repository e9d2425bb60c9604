#include "host/importers/deribit_names.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "host/domain/validate/text.hpp"

namespace tailmargin::importers {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) { return parts; }
    text.remove_prefix(end + 1);
  }
}

bool digits_only(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// 1d35 is 1.35.
std::optional<double> strike_of(std::string_view text) {
  std::string number(text);
  std::replace(number.begin(), number.end(), 'd', '.');
  const ParsedNumber parsed = parse_number(number);
  if (parsed.state != NumberState::good || !(parsed.value > 0.0)) { return std::nullopt; }
  return parsed.value;
}

}  // namespace

std::optional<UtcTime> deribit_expiry(std::string_view date) {
  static constexpr std::array<std::string_view, 12> months = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                              "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
  if (date.size() != 6 && date.size() != 7) { return std::nullopt; }
  const std::string_view year = date.substr(date.size() - 2), day = date.substr(0, date.size() - 5);
  const auto month = std::find(months.begin(), months.end(), date.substr(date.size() - 5, 3));
  if (month == months.end() || !digits_only(year) || !digits_only(day)) { return std::nullopt; }
  const std::chrono::year_month_day calendar(std::chrono::year(2000 + static_cast<int>(parse_number(year).value)),
                                             std::chrono::month(static_cast<unsigned>(month - months.begin()) + 1),
                                             std::chrono::day(static_cast<unsigned>(parse_number(day).value)));
  if (!calendar.ok()) { return std::nullopt; }
  const std::int64_t days = std::chrono::sys_days(calendar).time_since_epoch().count();
  return UtcTime{days * 86400 + 8 * 3600};
}

std::optional<NamedTerms> terms_from_deribit_name(std::string_view name) {
  const std::vector<std::string_view> parts = split(name, '-');
  const std::vector<std::string_view> pair = split(parts[0], '_');
  if (parts[0].empty() || pair.size() > 2 || pair.back().empty()) { return std::nullopt; }
  NamedTerms result;
  Instrument& terms = result.terms;
  const bool linear = pair.size() == 2;
  terms.name = name;
  terms.payoff = linear ? Payoff::linear : Payoff::inverse;
  result.underlying = pair[0];
  result.settlement = pair.back();
  result.is_size_known = !linear;
  if (parts.size() == 1) {
    terms.kind = InstrumentKind::spot;
    result.is_size_known = true;
    return linear ? std::optional(result) : std::nullopt;
  }
  if (!linear && parts.size() == 2) { terms.contract_size = pair[0] == "BTC" ? 10.0 : 1.0; }  // USD
  if (parts.size() == 2 && parts[1] == "PERPETUAL") {
    terms.kind = InstrumentKind::perpetual;
    return result;
  }
  const auto expiry = deribit_expiry(parts[1]);
  if (!expiry || parts.size() == 3 || parts.size() > 4) { return std::nullopt; }
  terms.expiry = *expiry;
  terms.kind = InstrumentKind::future;
  if (parts.size() == 2) { return result; }
  const auto strike = strike_of(parts[2]);
  if (!strike || (parts[3] != "C" && parts[3] != "P")) { return std::nullopt; }
  terms.kind = InstrumentKind::option;
  terms.strike = *strike;
  terms.option_type = parts[3] == "C" ? OptionType::call : OptionType::put;
  return result;
}

}  // namespace tailmargin::importers
