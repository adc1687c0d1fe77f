#pragma once
#include <string>
#include <vector>

#include "vfe/infer/symmetry.hpp"

namespace vfe {

/// One parameter as an array of unconstrained coordinates.
struct Block {
  /// Exchanging entries 0 and 1 of an axis of size 2 of a simplex turns the sign of the one coordinate it
  /// has.
  struct Axis {
    Index size = 0;
    bool mirrored = false;
  };

  std::string name;
  Transform transform = Transform::identity;
  Index d = 0;             ///< coordinates of all parameters
  std::vector<Axis> axes;  ///< those along which entries may be exchanged
  std::vector<Index>
      coordinate;   ///< of every entry, row-major over all axes that are not mirrored, then `inner`
  Index inner = 1;  ///< coordinates that only move together: those of a simplex, say

  /// Its sign may be turned: nothing bounds it, or both sides do.
  bool turnable() const;
  /// Coordinates with subscript `index` on an axis that is not mirrored, in an order common to all
  /// subscripts.
  std::vector<Index> slice(std::size_t axis, Index index) const;
  /// Exchanges two subscripts of an axis.
  SignedPermutation exchange(std::size_t axis, Index i, Index k) const;
};

/// Those of size 0 are left out.
std::vector<Block> blocks_of(const Parameters& parameters);

}  // namespace vfe
