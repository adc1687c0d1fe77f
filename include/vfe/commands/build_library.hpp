#pragma once
#include "vfe/comm/communicator.hpp"
#include "vfe/config/config.hpp"

namespace vfe {

/// [collective] Builds the library of a Stan program that a configuration names by its source, where it is
/// missing or older, and says so on stderr: about a minute. Throws as build_stan().
void build_library(const Communicator& comm, const Config& config);

}  // namespace vfe
