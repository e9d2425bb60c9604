// What a program of bench/peers prints: one JSON object, stages with rates and, for a peer, a check of its answer.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

namespace tailmargin::peers {

/// Exit code of a peer that cannot run here; it prints {"skipped": reason}.
inline constexpr int exit_skipped = 77;

/// Largest relative difference of an account's expected shortfall that still counts as the same answer. Cubes and sums
/// are float on both sides; a sum of fifty floats that offset each other keeps four digits.
inline constexpr double es_tolerance = 1e-4;

struct Stage {
  std::string name;
  std::vector<double> seconds;  ///< one for each repeat
  double work = 0.0;            ///< of one repeat; 0: no rate is printed
  std::string unit;             ///< of the work
};

/// Seconds that a call takes.
template <class Work>
double timed(Work&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

inline std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return std::isfinite(value) ? text : "null";
}

/// The text in quotes; quotes and backslashes in it are escaped.
inline std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') { out += '\\'; }
    out += c == '\n' ? ' ' : c;
  }
  return out + '"';
}

/// {"simulate": {"seconds": 1, "low": 1, "high": 1, "work": 1, "rate": 1, "unit": "factor-steps/s"}, ...}
inline std::string stages_json(const std::vector<Stage>& stages) {
  std::string out = "{";
  for (const Stage& stage : stages) {
    const double seconds = median(stage.seconds);
    out += (out.size() > 1 ? ", " : "") + quoted(stage.name) + ": {\"seconds\": " + number(seconds);
    out += ", \"low\": " + number(*std::min_element(stage.seconds.begin(), stage.seconds.end()));
    out += ", \"high\": " + number(*std::max_element(stage.seconds.begin(), stage.seconds.end()));
    if (stage.work > 0.0) {
      out += ", \"work\": " + number(stage.work) + ", \"rate\": " + number(stage.work / seconds);
      out += ", \"unit\": " + quoted(stage.unit + "/s");
    }
    out += "}";
  }
  return out + "}";
}

struct Check {
  double largest_difference = 0.0;  ///< relative, over accounts; not a number if one of them is none
  std::string json;
  bool passed() const { return largest_difference <= es_tolerance; }
};

/// Expected shortfalls of a peer against Tailmargin's.
inline Check check_es(const std::vector<double>& es, const std::vector<double>& expected) {
  Check check;
  for (std::size_t a = 0; a < expected.size(); ++a) {
    const double difference = std::fabs(es[a] - expected[a]) / std::fabs(expected[a]);
    const bool stays = std::isnan(check.largest_difference) || difference <= check.largest_difference;
    check.largest_difference = stays ? check.largest_difference : difference;
  }
  check.json = "{\"largest_relative_es_difference\": " + number(check.largest_difference);
  check.json += ", \"tolerance\": " + number(es_tolerance) + ", \"es_usd\": [";
  for (std::size_t a = 0; a < std::min<std::size_t>(3, es.size()); ++a) {
    check.json += (a > 0 ? ", " : "") + number(es[a]);
  }
  check.json += "], \"tailmargin_es_usd\": [";
  for (std::size_t a = 0; a < std::min<std::size_t>(3, es.size()); ++a) {
    check.json += (a > 0 ? ", " : "") + number(expected[a]);
  }
  check.json += std::string("], \"passed\": ") + (check.passed() ? "true" : "false") + "}";
  return check;
}

}  // namespace tailmargin::peers
