#pragma once
#include <toml++/toml.h>

#include <functional>
#include <string>
#include <vector>

#include "vfe/config/config.hpp"

namespace vfe {

/// A value of the file, and where it stands.
struct ConfigEntry {
  const toml::node& value;
  std::string where;  ///< "fit.toml:12", "--set fit.seed=1"
  std::string key;    ///< "fit.seed"
  std::string raw;    ///< of an override: the value as typed; else empty

  /// Throws Fault::config: where, key, what was found, what was expected.
  [[noreturn]] void fail(const std::string& expected) const;
};

enum class Change { refused, allowed };  ///< of a key between a checkpoint and its resumption

/// One key of the configuration: parsed, validated, documented and written by this entry alone.
struct ConfigKey {
  std::string table, name;
  std::string expected;  ///< type and range: "a whole number from 1 to 1024"
  std::string unit;      ///< empty for a pure number or text
  std::string meaning;   ///< sentences
  Change change = Change::refused;
  std::function<void(Config&, const ConfigEntry&)> read;
  std::function<std::string(const Config&)> write;  ///< the value as TOML; empty where it is not set
  std::function<bool(const Config&)> applies = [](const Config&) { return true; };
  std::string applies_when;  ///< "with model.type = linear"; empty = always
  std::function<bool(const Config&)> required = [](const Config&) { return false; };
  std::string required_when;  ///< as applies_when
};

/// All keys, in the order of the tables.
const std::vector<ConfigKey>& config_keys();

/// A value as an error shows it: itself, or "a table", "an array".
std::string describe(const toml::node& value);
/// A TOML string literal.
std::string quoted(const std::string& text);

}  // namespace vfe
