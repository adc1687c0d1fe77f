#pragma once
#include <functional>

#include "vfe/comm/communicator.hpp"
#include "vfe/core/types.hpp"

namespace vfe {

/// Of some columns of numbers over all rows of all ranks.
struct NumberMoments {
  Vector low, high, mean, sd;  ///< by column; sd with n - 1, 0 of a single row
  Index rows = 0;
};

/// Hands the columns (rows x columns) of each block of this rank to `add`.
using EachBlock = std::function<void(const std::function<void(ConstMat)>& add)>;

/// [collective] Calls `each_block` twice. The same bits on any number of ranks.
NumberMoments number_moments(const Communicator& comm, Index columns, const EachBlock& each_block);

}  // namespace vfe
