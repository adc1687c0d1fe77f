#pragma once
#include <functional>
#include <string>
#include <vector>

#include "vfe/config/config.hpp"
#include "vfe/config/config_value.hpp"

namespace vfe {

/// A value that was given for a key, and where.
struct ConfigEntry {
  const ConfigValue& value;
  std::string where;     ///< "fit.toml:12", "--set fit.seed=1"
  std::string key;       ///< "fit.seed"
  std::string expected;  ///< of the key
  std::string raw;       ///< of an override: the value as typed; else empty

  /// Throws Fault::config: where, key, what was found, what was expected.
  [[noreturn]] void fail(const std::string& what_was_expected) const;
  [[noreturn]] void fail() const { fail(expected); }
  /// The same, and offers what may have been meant, if that is not empty.
  [[noreturn]] void fail_offering(const std::string& meant) const;
};

enum class Change { refused, allowed };  ///< of a key between a checkpoint and its resumption

/// What must hold of the rest of a configuration.
struct Condition {
  std::string when;  ///< "with model.type = linear"; empty = always, or never
  std::function<bool(const Config&)> holds;
};

/// One key of the configuration: parsed, validated, documented and written by this entry alone.
struct ConfigKey {
  std::string table, name;
  std::string expected;  ///< type and range: "a whole number from 1 to 1024"
  std::string unit;      ///< empty for a pure number or text
  std::string meaning;   ///< sentences
  Change change = Change::refused;
  std::function<void(Config&, const ConfigEntry&)> read;
  std::function<std::string(const Config&)> write;  ///< the value as TOML; empty where it is not set
  Condition applies{"", [](const Config&) { return true; }};
  Condition required{"", [](const Config&) { return false; }};

  std::string full_name() const { return table + "." + name; }
};

/// All keys, in the order of the tables.
const std::vector<ConfigKey>& config_keys();
/// The names of the tables, in that order.
std::vector<std::string> config_tables();

}  // namespace vfe
