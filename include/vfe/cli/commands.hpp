#pragma once

namespace vfe {

/// The program `vfe`: parses the command line, runs the subcommand, returns the exit code. `--help`,
/// `--version` and `schema` never touch MPI.
int main_program(int argc, char** argv);

}  // namespace vfe
