#pragma once
#include <string>

#include "vfe/store/result.hpp"

namespace vfe {

inline void append_bytes(std::string& all, const void* bytes, std::size_t size) {
  all.append(static_cast<const char*>(bytes), size);
}

/// Names, labels and every bit of the numbers of the groups that ArviZ reads.
inline std::string bits_of_groups(const ResultFile& file) {
  std::string all;
  for (const Group& group : file.groups) {
    all += group.name;
    for (const Variable& variable : group.variables) {
      all += variable.name;
      for (const Dimension& dimension : variable.dimensions) {
        all += dimension.name + std::to_string(dimension.size);
        for (const std::string& label : dimension.labels) all += label + ";";
      }
      append_bytes(all, variable.values.data(), variable.values.size() * sizeof(double));
    }
  }
  return all;
}

}  // namespace vfe
