#pragma once
#include <set>

#include "vfe/infer/symmetry.hpp"

namespace vfe {

/// An order without meaning, for sets.
struct SignedOrder {
  bool operator()(const SignedPermutation& a, const SignedPermutation& b) const {
    if (a.source != b.source) return a.source < b.source;
    for (Index i = 0; i < a.sign.size(); ++i) {
      if (a.sign(i) != b.sign(i)) return a.sign(i) > b.sign(i);
    }
    return false;
  }
};

using SignedPermutationSet = std::set<SignedPermutation, SignedOrder>;

}  // namespace vfe
