#include "vfe/core/slot.hpp"

#include <gtest/gtest.h>

#include "vfe/core/error.hpp"
#include "vfe/core/state.hpp"

namespace vfe {
namespace {

enum class Phase { first, second };

struct Inner {
  double x = 0.0;
  static void each(auto& self, const auto& visit) { visit(self.x); }
};

struct Stand {
  Index count = 0;
  Phase phase = Phase::first;
  bool done = false;
  Inner inner;
  std::uint64_t large = 0;

  static void each(auto& self, const auto& visit) {
    visit(self.count), visit(self.phase), visit(self.done);
    Inner::each(self.inner, visit);
    visit(self.large);
  }
};

TEST(Slot, GivesBackWhatWasPutThere) {
  State state;
  const Slot<Matrix> matrix{"matrix"};
  const Slot<Vector> vector{"vector"};
  const Slot<bool> flag{"flag"};
  const Slot<Index> count{"count"};
  const Slot<Phase> phase{"phase"};
  state.put(matrix, Matrix{{1.0, 2.0}, {3.0, 4.0}});
  state.put(vector, Vector{{5.0, 6.0, 7.0}});
  state.put(flag, true);
  state.put(count, -3);
  state.put(phase, Phase::second);
  EXPECT_EQ(state.get(matrix), (Matrix{{1.0, 2.0}, {3.0, 4.0}}));
  EXPECT_EQ(&state.get(matrix), &state.at(matrix)) << "a matrix is not copied";
  EXPECT_EQ(state.get(vector), (Vector{{5.0, 6.0, 7.0}}));
  EXPECT_TRUE(state.get(flag));
  EXPECT_EQ(state.get(count), -3);
  EXPECT_EQ(state.get(phase), Phase::second);
  state.drop(matrix, vector, flag, count, phase);
  EXPECT_TRUE(state.memory.empty());
}

TEST(Slot, KeepsAStructOfNumbers) {
  State state;
  const Slot<Stand> slot{"stand"};
  Stand stand{7, Phase::second, true, {0.25}, std::uint64_t{1} << 40};
  state.put(slot, stand);
  const Stand read = state.get(slot);
  EXPECT_EQ(read.count, 7);
  EXPECT_EQ(read.phase, Phase::second);
  EXPECT_TRUE(read.done);
  EXPECT_EQ(read.inner.x, 0.25);
  EXPECT_EQ(read.large, std::uint64_t{1} << 40);
  EXPECT_EQ(state.memory.at("stand").size(), 5);
}

TEST(Slot, MayBeEmpty) {
  State state;
  state.step = 12;
  const Slot<double> slot{"here"};
  EXPECT_FALSE(state.has(slot));
  EXPECT_FALSE(state.find(slot));
  EXPECT_EQ(state.get_or(slot, 2.5), 2.5);
  try {
    state.get(slot);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::checkpoint);
    EXPECT_EQ(std::string(error.what()),
              "going on at step 12: the state holds no \"here\", expected what an earlier step leaves there");
  }
}

TEST(Slot, GrowsByColumns) {
  State state;
  const Slot<Matrix> slot{"columns"};
  state.append(slot, Matrix{{1.0}, {2.0}});
  state.append(slot, Matrix{{3.0, 5.0}, {4.0, 6.0}});
  EXPECT_EQ(state.get(slot), (Matrix{{1.0, 3.0, 5.0}, {2.0, 4.0, 6.0}}));
}

}  // namespace
}  // namespace vfe
