#include "infer/isokinetic.hpp"

#include <gtest/gtest.h>

#include <Eigen/LU>
#include <cmath>

#include "infer/toys.hpp"

namespace vfe {
namespace {

Matrix velocities(Index d, Index count) {
  Matrix velocity(velocity_rows(d), count);
  fill_velocities({.seed = 3, .purpose = Purpose::simulate}, velocity);
  return velocity;
}

/// What turning changes the kinetic energies by.
Eigen::RowVectorXd turned(ConstMat force, double time, Matrix& velocity) {
  Eigen::RowVectorXd kinetic = Eigen::RowVectorXd::Zero(velocity.cols());
  turn(force, time, velocity, kinetic);
  return kinetic;
}

TEST(Isokinetic, VelocitiesAreUniform) {
  const Matrix u = velocities(3, 20'000);
  EXPECT_TRUE(u.colwise().norm().isConstant(1.0, 1e-14));
  EXPECT_LT(u.rowwise().mean().norm(), 0.02);
  const Matrix second = u * u.transpose() / 20'000.0;
  EXPECT_LT((second - Matrix::Identity(3, 3) / 3.0).norm(), 0.02);
}

TEST(Isokinetic, TurnsBack) {
  for (const Index d : {1, 2, 7}) {
    const Matrix force = 3.0 * toys::random_matrix(d, 50, 1), before = velocities(d, 50);
    Matrix u = before;
    const Eigen::RowVectorXd there = turned(force, 0.7, u);
    EXPECT_TRUE(u.colwise().norm().isConstant(1.0, 1e-14));
    EXPECT_GT((u - before).norm(), 1.0);
    u = -u;
    const Eigen::RowVectorXd back = turned(force, 0.7, u);
    EXPECT_LT((u + before).norm(), 1e-11);
    EXPECT_LT((there + back).norm(), 1e-11);
  }
}

TEST(Isokinetic, KineticEnergyIsWhatTheMapDoesToVolume) {
  // On the sphere of three coordinates the volume is that between the images of two tangents.
  const Vector force = toys::random_matrix(3, 1, 1);
  const Matrix start = velocities(3, 20);
  for (Index c = 0; c < start.cols(); ++c) {
    const Vector u = start.col(c);
    const Eigen::Vector3d some =
        u.cwiseAbs().minCoeff() == std::abs(u(0)) ? Eigen::Vector3d::UnitX() : Eigen::Vector3d::UnitZ();
    const Eigen::Vector3d first = Eigen::Vector3d(u).cross(some).normalized();
    const Eigen::Vector3d second = Eigen::Vector3d(u).cross(first);
    constexpr double h = 1e-5;
    const auto image_of = [&](const Eigen::Vector3d& tangent, double by) {
      Matrix moved = (u + by * tangent).normalized();
      turned(force, 0.9, moved);
      return Eigen::Vector3d(moved.col(0));
    };
    const Eigen::Vector3d a = (image_of(first, h) - image_of(first, -h)) / (2.0 * h);
    const Eigen::Vector3d b = (image_of(second, h) - image_of(second, -h)) / (2.0 * h);
    Matrix end = u;
    EXPECT_NEAR(turned(force, 0.9, end)(0), -std::log(a.cross(b).norm()), 1e-8);
  }
}

TEST(Isokinetic, SmallStepsConserveEnergy) {
  // Of a standard normal, over a path of length 2: the error falls with the square of the step.
  const auto error = [](Index d, Index steps) {
    Matrix x = 2.0 * toys::random_matrix(d, 10, 4), u = velocities(d, 10);
    Eigen::RowVectorXd kinetic = Eigen::RowVectorXd::Zero(10);
    const Eigen::RowVectorXd before = -0.5 * x.colwise().squaredNorm();
    const double step = 2.0 / static_cast<double>(steps);
    for (Index k = 0; k < steps; ++k) {
      turn(-x, 0.5 * step, u, kinetic);
      x += step * u.topRows(d);
      turn(-x, 0.5 * step, u, kinetic);
    }
    return (-0.5 * x.colwise().squaredNorm() - kinetic - before).cwiseAbs().maxCoeff();
  };
  for (const Index d : {1, 2, 5, 40}) {
    EXPECT_LT(error(d, 200), 1e-3);
    EXPECT_NEAR(error(d, 100) / error(d, 200), 4.0, 0.3);
  }
}

TEST(Isokinetic, AHugeForceTurnsAndIsNoTrouble) {
  for (const Index d : {1, 4}) {
    Matrix force = 1e200 * Matrix::Ones(d, 3), u = velocities(d, 3);
    u.col(1).setZero();
    u.col(1).head(d).setConstant(-1.0 / std::sqrt(static_cast<double>(d)));  // straight against it
    force.col(2).setConstant(std::numeric_limits<double>::quiet_NaN());
    const Vector unforced = u.col(2);
    const Eigen::RowVectorXd kinetic = turned(force, 1.0, u);
    EXPECT_TRUE(u.allFinite());
    EXPECT_TRUE(kinetic.allFinite());
    EXPECT_GT(u.col(0).head(d).sum(), 0.99);
    EXPECT_EQ(u.col(2), unforced);
    EXPECT_EQ(kinetic(2), 0.0);
  }
}

}  // namespace
}  // namespace vfe
