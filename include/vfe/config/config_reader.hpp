#pragma once
#include <map>
#include <string>

#include "vfe/config/config.hpp"
#include "vfe/config/config_value.hpp"

namespace vfe {

struct ConfigKey;

/// Makes a Config of documents, the later ones over the earlier, and remembers where each key was given.
/// Throws Fault::config with where, key, what was found and what was expected; a misspelt key names its
/// nearest neighbour.
class ConfigReader {
 public:
  /// `name` stands for the document in messages, before the line; `raw` is the value of an override as it was
  /// typed, else empty.
  void read(const ConfigValue::Table& document, const std::string& name, const std::string& raw = "");
  /// Checks what concerns several keys.
  Config finish(const std::string& name) const;

 private:
  void read_table(const std::string& table, const ConfigValue::Table& content, const std::string& name,
                  const std::string& raw);
  void refuse_if_missing(const ConfigKey& key, const std::string& name) const;

  Config config_;
  std::map<std::string, std::string> given_;  ///< table.key to where it was given last
};

}  // namespace vfe
