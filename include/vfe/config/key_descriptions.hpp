#pragma once
#include <string>
#include <vector>

namespace vfe {

/// A key of the configuration in words.
struct KeyDescription {
  std::string table, name;
  std::string takes;    ///< type, range, unit and default: "a number above 0 [seconds]; default 1"
  std::string meaning;  ///< sentences

  std::string full_name() const { return table + "." + name; }
};

/// Of all keys, in the order of the tables.
std::vector<KeyDescription> key_descriptions();

}  // namespace vfe
