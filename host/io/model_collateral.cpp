// [[haircut]] and [[depeg]]: what balances do not count for, and how far prices fall where pegs break.
#include "host/io/model_rules.hpp"

namespace tailmargin {
namespace {

constexpr NumberRange haircut_range{0.0, 1.0, false, false, "from 0 to 1, a share of the value"};
constexpr NumberRange fall_range{0.0, 1.0, false, true, "at least 0 and below 1, a share of the price"};

std::vector<AssetShare> read_shares(const TomlValue* list, const std::string& path, std::string_view key,
                                    const NumberRange& range, ModelDraft& draft) {
  std::vector<AssetShare> rules;
  if (!list) return rules;
  for_each_row(*list, path, draft.problems, [&](TomlTable& row, const TomlValue&) {
    const std::string match = read_first_match(row, draft.model, rules, [](const AssetShare&) { return true; });
    rules.push_back({match, row.number(key, range, true).value_or(0.0)});
  });
  return rules;
}

}  // namespace

void read_haircuts(const TomlValue* list, ModelDraft& draft) {
  draft.model.haircuts = read_shares(list, "haircut", "share", haircut_range, draft);
}

void read_depegs(const TomlValue* list, ModelDraft& draft) {
  draft.model.depegs = read_shares(list, "depeg", "fall", fall_range, draft);
}

}  // namespace tailmargin
