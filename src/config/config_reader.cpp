#include "vfe/config/config_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/config_keys.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/nearest.hpp"

namespace vfe {
namespace {

/// The key most like table.name: the very name in another table, else the nearest of this table; an unknown
/// table stands for all.
std::string nearest_key(const std::string& table, const std::string& name) {
  std::vector<std::string> names, full_names;
  for (const ConfigKey& key : config_keys()) {
    if (key.name == name) return key.table + "." + key.name;
    if (key.table != table && std::ranges::count(config_tables(), table) > 0) continue;
    names.push_back(key.name);
    full_names.push_back(key.table + "." + key.name);
  }
  const std::string found = nearest(name, names, 1).front();
  return full_names[static_cast<std::size_t>(std::ranges::find(names, found) - names.begin())];
}

/// "fit.toml:12", or the name alone.
std::string place(const std::string& name, int line) {
  return line == 0 ? name : fmt::format("{}:{}", name, line);
}

}  // namespace

void ConfigReader::read(const ConfigValue::Table& document, const std::string& name, const std::string& raw) {
  const std::vector<std::string> tables = config_tables();
  for (const ConfigValue::Entry& entry : document) {
    const std::string where = place(name, entry.value.line);
    const bool known = std::ranges::count(tables, entry.name) > 0;
    const auto* content = entry.value.as<ConfigValue::Table>();
    if (content == nullptr && known) {
      throw Error(Fault::config, fmt::format("{}: {}: found {}, expected a table [{}]", where, entry.name,
                                             entry.value.shown, entry.name));
    }
    if (content == nullptr) {
      throw Error(Fault::config, fmt::format("{}: key {} stands outside a table; did you mean {}?", where,
                                             entry.name, nearest_key("", entry.name)));
    }
    if (!known) {
      throw Error(Fault::config, fmt::format("{}: unknown table [{}]; did you mean [{}]?", where, entry.name,
                                             nearest(entry.name, tables, 1).front()));
    }
    read_table(entry.name, *content, name, raw);
  }
}

void ConfigReader::read_table(const std::string& table, const ConfigValue::Table& content,
                              const std::string& name, const std::string& raw) {
  for (const ConfigValue::Entry& entry : content) {
    const std::string where = place(name, entry.line);
    const auto key = std::ranges::find_if(config_keys(), [&](const ConfigKey& known) {
      return known.table == table && known.name == entry.name;
    });
    if (key == config_keys().end() && table == "model" && entry.name == "intercept") {
      throw Error(Fault::config,
                  fmt::format("{}: model.intercept is no key any more: model.formula says \"- 1\"", where));
    }
    if (key == config_keys().end()) {
      throw Error(Fault::config, fmt::format("{}: unknown key {}.{}; did you mean {}?", where, table,
                                             entry.name, nearest_key(table, entry.name)));
    }
    key->read(config_, {entry.value, where, key->full_name(), key->expected, raw});
    given_[key->full_name()] = where;
  }
}

void ConfigReader::refuse_if_missing(const ConfigKey& key, const std::string& name) const {
  if (!key.required.holds(config_) || given_.contains(key.full_name())) return;
  throw Error(Fault::config,
              fmt::format("{}: {} is missing, expected {}", name, key.full_name(), key.expected));
}

Config ConfigReader::finish(const std::string& name) const {
  // First what every configuration needs: what else applies depends on it.
  for (const ConfigKey& key : config_keys()) {
    if (key.required.when.empty()) refuse_if_missing(key, name);
  }
  for (const ConfigKey& key : config_keys()) {
    refuse_if_missing(key, name);
    const auto given = given_.find(key.full_name());
    if (given != given_.end() && !key.applies.holds(config_)) {
      throw Error(Fault::config, fmt::format("{}: {} does not apply here: only {}", given->second,
                                             key.full_name(), key.applies.when));
    }
  }
  return config_;
}

}  // namespace vfe
