#include "host/importers/venue_files.hpp"

#include <cmath>
#include <fstream>

#include "host/domain/validate/text.hpp"

namespace tailmargin::importers {
namespace {

const Json& member(const Json& object, const char* field) {
  static const Json nothing;
  const auto found = object.find(field);
  return found == object.end() ? nothing : *found;
}

std::string shown(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

bool JsonRow::has(const char* field) const { return !member(object_, field).is_null(); }

std::string JsonRow::text(const char* field) const {
  const Json& value = member(object_, field);
  return value.is_string() ? value.get<std::string>() : std::string{};
}

std::optional<double> JsonRow::number(const char* field, NumberRule rule) const {
  const Json& value = member(object_, field);
  if (value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty())) { return std::nullopt; }
  double number = std::nan("");
  if (value.is_number()) {
    number = value.get<double>();
  } else if (value.is_string()) {
    const ParsedNumber parsed = parse_number(value.get_ref<const std::string&>());
    if (parsed.state == NumberState::good) { number = parsed.value; }
  }
  if (!std::isfinite(number)) {
    error(field, "this is not a finite number (nothing can be computed from it). Correct it or drop the field.");
  } else if (rule == NumberRule::positive && !(number > 0.0)) {
    error(field, "this is not positive (prices, sizes and strikes are). Correct it or drop the record.");
  } else if (rule == NumberRule::not_negative && number < 0.0) {
    error(field, "this is negative (it cannot be below 0). Correct it or drop the field.");
  } else {
    return number;
  }
  return std::nullopt;
}

std::optional<UtcTime> JsonRow::time_ms(const char* field) const {
  const auto milliseconds = number(field, NumberRule::positive);
  if (!milliseconds) { return std::nullopt; }
  if (*milliseconds < 1e12 || *milliseconds > 1e13) {
    error(field, "this is not a time in milliseconds since 1970 (it lies before 2001 or after 2286). Correct it.");
    return std::nullopt;
  }
  return UtcTime{static_cast<std::int64_t>(std::floor(*milliseconds / 1000.0))};
}

JsonRow JsonRow::inside(const char* field) const {
  static const Json empty = Json::object();
  const Json& value = member(object_, field);
  return {value.is_object() ? value : empty, row_, problems_};
}

void JsonRow::error(const char* field, const std::string& reason) const {
  problems_.error(row_, field, has(field) ? shown(member(object_, field)) : "", reason);
}

void JsonRow::warning(const char* field, const std::string& reason) const {
  problems_.warning(row_, field, has(field) ? shown(member(object_, field)) : "", reason);
}

FileKind kind_of_file(const std::filesystem::path& file, ProblemLog& problems) {
  std::error_code ignored;
  std::ifstream stream(file, std::ios::binary);
  if (!stream || std::filesystem::is_directory(file, ignored)) {
    problems.error(0, "", "", "the file cannot be opened (its prices are needed). Check its name and permissions.");
    return FileKind::unreadable;
  }
  char first = 0;
  if (!(stream >> first)) {
    problems.error(0, "", "", "the file is empty (its prices are needed). Download it again.");
    return FileKind::unreadable;
  }
  return first == '{' || first == '[' ? FileKind::json : FileKind::table;
}

std::string header_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string line;
  std::getline(stream, line);
  return line;
}

void read_documents(const std::filesystem::path& file, ProblemLog& problems,
                    const std::function<void(const Json&)>& consume) {
  std::ifstream stream(file, std::ios::binary);
  try {
    while ((stream >> std::ws).good() && stream.peek() != std::ifstream::traits_type::eof()) {
      Json document;
      stream >> document;
      consume(document);
    }
  } catch (const Json::exception& failure) {
    problems.error(
        0, "", "",
        "this is not valid JSON: " + printable(failure.what()) + " (the document cannot be read). Download it again.");
  }
}

}  // namespace tailmargin::importers
