#pragma once
#include <optional>
#include <string>

#include "vfe/model/model.hpp"

namespace vfe {

/// The first value of a shard that is not finite or beyond what can be summed.
struct NonFinite {
  Index draw = 0;
  Index block = 0;  ///< of the dataset; -1 is the prior
  std::string text;
};

/// Looks for the lowest (draw, block) in the prior and the given blocks. `first_block` and `first_row` are
/// those of the shard in the dataset.
std::optional<NonFinite> find_non_finite(const Model& model, const BatchBlocks& blocks, ConstMat theta,
                                         Index first_block, Index first_row);

}  // namespace vfe
