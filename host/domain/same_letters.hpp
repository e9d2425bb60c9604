// Names that differ only in capitals.
#pragma once

#include <string>
#include <string_view>

namespace tailmargin {

/// The name with A to Z made small; letters of other alphabets stay as they are.
inline std::string in_small_letters(std::string_view name) {
  std::string small(name);
  for (char& c : small) {
    if (c >= 'A' && c <= 'Z') { c = static_cast<char>(c - 'A' + 'a'); }
  }
  return small;
}

}  // namespace tailmargin
