#include "host/cli/bench_report.hpp"

#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "host/cli/terminal.hpp"

namespace tailmargin {
namespace {

using Json = nlohmann::ordered_json;

Json times_json(const bench::Times& times) {
  return {{"seconds", times.median()}, {"low", times.low()}, {"high", times.high()}, {"runs", times.seconds.size()}};
}

const bench::StageWork* work_of(const CaseReport& report, const std::string& stage) {
  const auto found = std::find_if(report.work.begin(), report.work.end(),
                                  [&](const bench::StageWork& work) { return work.stage == stage; });
  return found == report.work.end() ? nullptr : &*found;
}

/// Zero seconds: the backend did not time the stage.
double rate_of(const bench::StageWork& work, const bench::Times& times) {
  return times.median() > 0.0 ? work.work / times.median() : 0.0;
}

Json stage_json(const bench::StageWork& work, const bench::Times& times) {
  const double rate = rate_of(work, times);
  Json json = {{"seconds", times.median()}, {"work", work.work},  {"rate", rate},
               {"unit", work.unit},         {"ceiling", nullptr}, {"fraction", nullptr}};
  if (work.ceiling > 0.0) {
    json["ceiling"] = work.ceiling;
    json["fraction"] = rate / work.ceiling;
  }
  json["per_unit"] = work.per_unit;
  json["low"] = times.low();
  json["high"] = times.high();
  json["runs"] = times.seconds.size();
  return json;
}

}  // namespace

Json case_json(const CaseReport& report) {
  Json json = {{"case", report.name},
               {"backend", report.repeats.last.backend},
               {"device", report.repeats.last.device},
               {"total_s", report.total.median()},
               {"peak_rss_bytes", report.peak_rss_bytes},
               {"margins_sha256", report.margins_sha256},
               {"stages", Json::object()},
               {"other_stages", Json::object()}};
  for (const bench::StageTimes& stage : report.repeats.stages) {
    const bench::StageWork* work = work_of(report, stage.stage);
    if (work != nullptr) {
      json["stages"][stage.stage] = stage_json(*work, stage.times);
    } else {
      json["other_stages"][stage.stage] = times_json(stage.times);
    }
  }
  json["total"] = times_json(report.total);
  json["run"] = times_json(report.repeats.run);
  const MadeBook& made = report.made;
  json["book"] = {{"accounts", made.accounts},   {"positions", made.positions}, {"instruments", made.instruments},
                  {"factors", made.factors},     {"steps", made.steps},         {"paths", report.paths},
                  {"exposures", made.exposures}, {"columns", made.columns}};
  json["seed"] = report.seed;
  json["model"] = report.model;
  json["ceilings"] = Json::object();
  for (const auto& [name, rate] : report.ceilings.measured) { json["ceilings"][name] = rate; }
  json["set_up"] = {{"make_book_s", report.make_seconds},
                    {"write_book_s", report.write_book_seconds},
                    {"warm_up_s", report.repeats.warm_up_seconds}};
  return json;
}

namespace {

std::string counted(std::uint64_t n, const char* what) { return with_thousands(static_cast<double>(n)) + " " + what; }

std::string stage_line(const std::string& name, const bench::Times& times, const bench::StageWork* work) {
  char line[200];
  const std::string range = format_seconds(times.low()) + " to " + format_seconds(times.high());
  std::snprintf(line, sizeof line, "  %-10s %10s  (%s)", name.c_str(), format_seconds(times.median()).c_str(),
                range.c_str());
  std::string text = line;
  if (work != nullptr) {
    text.resize(std::max<std::size_t>(text.size(), 46), ' ');
    text += "  " + format_rate(rate_of(*work, times)) + work->unit;
    if (work->ceiling > 0.0) {
      std::snprintf(line, sizeof line, "  %.0f %% of %s", 100.0 * rate_of(*work, times) / work->ceiling,
                    format_rate(work->ceiling).c_str());
      text += line;
    }
  }
  return text + "\n";
}

}  // namespace

std::string case_text(const CaseReport& report) {
  const MadeBook& made = report.made;
  std::string text = report.name + ": " + counted(made.accounts, "accounts, ") +
                     counted(made.positions, "positions, ") + counted(made.instruments, "instruments, ") +
                     counted(made.factors, "factors, ") + counted(made.steps, "steps, ") +
                     counted(report.paths, "paths") + "\n";
  text += report.repeats.last.backend + " (" + report.repeats.last.device + "); answer checked; " +
          std::to_string(report.repeats.run.seconds.size()) + " runs after a warm-up of " +
          format_seconds(report.repeats.warm_up_seconds) + "\n";
  for (const bench::StageTimes& stage : report.repeats.stages) {
    text += stage_line(stage.stage, stage.times, work_of(report, stage.stage));
  }
  text += stage_line("run", report.repeats.run, nullptr);
  text += stage_line("total", report.total, nullptr);
  text += report.measured == bench::Measured::whatif
              ? "  total: margins of one account before and after a trade, on a prepared run; at most "
              : "  total: start of tailmargin margin to its end, book and margins in files; at most ";
  text += counted(report.peak_rss_bytes >> 20, "MiB") + "\n";
  text += "  margins " + report.margins_sha256 + "\n";
  for (const auto& [name, rate] : report.ceilings.measured) { text += "  " + name + " " + format_rate(rate) + "\n"; }
  return text;
}

}  // namespace tailmargin
