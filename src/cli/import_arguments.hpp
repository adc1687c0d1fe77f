#pragma once
#include <CLI/CLI.hpp>
#include <functional>

#include "vfe/data/import.hpp"

namespace vfe {

/// The arguments of `vfe import`, added to its command. What is returned says, once they are parsed, what
/// they come to; throws Fault::usage.
std::function<ImportOptions()> add_import_arguments(CLI::App& app);

}  // namespace vfe
