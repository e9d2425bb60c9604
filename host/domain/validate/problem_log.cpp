#include "host/domain/validate/problem_log.hpp"

#include <algorithm>

#include "host/domain/validate/text.hpp"

namespace tailmargin {

void ProblemLog::add(Severity severity, std::string_view kind, std::uint64_t row, std::string_view field,
                     std::string_view value, std::string_view reason) {
  if (severity == Severity::error) has_errors_ = true;
  key_.assign(field).append(1, '\0').append(kind);
  const auto [place, is_new] = kind_of_.try_emplace(key_, kinds_.size());
  if (is_new) kinds_.push_back({printable(field), severity, 0});
  if (++kinds_[place->second].count > max_listed_problems) return;
  listed_.push_back({file_, row, printable(field), printable(value), std::string(reason), severity});
}

void ProblemLog::append_to(Diagnostics& diagnostics) {
  const auto by_row = [](const Diagnostic& a, const Diagnostic& b) { return a.row < b.row; };
  std::stable_sort(listed_.begin(), listed_.end(), by_row);
  const auto hand_over = [&](Diagnostic& d) {
    if (d.severity == Severity::error) {
      diagnostics.error(std::move(d.file), d.row, std::move(d.field), std::move(d.value), std::move(d.reason));
    } else {
      diagnostics.warning(std::move(d.file), d.row, std::move(d.field), std::move(d.value), std::move(d.reason));
    }
  };
  for (Diagnostic& d : listed_) hand_over(d);
  for (const Kind& kind : kinds_) {
    if (kind.count <= max_listed_problems) continue;
    Diagnostic more{file_, 0, kind.field, "", "", kind.severity};
    more.reason = "\u2026 and " + std::to_string(kind.count - max_listed_problems) +
                  " more of this kind (only the first " + std::to_string(max_listed_problems) +
                  " are listed). Correct their common cause, then check again.";
    hand_over(more);
  }
  listed_.clear();
  kinds_.clear();
  kind_of_.clear();
}

}  // namespace tailmargin
