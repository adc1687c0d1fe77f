#include "vfe/infer/optimizer.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

TEST(Optimizer, GradientDescentMovesByRateTimesGradient) {
  Vector lambda{{1.0, -2.0}}, memory(0);
  const auto sgd = gradient_descent();
  ASSERT_EQ(sgd->memory(2), 0);
  sgd->descend(0, 0.1, Vector{{3.0, -4.0}}, lambda, memory);
  EXPECT_NEAR(lambda(0), 0.7, 1e-15);
  EXPECT_NEAR(lambda(1), -1.6, 1e-15);
}

TEST(Optimizer, AdamFollowsItsRecursionWrittenOut) {
  const double rate = 0.05;
  for (const bool averaged : {false, true}) {
    const auto optimizer = adam(averaged);
    Vector lambda{{0.3}}, memory = Vector::Zero(optimizer->memory(1));
    double x = 0.3, weighted = 0.0, weights = 0.0, squares = 0.0, square_weights = 0.0;
    for (int k = 0; k < 30; ++k) {
      const double g = std::sin(0.7 * k) + 0.2;
      weighted = 0.9 * weighted + g;
      weights = 0.9 * weights + 1.0;
      squares = (averaged ? 1.0 : 0.999) * squares + g * g;
      square_weights = (averaged ? 1.0 : 0.999) * square_weights + 1.0;
      x -= rate * (weighted / weights) / (std::sqrt(squares / square_weights) + 1e-8);
      optimizer->descend(static_cast<std::uint64_t>(k), rate, Vector{{g}}, lambda, memory);
      ASSERT_NEAR(lambda(0), x, 1e-13) << "averaged " << averaged << ", step " << k;
    }
  }
}

TEST(Optimizer, AveragedAdamIsUnbiasedUnderSkewedNoise) {
  // Gradient x - e with e exponential, mean 1: a rule that normalises a gradient by itself settles off 1.
  const auto optimizer = adam(true);
  Vector lambda{{0.0}}, memory = Vector::Zero(optimizer->memory(1));
  double sum = 0.0;
  constexpr int steps = 200000, burn_in = 20000;
  for (int k = 0; k < steps; ++k) {
    const double e = -std::log(uniform(Address{.seed = 5, .step = static_cast<std::uint32_t>(k)}, 0));
    optimizer->descend(static_cast<std::uint64_t>(k), 0.02, Vector{{lambda(0) - e}}, lambda, memory);
    if (k >= burn_in) sum += lambda(0);
  }
  EXPECT_NEAR(sum / (steps - burn_in), 1.0, 0.01);
}

TEST(Optimizer, UnknownNameIsAnErrorThatNamesTheChoices) {
  EXPECT_NO_THROW(make_optimizer("averaged_adam"));
  EXPECT_NO_THROW(make_optimizer("adam"));
  EXPECT_NO_THROW(make_optimizer("sgd"));
  try {
    make_optimizer("adagrad");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::config);
    EXPECT_NE(std::string(error.what()).find("averaged_adam"), std::string::npos);
  }
}

}  // namespace
}  // namespace vfe
