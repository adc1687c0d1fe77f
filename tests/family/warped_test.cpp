// What families of a bent noise (flow, coupling) add to the property tests of all (family_test.cpp).
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <numbers>

#include "vfe/core/random.hpp"
#include "vfe/family/family.hpp"
#include "vfe/family/flow.hpp"

namespace vfe {
namespace {

Matrix normals(Index rows, Index cols, std::uint32_t which) {
  Matrix x(rows, cols);
  fill_normal(Address{.seed = 5, .purpose = Purpose::check, .step = which}, x);
  return x;
}

class WarpedBy : public testing::TestWithParam<const char*> {
 protected:
  static Vector random_lambda(const Family& family, std::uint32_t which) {
    return family.init(normals(family.size(), 1, which), 0.8) +
           0.3 / std::sqrt(static_cast<double>(family.size())) * normals(family.num_lambda(), 1, which + 1);
  }
};

TEST_P(WarpedBy, DensityIsThatOfTheNoiseOverTheJacobian) {
  for (const Index d : {1, 2, 3, 6}) {
    const auto family = make_family(GetParam(), d, 2);
    const Vector lambda = random_lambda(*family, 0);
    const Matrix noise = normals(d, 20, 3);
    Matrix theta(d, 20), none(d, 0);
    Vector value(20), no_gradient;
    family->transform(lambda, noise, theta);
    family->log_density(lambda, theta, value, none);
    const Vector entropy = family->entropy(lambda, noise, no_gradient);
    const double h = 1e-5;
    for (Index s = 0; s < 20; ++s) {
      Matrix above(d, d), below(d, d), jacobian(d, d);
      const Matrix at = noise.col(s).replicate(1, d);
      family->transform(lambda, at + h * Matrix::Identity(d, d), above);
      family->transform(lambda, at - h * Matrix::Identity(d, d), below);
      jacobian = (above - below) / (2.0 * h);
      const double log_det = std::log(std::abs(jacobian.determinant()));
      const double constant = 0.5 * static_cast<double>(d) * std::log(2.0 * std::numbers::pi);
      EXPECT_NEAR(value(s), -constant - 0.5 * noise.col(s).squaredNorm() - log_det, 1e-7) << d;
      EXPECT_NEAR(entropy(s), constant + 0.5 * static_cast<double>(d) + log_det, 1e-7) << d;
    }
  }
}

TEST_P(WarpedBy, StartsAsTheNormalItself) {
  const Index d = 5;
  const auto family = make_family(GetParam(), d, 2);
  const Vector mean = normals(d, 1, 0);
  const Matrix noise = normals(d, 8, 1);
  Matrix theta(d, 8);
  family->transform(family->init(mean, 0.3), noise, theta);
  EXPECT_LT((theta - ((0.3 * noise).colwise() + mean)).cwiseAbs().maxCoeff(), 1e-14);
}

TEST_P(WarpedBy, NoGroupOfCoefficientsStartsAtASaddle) {
  // One step along a gradient, and every coefficient moves.
  const Index d = 4;
  const auto family = make_family(GetParam(), d, 2);
  Vector lambda = family->init(Vector::Zero(d), 1.0);
  const Matrix noise = normals(d, 8, 1), grad_theta = normals(d, 8, 2);
  for (int step = 0; step < 2; ++step) {
    Vector gradient = Vector::Zero(lambda.size());
    family->pull_back(lambda, noise, grad_theta, gradient);
    lambda += 0.01 * gradient;
    if (step == 1) {
      EXPECT_GT(gradient.cwiseAbs().minCoeff(), 0.0);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, WarpedBy, testing::Values("flow", "coupling"),
                         [](const auto& at) { return std::string(at.param); });

TEST(FlowFamily, IsTheFlowOfItsConditionals) {
  const Index d = 4;
  const auto family = flow(d);
  const Index n = full_rank(d)->num_lambda();
  const Vector lambda = 0.4 * normals(family->num_lambda(), 1, 0), shape = lambda.tail(lambda.size() - n);
  ASSERT_EQ(family->num_lambda(), d * (d + 3));
  std::vector<Index> order;
  std::vector<Flow::Conditional> conditionals;
  Index next = 2 * d;
  for (Index i = 0; i < d; ++i) {
    order.push_back(i);
    Flow::Conditional c{.mean = Vector::Zero(i + 1), .log_scale = Vector::Zero(i + 1)};
    c.skew = shape(i);
    c.log_tail = shape(d + i);
    c.log_scale.tail(i) = shape.segment(next, i);
    next += i;
    conditionals.push_back(c);
  }
  const Flow expected(normal_map(lambda.head(n), d), order, conditionals, 7.0);
  const Matrix noise = normals(d, 10, 2);
  Matrix theta(d, 10);
  family->transform(lambda, noise, theta);
  EXPECT_LT((theta - expected.transform(noise)).cwiseAbs().maxCoeff(), 1e-12);
}

TEST(Coupling, HasNoMoreParametersThanItSays) {
  EXPECT_EQ(coupling(1, 3)->num_lambda(), 2);
  // Four layers of units (given + 1 + 3 moved), halves of 50.
  EXPECT_EQ(coupling(100, 5)->num_lambda(), 200 + 4 * 5 * (50 + 1 + 150));
}

}  // namespace
}  // namespace vfe
