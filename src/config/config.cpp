#include "vfe/config/config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

#include "config/config_keys.hpp"
#include "vfe/config/key_descriptions.hpp"
#include "vfe/core/error.hpp"
#include "vfe/formula/syntax.hpp"

namespace vfe {

bool Config::ModelTable::is(bool ModelKind::*what) const {
  const ModelKind* kind = find_model_kind(type);
  return kind != nullptr && kind->*what;
}

bool Config::ModelTable::is_glm() const {
  const ModelKind* kind = find_model_kind(type);
  return kind != nullptr && kind->likelihood.has_value();
}

bool Config::ModelTable::has_groups() const {
  if (formula.empty()) return false;
  const FormulaSyntax syntax = parse_formula(formula);
  return std::ranges::any_of(syntax.nodes,
                             [](const FormulaNode& node) { return node.kind == FormulaNode::Kind::group; });
}

std::string to_toml(const Config& config) {
  std::string text, table;
  for (const ConfigKey& key : config_keys()) {
    const std::string value = key.write(config);
    if (value.empty() || !key.applies.holds(config)) continue;
    if (key.table != table) text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", key.table);
    table = key.table;
    text += fmt::format("{} = {}\n", key.name, value);
  }
  return text;
}

std::map<std::string, std::string> written_values(const std::string& toml) {
  std::map<std::string, std::string> values;
  std::istringstream lines(toml);
  std::string table;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('[')) {
      table = line.substr(1, line.size() - 2);
    } else if (const std::size_t equals = line.find(" = "); equals != std::string::npos) {
      values[table + "." + line.substr(0, equals)] = line.substr(equals + 3);
    }
  }
  return values;
}

std::vector<std::string> differences(const std::string& checkpoint, const std::string& now) {
  const auto before = written_values(checkpoint), after = written_values(now);
  const auto shown = [](const std::map<std::string, std::string>& values, const ConfigKey& key) {
    const auto found = values.find(key.full_name());
    return found == values.end() ? "not set" : found->second;
  };
  std::vector<std::string> lines;
  for (const ConfigKey& key : config_keys()) {
    if (key.change == Change::allowed || shown(before, key) == shown(after, key)) continue;
    lines.push_back(fmt::format("{}: {} in the checkpoint, {} now", key.full_name(), shown(before, key),
                                shown(after, key)));
  }
  return lines;
}

std::string schema_text(const std::string& table) {
  const std::vector<std::string> tables = config_tables();
  if (!table.empty() && std::ranges::count(tables, table) == 0) {
    throw Error(Fault::usage, fmt::format("vfe schema: unknown table {}, expected one of {}", table,
                                          fmt::join(tables, ", ")));
  }
  std::string text, current;
  for (const KeyDescription& key : key_descriptions()) {
    if (!table.empty() && key.table != table) continue;
    if (key.table != current) text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", key.table);
    current = key.table;
    text += fmt::format("{:<22} {}\n{:<22} {}\n", key.name, key.takes, "", key.meaning);
  }
  return text;
}

}  // namespace vfe
