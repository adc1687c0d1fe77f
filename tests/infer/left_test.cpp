#include "vfe/infer/left.hpp"

#include <gtest/gtest.h>

#include "vfe/core/state.hpp"

namespace vfe {
namespace {

TEST(Left, ABaseSurvivesTheState) {
  State state;
  for (const Matrix& scale :
       {Matrix(Matrix::Constant(1, 1, 2.0)), Matrix{{1.0, 0.0}, {0.5, 2.0}}, Matrix{{1.0}, {2.0}}}) {
    const Laplace base{{Vector::LinSpaced(scale.rows(), -1.0, 1.0), scale}, -3.5, true};
    state.put(left::base, base);
    const Laplace read = state.get(left::base);
    EXPECT_EQ(read.map, base.map);
    EXPECT_EQ(read.log_evidence, -3.5);
    EXPECT_TRUE(read.definite);
  }
}

TEST(Left, CentresOfModesHaveNoColumnsBeforeModesWereLookedFor) {
  State state;
  EXPECT_EQ(centres_of_modes(state).cols(), 0);
  Proposal modes;
  modes.add(2.0, Student{.base = {Vector{{1.0, 2.0}}, Vector::Ones(2)}});
  modes.add(1.0, Student{.base = {Vector{{3.0, 4.0}}, Vector::Ones(2)}});
  state.put(left::found_modes, modes);
  EXPECT_EQ(centres_of_modes(state), (Matrix{{1.0, 3.0}, {2.0, 4.0}}));
}

}  // namespace
}  // namespace vfe
