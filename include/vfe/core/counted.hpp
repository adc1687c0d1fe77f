#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace vfe {

/// "1 block", "2 blocks".
inline std::string counted(std::int64_t number, const std::string& noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

/// "a, b, c"; of more than a reader would read the first ones and how many there are.
inline std::string listed(const std::vector<std::string>& names, std::size_t most = 10) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < most; ++i) text += (i == 0 ? "" : ", ") + names[i];
  return names.size() <= most ? text : text + ", ... (" + std::to_string(names.size()) + " in all)";
}

}  // namespace vfe
