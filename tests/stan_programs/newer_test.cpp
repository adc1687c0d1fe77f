// A program that needs a newer Stan than the tests' own, with an httpstan that has it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "cli/program.hpp"
#include "vfe/model/stan.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

// Its stanc and headers need no Python, so that pip may be told another than the one there is.
TEST(StanNewerLong, ProgramThatNeedsItIsBuiltAndRight) {
  const std::string newer = VFE_BINARY_DIR "/newer_stan";
  TemporaryFolder folder;
  put(folder / "requirements.txt", "httpstan==4.17.0\n");
  const Finished environment =
      Job(folder.path(), VFE_SOURCE_DIR "/scripts/python_environment requirements.txt " + newer +
                             " --no-deps --target " + newer +
                             "/packages --python-version 3.12 --only-binary=:all: --ignore-requires-python")
          .wait();
  ASSERT_EQ(environment.code, 0) << environment.err;
  const Finished build = Job(folder.path(), "exec " VFE_PROGRAM " stan build " VFE_SOURCE_DIR
                                            "/tests/stan_programs/sum_to_zero.stan -o u.so --stan " +
                                                newer + "/packages")
                             .wait();
  ASSERT_EQ(build.code, 0) << build.err;
  EXPECT_THAT(build.err, HasSubstr("stanc3 v2.39.0"));

  const StanProgram program(StanLibrary(folder / "u.so"), "{}", "no data");
  ASSERT_EQ(program.size(), 2);
  Vector theta(2), grad(2), u(3);
  theta << 0.4, -1.1;
  double value = 0.0;
  ASSERT_TRUE(program.log_density(theta, value, grad));
  ASSERT_TRUE(program.compute_quantities(theta, 1, u));
  EXPECT_NEAR(u.sum(), 0.0, 1e-15);
  EXPECT_NEAR(u.squaredNorm(), theta.squaredNorm(), 1e-14);  // the transform is a rotation
  EXPECT_NEAR(value, -1.5 * std::log(2.0 * std::numbers::pi) - 0.5 * u.squaredNorm(), 1e-14);
  EXPECT_LT((grad + theta).cwiseAbs().maxCoeff(), 1e-14);
}

}  // namespace
}  // namespace vfe
