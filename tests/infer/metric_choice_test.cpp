#include "infer/metric_choice.hpp"

#include <gtest/gtest.h>

#include "infer/toys.hpp"

namespace vfe {
namespace {

constexpr Index chains = 64;

/// Independent draws of N(m, L L') and the gradients of its log density there.
struct Draws {
  Draws(const Matrix& lower, Index iterations) {
    const Matrix z = toys::random_matrix(lower.rows(), chains * iterations, 11);
    theta = (lower * z).array() + 1e3;
    gradient = -lower.transpose().triangularView<Eigen::Upper>().solve(z);
  }
  Matrix theta, gradient;
};

Matrix lower_of(const Matrix& precision) {
  return Matrix(precision.inverse()).llt().matrixL();
}

Affine around_zero(const Matrix& scale) {
  return {Vector::Zero(scale.rows()), scale};
}

TEST(MetricChoice, KeepsTheRightOne) {
  const Matrix lower = lower_of(toys::random_precision(8, 3));
  const Draws draws(lower, 5);
  const MetricChoice found = choose_metric(around_zero(lower), draws.theta, draws.gradient, chains, true);
  EXPECT_EQ(found.name, "kept");
  EXPECT_EQ(found.metric.scale, lower);
  EXPECT_LT(found.divergence, 1e-20);
}

TEST(MetricChoice, FindsTheLengthsOfTheAxesExactly) {
  // For a Gaussian along the axes var x / var g = sd^4 in any sample.
  Vector sd(6);
  sd << 1e-3, 0.1, 1.0, 2.0, 50.0, 1e4;
  const Draws draws(sd.asDiagonal(), 5);
  for (const bool dense : {false, true}) {
    const MetricChoice found =
        choose_metric(around_zero(Matrix::Ones(6, 1)), draws.theta, draws.gradient, chains, dense);
    EXPECT_EQ(found.name, "diagonal");
    ASSERT_EQ(found.metric.scale.cols(), 1);
    EXPECT_LT((found.metric.scale.col(0).array() / sd.array() - 1.0).abs().maxCoeff(), 1e-6);
  }
  // The same on top of correlated axes.
  const Matrix lower = lower_of(toys::random_precision(6, 3));
  const Draws both(lower * sd.asDiagonal(), 5);
  const MetricChoice found = choose_metric(around_zero(lower), both.theta, both.gradient, chains, false);
  EXPECT_EQ(found.name, "diagonal");
  EXPECT_LT((found.metric.shift - both.theta.rowwise().mean()).norm(), 1e-9);
  EXPECT_LT((found.metric.scale * sd.cwiseInverse().asDiagonal() - lower).norm(), 1e-6 * lower.norm());
}

TEST(MetricChoice, FindsCorrelations) {
  const Index d = 8;
  Matrix lower = Matrix::Identity(d, d);
  lower.col(0).setConstant(3.0);
  const Draws draws(lower, 20);
  const MetricChoice diagonal =
      choose_metric(around_zero(Matrix::Ones(d, 1)), draws.theta, draws.gradient, chains, false);
  const MetricChoice found =
      choose_metric(around_zero(Matrix::Ones(d, 1)), draws.theta, draws.gradient, chains, true);
  EXPECT_EQ(found.name, "Fisher");
  EXPECT_LT(found.divergence, 0.05 * diagonal.divergence);
  const Matrix covariance = lower * lower.transpose();
  // But for the shrinking by 5 draws in 1280, against variances of the gradient that go down to 1/64.
  EXPECT_LT((found.metric.scale * found.metric.scale.transpose() - covariance).norm(),
            0.15 * covariance.norm());
}

TEST(MetricChoice, ChainsThatHaveNotMovedChangeNothing) {
  const Matrix theta = Matrix::Constant(3, chains * 5, 2.0), gradient = Matrix::Ones(3, chains * 5);
  const MetricChoice found = choose_metric(around_zero(Matrix::Ones(3, 1)), theta, gradient, chains, true);
  EXPECT_EQ(found.name, "kept");
  EXPECT_TRUE(found.metric.scale.allFinite());
}

}  // namespace
}  // namespace vfe
