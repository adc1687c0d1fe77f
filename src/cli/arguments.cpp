#include "cli/arguments.hpp"

namespace vfe {

std::vector<const CLI::App*> all_commands(const CLI::App& program) {
  std::vector<const CLI::App*> list;
  for (const CLI::App* command : program.get_subcommands([](const CLI::App*) { return true; })) {
    list.push_back(command);
    const std::vector<const CLI::App*> own = all_commands(*command);
    list.insert(list.end(), own.begin(), own.end());
  }
  return list;
}

std::string command_name(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  const bool outermost = parent == nullptr || parent->get_parent() == nullptr;
  return outermost ? command.get_name() : command_name(*parent) + " " + command.get_name();
}

std::vector<std::string> option_names(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

bool takes_value(const CLI::Option& option) {
  return option.get_items_expected_max() > 0;
}

std::vector<std::string> choices(const CLI::Option& option) {
  // CLI11 keeps them as text alone: "TEXT:{utf8,latin1}".
  const std::string type = option.get_type_name();
  const std::size_t begin = type.find(":{");
  if (begin == std::string::npos || type.back() != '}') return {};
  return CLI::detail::split(type.substr(begin + 2, type.size() - begin - 3), ',');
}

}  // namespace vfe
