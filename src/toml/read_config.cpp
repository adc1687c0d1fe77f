#include "vfe/toml/read_config.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <sstream>

#include "vfe/config/config_reader.hpp"
#include "vfe/core/error.hpp"
#include "vfe/store/atomic_file.hpp"

namespace vfe {
namespace {

enum class Lines { none, known };  ///< of a document: known where it is a file

ConfigValue::Table table_of(const toml::table& table, Lines lines);

int line_of(const toml::source_region& source, Lines lines) {
  return lines == Lines::none ? 0 : static_cast<int>(source.begin.line);
}

ConfigValue value_of(const toml::node& node, Lines lines) {
  ConfigValue value;
  value.line = line_of(node.source(), lines);
  if (const toml::table* table = node.as_table()) {
    value.content = table_of(*table, lines);
    value.shown = "a table";
  } else if (const toml::array* array = node.as_array()) {
    ConfigValue::Array items;
    for (const toml::node& item : *array) items.push_back(value_of(item, lines));
    value.content = std::move(items);
    value.shown = "an array";
  } else if (const auto* text = node.as_string()) {
    value.content = text->get();
    value.shown = quoted(text->get());
  } else {
    if (const auto* truth = node.as_boolean()) value.content = truth->get();
    if (const auto* whole = node.as_integer()) value.content = whole->get();
    if (const auto* number = node.as_floating_point()) value.content = number->get();
    std::ostringstream shown;
    node.visit([&shown](const auto& plain) { shown << plain; });
    value.shown = shown.str();
  }
  return value;
}

ConfigValue::Table table_of(const toml::table& table, Lines lines) {
  ConfigValue::Table entries;
  for (const auto& [key, value] : table) {
    entries.push_back({std::string(key.str()), line_of(key.source(), lines), value_of(value, lines)});
  }
  return entries;
}

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
  reader.read(table_of(document, Lines::none), where, value);
}

/// What a text that is not TOML is instead; empty where that is not clear.
std::string what_else(const std::string& text, const std::string& name) {
  if (text.starts_with("\x89HDF")) return "an HDF5 file, such as a dataset or a result";
  const std::string first = text.substr(0, text.find('\n'));
  const bool separated = first.find_first_of(",;\t") != std::string::npos;
  const bool like_toml =
      first.starts_with('[') || first.starts_with('#') || first.find('=') != std::string::npos;
  if (name.ends_with(".csv") || name.ends_with(".tsv") || (separated && !like_toml)) {
    return "a table of text (vfe import makes a dataset of it, which data.file then names)";
  }
  return "";
}

}  // namespace

Config parse_config(const std::string& text, const std::string& name,
                    const std::vector<std::string>& overrides) {
  ConfigReader reader;
  try {
    reader.read(table_of(toml::parse(text), Lines::known), name);
  } catch (const toml::parse_error& error) {
    if (const std::string found = what_else(text, name); !found.empty()) {
      throw Error(Fault::config, fmt::format("{}: is {}, expected a configuration in TOML", name, found));
    }
    throw Error(Fault::config,
                fmt::format("{}:{}: not TOML: {}", name, error.source().begin.line, error.description()));
  }
  for (const std::string& item : overrides) read_override(reader, item);
  return reader.finish(name);
}

Config read_config(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  return parse_config(read_file(file), file.string(), overrides);
}

}  // namespace vfe
