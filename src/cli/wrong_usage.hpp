#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace vfe {

/// The line for arguments that a program does not take: what CLI11 says of them, and the nearest subcommand,
/// option or value where one was misspelt.
std::string wrong_usage(const CLI::App& program, const std::vector<std::string>& arguments,
                        const CLI::ParseError& error);

/// Arguments in which an option that may be repeated takes all the values that follow it, "--drop a b", as
/// CLI11 takes them without confusing them with the positional arguments of `app`: "--drop a --drop b". Where
/// the positional ones would lack, the last of the values are these.
std::vector<std::string> with_repeated_options(const CLI::App& app,
                                               const std::vector<std::string>& arguments);

}  // namespace vfe
