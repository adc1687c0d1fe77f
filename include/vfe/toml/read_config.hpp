#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "vfe/config/config.hpp"

namespace vfe {

/// Parses a TOML file and overrides ("table.key=value", the value TOML or a bare word). Throws Fault::missing
/// or Fault::config with file, line, key, what was found and what was expected; a misspelt key names its
/// nearest neighbour. parse_config(to_toml(c)) == c.
Config read_config(const std::filesystem::path& file, const std::vector<std::string>& overrides);
/// From the text itself; `name` stands for the file in messages.
Config parse_config(const std::string& text, const std::string& name,
                    const std::vector<std::string>& overrides = {});

}  // namespace vfe
