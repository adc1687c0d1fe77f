#include "infer/step_size.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "vfe/core/slot.hpp"
#include "vfe/core/state.hpp"

namespace vfe {
namespace {

/// Acceptance that falls with the step as that of the leapfrog does.
Vector acceptance(double step, double scale) {
  return Vector::Constant(64, std::exp(-std::pow(step / scale, 4)));
}

TEST(StepSize, FindsTheStepOfTheAcceptanceAimedAt) {
  for (const double scale : {0.05, 0.5, 1.5}) {
    StepSize size(0.5);
    for (int i = 0; i < 40; ++i) size.update(acceptance(size.step, scale), 0.8);
    size.settle();
    EXPECT_NEAR(size.step / (scale * std::pow(-std::log(0.8), 0.25)), 1.0, 0.1) << scale;
  }
}

TEST(StepSize, AStuckChainPullsTheStepDown) {
  // Mean acceptance 0.8, but a tenth of the chains never moves.
  Vector found = Vector::Constant(60, 0.8 / 0.9);
  found.head(6).setZero();
  StepSize stuck(1.0), even(1.0);
  stuck.update(found, 0.8);
  even.update(Vector::Constant(60, 0.8), 0.8);
  EXPECT_LT(stuck.step, 0.7 * even.step);
}

TEST(StepSize, StaysBelowTheLimitOfStability) {
  StepSize size(10.0);
  EXPECT_EQ(size.step, 2.0);
  for (int i = 0; i < 20; ++i) size.update(Vector::Ones(8), 0.8);
  EXPECT_EQ(size.step, 2.0);
  size.settle();
  EXPECT_EQ(size.step, 2.0);
}

TEST(StepSize, SurvivesPacking) {
  StepSize straight(0.5), packed = straight;
  for (int i = 0; i < 10; ++i) {
    straight.update(acceptance(straight.step, 0.3), 0.8);
    packed.update(acceptance(packed.step, 0.3), 0.8);
    packed = Packing<StepSize>::unpack(Packing<StepSize>::pack(packed));
    EXPECT_EQ(hash(Packing<StepSize>::pack(packed)), hash(Packing<StepSize>::pack(straight)));
  }
}

}  // namespace
}  // namespace vfe
