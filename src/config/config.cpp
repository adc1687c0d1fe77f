#include "vfe/config/config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "config/config_keys.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/nearest.hpp"
#include "vfe/store/atomic_file.hpp"

namespace vfe {
namespace {

std::vector<std::string> table_names() {
  std::vector<std::string> names;
  for (const ConfigKey& key : config_keys()) {
    if (names.empty() || names.back() != key.table) names.push_back(key.table);
  }
  return names;
}

/// The key most like table.name: the very name in another table, else the nearest of this table; an unknown
/// table stands for all.
std::string nearest_key(const std::string& table, const std::string& name) {
  std::vector<std::string> names, full_names;
  for (const ConfigKey& key : config_keys()) {
    if (key.name == name) return key.table + "." + key.name;
    if (key.table != table && std::ranges::count(table_names(), table) > 0) continue;
    names.push_back(key.name);
    full_names.push_back(key.table + "." + key.name);
  }
  const std::string found = nearest(name, names, 1).front();
  return full_names[static_cast<std::size_t>(std::ranges::find(names, found) - names.begin())];
}

/// Reads documents into a Config and remembers where each key was given.
class ConfigReader {
 public:
  void read(const toml::table& document, const std::string& name, const std::string& raw, bool lines) {
    for (const auto& [table, content] : document) {
      const std::string table_name(table.str());
      const std::string where = lines ? fmt::format("{}:{}", name, content.source().begin.line) : name;
      const bool known = std::ranges::count(table_names(), table_name) > 0;
      if (!content.is_table()) {
        if (known) {
          throw Error(Fault::config, fmt::format("{}: {}: found {}, expected a table [{}]", where, table_name,
                                                 describe(content), table_name));
        }
        throw Error(Fault::config, fmt::format("{}: key {} stands outside a table; did you mean {}?", where,
                                               table_name, nearest_key("", table_name)));
      }
      if (!known) {
        throw Error(Fault::config, fmt::format("{}: unknown table [{}]; did you mean [{}]?", where,
                                               table_name, nearest(table_name, table_names(), 1).front()));
      }
      read_table(table_name, *content.as_table(), name, raw, lines);
    }
  }

  /// Checks what concerns several keys. First those that all need: on them it depends what else applies.
  Config finish(const std::string& name) const {
    for (const ConfigKey& key : config_keys()) {
      if (key.required_when.empty()) refuse_missing(key, name);
    }
    for (const ConfigKey& key : config_keys()) {
      const std::string full = key.table + "." + key.name;
      const auto given = given_.find(full);
      refuse_missing(key, name);
      if (given != given_.end() && !key.applies(config_)) {
        throw Error(Fault::config, fmt::format("{}: {} does not apply here: only {}", given->second, full,
                                               key.applies_when));
      }
    }
    return config_;
  }

 private:
  void refuse_missing(const ConfigKey& key, const std::string& name) const {
    const std::string full = key.table + "." + key.name;
    if (!key.required(config_) || given_.contains(full)) return;
    throw Error(Fault::config, fmt::format("{}: {} is missing, expected {}", name, full, key.expected));
  }

  void read_table(const std::string& table, const toml::table& content, const std::string& name,
                  const std::string& raw, bool lines) {
    for (const auto& [key_node, value] : content) {
      const std::string key_name(key_node.str());
      const std::string where = lines ? fmt::format("{}:{}", name, key_node.source().begin.line) : name;
      const auto key = std::ranges::find_if(config_keys(), [&](const ConfigKey& known) {
        return known.table == table && known.name == key_name;
      });
      if (key == config_keys().end()) {
        throw Error(Fault::config, fmt::format("{}: unknown key {}.{}; did you mean {}?", where, table,
                                               key_name, nearest_key(table, key_name)));
      }
      key->read(config_, ConfigEntry{value, where, table + "." + key_name, raw});
      given_[table + "." + key_name] = where;
    }
  }

  Config config_;
  std::map<std::string, std::string> given_;  ///< table.key to where it was given last
};

void read_override(ConfigReader& reader, const std::string& text) {
  const std::string where = "--set " + text;
  const std::size_t equals = text.find('=');
  const std::string path = text.substr(0, equals);
  const std::size_t dot = path.find('.');
  if (equals == std::string::npos || dot == std::string::npos || dot == 0 || dot + 1 >= path.size()) {
    throw Error(Fault::config, where + ": expected table.key=value");
  }
  const std::string value = text.substr(equals + 1);
  const std::string head = fmt::format("[{}]\n{} = ", path.substr(0, dot), path.substr(dot + 1));
  toml::table document;
  try {
    document = toml::parse(head + value);
  } catch (const toml::parse_error&) {
    // A bare word is text: a shell has eaten the quotes, or nobody typed them.
    try {
      document = toml::parse(head + quoted(value));
    } catch (const toml::parse_error& error) {
      throw Error(Fault::config, fmt::format("{}: {}, expected table.key=value", where, error.description()));
    }
  }
  reader.read(document, where, value, false);
}

}  // namespace

bool Config::ModelTable::is(bool ModelKind::*what) const {
  const ModelKind* kind = find_model_kind(type);
  return kind != nullptr && kind->*what;
}

bool Config::ModelTable::is_glm() const {
  const ModelKind* kind = find_model_kind(type);
  return kind != nullptr && kind->likelihood.has_value();
}

Config parse_config(const std::string& text, const std::string& name,
                    const std::vector<std::string>& overrides) {
  ConfigReader reader;
  try {
    reader.read(toml::parse(text), name, "", true);
  } catch (const toml::parse_error& error) {
    throw Error(Fault::config,
                fmt::format("{}:{}: not TOML: {}", name, error.source().begin.line, error.description()));
  }
  for (const std::string& item : overrides) read_override(reader, item);
  return reader.finish(name);
}

Config read_config(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  return parse_config(read_file(file), file.string(), overrides);
}

std::string to_toml(const Config& config) {
  std::string text, table;
  for (const ConfigKey& key : config_keys()) {
    const std::string value = key.write(config);
    if (value.empty() || !key.applies(config)) continue;
    if (key.table != table) text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", key.table);
    table = key.table;
    text += fmt::format("{} = {}\n", key.name, value);
  }
  return text;
}

std::vector<std::string> differences(const Config& checkpoint, const Config& now) {
  std::vector<std::string> lines;
  const auto shown = [](const ConfigKey& key, const Config& config) -> std::string {
    const std::string value = key.applies(config) ? key.write(config) : "";
    return value.empty() ? "not set" : value;
  };
  for (const ConfigKey& key : config_keys()) {
    if (key.change == Change::allowed) continue;
    const std::string before = shown(key, checkpoint), after = shown(key, now);
    if (before != after) {
      lines.push_back(fmt::format("{}.{}: {} in the checkpoint, {} now", key.table, key.name, before, after));
    }
  }
  return lines;
}

std::string schema_text(const std::string& table) {
  const std::vector<std::string> tables = table_names();
  if (!table.empty() && std::ranges::count(tables, table) == 0) {
    throw Error(Fault::usage, fmt::format("vfe schema: unknown table {}, expected one of {}", table,
                                          fmt::join(tables, ", ")));
  }
  const Config defaults;
  std::string text, current;
  for (const ConfigKey& key : config_keys()) {
    if (!table.empty() && key.table != table) continue;
    if (key.table != current) text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", key.table);
    current = key.table;
    const std::string value = key.write(defaults);
    text += fmt::format("{:<22} {}{}; {}\n", key.name, key.expected,
                        key.unit.empty() ? "" : fmt::format(" [{}]", key.unit),
                        !key.required_when.empty() ? "required " + key.required_when
                        : key.required(defaults)   ? "required"
                        : value.empty()            ? "not set by default"
                                                   : "default " + value);
    text += fmt::format("{:<22} {}{}{}\n", "", key.meaning,
                        key.applies_when.empty() ? "" : fmt::format(" Only {}.", key.applies_when),
                        key.change == Change::allowed ? " May change on --resume." : "");
  }
  return text;
}

}  // namespace vfe
