#include "vfe/family/flow.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/family/student.hpp"

namespace vfe {
namespace {

Address address(std::uint32_t step) {
  return {.seed = 13, .purpose = Purpose::check, .step = step};
}

/// Parameters as normals times `size`, coordinates in a random order, a base that mixes them.
Flow random_flow(Index d, double size, std::uint32_t which, double nu = 10.0) {
  Affine base{.shift = Vector(d), .scale = Matrix::Zero(d, d)};
  Matrix numbers(d, d + 2);
  fill_normal(address(which), numbers);
  base.shift = numbers.col(0);
  for (Index j = 0; j < d; ++j) {
    base.scale(j, j) = std::exp(0.5 * numbers(j, 1));
    for (Index i = j + 1; i < d; ++i) base.scale(i, j) = 0.3 * numbers(i, j + 2);
  }
  Address at = address(which);
  at.block = 1;
  const std::vector<Index> order = permutation(at, d);
  std::vector<Flow::Conditional> conditionals;
  std::uint32_t next = 0;
  at.block = 2;
  const auto normals = [&](Index n) {
    Vector x(n);
    for (Index k = 0; k < n; ++k) x(k) = size * normal(at, next++);
    return x;
  };
  for (Index i = 0; i < d; ++i) {
    Flow::Conditional c;
    c.quadratic = normal(at, next++) > 0.0;
    c.mean = normals(Flow::num_mean_coefficients(i, c.quadratic));
    c.log_scale = normals(i + 1);
    c.skew = normals(1)(0);
    c.log_tail = normals(1)(0);
    conditionals.push_back(c);
  }
  return {base, order, conditionals, nu};
}

TEST(Flow, FollowsItsFormula) {
  const Affine base{.shift = Vector{{1.0, -1.0}}, .scale = Matrix{{2.0, 0.0}, {0.5, 3.0}}};
  const Flow::Conditional first{
      .mean = Vector{{0.3}}, .log_scale = Vector{{-0.2}}, .skew = 0.4, .log_tail = 0.1};
  const Flow::Conditional second{.quadratic = true,
                                 .mean = Vector{{0.1, -0.6, 0.7}},
                                 .log_scale = Vector{{0.2, 0.5}},
                                 .skew = -0.3,
                                 .log_tail = -0.2};
  const Flow flow(base, {1, 0}, {first, second}, 10.0);
  const Vector z{{0.9, -1.4}};
  const double u1 = 0.3 + std::exp(-0.2) * std::sinh((std::asinh(0.9) + 0.4) / std::exp(0.1));
  const double u0 = 0.1 - 0.6 * u1 + 0.7 * (u1 * u1 - 1.0) +
                    std::exp(0.2 + 0.5 * u1) * std::sinh((std::asinh(-1.4) - 0.3) / std::exp(-0.2));
  const Vector expected{{1.0 + 2.0 * u0, -1.0 + 0.5 * u0 + 3.0 * u1}};
  EXPECT_LT((flow.transform(z) - expected).norm(), 1e-13);
}

TEST(Flow, KeepsWithinItsLimitsFarOut) {
  const Affine base{.shift = Vector::Zero(2), .scale = Matrix::Identity(2, 2)};
  const Flow::Conditional first{.mean = Vector{{5000.0}}, .log_scale = Vector{{0.0}}};
  const Flow::Conditional second{.quadratic = true,
                                 .mean = Vector{{0.0, 1.0, 2.0}},
                                 .log_scale = Vector{{1.0, 9.0}},
                                 .skew = 50.0,
                                 .log_tail = 7.0};
  const Flow flow(base, {0, 1}, {first, second}, 10.0);
  // u_0 is 5,000: 1,000 to the linear part, 3 to the square and to l, which is held at 6.
  const Matrix theta = flow.transform(Vector{{0.0, 1.0}});
  EXPECT_DOUBLE_EQ(theta(0), 5000.0);
  EXPECT_NEAR(theta(1),
              1000.0 + 2.0 * 8.0 + std::exp(6.0) * std::sinh((std::asinh(1.0) + 5.0) / std::exp(1.5)), 1e-9);
  // The same for one that reaches further.
  const Flow further(base, {0, 1}, {first, second}, 10.0, 6.0);
  EXPECT_NEAR(further.transform(Vector{{0.0, 1.0}})(1) - theta(1), 2.0 * (36.0 - 9.0), 1e-9);
}

TEST(Flow, OfNothingIsIndependentTs) {
  const Affine base{.shift = Vector{{1.0, 2.0}}, .scale = Vector{{2.0, 0.5}}};
  const Flow flow = Flow::identity(base, 10.0);
  const Matrix theta = flow.draw(address(0), 30);
  const Student one{{.shift = base.shift.head(1), .scale = base.scale.topRows(1)}, 10.0},
      other{{.shift = base.shift.tail(1), .scale = base.scale.bottomRows(1)}, 10.0};
  const Vector expected = one.log_density(theta.topRows(1)) + other.log_density(theta.bottomRows(1));
  EXPECT_LT((flow.log_density(theta) - expected).cwiseAbs().maxCoeff(), 1e-12);
}

TEST(Flow, NoiseIsAStudentT) {
  // P(|t_10| > 1.8125) = .1, P(|t_10| > 3.1693) = .01; the noise of two coordinates is independent.
  const Index n = 40000;
  const Affine base{.shift = Vector::Zero(2), .scale = Matrix::Identity(2, 2)};
  const Matrix z = Flow::identity(base, 10.0).draw(address(1), n);
  for (Index i = 0; i < 2; ++i) {
    const auto beyond = [&](double quantile) {
      return static_cast<double>((z.row(i).array().abs() > quantile).count()) / n;
    };
    EXPECT_NEAR(z.row(i).mean(), 0.0, 4.0 * std::sqrt(1.25 / n));
    EXPECT_NEAR(beyond(1.8125), 0.1, 4.0 * std::sqrt(0.09 / n));
    EXPECT_NEAR(beyond(3.1693), 0.01, 4.0 * std::sqrt(0.01 / n));
  }
  EXPECT_NEAR((z.row(0).array() * z.row(1).array()).mean(), 0.0, 4.0 * 1.25 / std::sqrt(n));
  EXPECT_NEAR((z.row(0).array().square() * z.row(1).array().square()).mean(), 1.5625, 0.15);
}

TEST(Flow, IntegratesToOneInOneDimension) {
  for (std::uint32_t which = 0; which < 10; ++which) {
    const Flow flow = random_flow(1, 0.5, 20 + which);
    double integral = 0.0;
    for (double x = -4.5; x <= 4.5; x += 1.0 / 128) {
      const double t = 3.0 * std::sinh(x), u = std::sinh(t), slope = 3.0 * std::cosh(x) * std::cosh(t);
      integral += std::exp(flow.log_density(Vector::Constant(1, u))(0)) * slope / 128;
    }
    EXPECT_NEAR(integral, 1.0, 1e-9) << which;
  }
}

TEST(Flow, ImportanceWeightsHaveMeanOne) {
  for (const Index d : {Index{2}, Index{10}}) {
    const Flow flow = random_flow(d, d == 2 ? 0.15 : 0.06, 40);
    const Index n = 20000;
    const Matrix theta = flow.draw(address(2), n);
    const Student target = Student{flow.base()}.inflated(0.8);
    const Vector weight = (target.log_density(theta) - flow.log_density(theta)).array().exp();
    const double mean = weight.mean(), spread = (weight.array() - mean).square().mean();
    EXPECT_NEAR(mean, 1.0, 4.0 * std::sqrt(spread / n)) << d;
    EXPECT_LT(spread, 50.0) << d;  // else the test says nothing
  }
}

TEST(Flow, DensityIsThatOfTheNoiseOverTheJacobian) {
  const Index d = 4;
  const Flow flow = random_flow(d, 0.4, 50);
  Matrix z(d, 20);
  fill_normal(address(3), z);
  const Matrix theta = flow.transform(z);
  const Vector value = flow.log_density(theta), log_det = flow.log_det(z);
  const Student one{{.shift = Vector::Zero(1), .scale = Matrix::Ones(1, 1)}, flow.nu()};
  for (Index s = 0; s < z.cols(); ++s) {
    Matrix jacobian(d, d);
    const double h = 1e-5;
    for (Index i = 0; i < d; ++i) {
      const Vector step = h * Vector::Unit(d, i);
      jacobian.col(i) = (flow.transform(z.col(s) + step) - flow.transform(z.col(s) - step)) / (2.0 * h);
    }
    const double numeric = std::log(std::abs(jacobian.determinant()));
    EXPECT_NEAR(log_det(s), numeric, 1e-6);
    EXPECT_NEAR(value(s), one.log_density(z.col(s).transpose()).sum() - log_det(s), 1e-9);
  }
}

TEST(Flow, GradientsAgreeWithDifferences) {
  const Index d = 5, n = 30;
  for (const double size : {0.3, 1.5}) {  // the larger one meets the limits
    const Flow usual = random_flow(d, size, 60);
    const Flow flow(usual.base(), usual.order(), usual.conditionals(), usual.nu(), size + 1.0);
    Matrix z(d, n), weight(d, n);
    fill_normal(address(4), z);
    fill_normal(address(5), weight);
    const auto value = [&](const Matrix& noise) -> Vector {
      return flow.transform(noise).cwiseProduct(weight).colwise().sum().transpose() + flow.log_det(noise);
    };
    Matrix grad = Matrix::Ones(d, n);  // is added to
    const Vector log_det = flow.log_det(z, weight, grad);
    EXPECT_EQ(log_det, flow.log_det(z));
    const double h = 1e-6;
    for (Index i = 0; i < d; ++i) {
      Matrix above = z, below = z;
      above.row(i).array() += h;
      below.row(i).array() -= h;
      const Vector numeric = (value(above) - value(below)) / (2.0 * h);
      for (Index s = 0; s < n; ++s) {
        EXPECT_NEAR(grad(i, s) - 1.0, numeric(s), 1e-5 * (1.0 + grad.col(s).cwiseAbs().maxCoeff()))
            << size << ' ' << i << ' ' << s;
      }
    }
  }
}

TEST(Flow, IsFiniteAndInvertibleAtRandomParameters) {
  // Ten thousand flows, from nearly nothing to parameters that no fit reaches.
  Index inverted = 0, tried = 0;
  for (std::uint32_t which = 0; which < 10000; ++which) {
    const Index d = 1 + which % 6;
    const double size = std::pow(10.0, -2.0 + 4.0 * (which % 101) / 100.0);
    const Flow flow = random_flow(d, size, 1000 + which, which % 7 == 0 ? 1.0 : 10.0);
    const Matrix theta = flow.draw(address(6), 4);
    ASSERT_TRUE(theta.allFinite()) << which;
    ASSERT_TRUE(flow.log_density(theta).allFinite()) << which;
    Matrix z(d, 4);
    fill_normal(address(7), z);
    const Matrix at = flow.transform(z), back = flow.inverse(at);
    ASSERT_TRUE(back.allFinite()) << which;
    const Matrix again = flow.transform(back);
    for (Index s = 0; s < 4; ++s) {
      // How far rounding of theta, in each coordinate, moves the noise: what can be asked of the inverse.
      double moved = 0.0;
      for (Index i = 0; i < d; ++i) {
        const Vector near = at.col(s) + 1e-14 * at.col(s).norm() * Vector::Unit(d, i);
        moved = std::max(moved, (flow.inverse(near) - back.col(s)).cwiseAbs().maxCoeff());
      }
      ++tried;
      if (!(moved < 1e-10)) continue;
      ++inverted;
      EXPECT_LT((back.col(s) - z.col(s)).cwiseAbs().maxCoeff(), 1e-8) << which << ' ' << size;
      EXPECT_LT((again.col(s) - at.col(s)).cwiseAbs().maxCoeff(), 1e-6 * (1.0 + at.col(s).norm())) << which;
    }
  }
  EXPECT_GT(inverted, tried / 2) << tried;
}

TEST(Flow, SaysWhereADensityIsNot) {
  const Flow flow = random_flow(3, 0.3, 70);
  Matrix theta = Matrix::Zero(3, 5);
  theta(0, 1) = infinity;
  theta(2, 2) = -infinity;
  theta(1, 3) = std::nan("");
  theta.col(4).setConstant(1e100);  // far, but a number
  const Vector value = flow.log_density(theta);
  EXPECT_TRUE(std::isfinite(value(0)));
  for (const Index s : {1, 2, 3}) EXPECT_EQ(value(s), -infinity);
  EXPECT_TRUE(std::isfinite(value(4)));
  EXPECT_LT(value(4), -1000.0);
}

TEST(Flow, TreatsDrawsAlikeWhateverStandsBesideThem) {
  const Flow flow = random_flow(3, 0.3, 80);
  const Matrix theta = flow.draw(address(8), 700);
  Address later = address(8);
  later.draw = 600;
  EXPECT_LT((flow.draw(later, 100) - theta.rightCols(100)).cwiseAbs().maxCoeff(), 1e-12);
  EXPECT_LT((flow.log_density(theta.rightCols(1)) - flow.log_density(theta).tail(1)).norm(), 1e-12);
}

TEST(Flow, RefusesPartsThatDoNotFit) {
  const Affine base{.shift = Vector::Zero(2), .scale = Matrix::Identity(2, 2)};
  const std::vector<Flow::Conditional> good = Flow::identity(base, 10.0).conditionals();
  const auto fault = [&](std::vector<Index> order, std::vector<Flow::Conditional> conditionals, double nu,
                         double reach = Flow::usual_reach) {
    try {
      Flow(base, std::move(order), std::move(conditionals), nu, reach);
    } catch (const Error& error) {
      return error.fault();
    }
    return Fault::usage;
  };
  EXPECT_EQ(fault({0, 1}, good, 10.0), Fault::usage);
  EXPECT_EQ(fault({0, 0}, good, 10.0), Fault::bug);
  EXPECT_EQ(fault({0}, good, 10.0), Fault::bug);
  EXPECT_EQ(fault({0, 1}, good, 0.5), Fault::bug);
  EXPECT_EQ(fault({0, 1}, good, infinity), Fault::bug);
  EXPECT_EQ(fault({0, 1}, good, 10.0, 0.0), Fault::bug);
  EXPECT_EQ(fault({0, 1}, good, 10.0, infinity), Fault::bug);
  std::vector<Flow::Conditional> wrong = good;
  wrong[1].mean = Vector::Zero(3);
  EXPECT_EQ(fault({0, 1}, wrong, 10.0), Fault::bug);
  wrong = good;
  wrong[1].skew = std::nan("");
  EXPECT_EQ(fault({0, 1}, wrong, 10.0), Fault::numeric);
}

}  // namespace
}  // namespace vfe
