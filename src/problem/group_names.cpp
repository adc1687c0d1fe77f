#include "vfe/problem/group_names.hpp"

#include <fmt/format.h>

namespace vfe {

GroupNames::GroupNames(const std::vector<std::string>& keys, const std::optional<DatasetSchema>& table) {
  for (const std::string& key : keys) {
    const Index column = table ? table->table.find(key) : -1;
    levels_.push_back(column < 0 ? std::vector<std::string>() : table->table[column].levels);
  }
}

std::string GroupNames::name(const std::int64_t* codes) const {
  std::string name;
  for (std::size_t k = 0; k < levels_.size(); ++k) {
    if (k > 0) name += ":";
    const bool is_level = codes[k] >= 0 && codes[k] < std::ssize(levels_[k]);
    name += is_level ? levels_[k][static_cast<std::size_t>(codes[k])] : fmt::format("{}", codes[k]);
  }
  return name;
}

}  // namespace vfe
