#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace vfe {

/// A value of a configuration, whatever it was read from.
struct ConfigValue {
  struct Entry;
  using Array = std::vector<ConfigValue>;
  using Table = std::vector<Entry>;

  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Table> content;
  std::string shown;  ///< as an error shows it: itself, or "a table", "an array"
  int line = 0;       ///< where it begins, from 1 on; 0: it came with no lines

  /// Null where it is of another type.
  template <class T>
  const T* as() const {
    return std::get_if<T>(&content);
  }
  /// Of a whole number too, where a double is as exact.
  std::optional<double> number() const;
};

struct ConfigValue::Entry {
  std::string name;
  int line = 0;  ///< of the name
  ConfigValue value;
};

/// A TOML string literal.
std::string quoted(const std::string& text);

}  // namespace vfe
