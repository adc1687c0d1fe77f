// The example of a Stan program, run as its header says.
#include <gmock/gmock.h>

#include <cstdlib>

#include "cli/examples.hpp"

namespace vfe {
namespace {

class StanExampleLong : public ExamplesFolder {};

TEST_F(StanExampleLong, RunsAndAgreesWithThePosterior) {
  // The python3 on PATH is that of the environment with httpstan.
  ::setenv("PATH", (VFE_BINARY_DIR "/stan/bin:" + std::string(std::getenv("PATH"))).c_str(), 1);
  EXPECT_THAT(run("6_stan.stan"), testing::HasSubstr("short Markov chains agree"));
}

}  // namespace
}  // namespace vfe
