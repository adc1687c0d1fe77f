#pragma once
#include <vector>

#include "vfe/comm/communicator.hpp"
#include "vfe/formula/needs.hpp"

namespace vfe {

/// [collective] What one pass has added up on all ranks, on every rank: the same bits on any number of them.
void reduce(const Communicator& comm, std::vector<NeedSums>& pass);

}  // namespace vfe
