#include "vfe/infer/exploration.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "infer/toys.hpp"
#include "vfe/infer/modes.hpp"
#include "vfe/infer/polish.hpp"

namespace vfe {
namespace {

constexpr Index many = 1024;  // draws of which some come near a far mode, whatever the seed

toys::Finished explore(const toys::Toy& toy, bool copy = false, bool diagonal = false) {
  std::vector<Place> stages;
  stages.push_back(modes(toy.target, {}));
  PolishOptions options;
  options.diagonal = diagonal;
  stages.push_back(polish(toy.target, options));
  stages.push_back(exploration(toy.target, {.draws = many}));
  return toys::run(Program(std::move(stages)), copy);
}

double share(const State& state) {
  return found_modes(state).weight(0);
}

/// weight N(0, I) + (1 - weight) N((away, 0, ...), sd^2 I).
BlockLogDensity two_normals(double weight, double away, double sd) {
  return [=](Index, ConstVec x, Vec grad) {
    Vector other = x;
    other[0] -= away;
    const double d = static_cast<double>(x.size());
    const double a = std::log(weight) - 0.5 * x.squaredNorm(),
                 b = std::log(1.0 - weight) - 0.5 * other.squaredNorm() / (sd * sd) - d * std::log(sd);
    const double top = std::max(a, b), value = top + std::log(std::exp(a - top) + std::exp(b - top));
    grad -= std::exp(a - value) * x + std::exp(b - value) * other / (sd * sd);
    return value;
  };
}

TEST(Exploration, FindsTheModeThatTheStartsMissed) {
  // Ten sds away; every start lies within (-2, 2).
  const toys::Toy toy(2, 1, two_normals(0.9, 10.0, 1.0));
  EXPECT_NEAR(share(explore(toy).state), 0.9, 0.01);
  EXPECT_NEAR(share(explore(toy, false, true).state), 0.9, 0.01);
}

TEST(Exploration, WeighsAModeByItsOwnWidth) {
  const toys::Toy toy(3, 1, two_normals(0.7, -9.0, 2.0));
  const State state = explore(toy).state;
  EXPECT_NEAR(share(state), 0.7, 0.03);
  const Proposal found = found_modes(state);
  ASSERT_EQ(found.num_components(), 2);
  EXPECT_EQ(std::get<Student>(found.component(0)).base, base_of(state));
  const Affine& other = std::get<Student>(found.component(1)).base;
  EXPECT_NEAR(other.shift[0], -9.0, 0.05);
  const Matrix covariance = other.scale * other.scale.transpose();
  EXPECT_LT((covariance - 4.0 * Matrix::Identity(3, 3)).norm(), 0.1);
}

TEST(Exploration, CountsAModeOnceThatTheStartsHadFound) {
  const toys::Toy toy(2, 1, two_normals(0.6, 5.0, 1.0));
  std::vector<Place> stages;
  stages.push_back(modes(toy.target, {.starts = 16, .radius = 8.0}));
  stages.push_back(polish(toy.target, {}));
  const State before = toys::run(Program(std::move(stages))).state;
  ASSERT_EQ(found_modes(before).num_components(), 2);
  EXPECT_NEAR(share(before), 0.6, 0.01);
  std::vector<Place> again;
  again.push_back(modes(toy.target, {.starts = 16, .radius = 8.0}));
  again.push_back(polish(toy.target, {}));
  again.push_back(exploration(toy.target, {}));
  const State after = toys::run(Program(std::move(again))).state;
  EXPECT_EQ(found_modes(after).pack(), found_modes(before).pack());
}

TEST(Exploration, LeavesOneModeAlone) {
  const toys::Toy toy(5, 1, toys::gaussian(Vector::Constant(5, 3.0), toys::random_precision(5, 2)));
  const toys::Finished found = explore(toy);
  EXPECT_EQ(share(found.state), 1.0);
  EXPECT_FALSE(found.state.memory.contains("exploration"));
  EXPECT_FALSE(found.state.memory.contains("exploration_base"));
}

// A long curved ridge has one mode, however far along it a search begins.
TEST(Exploration, IsNotMisledByARidge) {
  const toys::Toy toy(2, 1, [](Index, ConstVec x, Vec grad) {
    const double bend = 5.0 * (x[1] - x[0] * x[0]);
    grad[0] -= x[0] - 10.0 * bend * x[0];
    grad[1] -= 5.0 * bend;
    return -0.5 * (x[0] * x[0] + bend * bend);
  });
  EXPECT_GT(share(explore(toy).state), 0.95);
}

TEST(Exploration, GoesOnFromAnyStep) {
  const toys::Toy toy(2, 1, two_normals(0.9, 10.0, 1.0));
  const State straight = explore(toy).state, resumed = explore(toy, true).state;
  EXPECT_EQ(hash(straight), hash(resumed));
}

TEST(Exploration, SurvivesDrawsWithoutADensity) {
  // A gamma density on the half line, mode 3.
  const toys::Toy toy(1, 1, [](Index, ConstVec x, Vec grad) {
    if (x[0] <= 0.0) return -std::numeric_limits<double>::infinity();
    grad[0] += 3.0 / x[0] - 1.0;
    return 3.0 * std::log(x[0]) - x[0];
  });
  EXPECT_EQ(share(explore(toy).state), 1.0);
}

}  // namespace
}  // namespace vfe
