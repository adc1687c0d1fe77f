#include "vfe/core/state.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

namespace vfe {
namespace {

State example() {
  State state;
  state.step = 7;
  state.stage = "fit";
  state.lambda = Vector::LinSpaced(5, 0.0, 1.0);
  state.memory["a"] = Matrix::Ones(2, 3);
  state.memory["b"] = Matrix::Zero(0, 2);
  return state;
}

TEST(StateHash, EqualStatesHaveEqualHashes) {
  EXPECT_EQ(hash(example()), hash(example()));
}

TEST(StateHash, EveryBitCounts) {
  const std::vector<std::function<void(State&)>> changes = {
      [](State& s) { s.step = 8; },
      [](State& s) { s.stage = "fiu"; },
      [](State& s) { s.lambda[4] = std::nextafter(1.0, 2.0); },
      [](State& s) { s.lambda[0] = -0.0; },
      [](State& s) { s.lambda.conservativeResize(4); },
      [](State& s) { s.memory["a"](1, 2) = std::numeric_limits<double>::quiet_NaN(); },
      [](State& s) { s.memory["a"].resize(3, 2), s.memory["a"].setOnes(); },
      [](State& s) { s.memory["c"] = s.memory["a"], s.memory.erase("a"); },
      [](State& s) { s.memory["b"].resize(0, 3); },
      [](State& s) { s.memory.erase("b"); },
  };
  const std::uint64_t original = hash(example());
  for (std::size_t i = 0; i < changes.size(); ++i) {
    State state = example();
    changes[i](state);
    EXPECT_NE(hash(state), original) << "change " << i;
  }
}

TEST(StateHash, OfAPieceOfAMatrixIsThatOfItsCopy) {
  Matrix large(9, 8);
  for (Index i = 0; i < large.size(); ++i) large(i) = std::sin(static_cast<double>(i));
  const Matrix copy = large.block(2, 3, 4, 5);
  EXPECT_EQ(hash(large.block(2, 3, 4, 5)), hash(copy));
  EXPECT_NE(hash(large.block(2, 2, 4, 5)), hash(copy));
}

}  // namespace
}  // namespace vfe
