#include "vfe/infer/diagonal_fit.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "infer/hierarchy.hpp"
#include "infer/toys.hpp"
#include "vfe/core/error.hpp"
#include "vfe/infer/left.hpp"
#include "vfe/infer/modes.hpp"
#include "vfe/infer/polish.hpp"
#include "vfe/objective/free_energy.hpp"

namespace vfe {
namespace {

toys::Finished fit(const toys::Toy& toy, const DiagonalFitOptions& options = {}, bool copy = false,
                   bool diagonal = false) {
  std::vector<Place> stages;
  stages.push_back(modes(toy.target, {}));
  PolishOptions of_polish;
  of_polish.diagonal = diagonal;
  stages.push_back(polish(toy.target, of_polish));
  stages.push_back(diagonal_fit(toy.target, options));
  return toys::run(Program(std::move(stages)), copy);
}

bool converged(const State& state) {
  return state.get(left::converged);
}

double free_energy(const std::vector<Record>& records) {
  double least = INFINITY;
  for (const Record& r : records) {
    if (r.stage == "diagonal_fit" && r.note.starts_with("from")) least = std::min(least, r.free_energy);
  }
  return least;
}

TEST(DiagonalFit, IsExactForANormalInItsOwnAxes) {
  // Condition number 1e4, and more dimensions than 64 draws can be whitened in.
  const Index d = 40;
  const Matrix basis = Eigen::HouseholderQR<Matrix>(toys::random_matrix(d, d, 1)).householderQ();
  Vector sd(d);
  for (Index i = 0; i < d; ++i)
    sd(i) = std::pow(10.0, -2.0 * static_cast<double>(i) / static_cast<double>(d - 1));
  const Matrix precision = basis * sd.cwiseAbs2().cwiseInverse().asDiagonal() * basis.transpose();
  const Vector mean = toys::random_matrix(d, 1, 2);
  const toys::Toy toy(d, 1, toys::gaussian(mean, precision));
  const State state = fit(toy, {.tolerance = 1e-9}).state;
  ASSERT_TRUE(converged(state));
  const Affine q = normal_map(state.lambda, d);
  ASSERT_FALSE(q.diagonal());
  EXPECT_LT((q.shift - mean).dot(precision * (q.shift - mean)), 1e-4);
  const Matrix whitened = q.scale.transpose() * precision * q.scale;
  EXPECT_LT((whitened - Matrix::Identity(d, d)).cwiseAbs().maxCoeff(), 1e-3);
}

TEST(DiagonalFit, PrefersTheParametersOwnAxesInAHierarchy) {
  const toys::Hierarchy hierarchy(30, 4);
  const Index d = hierarchy.size();
  const toys::Toy toy(d, 1, hierarchy.density());
  const toys::Finished finished = fit(toy);
  EXPECT_TRUE(converged(finished.state));
  const Affine q = normal_map(finished.state.lambda, d);
  EXPECT_TRUE(q.diagonal());
  // Of fresh draws: what was minimised is an estimate at 64 draws.
  const auto family = mean_field(d);
  const FreeEnergy fresh(toy.target, *family, {Vector::Zero(d), Matrix::Ones(d, 1)},
                         Gradient::closed_entropy);
  const double log_evidence = hierarchy.exact().log_evidence;
  const double gap = fresh.estimate(finished.state.lambda, whitened_noise(d, 4000, 77)).value + log_evidence;
  EXPECT_GT(gap, 0.0);
  EXPECT_LT(gap, 1.5);
  EXPECT_NEAR(free_energy(finished.records) + log_evidence, gap, 0.5);
}

TEST(DiagonalFit, OfADiagonalBaseIsOneFit) {
  const Matrix precision = toys::random_precision(5, 3);
  const toys::Toy toy(5, 1, toys::gaussian(Vector::Ones(5), precision));
  const toys::Finished finished = fit(toy, {}, false, true);
  ASSERT_TRUE(converged(finished.state));
  const Affine q = normal_map(finished.state.lambda, 5);
  ASSERT_TRUE(q.diagonal());
  EXPECT_LT((q.scale.col(0).array() * precision.diagonal().array().sqrt() - 1.0).abs().maxCoeff(), 0.02);
  EXPECT_EQ(
      std::ranges::count_if(finished.records, [](const Record& r) { return r.note.starts_with("from"); }), 1);
}

TEST(DiagonalFit, LeavesOutStartsThatReachBeyondTheSupport) {
  // Beta(5, 5) in both coordinates without a transform: draws of a wide q fall outside (0, 1).
  const toys::Toy toy(2, 1, [](Index, ConstVec x, Vec grad) {
    if (x.minCoeff() <= 0.0 || x.maxCoeff() >= 1.0) return std::numeric_limits<double>::quiet_NaN();
    grad.array() += 4.0 / x.array() - 4.0 / (1.0 - x.array());
    return 4.0 * (x.array() * (1.0 - x.array())).log().sum();
  });
  const toys::Finished finished = fit(toy);
  const Affine q = normal_map(finished.state.lambda, 2);
  EXPECT_LT((q.shift.array() - 0.5).abs().maxCoeff(), 0.02);
  EXPECT_TRUE((q.scale.diagonal().array() > 0.1 && q.scale.diagonal().array() < 0.25).all());
}

TEST(DiagonalFit, ADensityThatIsNowhereFiniteIsAnErrorThatNamesTheDraw) {
  const toys::Toy nowhere(1, 1,
                          [](Index, ConstVec, Vec) { return std::numeric_limits<double>::quiet_NaN(); });
  std::vector<Place> stages;
  stages.push_back(diagonal_fit(nowhere.target, {}));
  const Program failing(std::move(stages));
  State state = failing.start();
  state.put(left::base, {{Vector::Zero(1), Matrix::Ones(1, 1)}});
  try {
    while (!state.finished()) failing.advance(state);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::numeric);
    EXPECT_NE(std::string(error.what()).find("draw 0"), std::string::npos) << error.what();
  }
}

TEST(DiagonalFit, ResumesBetweenAnyTwoStepsWithTheSameBits) {
  const Matrix x = toys::random_matrix(40, 4, 7);
  const Vector y = (x.col(0).array() > 0.2).cast<double>();
  const toys::Toy toy(4, 1, toys::logistic(x, y, 1.0));
  const State straight = fit(toy).state;
  EXPECT_EQ(hash(straight), hash(fit(toy, {}, true).state));
  EXPECT_NE(hash(straight), hash(fit(toy, {.seed = 2}).state));
  EXPECT_EQ(straight.memory.size(), 4U);  // what modes and polish left, and "converged"
}

}  // namespace
}  // namespace vfe
