#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

/// What a command takes, as the table that parses it knows it.
namespace vfe {

/// The subcommands of a command, and those of these: each after the one it belongs to.
std::vector<const CLI::App*> all_commands(const CLI::App& program);
/// "fit", "stan build": without the program's name.
std::string command_name(const CLI::App& command);

/// "-o", "--output".
std::vector<std::string> option_names(const CLI::Option& option);
bool takes_value(const CLI::Option& option);
/// The words that an option, or a positional argument, is confined to; else empty.
std::vector<std::string> choices(const CLI::Option& option);

}  // namespace vfe
