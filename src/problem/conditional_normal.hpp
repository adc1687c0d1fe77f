#pragma once
#include <optional>

#include "vfe/comm/communicator.hpp"
#include "vfe/core/row_source.hpp"
#include "vfe/model/glm.hpp"
#include "vfe/model/non_centred.hpp"

namespace vfe {

/// [collective] Of the coefficients of a model of a real response and unknown sigma, where the rows (those of
/// weight, over all ranks) are so few beside them that their density narrows with sigma; else none. `rows` is
/// this rank's shard; the numbers are the same on every rank.
std::optional<ConditionalNormal> conditional_normal(const Communicator& comm, const GlmOptions& options,
                                                    const RowSource& rows, Index rows_of_weight);

}  // namespace vfe
