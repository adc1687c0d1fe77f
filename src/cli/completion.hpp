#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace vfe {

/// A script that tells bash the subcommands and options of a program, the words that these take, and `keys`
/// where --set takes one. Where it knows nothing, bash completes names of files.
std::string bash_completion(const CLI::App& program, const std::vector<std::string>& keys);

}  // namespace vfe
