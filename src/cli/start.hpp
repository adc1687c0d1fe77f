#pragma once
#include <string>
#include <vector>

#include "vfe/comm/communicator.hpp"

/// What must hold before the program does anything.
namespace vfe {

/// [collective] Throws Fault::config, naming rank and argument, where ranks were started with another program
/// or command line than rank 0: they would wait for each other for ever, or fit a mixture.
void expect_same_command(const Communicator& comm, const std::vector<std::string>& arguments);

/// Opens standard streams that are closed: files that are opened later would get their numbers, and what is
/// printed to these go into them.
void reserve_standard_streams();

}  // namespace vfe
