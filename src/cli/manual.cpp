#include "cli/manual.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "cli/arguments.hpp"
#include "vfe/core/error.hpp"

namespace vfe {
namespace {

/// A text as roff takes it literally.
std::string literal(const std::string& text) {
  std::string out;
  if (text.starts_with('.') || text.starts_with('\'')) out += "\\&";
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '\'') {
      out += "\\(aq";
    } else if (c == '~') {
      out += "\\(ti";
    } else if (c == '^') {
      out += "\\(ha";
    } else {
      out += c;
    }
  }
  return out;
}

std::string bold(const std::string& text) {
  return "\\fB" + literal(text) + "\\fR";
}

std::string italic(const std::string& text) {
  return "\\fI" + literal(text) + "\\fR";
}

/// In quotes, as an argument of a macro.
std::string quoted_argument(std::string text) {
  for (std::size_t at = 0; (at = text.find('"', at)) != std::string::npos; at += 4)
    text.replace(at, 1, "\\(dq");
  return "\"" + text + "\"";
}

std::string item(const std::string& tag, const std::string& text) {
  return fmt::format(".TP\n{}\n{}\n", tag, literal(text));
}

/// What follows an option's name.
std::string value_of(const CLI::Option& option) {
  if (!takes_value(option)) return "";
  const std::vector<std::string> words = choices(option);
  return " " + (words.empty() ? italic("VALUE") : fmt::format("{}", fmt::join(words, "|")));
}

std::string tag_of(const CLI::Option& option) {
  if (option.get_positional()) return italic(option.get_name());
  std::vector<std::string> names;
  for (const std::string& name : option_names(option)) names.push_back(bold(name));
  return fmt::format("{}{}", fmt::join(names, ", "), value_of(option));
}

std::string description_of(const CLI::Option& option) {
  std::string text = option.get_description();
  if (option.get_positional() && !choices(option).empty()) {
    text += fmt::format(": {}", fmt::join(choices(option), ", "));
  }
  if (!option.get_positional() && option.get_required()) text += " (required)";
  if (!option.get_default_str().empty()) text += fmt::format(" (default {})", option.get_default_str());
  return text;
}

std::string synopsis(const CLI::App& program, const CLI::App& command) {
  std::string text = bold(program.get_name() + " " + command_name(command));
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_positional()) {
      text +=
          option->get_required() ? " " + italic(option->get_name()) : " [" + italic(option->get_name()) + "]";
    } else if (option->get_required()) {
      text += " " + bold(option_names(*option).front()) + value_of(*option);
    }
  }
  return text;
}

std::string section_of(const CLI::App& program, const CLI::App& command) {
  std::string text = fmt::format(".SS {}\n{}.\n", quoted_argument(synopsis(program, command)),
                                 literal(command.get_description()));
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_lnames() == std::vector<std::string>{"help"}) continue;
    text += item(tag_of(*option), description_of(*option));
  }
  return text;
}

std::string exit_codes() {
  const std::pair<Fault, const char*> codes[] = {
      {Fault::rejected, "the result is rejected, or approximate"},
      {Fault::numeric, "the fit failed numerically; the last good state is kept"},
      {Fault::usage, "wrong usage"},
      {Fault::data, "bad data or a damaged result"},
      {Fault::missing, "an input is missing, or a folder"},
      {Fault::bug, "a bug"},
      {Fault::cannot_create, "an output cannot be created"},
      {Fault::io, "input or output failed; earlier files are intact"},
      {Fault::stopped, "stopped early, checkpoint written: run again with --resume"},
      {Fault::checkpoint, "no usable checkpoint: corrupt, or of another model or other data"},
      {Fault::config, "wrong configuration"},
  };
  std::string text = item(bold("0"), "done");
  for (const auto& [fault, meaning] : codes)
    text += item(bold(std::to_string(static_cast<int>(fault))), meaning);
  return text;
}

}  // namespace

std::string manual(const CLI::App& program, const std::vector<KeyDescription>& keys) {
  const std::string name = program.get_name();
  std::string text = fmt::format(
      ".TH VFE 1 \"\" {} \"User Commands\"\n.SH NAME\n{} \\- variational inference that says how far it can "
      "be "
      "trusted\n.SH SYNOPSIS\n.B {}\n\\fICOMMAND\\fR ...\n.SH DESCRIPTION\n{}\n.SH COMMANDS\n",
      quoted_argument("vfe " VFE_VERSION), literal(name), literal(name), literal(program.get_description()));
  for (const CLI::App* command : all_commands(program)) {
    if (command->get_subcommands([](const CLI::App*) { return true; }).empty()) {
      text += section_of(program, *command);
    }
  }
  text += ".SH CONFIGURATION\nA file in TOML. Its tables and keys:\n";
  std::string table;
  for (const KeyDescription& key : keys) {
    if (key.table != table) text += fmt::format(".SS {}\n", quoted_argument("[" + key.table + "]"));
    table = key.table;
    text += fmt::format(".TP\n{}\n{}.\n{}\n", bold(key.name), literal(key.takes), literal(key.meaning));
  }
  return text + ".SH EXIT STATUS\n" + exit_codes();
}

}  // namespace vfe
