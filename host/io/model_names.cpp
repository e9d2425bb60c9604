// Names that a good model can hold but hardly means: spelled in two ways, or a group's without its @.
#include <algorithm>
#include <map>
#include <set>

#include "host/domain/same_letters.hpp"
#include "host/io/model_parts.hpp"
#include "host/prepare/matching.hpp"
#include "host/prepare/model_names.hpp"

namespace tailmargin {
namespace {

/// Spellings of one name, told apart by capitals only: the first one found, and those warned of.
class Spellings {
 public:
  Spellings(const Model& model, std::string what, ProblemLog& problems)
      : model_(model), what_(std::move(what)), problems_(problems) {}

  void add(const std::string& name, const std::string& path) {
    const std::uint64_t line = model_line(model_, path);
    const auto [first, is_new] = first_.try_emplace(in_small_letters(name), name, line);
    const auto& [spelling, where] = first->second;
    if (is_new || spelling == name || !warned_.insert(name).second) return;
    problems_.warning(line, path, name,
                      "this differs only in capitals from " + spelling + " in line " + std::to_string(where) +
                          " (capitals count, so they are two " + what_ + "). Spell them alike if they are one.");
  }

 private:
  const Model& model_;
  std::string what_;
  ProblemLog& problems_;
  std::map<std::string, std::pair<std::string, std::uint64_t>> first_;
  std::set<std::string> warned_;
};

void check_spellings(const ModelDraft& draft) {
  Spellings underlyings(draft.model, "underlyings", draft.problems);
  for (const NameReference& member : group_members(draft.model)) underlyings.add(member.match, member.path);
  for (const NameReference& rule : rule_references(draft.model)) {
    if (rule.match != "*" && !rule.match.starts_with("@")) underlyings.add(rule.match, rule.path);
  }
  for (std::size_t k = 0; k < draft.model.regimes.size(); ++k) {
    Spellings blocks(draft.model, "blocks", draft.problems);
    const auto& rows = draft.model.regimes[k].underlying_factors;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (!rows[i].block.empty()) {
        blocks.add(rows[i].block, item_of(item_of("regime", k) + ".underlying_factors", i) + ".block");
      }
    }
  }
}

/// A name that is a group's, and that no group has as a member, so that it is hardly an underlying's.
void check_groups_without_at(const ModelDraft& draft) {
  std::set<std::string> members;
  for (const NameReference& member : group_members(draft.model)) members.insert(member.match);
  for (const NameReference& rule : rule_references(draft.model)) {
    const auto is_group = [&](const Group& group) {
      return in_small_letters(group.name) == in_small_letters(rule.match);
    };
    const auto group = std::find_if(draft.model.groups.begin(), draft.model.groups.end(), is_group);
    if (group == draft.model.groups.end() || members.contains(rule.match)) continue;
    draft.problems.warning(model_line(draft.model, rule.path), rule.path, rule.match,
                           "this means an underlying of that name, not the group (the rule would match nothing else). "
                           "Is @" +
                               group->name + " meant?");
  }
}

}  // namespace

void check_names(const ModelDraft& draft) {
  check_spellings(draft);
  check_groups_without_at(draft);
}

}  // namespace tailmargin
