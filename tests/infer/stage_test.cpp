#include "vfe/infer/stage.hpp"

#include <gtest/gtest.h>

#include "vfe/core/error.hpp"

namespace vfe {
namespace {

/// Counts down from `steps`, throws where told to.
class Countdown final : public Stage {
 public:
  Countdown(std::string name, int steps, bool fails = false)
      : name_(std::move(name)), steps_(steps), fails_(fails) {}
  std::string name() const override { return name_; }
  void start(State& state) const override { state.put(left(), steps_); }
  Step advance(State& state) const override {
    if (fails_) throw Error(Fault::numeric, "failed on purpose");
    state.put(left(), state.get(left()) - 1);
    Step step;
    step.done = state.get(left()) == 0;
    return step;
  }

 private:
  Slot<int> left() const { return {name_}; }

  std::string name_;
  int steps_;
  bool fails_;
};

std::vector<Place> list(std::unique_ptr<Stage> a, std::unique_ptr<Stage> b) {
  std::vector<Place> stages;
  stages.emplace_back(std::move(a));
  stages.emplace_back(std::move(b));
  return stages;
}

TEST(Program, RunsItsStagesInOrderAndStartsTheNextInTheStepThatEndsOne) {
  const Program program(
      list(std::make_unique<Countdown>("first", 2), std::make_unique<Countdown>("second", 3)));
  State state = program.start();
  EXPECT_EQ(state.stage, "first");
  EXPECT_FALSE(state.finished());
  const Record first = program.advance(state);
  EXPECT_EQ(first.stage, "first");
  EXPECT_EQ(first.place, 1);
  EXPECT_EQ(first.places, 2);
  EXPECT_TRUE(first.all_run);
  EXPECT_EQ(state.stage, "first");
  EXPECT_FALSE(state.has(Slot<int>{"second"}));
  EXPECT_EQ(program.advance(state).stage, "first");
  EXPECT_EQ(state.stage, "second");
  EXPECT_TRUE(state.has(Slot<int>{"second"}));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(program.advance(state).stage, "second");
  EXPECT_TRUE(state.finished());
  EXPECT_EQ(state.step, 5U);
}

TEST(Program, PassesOverStagesWhoseTimeHasNotComeAndPreparesTheOthers) {
  std::vector<Place> places;
  places.emplace_back(std::make_unique<Countdown>("first", 1));
  places.emplace_back(
      std::make_unique<Countdown>("never", 1), [](const State&) { return false; }, [](State&) { FAIL(); });
  places.emplace_back(
      std::make_unique<Countdown>("last", 2),
      [](const State& state) { return state.has(Slot<int>{"first"}); },
      [](State& state) { state.put(Slot<bool>{"prepared"}, true); });
  const Program program(std::move(places));
  State state = program.start();
  program.advance(state);
  EXPECT_EQ(state.stage, "last");
  EXPECT_TRUE(state.get(Slot<bool>{"prepared"}));
  const Record record = program.advance(state);
  EXPECT_EQ(record.place, 3);
  EXPECT_EQ(record.places, 3);
  EXPECT_FALSE(record.all_run);
  program.advance(state);
  EXPECT_TRUE(state.finished());
}

TEST(Program, AFailedStepDoesNotCount) {
  const Program program(
      list(std::make_unique<Countdown>("first", 1), std::make_unique<Countdown>("second", 3, true)));
  State state = program.start();
  program.advance(state);
  const std::uint64_t before = hash(state);
  EXPECT_THROW(program.advance(state), Error);
  EXPECT_EQ(hash(state), before);
}

TEST(Program, RefusesAStateOfAnotherProgram) {
  const Program program(
      list(std::make_unique<Countdown>("first", 1), std::make_unique<Countdown>("second", 1)));
  State state = program.start();
  state.stage = "third";
  try {
    program.advance(state);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::checkpoint);
    EXPECT_NE(std::string(error.what()).find("third"), std::string::npos);
  }
}

}  // namespace
}  // namespace vfe
