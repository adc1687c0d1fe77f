// The program `vfe`. Run: vfe --help
#include "vfe/cli/commands.hpp"

int main(int argc, char** argv) {
  return vfe::main_program(argc, argv);
}
