#include "vfe/model/local_model.hpp"

#include <fmt/format.h>

namespace vfe {

Grouping LocalModel::grouping() const {
  Grouping grouping;
  for (Index j = 0; j < num_latents(); ++j) grouping.effects.push_back(fmt::format("{}", j));
  return grouping;
}

Matrix LocalModel::effects_of_latents(ConstVec) const {
  return Matrix::Identity(num_latents(), num_latents());
}

GroupCodes LocalModel::group_codes(Index block) const {
  return GroupCodes(groups(block), 0);
}

std::vector<Index> LocalModel::group_rows(Index block) const {
  return std::vector<Index>(static_cast<std::size_t>(groups(block)), 0);
}

}  // namespace vfe
