#include "infer/wide_density.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "infer/base.hpp"
#include "infer/toys.hpp"
#include "vfe/infer/polish.hpp"

namespace vfe {
namespace {

Matrix lower(Index d, double size) {
  const Matrix precision = toys::random_precision(d, 4);
  return size * Matrix(precision.llt().matrixL());
}

State with_base(const Vector& shift, const Matrix& scale) {
  State state;
  set_base(state, {{shift, scale}, 0.0, true});
  return state;
}

TEST(WideDensity, IsAsWideAsTheStartsAndTheModes) {
  const toys::Toy toy(2, 1, toys::gaussian(Vector::Zero(2), Matrix::Identity(2, 2)));
  State state = with_base(Vector::Zero(2), Matrix::Identity(2, 2));
  const Student wide = wide_density(toy.target, state, 1);
  // Starts are uniform, half of them within 2 and half within 6; the base's variance comes on top.
  const double variance = 0.5 * (4.0 + 36.0) / 3.0 + 1.0;
  EXPECT_LT(wide.base.shift.norm(), 0.5);
  EXPECT_LT((wide.base.scale * wide.base.scale.transpose() - variance * Matrix::Identity(2, 2)).norm(), 1.0);

  add_found_mode(state, {{Vector{{30.0, -40.0}}, Matrix::Identity(2, 2)}, 0.0, true});
  const Student wider = wide_density(toy.target, state, 1);
  EXPECT_NEAR(wider.base.whiten(Vector{{30.0, -40.0}}).norm(), 2.0, 1e-9);
  // Across the way to that mode it is as wide as before.
  const Vector across{{0.8, 0.6}};
  EXPECT_NEAR((wider.base.scale.transpose() * across).squaredNorm(), variance, 1.0);
}

TEST(WideDensity, GradientIsThatOfTheLogDensity) {
  const Index d = 3;
  const Student student{{toys::random_matrix(d, 1, 1), lower(d, 1.5)}, 7.0};
  const Matrix theta = 3.0 * toys::random_matrix(d, 5, 2);
  Matrix gradient;
  EXPECT_EQ(log_density(student, theta, gradient), student.log_density(theta));
  const double step = 1e-5;
  for (Index i = 0; i < d; ++i) {
    const Matrix change = step * Vector::Unit(d, i).replicate(1, theta.cols());
    const Vector slope =
        (student.log_density(theta + change) - student.log_density(theta - change)) / (2.0 * step);
    EXPECT_LT((slope - gradient.row(i).transpose()).norm(), 1e-8) << i;
  }
}

TEST(WideDensity, PathIsAsLongAsTheLogsOfTheSdsSay) {
  const Index d = 4;
  const Student wide{{Vector::Zero(d), lower(d, 1.0)}, 7.0};
  // Half as wide in every direction; the Fisher metric of a log sd is 2.
  const Affine half{Vector::Ones(d), 0.5 * wide.base.scale};
  EXPECT_NEAR(path_length(wide, half), std::sqrt(2.0 * static_cast<double>(d)) * std::log(2.0), 1e-12);
  EXPECT_NEAR(path_length(wide, wide.base), 0.0, 1e-12);
}

TEST(WideDensity, CurvatureIsMixedByTemperature) {
  const Index d = 3;
  const Student wide{{Vector::Zero(d), 3.0 * Matrix::Identity(d, d)}, 7.0};
  const Matrix scale = lower(d, 1.0);
  const State state = with_base(Vector::Zero(d), scale);
  const Matrix precision = (scale * scale.transpose()).inverse();
  const Matrix expected = 0.25 * precision + 0.75 / 9.0 * Matrix::Identity(d, d);
  EXPECT_LT((laplace_curvature(state, wide, 0.25) - expected).norm(), 1e-12 * expected.norm());
}

}  // namespace
}  // namespace vfe
