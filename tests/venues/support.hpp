// Small units, and textbook prices of their own: from erfc and log of the C library, nothing of the project.
#pragma once

#include <cmath>
#include <filesystem>
#include <string>

#include "host/io/method_file.hpp"
#include "host/venues/margin.hpp"
#include "host/venues/positions.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin::venues::test {

inline constexpr double day = 86'400.0, year = 365.0 * day;

inline double normal(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

inline double textbook_value(double sign, double forward, double strike, double vol, double years) {
  const double s = vol * std::sqrt(years), d1 = std::log(forward / strike) / s + 0.5 * s;
  return sign * (forward * normal(sign * d1) - strike * normal(sign * (d1 - s)));
}

inline double textbook_delta(double sign, double forward, double strike, double vol, double years) {
  const double s = vol * std::sqrt(years);
  return sign * normal(sign * (std::log(forward / strike) / s + 0.5 * s));
}

inline DeltaOneLeg perpetual(double coins, double price, std::string settled_in = "USD") {
  return {"PERP", coins, DeltaOneKind::perpetual, price, 0.0, std::move(settled_in)};
}

inline DeltaOneLeg future(double coins, double price, double seconds) {
  return {"FUTURE", coins, DeltaOneKind::future, price, seconds, "USD"};
}

inline OptionLeg option(double coins, double sign, double strike, double forward, double vol, double seconds) {
  return {"OPTION", coins, sign,    strike,
          forward,  vol,   seconds, textbook_value(sign, forward, strike, vol, seconds / year),
          "USD"};
}

inline Unit unit(const std::string& underlying, double index) {
  Unit out;
  out.underlying = underlying;
  out.index_usd = index;
  return out;
}

/// A preset of this name; throws if it has a problem.
inline Method preset(const std::string& name) {
  Diagnostics diagnostics;
  const std::filesystem::path file = std::filesystem::path(TAILMARGIN_SOURCE_DIR) / "presets" / (name + ".toml");
  Method method = read_method(file, diagnostics);
  if (diagnostics.has_errors()) { throw InputError(diagnostics); }
  return method;
}

/// Amount of the first term of this name before its factor of initial margin, or NaN.
inline const Term* find_term(const Margin& margin, const std::string& name) {
  for (const Term& term : margin.terms) {
    if (term.name == name) { return &term; }
  }
  return nullptr;
}

}  // namespace tailmargin::venues::test
