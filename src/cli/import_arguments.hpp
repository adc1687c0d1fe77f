#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <utility>

#include "vfe/data/import.hpp"

namespace vfe {

/// How the text of a CSV file is written, added to a command that reads one. What is returned says, once they
/// are parsed, what they come to.
std::function<std::pair<CsvFormat, FieldFormat>()> add_format_arguments(CLI::App& app);

/// The arguments of `vfe import`, added to its command. What is returned says, once they are parsed, what
/// they come to; throws Fault::usage.
std::function<ImportOptions()> add_import_arguments(CLI::App& app);

}  // namespace vfe
