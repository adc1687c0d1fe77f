// The program `vfe`. Run: vfe --help
#include "vfe/run/commands.hpp"

int main(int argc, char** argv) {
  return vfe::main_program(argc, argv);
}
