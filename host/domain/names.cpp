#include "tailmargin/model.hpp"

namespace tailmargin {

const char* to_string(FactorKind kind) {
  switch (kind) {
    case FactorKind::price: return "price";
    case FactorKind::vol: return "vol";
    case FactorKind::carry: return "carry";
    case FactorKind::premium: return "premium";
  }
  return "?";
}

}  // namespace tailmargin
