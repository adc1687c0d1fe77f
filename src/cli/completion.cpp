#include "cli/completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/arguments.hpp"

namespace vfe {
namespace {

/// A branch of bash's `case`.
std::string branch(const std::string& pattern, const std::vector<std::string>& words) {
  return fmt::format("    \"{}\") words='{}' ;;\n", pattern, fmt::join(words, " "));
}

std::vector<std::string> names_of_subcommands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

std::vector<std::string> names_of_options(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    const std::vector<std::string> own = option_names(*option);
    names.insert(names.end(), own.begin(), own.end());
  }
  return names;
}

}  // namespace

std::string bash_completion(const CLI::App& program, const std::vector<std::string>& keys) {
  std::vector<const CLI::App*> commands = all_commands(program);
  std::string options, values, first_words = branch("", names_of_subcommands(program)), parents;
  options += branch("", names_of_options(program));
  for (const CLI::App* command : commands) {
    const std::string name = command_name(*command);
    options += branch(name, names_of_options(*command));
    std::vector<std::string> first = names_of_subcommands(*command);
    if (!first.empty()) parents += (parents.empty() ? "" : "|") + name;
    for (const CLI::Option* option : command->get_options()) {
      if (!takes_value(*option)) continue;
      const std::vector<std::string> words =
          option->get_lnames() == std::vector<std::string>{"set"} ? keys : choices(*option);
      if (words.empty()) continue;
      if (option->get_positional()) first = words;
      for (const std::string& of : option_names(*option)) values += branch(name + " " + of, words);
    }
    if (!first.empty()) first_words += branch(name, first);
  }
  return fmt::format(R"(# Completion of the arguments of {0} for bash: {0} completion bash.
_{0}() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} command='' words='' first=1
  COMPREPLY=()
  if ((COMP_CWORD > 1)); then
    command=${{COMP_WORDS[1]}} first=2
    case $command in
    {1})
      if ((COMP_CWORD > 2)); then command+=" ${{COMP_WORDS[2]}}" first=3; fi ;;
    esac
  fi
  case "$command $before" in
{2}  esac
  if [[ -z $words && $word == -* ]]; then
    case $command in
{3}    esac
  elif [[ -z $words ]] && ((COMP_CWORD == first)); then
    case $command in
{4}    esac
  fi
  [[ -z $words ]] || mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  if [[ $before == --set && ${{#COMPREPLY[@]}} -gt 0 ]]; then
    COMPREPLY=("${{COMPREPLY[@]/%/=}}")
    compopt -o nospace 2>/dev/null || :  # not while bash completes: nothing to tell it
  fi
}}
complete -o default -F _{0} {0}
)",
                     program.get_name(), parents, values, options, first_words);
}

}  // namespace vfe
