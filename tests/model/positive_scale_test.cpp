#include "vfe/model/positive_scale.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <limits>

#include "vfe/core/random.hpp"

namespace vfe {
namespace {

/// Symmetric, of these eigenvalues, in a basis of chance.
Matrix with_eigenvalues(const Vector& values) {
  Matrix noise(values.size(), values.size());
  fill_normal({.seed = 8, .purpose = Purpose::check}, noise);
  const Matrix basis = Eigen::HouseholderQR<Matrix>(noise).householderQ();
  return basis * values.asDiagonal() * basis.transpose();
}

Vector eigenvalues(const Matrix& of) {
  return Eigen::SelfAdjointEigenSolver<Matrix>(of).eigenvalues();
}

TEST(PositiveScale, IsTheCurvatureWhereThatIsPositive) {
  const Matrix curvature = with_eigenvalues(Eigen::Vector3d(0.11, 1.0, 40.0));
  EXPECT_EQ(positive_scale(curvature), curvature);
  const Matrix weight = with_eigenvalues(Eigen::Vector3d(-1.0, 2.0, 5.0));
  EXPECT_EQ(pull_back_positive_scale(curvature, weight), weight);
}

TEST(PositiveScale, HasAbsoluteEigenvaluesRoundedNearZero) {
  const Vector found = eigenvalues(positive_scale(with_eigenvalues(Eigen::Vector4d(-3.0, -0.05, 0.0, 2.0))));
  EXPECT_NEAR((found - Eigen::Vector4d(0.05, 0.0625, 2.0, 3.0)).norm(), 0.0, 1e-13);
  EXPECT_NEAR(positive_scale(Matrix::Constant(1, 1, -7.0))(0, 0), 7.0, 1e-14);
}

TEST(PositiveScale, IsNaNWhereTheCurvatureIs) {
  Matrix curvature = with_eigenvalues(Eigen::Vector2d(1.0, 2.0));
  curvature(0, 1) = curvature(1, 0) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(positive_scale(curvature)(0, 0)));
}

TEST(PositiveScale, WeightsArePulledBackAsDifferencesSay) {
  for (const Eigen::Vector3d& values : {Eigen::Vector3d(-3.0, 0.04, 2.0), Eigen::Vector3d(-0.5, -0.02, -0.02),
                                        Eigen::Vector3d(0.05, 0.3, 0.3), Eigen::Vector3d(-1.0, -1.0, -1.0)}) {
    const Matrix curvature = with_eigenvalues(values);
    Matrix noise(3, 3);
    fill_normal({.seed = 9, .purpose = Purpose::check}, noise);
    const Matrix weight = noise + noise.transpose(), pulled = pull_back_positive_scale(curvature, weight);
    for (Index j = 0; j < 3; ++j) {
      for (Index i = 0; i <= j; ++i) {
        Matrix step = Matrix::Zero(3, 3);
        step(i, j) = step(j, i) = 1e-6;
        const Matrix moved = positive_scale(curvature + step) - positive_scale(curvature - step);
        EXPECT_NEAR(pulled.cwiseProduct(step).sum() / 1e-6, weight.cwiseProduct(moved).sum() / 2e-6, 1e-7)
            << values.transpose() << ": " << i << ", " << j;
      }
    }
  }
}

}  // namespace
}  // namespace vfe
