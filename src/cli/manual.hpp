#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "vfe/config/key_descriptions.hpp"

namespace vfe {

/// The manual page of a program, for man: its commands and their arguments, the keys of its configuration,
/// its exit codes.
std::string manual(const CLI::App& program, const std::vector<KeyDescription>& keys);

}  // namespace vfe
