#pragma once
#include <string>

#include "vfe/comm/communicator.hpp"
#include "vfe/core/rows.hpp"
#include "vfe/model/local_model.hpp"
#include "vfe/problem/load_model.hpp"

namespace vfe {

/// Throws Fault::data unless the dataset is said to be grouped such that the rows of each group whose effects
/// are integrated stand together.
void require_grouped_by(const DesignSchema& design, const DatasetSchema& table);

/// [collective] Throws Fault::data, naming the group and two of its rows, unless they do: a file may say what
/// is not so. `model` is of the shards' rows.
void require_groups_together(const Communicator& comm, const std::string& file, const DesignSchema& design,
                             const LocalModel& model, const ShardOfFile& shard);

}  // namespace vfe
