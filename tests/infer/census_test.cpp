#include "infer/census.hpp"

#include <gtest/gtest.h>

#include "infer/toys.hpp"

namespace vfe {
namespace {

/// Equal normals of sd 1 at the columns of `centres`.
BlockLogDensity normals_at(const Matrix& centres) {
  return [centres](Index, ConstVec x, Vec grad) {
    Vector values(centres.cols());
    for (Index k = 0; k < values.size(); ++k) values(k) = -0.5 * (x - centres.col(k)).squaredNorm();
    const double top = values.maxCoeff();
    const Vector weights = (values.array() - top).exp();
    for (Index k = 0; k < values.size(); ++k) grad += weights(k) / weights.sum() * (centres.col(k) - x);
    return top + std::log(weights.sum());
  };
}

Affine unit(Index d) {
  return {Vector::Zero(d), Matrix::Identity(d, d)};
}

/// Enters ends with their values; returns the draws that it took.
Index enter(const toys::Toy& toy, const Census& census, const Matrix& ends, State& state) {
  Vector value(ends.cols());
  Matrix no_gradient(ends.rows(), 0);
  toy.target.log_joint({}, ends, value, no_gradient);
  return census.enter({ends, -value, Vector::Ones(ends.cols()), false,
                       std::vector<bool>(static_cast<std::size_t>(ends.cols()), true)},
                      state);
}

TEST(Census, CountsEndsOfOneModeOnceAndTellsModesApart) {
  const Matrix centres{{-4.0, 4.0}, {0.0, 0.0}};
  const toys::Toy toy(2, 1, normals_at(centres));
  const Census census(toy.target, {}, unit(2), {});
  State state;
  // Ends that stopped short of their modes have no barrier before them.
  enter(toy, census, Matrix{{-4.0, -4.01, 4.0, -3.0}, {0.0, 0.0, 0.0, 0.5}}, state);
  ASSERT_EQ(state.get(census_slot).f.size(), 2);
  EXPECT_EQ(state.get(census_slot).searches.maxCoeff(), 3.0);
  EXPECT_EQ(state.get(census_slot).searches.sum(), 4.0);
  enter(toy, census, Matrix{{3.5}, {0.0}}, state);
  EXPECT_EQ(state.get(census_slot).f.size(), 2);
  EXPECT_EQ(state.get(census_slot).searches.minCoeff(), 2.0);
}

TEST(Census, LooksAtNothingWhereEndsMeet) {
  const toys::Toy toy(2, 1, normals_at(Matrix{{1.0}, {0.0}}));
  const Census census(toy.target, {}, unit(2), {});
  State state;
  enter(toy, census, Matrix{{1.0}, {0.0}}, state);
  EXPECT_EQ(enter(toy, census, Matrix{{1.001, 0.999}, {0.001, 0.0}}, state), 0);
  EXPECT_EQ(state.get(census_slot).searches(0), 3.0);
}

TEST(Census, TakesImagesForOneMode) {
  const Matrix centres{{-4.0, 4.0}, {1.0, -1.0}};  // theta and -theta
  const toys::Toy toy(2, 1, normals_at(centres));
  State state;
  enter(toy, Census(toy.target, {}, unit(2), {}), centres, state);
  ASSERT_EQ(state.get(census_slot).f.size(), 2);
  const Symmetries group(2, {SignedPermutation::flip(2, {0, 1})});
  const Affine at_first{centres.col(0), Matrix::Identity(2, 2)};
  const Census symmetric(toy.target, {}, at_first, group);
  symmetric.fold(state);
  ASSERT_EQ(state.get(census_slot).f.size(), 1);
  EXPECT_EQ(state.get(census_slot).searches(0), 2.0);
  EXPECT_LT((state.get(census_slot).points.col(0) - centres.col(0)).norm(), 1e-12);
}

TEST(Census, RemembersWhatHasALaplaceApproximation) {
  const toys::Toy toy(1, 1, normals_at(Matrix{{-5.0, 5.0}}));
  const Census census(toy.target, {}, unit(1), {});
  State state;
  census.enter({Matrix{{-5.0}}, Vector{{0.0}}, Vector::Zero(1), true, {true}}, state);
  enter(toy, census, Matrix{{-5.0, 5.0}}, state);
  EXPECT_EQ(state.get(census_slot).weighed, (Vector{{1.0, 0.0}}));
  EXPECT_EQ(state.get(census_slot).searches, (Vector{{1.0, 1.0}}));
}

TEST(Census, OpensNoModeForASearchThatIsUnderWay) {
  const toys::Toy toy(1, 1, normals_at(Matrix{{-5.0, 5.0}}));
  const Census census(toy.target, {}, unit(1), {});
  State state;
  enter(toy, census, Matrix{{-5.0}}, state);
  // One is on its way to the known mode, the other to one that no search has reached.
  census.enter({Matrix{{-4.0, 3.0}}, Vector{{0.5, 2.0}}, Vector::Ones(2), false, {false, false}}, state);
  ASSERT_EQ(state.get(census_slot).f.size(), 1);
  EXPECT_EQ(state.get(census_slot).searches(0), 2.0);
}

}  // namespace
}  // namespace vfe
