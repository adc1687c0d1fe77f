#pragma once
#include <cstdint>
#include <string>

namespace vfe {

/// "1 block", "2 blocks".
inline std::string counted(std::int64_t number, const std::string& noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

}  // namespace vfe
