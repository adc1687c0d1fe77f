#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "vfe/data/simulate.hpp"

namespace vfe {

struct SimulateArguments {
  SimulateOptions options;
  std::string prior;  ///< a configuration, of whose prior draws are wanted instead; empty: none
};

/// The arguments of `vfe simulate`, added to its command. What is returned says, once they are parsed, what
/// they come to; throws Fault::usage.
std::function<SimulateArguments()> add_simulate_arguments(CLI::App& app);

}  // namespace vfe
