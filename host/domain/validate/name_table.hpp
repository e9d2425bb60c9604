// Names to small integers, by hashing; made for millions of look-ups of short names.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace tailmargin {

class NameTable {
 public:
  static constexpr std::uint32_t absent = std::numeric_limits<std::uint32_t>::max();

  /// Id of the name, counting from 0 in the order of first sight.
  struct Inserted {
    std::uint32_t id = 0;
    bool is_new = false;
  };
  Inserted insert(std::string_view name);

  std::uint32_t find(std::string_view name) const;

  std::string_view name(std::uint32_t id) const {
    return std::string_view(letters_).substr(begins_[id], begins_[id + 1] - begins_[id]);
  }
  std::uint32_t size() const { return static_cast<std::uint32_t>(begins_.size() - 1); }

  /// [id] -> rank of its name in byte order.
  std::vector<std::uint32_t> ranks() const;

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t id = absent;
  };
  std::size_t slot_of(std::string_view name, std::uint32_t hash) const;
  void grow();

  std::string letters_;                              ///< all names, one after the other
  std::vector<std::uint64_t> begins_ = {0};          ///< [id], and the end of the last
  std::vector<Slot> slots_ = std::vector<Slot>(64);  ///< open addressing; the size is a power of two
};

}  // namespace tailmargin
