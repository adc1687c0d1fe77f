#include "vfe/infer/polish.hpp"

#include <gtest/gtest.h>

#include <numbers>

#include "infer/toys.hpp"
#include "vfe/infer/left.hpp"
#include "vfe/infer/modes.hpp"

namespace vfe {
namespace {

toys::Finished base(const toys::Toy& toy, const PolishOptions& options = {}, bool copy = false) {
  std::vector<Place> stages;
  stages.push_back(modes(toy.target, {}));
  stages.push_back(polish(toy.target, options));
  return toys::run(Program(std::move(stages)), copy);
}

TEST(Polish, LaplaceIsExactForANormal) {
  const Index d = 5;
  const Vector mean = toys::random_matrix(d, 1, 2);
  const Matrix precision = toys::random_precision(d, 3);
  const toys::Toy toy(d, 1, toys::gaussian(mean, precision));
  const State state = base(toy).state;
  const Affine map = state.get(left::base).map;
  // Converged to a decrement of 0.01 nats at most.
  EXPECT_LT((map.shift - mean).dot(precision * (map.shift - mean)), 0.02);
  EXPECT_LT((map.scale * map.scale.transpose() * precision - Matrix::Identity(d, d)).norm(), 1e-6);
  EXPECT_TRUE(state.get(left::base).definite);
  EXPECT_EQ(state.get(left::found_modes).num_components(), 1);
  EXPECT_EQ(state.memory.size(), 3U);
  const double log_evidence =
      0.5 * d * std::log(2.0 * std::numbers::pi) - 0.5 * std::log(precision.determinant());
  EXPECT_NEAR(state.get(left::base).log_evidence, log_evidence, 0.02);
}

TEST(Polish, SurvivesScalesFromOneTenThousandthToTenThousand) {
  const Index d = 9;
  Vector sd(d), mean(d);
  for (Index i = 0; i < d; ++i) {
    sd(i) = std::pow(10.0, static_cast<double>(i) - 4.0);
    mean(i) = sd(i) * std::cos(static_cast<double>(i));
  }
  Matrix correlation = Matrix::Constant(d, d, 0.5);
  correlation.diagonal().setOnes();
  const Matrix precision =
      sd.cwiseInverse().asDiagonal() * correlation.inverse() * sd.cwiseInverse().asDiagonal();
  const toys::Toy toy(d, 1, toys::gaussian(mean, precision));
  const State state = base(toy).state;
  const Affine map = state.get(left::base).map;
  EXPECT_TRUE(state.get(left::base).definite);
  EXPECT_LT(((map.shift - mean).array() / sd.array()).abs().maxCoeff(), 0.2);
  const Vector found = map.scale.rowwise().norm();
  EXPECT_LT((found.array() / sd.array() - 1.0).abs().maxCoeff(), 1e-3);
}

TEST(Polish, DiagonalBaseHasTheConditionalSds) {
  const Index d = 4;
  const Matrix precision = toys::random_precision(d, 9);
  const toys::Toy toy(d, 1, toys::gaussian(Vector::Zero(d), precision));
  const Affine map = base(toy, {.diagonal = true}).state.get(left::base).map;
  ASSERT_TRUE(map.diagonal());
  EXPECT_LT((map.scale.col(0).array() * precision.diagonal().array().sqrt() - 1.0).abs().maxCoeff(), 1e-6);
}

/// Independent normals of sds 0.5 .. 2 with a common shift of the mean: log f in O(d).
BlockLogDensity independent(Index d) {
  return [d](Index, ConstVec theta, Vec grad) {
    double value = 0.0;
    for (Index i = 0; i < d; ++i) {
      const double sd = 0.5 + 1.5 * static_cast<double>(i) / static_cast<double>(d);
      const double z = (theta(i) - 1.0) / sd;
      value -= 0.5 * z * z;
      grad(i) -= z / sd;
    }
    return value;
  };
}

TEST(Polish, HighDimensionHasItsDiagonalFromDifferencesOrProbes) {
  for (const Index d : {600, 2100}) {
    const toys::Toy toy(d, 1, independent(d));
    const toys::Finished finished = base(toy, {.diagonal = true});
    const Affine map = finished.state.get(left::base).map;
    ASSERT_TRUE(map.diagonal());
    EXPECT_TRUE(finished.state.get(left::base).definite);
    EXPECT_EQ(finished.records.back().draws, d == 600 ? 1200 : 32);
    for (Index i = 0; i < d; i += 50) {
      const double sd = 0.5 + 1.5 * static_cast<double>(i) / static_cast<double>(d);
      EXPECT_NEAR(map.scale(i, 0), sd, 1e-4);
    }
  }
}

TEST(Polish, PicksTheHeavierOfTwoModes) {
  // sd 0.1 at -1.5, weight 0.2; sd 0.5 at 1.5, weight 0.8. The first is the higher, the second the heavier.
  const toys::Toy toy(1, 1, [](Index, ConstVec x, Vec grad) {
    const auto at = [&](double centre, double sd, double weight) {
      return std::log(weight / sd) - 0.5 * (x(0) - centre) * (x(0) - centre) / (sd * sd);
    };
    const double a = at(-1.5, 0.1, 0.2), b = at(1.5, 0.5, 0.5), top = std::max(a, b);
    const double value = top + std::log(std::exp(a - top) + std::exp(b - top));
    grad(0) -= std::exp(a - value) * (x(0) + 1.5) / 0.01 + std::exp(b - value) * (x(0) - 1.5) / 0.25;
    return value;
  });
  const State state = base(toy).state;
  EXPECT_NEAR(state.get(left::base).map.shift(0), 1.5, 0.05);
  EXPECT_NEAR(state.get(left::base).map.scale(0, 0), 0.5, 0.01);
  const Proposal found = state.get(left::found_modes);
  ASSERT_EQ(found.num_components(), 2);
  EXPECT_NEAR(found.weight(0), 5.0 / 7.0, 0.01);
  EXPECT_EQ(std::get<Student>(found.component(0)).base, state.get(left::base).map);
  const Student& other = std::get<Student>(found.component(1));
  EXPECT_TRUE(std::isinf(other.nu));
  EXPECT_NEAR(other.base.shift(0), -1.5, 0.01);
  EXPECT_NEAR(other.base.scale(0, 0), 0.1, 0.002);
}

/// A funnel whose density has no bound: x_i | v ~ N(0, e^(v/2)), v with a flat lower tail.
TEST(Polish, AnUnboundedDensityIsNotDefinite) {
  const Index d = 5;
  const toys::Toy toy(d, 1, [](Index, ConstVec theta, Vec grad) {
    const double v = theta(0), inverse = std::exp(-v), n = static_cast<double>(theta.size() - 1);
    const double squares = theta.tail(theta.size() - 1).squaredNorm();
    grad(0) += 0.5 * inverse * squares - 0.5 * n - std::exp(v);
    grad.tail(theta.size() - 1) -= inverse * theta.tail(theta.size() - 1);
    return -0.5 * inverse * squares - 0.5 * n * v - std::exp(v);
  });
  const State state = base(toy).state;
  EXPECT_FALSE(state.get(left::base).definite);
  const Affine map = state.get(left::base).map;
  EXPECT_TRUE(map.shift.allFinite() && map.scale.allFinite());
  EXPECT_GT(map.scale.diagonal().minCoeff(), 0.0);
}

TEST(Polish, ResumesBetweenAnyTwoStepsWithTheSameBits) {
  const Matrix x = toys::random_matrix(40, 4, 7);
  const Vector y = (x.col(0).array() > 0.2).cast<double>();
  const toys::Toy toy(4, 1, toys::logistic(x, y, 1.0));
  for (const bool diagonal : {false, true}) {
    EXPECT_EQ(hash(base(toy, {.diagonal = diagonal}).state),
              hash(base(toy, {.diagonal = diagonal}, true).state));
  }
}

}  // namespace
}  // namespace vfe
