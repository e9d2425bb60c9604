// Files of numbers as they lie in memory.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tailmargin/diagnostics.hpp"

namespace tailmargin {

/// Numbers one after the other as they lie in memory; every machine this builds for has the lowest byte first.
class RawNumbers {
 public:
  explicit RawNumbers(std::string text = {}) : text_(std::move(text)) {}

  template <class T>
  void put(const std::vector<T>& values) {
    text_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  }
  /// @throws FileError if there are not so many
  template <class T>
  std::vector<T> take(std::uint64_t count) {
    if (count > (text_.size() - at_) / sizeof(T)) { throw FileError("it is cut off"); }
    std::vector<T> values(count);
    if (count != 0) { std::memcpy(values.data(), text_.data() + at_, count * sizeof(T)); }
    at_ += count * sizeof(T);
    return values;
  }
  bool at_end() const { return at_ == text_.size(); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::size_t at_ = 0;
};

}  // namespace tailmargin
