#pragma once
#include <functional>
#include <map>
#include <string>

#include "store/hdf5.hpp"
#include "vfe/core/types.hpp"

namespace vfe {

/// Named matrices as 2-D datasets of a group (rows x columns). "trace/rate" stands in the subgroup trace.
/// Each is shown to `written` with the group it stands in.
void write_arrays(
    const hdf5::Handle& group, const std::map<std::string, Matrix>& arrays,
    const std::function<void(const hdf5::Handle& group, const hdf5::Handle& dataset)>& written = {});

/// All 2-D datasets of numbers in a group and the groups below it; dimension scales left out.
std::map<std::string, Matrix> read_arrays(const hdf5::Handle& group);

}  // namespace vfe
