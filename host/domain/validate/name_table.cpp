#include "host/domain/validate/name_table.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

namespace tailmargin {
namespace {

std::uint32_t hash_of(std::string_view name) {
  const std::uint64_t hash = std::hash<std::string_view>{}(name);
  return static_cast<std::uint32_t>(hash ^ (hash >> 32));
}

}  // namespace

std::size_t NameTable::slot_of(std::string_view text, std::uint32_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t place = hash & mask;
  while (slots_[place].id != absent && (slots_[place].hash != hash || name(slots_[place].id) != text)) {
    place = (place + 1) & mask;
  }
  return place;
}

std::uint32_t NameTable::find(std::string_view text) const { return slots_[slot_of(text, hash_of(text))].id; }

NameTable::Inserted NameTable::insert(std::string_view text) {
  const std::uint32_t hash = hash_of(text);
  std::size_t place = slot_of(text, hash);
  if (slots_[place].id != absent) return {slots_[place].id, false};
  if (2 * (begins_.size() + 1) > slots_.size()) {
    grow();
    place = slot_of(text, hash);
  }
  const std::uint32_t id = size();
  slots_[place] = {hash, id};
  letters_ += text;
  begins_.push_back(letters_.size());
  return {id, true};
}

void NameTable::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  const std::size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.id == absent) continue;
    std::size_t place = slot.hash & mask;
    while (slots_[place].id != absent) place = (place + 1) & mask;
    slots_[place] = slot;
  }
}

std::vector<std::uint32_t> NameTable::ranks() const {
  std::vector<std::uint32_t> order(size()), rank(size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return name(a) < name(b); });
  for (std::uint32_t i = 0; i < order.size(); ++i) rank[order[i]] = i;
  return rank;
}

}  // namespace tailmargin
