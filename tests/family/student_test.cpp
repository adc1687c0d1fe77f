#include "vfe/family/student.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <numbers>

#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"

namespace vfe {
namespace {

Affine standard(Index d) {
  return {.shift = Vector::Zero(d), .scale = Matrix::Identity(d, d)};
}

Affine correlated(Index d) {
  Affine base = standard(d);
  for (Index j = 0; j < d; ++j) {
    base.shift(j) = std::cos(static_cast<double>(j));
    base.scale(j, j) = 0.5 + static_cast<double>(j % 3);
    for (Index i = j + 1; i < d; ++i) base.scale(i, j) = 0.3 * std::sin(static_cast<double>(3 * i + j));
  }
  return base;
}

Address address(std::uint32_t step) {
  return {.seed = 11, .purpose = Purpose::proposal, .step = step};
}

/// log of the normal density, by the textbook.
double log_normal(const Affine& base, const Vector& theta) {
  const Matrix covariance = base.scale * base.scale.transpose();
  const Vector away = theta - base.shift;
  const double d = static_cast<double>(theta.size());
  return -0.5 * (d * std::log(2.0 * std::numbers::pi) + std::log(covariance.determinant()) +
                 away.dot(covariance.inverse() * away));
}

TEST(Student, HasTheKnownDensities) {
  const Affine base{.shift = Vector::Constant(1, 1.0), .scale = Matrix::Constant(1, 1, 2.0)};
  const Matrix theta{{1.0, 3.0, -5.0}};
  // Cauchy: 1 / (2 pi (1 + z^2)); two degrees: 1 / (2 (2 + z^2)^1.5); four degrees: 3/8 (1 + z^2/4)^-2.5.
  const Vector z{{0.0, 1.0, -3.0}};
  const Vector cauchy = Student{base, 1.0}.log_density(theta);
  const Vector two = Student{base, 2.0}.log_density(theta);
  const Vector four = Student{base, 4.0}.log_density(theta);
  for (Index s = 0; s < 3; ++s) {
    const double square = z(s) * z(s);
    EXPECT_NEAR(cauchy(s), std::log(0.5 / (std::numbers::pi * (1.0 + square))), 1e-14);
    EXPECT_NEAR(two(s), std::log(0.5 / std::pow(2.0 + square, 1.5)), 1e-14);
    EXPECT_NEAR(four(s), std::log(0.5 * 0.375 * std::pow(1.0 + square / 4.0, -2.5)), 1e-14);
  }
  // In two dimensions the density of a standard t is (1 + r^2 / nu)^(-nu / 2 - 1) / (2 pi) for every nu.
  const Vector plane = Student{standard(2), 7.0}.log_density(Vector{{1.0, 2.0}});
  EXPECT_NEAR(plane(0), -4.5 * std::log1p(5.0 / 7.0) - std::log(2.0 * std::numbers::pi), 1e-14);
}

TEST(Student, IntegratesToOne) {
  for (const double nu : {1.0, 2.5, 7.0, infinity}) {
    const Student student{{.shift = Vector::Constant(1, -0.4), .scale = Matrix::Constant(1, 1, 0.7)}, nu};
    // theta = sinh(sinh(x)) by the trapezoidal rule: doubly exponential, so exact to rounding.
    double integral = 0.0;
    for (double x = -4.0; x <= 4.0; x += 1.0 / 128) {
      const double theta = std::sinh(4.0 * std::sinh(x)), slope = 4.0 * std::cosh(x) * std::hypot(1.0, theta);
      if (!std::isfinite(slope)) continue;
      integral += std::exp(student.log_density(Vector::Constant(1, theta))(0)) * slope / 128;
    }
    EXPECT_NEAR(integral, 1.0, 1e-12) << nu;
  }
}

TEST(Student, OfInfiniteDegreesIsTheNormalAndTheLimit) {
  const Affine base = correlated(4);
  const Matrix theta = Student{base, 5.0}.draw(address(0), 20);
  const Vector normal = Student{base}.log_density(theta), nearly = Student{base, 1e8}.log_density(theta);
  for (Index s = 0; s < 20; ++s) {
    EXPECT_NEAR(normal(s), log_normal(base, theta.col(s)), 1e-11);
    EXPECT_NEAR(nearly(s), normal(s), 1e-5);
  }
  const Matrix of_normal = Student{base}.draw(address(1), 50), near = Student{base, 1e8}.draw(address(1), 50);
  EXPECT_LT((of_normal - near).cwiseAbs().maxCoeff(), 1e-2);
}

TEST(Student, WithDiagonalScaleIsTheSameAsWithAMatrix) {
  Affine diagonal = correlated(3);
  diagonal.scale = Vector{{0.5, 2.0, 3.0}};
  const Affine full{.shift = diagonal.shift, .scale = Matrix(diagonal.scale.col(0).asDiagonal())};
  const Student one{diagonal, 6.0}, other{full, 6.0};
  const Matrix theta = one.draw(address(2), 10);
  EXPECT_TRUE(theta.isApprox(other.draw(address(2), 10), 1e-14));
  EXPECT_TRUE(one.log_density(theta).isApprox(other.log_density(theta), 1e-13));
  const Student wide = other.inflated(2.0);
  EXPECT_EQ(wide.base.scale, Matrix(2.0 * full.scale));
  EXPECT_EQ(wide.base.shift, full.shift);
}

TEST(Student, DrawsHaveItsMomentsAndItsRadius) {
  const Affine base = correlated(3);
  const Index n = 40000;
  const double nu = 9.0;
  const Matrix theta = Student{base, nu}.draw(address(3), n);
  const Vector mean = theta.rowwise().mean();
  const Matrix centred = theta.colwise() - mean;
  const Matrix covariance = centred * centred.transpose() / static_cast<double>(n);
  const Matrix expected = nu / (nu - 2.0) * base.scale * base.scale.transpose();
  EXPECT_LT((mean - base.shift).cwiseAbs().maxCoeff(), 0.05);
  EXPECT_LT((covariance - expected).cwiseAbs().maxCoeff(), 0.04 * expected.diagonal().maxCoeff());
  // r^2 / d has Fisher's F(d, nu) distribution: P(F(3, 9) > 3.8625) = .05, P(F(3, 9) > 6.9919) = .01.
  const Vector radius =
      base.scale.triangularView<Eigen::Lower>().solve(theta.colwise() - base.shift).colwise().squaredNorm();
  const auto above = [&](double quantile) {
    return static_cast<double>((radius.array() / 3.0 > quantile).count()) / static_cast<double>(n);
  };
  EXPECT_NEAR(above(3.8625), 0.05, 4.0 * std::sqrt(0.05 * 0.95 / n));
  EXPECT_NEAR(above(6.9919), 0.01, 4.0 * std::sqrt(0.01 * 0.99 / n));
}

TEST(Student, ChiSquareHasItsMoments) {
  for (const double nu : {1.0, 1.5, 2.0, 5.0, 40.0}) {
    const Index n = 20000;
    double sum = 0.0, squares = 0.0, logs = 0.0;
    Address at = address(4);
    for (Index s = 0; s < n; ++s) {
      at.draw = static_cast<std::uint32_t>(s);
      const double x = chi_square(at, 2, nu);
      sum += x;
      squares += (x - nu) * (x - nu);
      logs += std::log(x);
    }
    EXPECT_NEAR(sum / n, nu, 5.0 * std::sqrt(2.0 * nu / n));
    EXPECT_NEAR(squares / n, 2.0 * nu, 5.0 * std::sqrt((48.0 * nu + 8.0 * nu * nu) / n));
    // E log = digamma(nu / 2) + log 2, the derivative of lgamma; its variance is trigamma(nu / 2) <= 5.
    const double h = 1e-5, digamma = (std::lgamma(0.5 * nu + h) - std::lgamma(0.5 * nu - h)) / (2.0 * h);
    EXPECT_NEAR(logs / n, digamma + std::numbers::ln2, 5.0 * std::sqrt(5.0 / n));
  }
}

TEST(Student, ImportanceWeightsHaveMeanOne) {
  for (const Index d : {Index{2}, Index{10}}) {
    const Student from{correlated(d), 7.0}, to{correlated(d)};
    const Index n = 20000;
    const Matrix theta = from.draw(address(5), n);
    const Vector weight = (to.log_density(theta) - from.log_density(theta)).array().exp();
    const double mean = weight.mean(), spread = (weight.array() - mean).square().mean();
    EXPECT_NEAR(mean, 1.0, 4.0 * std::sqrt(spread / n)) << d;
  }
}

TEST(Student, CostsAnExactNormalTheKnownShareOfItsDraws) {
  // What a radius with the wrong law costs: .79 at d = 10 and .60 at d = 26 for nu = 7, .86 for nu = d.
  const auto share = [](Index d, double nu) {
    const Student from{standard(d), nu}, to{standard(d)};
    const Matrix theta = from.draw(address(6), 20000);
    const Vector weight = (to.log_density(theta) - from.log_density(theta)).array().exp();
    return weight.sum() * weight.sum() / weight.squaredNorm() / 20000.0;
  };
  EXPECT_NEAR(share(10, 7.0), 0.79, 0.015);
  EXPECT_NEAR(share(26, 7.0), 0.60, 0.015);
  EXPECT_NEAR(share(10, 10.0), 0.86, 0.015);
  EXPECT_NEAR(share(100, 100.0), 0.86, 0.015);
}

TEST(Student, DrawsDependOnTheirAddressAlone) {
  const Student student{correlated(3), 4.0};
  const Matrix all = student.draw(address(7), 8);
  Address later = address(7);
  later.draw = 5;
  EXPECT_EQ(student.draw(later, 3), all.rightCols(3));
  EXPECT_NE(student.draw(address(8), 8), all);
}

TEST(Student, IsFiniteWhereItCanBeAndSaysSoWhereNot) {
  for (const double nu : {1.0, 1.7, 3.0}) {
    const Student student{correlated(5), nu};
    const Matrix theta = student.draw(address(9), 20000);
    EXPECT_TRUE(theta.allFinite());
    EXPECT_TRUE(student.log_density(theta).allFinite());
  }
  Matrix theta = Matrix::Zero(2, 4);
  theta(0, 1) = infinity;
  theta(1, 2) = std::nan("");
  theta(0, 3) = 1e200;
  const Vector value = Student{standard(2), 3.0}.log_density(theta);
  EXPECT_TRUE(std::isfinite(value(0)));
  EXPECT_EQ(value(1), -infinity);
  EXPECT_EQ(value(2), -infinity);
  EXPECT_EQ(value(3), -infinity);
}

TEST(Student, RefusesWhatItCannotDrawFrom) {
  const auto fault = [](const Student& student) {
    try {
      require_valid(student);
    } catch (const Error& error) {
      return static_cast<int>(error.fault());
    }
    return 0;
  };
  EXPECT_EQ(fault({correlated(3), 5.0}), 0);
  EXPECT_EQ(fault({correlated(3), 0.5}), static_cast<int>(Fault::bug));
  EXPECT_EQ(fault({{.shift = Vector::Zero(3), .scale = Matrix::Identity(2, 2)}, 5.0}),
            static_cast<int>(Fault::bug));
  Student broken{correlated(3), 5.0};
  broken.base.scale(1, 1) = 0.0;
  EXPECT_EQ(fault(broken), static_cast<int>(Fault::numeric));
  broken.base.scale(1, 1) = 1.0;
  broken.base.scale(2, 0) = std::nan("");
  EXPECT_EQ(fault(broken), static_cast<int>(Fault::numeric));
}

}  // namespace
}  // namespace vfe
