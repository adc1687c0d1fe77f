#include "vfe/infer/exploration.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "infer/pool.hpp"
#include "infer/toys.hpp"
#include "vfe/infer/left.hpp"
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
  return state.get(left::found_modes).weight(0);
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
  const Proposal found = state.get(left::found_modes);
  ASSERT_EQ(found.num_components(), 2);
  EXPECT_EQ(std::get<Student>(found.component(0)).base, state.get(left::base).map);
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
  ASSERT_EQ(before.get(left::found_modes).num_components(), 2);
  EXPECT_NEAR(share(before), 0.6, 0.01);
  std::vector<Place> again;
  again.push_back(modes(toy.target, {.starts = 16, .radius = 8.0}));
  again.push_back(polish(toy.target, {}));
  again.push_back(exploration(toy.target, {}));
  const State after = toys::run(Program(std::move(again))).state;
  EXPECT_EQ(after.get(left::found_modes).pack(), before.get(left::found_modes).pack());
}

TEST(Exploration, LeavesOneModeAlone) {
  const toys::Toy toy(5, 1, toys::gaussian(Vector::Constant(5, 3.0), toys::random_precision(5, 2)));
  const toys::Finished found = explore(toy);
  EXPECT_EQ(share(found.state), 1.0);
  EXPECT_FALSE(found.state.memory.contains("exploration"));
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

SearchReport report_of(const State& state) {
  const std::optional<SearchReport> report = state.find(left::searched);
  EXPECT_TRUE(report);
  return report.value_or(SearchReport{});
}

TEST(Exploration, CostsNothingMoreWhereAllSearchesMeet) {
  const toys::Toy toy(3, 1, toys::gaussian(Vector::Constant(3, 0.5), toys::random_precision(3, 4)));
  const SearchReport report = report_of(explore(toy).state);
  EXPECT_EQ(report.modes, 1);
  EXPECT_EQ(report.searches, 16);
  EXPECT_TRUE(report.ended());
  EXPECT_TRUE(report.objection().empty());
}

/// Normals of sd 1 at the points of a lattice, 8 sds apart, around 0; the one at its middle is the heaviest.
BlockLogDensity lattice(Index side) {
  return [side](Index, ConstVec x, Vec grad) {
    std::vector<double> values;
    std::vector<Vector> centres;
    for (Index i = 0; i < side; ++i) {
      for (Index k = 0; k < side; ++k) {
        const double half = 0.5 * static_cast<double>(side - 1);
        centres.push_back(0.25 * Vector{{static_cast<double>(i) - half, static_cast<double>(k) - half}});
        const double more = 0.1 * static_cast<double>((3 * i + 5 * k) % 7);
        values.push_back(-0.5 * 32.0 * 32.0 * (x - centres.back()).squaredNorm() + more);
      }
    }
    const double top = *std::ranges::max_element(values);
    double sum = 0.0;
    for (const double value : values) sum += std::exp(value - top);
    for (std::size_t c = 0; c < values.size(); ++c)
      grad += std::exp(values[c] - top) / sum * 32.0 * 32.0 * (centres[c] - x);
    return top + std::log(sum);
  };
}

TEST(Exploration, GoesOnUntilModesAreMetAgain) {
  const toys::Toy toy(2, 1, lattice(3));
  const SearchReport report = report_of(explore(toy).state);
  EXPECT_EQ(report.modes, 9);
  EXPECT_GE(report.searches, 50);
  EXPECT_TRUE(report.ended()) << report.objection().reason;
  EXPECT_EQ(explore(toy).state.get(left::found_modes).num_components(), 9);
}

TEST(Exploration, SaysWhereTheSearchHasNotEnded) {
  const toys::Toy toy(2, 1, lattice(20));
  std::vector<Place> stages;
  stages.push_back(modes(toy.target, {}));
  stages.push_back(polish(toy.target, {}));
  stages.push_back(exploration(toy.target, {.max_searches = 100}));
  const SearchReport report = report_of(toys::run(Program(std::move(stages))).state);
  EXPECT_FALSE(report.ended());
  EXPECT_NE(report.objection().reason.find("different modes"), std::string::npos)
      << report.objection().reason;
  EXPECT_NE(report.objection().plain.find("more are likely"), std::string::npos) << report.objection().plain;
}

TEST(Exploration, TakesTheHeaviestModeForTheBase) {
  // The starts within (-2, 2) meet the lighter one alone.
  const toys::Toy toy(2, 1, two_normals(0.1, 10.0, 1.0));
  const State state = explore(toy).state;
  EXPECT_NEAR(state.get(left::base).map.shift[0], 10.0, 0.01);
  EXPECT_NEAR(share(state), 0.9, 0.01);
}

TEST(Exploration, KeepsOneCopyOfASymmetricDensity) {
  const toys::Toy toy(2, 1, [](Index, ConstVec x, Vec grad) {  // modes at (2, 1) and (-2, -1)
    const Vector centre{{2.0, 1.0}};
    const double a = -4.0 * (x - centre).squaredNorm(), b = -4.0 * (x + centre).squaredNorm();
    const double top = std::max(a, b), value = top + std::log(std::exp(a - top) + std::exp(b - top));
    grad -= 8.0 * (std::exp(a - value) * (x - centre) + std::exp(b - value) * (x + centre));
    return value;
  });
  const State state = explore(toy).state;
  const SearchReport report = report_of(state);
  EXPECT_EQ(report.copies, 2);
  EXPECT_EQ(report.modes, 1);
  EXPECT_EQ(state.get(left::found_modes).num_components(), 1);
}

TEST(Exploration, LooksFurtherWhereWeightsSayThatMassIs) {
  // Hidden from all draws of the first look, but not from weighted draws.
  const toys::Toy toy(1, 1, [](Index, ConstVec x, Vec grad) {
    const double a = -0.5 * x[0] * x[0], z = (x[0] - 40.0) / 0.5, b = 1.0 - 0.5 * z * z;
    const double top = std::max(a, b), value = top + std::log(std::exp(a - top) + std::exp(b - top));
    grad[0] -= std::exp(a - value) * x[0] + std::exp(b - value) * z / 0.5;
    return value;
  });
  std::vector<Place> stages;
  stages.push_back(modes(toy.target, {}));
  stages.push_back(polish(toy.target, {}));
  stages.push_back(exploration(toy.target, {.draws = 8}));
  State state = toys::run(Program(std::move(stages))).state;
  ASSERT_EQ(state.get(left::found_modes).num_components(), 1);
  state.put(pool::theta, Matrix{{0.0, 1.0, 39.0}});
  state.put(pool::gradient, Matrix::Zero(1, 3));
  state.put(pool::log_joint, Matrix{{0.0, -0.5, -1.0}});
  state.put(pool::log_density, Matrix{{-1.0, -1.5, -30.0}});
  state.put(pool::draws, Matrix{{3.0}});
  state.put(pool::whitening, state.get(left::base).map);
  const auto look = further_look(toy.target, {.name = "look"});
  look->start(state);
  while (!look->advance(state).done) continue;
  EXPECT_EQ(state.get(left::found_by("look")), 1);
  EXPECT_EQ(state.get(left::found_modes).num_components(), 2);
  EXPECT_NEAR(state.get(left::base).map.shift[0], 40.0, 0.01);  // e / 2 times as heavy
}

}  // namespace
}  // namespace vfe
