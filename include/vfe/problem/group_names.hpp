#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vfe/core/table.hpp"

namespace vfe {

/// What users call a group: the levels of factors, or the numbers, that name it, "1001:back".
class GroupNames {
 public:
  /// By those columns of the table; without one by numbers.
  GroupNames(const std::vector<std::string>& keys, const std::optional<DatasetSchema>& table);

  /// `codes` has one for each key.
  std::string name(const std::int64_t* codes) const;

 private:
  std::vector<std::vector<std::string>> levels_;  ///< by key; none: the number is its name
};

}  // namespace vfe
