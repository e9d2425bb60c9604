#include "tailmargin/model.hpp"

namespace tailmargin {

const char* to_string(FactorKind kind) {
  switch (kind) {
    case FactorKind::price: return "price";
    case FactorKind::vol: return "vol";
    case FactorKind::carry: return "carry";
    case FactorKind::premium: return "premium";
    case FactorKind::term: return "term";
    case FactorKind::skew: return "skew";
    case FactorKind::butterfly: return "butterfly";
    case FactorKind::carry_slope: return "carry_slope";
    case FactorKind::dislocation: return "dislocation";
  }
  return "?";
}

}  // namespace tailmargin
