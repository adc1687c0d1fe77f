#include "cli/wrong_usage.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/arguments.hpp"
#include "vfe/config/model_kinds.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/nearest.hpp"

namespace vfe {
namespace {

bool is_option(const std::string& argument) {
  return argument.size() > 1 && argument.front() == '-';
}

std::string name_of_option(const std::string& argument) {
  return argument.substr(0, argument.find('='));
}

std::vector<std::string> long_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

const CLI::Option* option_of(const CLI::App& app, const std::string& argument) {
  return is_option(argument) ? app.get_option_no_throw(name_of_option(argument)) : nullptr;
}

bool may_be_repeated(const CLI::Option& option) {
  return !option.get_positional() && option.get_items_expected_max() > 1;
}

/// The subcommand that the arguments from `begin` on begin with; moves `begin` behind it.
const CLI::App* subcommand(const CLI::App& app, const std::vector<std::string>& arguments,
                           std::size_t& begin) {
  if (begin >= arguments.size()) return nullptr;
  for (const CLI::App* candidate : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (candidate->get_name() != arguments[begin]) continue;
    ++begin;
    return candidate;
  }
  return nullptr;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& names) {
  const std::vector<std::string> near = nearest(word, names, 1);
  return near.empty() ? "" : fmt::format("; did you mean {}?", near.front());
}

/// What the value of an option may be instead, where that takes one of some words.
std::string word_meant(const CLI::App& app, const std::vector<std::string>& arguments, std::size_t begin) {
  for (std::size_t i = begin; i < arguments.size(); ++i) {
    const CLI::Option* option = option_of(app, arguments[i]);
    if (option == nullptr) continue;
    const std::vector<std::string> words = choices(*option);
    const std::size_t equals = arguments[i].find('=');
    const std::string value = equals != std::string::npos ? arguments[i].substr(equals + 1)
                              : i + 1 < arguments.size()  ? arguments[i + 1]
                                                          : "";
    if (words.empty() || std::ranges::count(words, value) > 0) continue;
    const std::string word = meant(value, words);
    return word.empty() ? "" : fmt::format("; did you mean {}?", word);
  }
  return "";
}

/// What says now what an option of import said that is none any more; empty for others.
std::string said_elsewhere(const std::string& option) {
  if (option == "--response" || option == "--offset" || option == "--weight")
    return "the formula of the model names the response, offsets and weights";
  if (option == "--no-standardize") return "columns are stored as they are, models centre and scale them";
  return "";
}

/// What an argument may be instead, where it is no option of the command.
std::string suggestion(const CLI::App& app, const std::vector<std::string>& arguments, std::size_t begin) {
  const std::vector<const CLI::App*> commands = app.get_subcommands([](const CLI::App*) { return true; });
  if (!commands.empty() && begin < arguments.size() && !is_option(arguments[begin])) {
    std::vector<std::string> names;
    for (const CLI::App* command : commands) names.push_back(command->get_name());
    return did_you_mean(arguments[begin], names);
  }
  for (std::size_t i = begin; i < arguments.size(); ++i) {
    if (!arguments[i].starts_with("--") || arguments[i] == "--" || option_of(app, arguments[i]) != nullptr)
      continue;
    return did_you_mean(name_of_option(arguments[i]), long_names(app));
  }
  return word_meant(app, arguments, begin);
}

}  // namespace

std::string wrong_usage(const CLI::App& program, const std::vector<std::string>& arguments,
                        const CLI::ParseError& error) {
  const CLI::App* app = &program;
  std::size_t begin = 0;
  while (const CLI::App* next = subcommand(*app, arguments, begin)) app = next;
  std::string names = app->get_name();
  for (const CLI::App* parent = app->get_parent(); parent != nullptr; parent = parent->get_parent()) {
    names = parent->get_name() + " " + names;
  }
  const std::string of = app == &program ? "" : names + ": ";  // every message begins with the program's name
  for (std::size_t i = begin; i < arguments.size() && app->get_name() == "import"; ++i) {
    const std::string option = name_of_option(arguments[i]), where = said_elsewhere(option);
    if (!where.empty()) return fmt::format("{}{} is no option any more: {}", of, option, where);
  }
  std::string found = one_line(error.what());
  std::string meant = suggestion(*app, arguments, begin);
  if (app->get_name() == "simulate" && begin < arguments.size() && !is_option(arguments[begin])) {
    if (const std::string kind = model_meant(arguments[begin]); !kind.empty()) {
      meant = fmt::format("; did you mean {}?", kind);
    }
  }
  const bool has_commands = !app->get_subcommands([](const CLI::App*) { return true; }).empty();
  if (has_commands && begin < arguments.size() && !is_option(arguments[begin])) {
    found = fmt::format("unknown subcommand {}", one_line(arguments[begin]));
  }
  while (found.ends_with('.')) found.pop_back();
  return fmt::format("{}{}{}; {} --help says what there is", of, found, meant, names);
}

std::vector<std::string> with_repeated_options(const CLI::App& app,
                                               const std::vector<std::string>& arguments) {
  std::ptrdiff_t wanted = 0;  // positional arguments
  for (const CLI::Option* option : app.get_options()) wanted += option->get_positional() ? 1 : 0;
  // In a first pass all values of lists are theirs; what is then missing is taken from the last list's end.
  std::vector<std::string> out;
  std::vector<std::size_t> added;  // places in `out` of the options repeated
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    out.push_back(arguments[i]);
    const CLI::Option* option = option_of(app, arguments[i]);
    if (option == nullptr) {
      wanted -= is_option(arguments[i]) ? 0 : 1;
      continue;
    }
    const std::string name = name_of_option(arguments[i]);
    const bool has_value = name.size() < arguments[i].size();
    if (takes_value(*option) && !has_value && i + 1 < arguments.size()) out.push_back(arguments[++i]);
    while (may_be_repeated(*option) && i + 1 < arguments.size() && !is_option(arguments[i + 1])) {
      added.push_back(out.size());
      out.push_back(name);
      out.push_back(arguments[++i]);
    }
  }
  for (; wanted > 0 && !added.empty(); --wanted) {
    out.erase(out.begin() + static_cast<std::ptrdiff_t>(added.back()));
    added.pop_back();
  }
  return out;
}

}  // namespace vfe
