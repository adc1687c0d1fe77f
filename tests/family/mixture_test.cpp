// What a mixture adds to the property tests of all families (family_test.cpp).
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>

#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"
#include "vfe/family/family.hpp"

namespace vfe {
namespace {

Matrix normals(Index rows, Index cols, std::uint32_t which) {
  Matrix x(rows, cols);
  fill_normal(Address{.seed = 5, .purpose = Purpose::check, .step = which}, x);
  return x;
}

class MixtureOf : public testing::TestWithParam<const char*> {};

TEST_P(MixtureOf, DensityIsTheWeightedSum) {
  const Index d = 3, components = 4;
  const auto family = mixture(d, components, GetParam()), part = make_family(GetParam(), d, 1);
  const Index n = part->num_lambda();
  ASSERT_EQ(family->num_lambda(), components * (1 + n));
  const Vector lambda = 0.5 * normals(family->num_lambda(), 1, 0);
  const Vector odds = lambda.head(components).array().exp();
  EXPECT_LT((family->weights(lambda) - odds / odds.sum()).cwiseAbs().maxCoeff(), 1e-15);
  const Matrix theta = 2.0 * normals(d, 20, 1);
  Vector density = Vector::Zero(20), value(20);
  Matrix none(d, 0);
  for (Index k = 0; k < components; ++k) {
    part->log_density(lambda.segment(components + k * n, n), theta, value, none);
    density.array() += odds(k) / odds.sum() * value.array().exp();
  }
  family->log_density(lambda, theta, value, none);
  EXPECT_LT((value.array() - density.array().log()).abs().maxCoeff(), 1e-13);
}

TEST_P(MixtureOf, DrawsChooseTheirComponentByTheLastCoordinate) {
  const Index d = 2, components = 3, n = 10000;
  const auto family = mixture(d, components, GetParam()), part = make_family(GetParam(), d, 1);
  Vector lambda = family->init(Vector::Zero(d), 1.0);
  lambda.head(components) << std::log(0.2), std::log(0.7), std::log(0.1);
  Matrix noise = normals(d + 1, n, 1), theta(d, n), of_component(d, n);
  family->transform(lambda, noise, theta);
  const double share[] = {0.2, 0.7, 0.1};
  for (Index k = 0; k < components; ++k) {
    family->transform_component(k, lambda, noise, of_component);
    Index count = 0;
    for (Index s = 0; s < n; ++s) count += (theta.col(s) - of_component.col(s)).norm() < 1e-12;
    EXPECT_NEAR(static_cast<double>(count) / n, share[k], 0.015);
  }
  // From the lowest: the first component, then the others in their order.
  noise.row(d) << Eigen::RowVectorXd::LinSpaced(n, -3.0, 3.0);
  noise.topRows(d).setZero();
  family->transform(lambda, noise, theta);
  for (const auto& [s, k] : {std::pair<Index, Index>{0, 0}, {n / 2, 1}, {n - 1, 2}}) {
    family->transform_component(k, lambda, noise, of_component);
    EXPECT_LT((theta.col(s) - of_component.col(s)).norm(), 1e-15);
  }
}

TEST_P(MixtureOf, ComponentsStartApart) {
  for (const Index d : {1, 2, 6}) {
    for (const Index components : {2, 3, 7}) {
      const auto family = mixture(d, components, GetParam());
      const Vector lambda = family->init(Vector::Zero(d), 2.0);
      const Matrix centre = Matrix::Zero(d + 1, 1);
      std::vector<Vector> means;
      for (Index k = 0; k < components; ++k) {
        Matrix mean(d, 1);
        family->transform_component(k, lambda, centre, mean);
        for (const Vector& other : means) EXPECT_GT((mean - other).norm(), 0.1);
        means.push_back(mean);
      }
    }
  }
}

TEST_P(MixtureOf, AComponentWithoutWeightChangesNothing) {
  const Index d = 2;
  const auto one = mixture(d, 1, GetParam()), two = mixture(d, 2, GetParam());
  const Index n = one->num_lambda() - 1;
  const Vector lambda = one->init(Vector::Ones(d), 0.5);
  Vector padded(2 + 2 * n);
  padded << 0.0, -1000.0, lambda.tail(n), Vector::Constant(n, 50.0);
  const Matrix noise = normals(d + 1, 6, 3);
  Vector gradient = Vector::Zero(1 + n), gradient_padded = Vector::Zero(2 + 2 * n);
  const double entropy = one->entropy(lambda, noise, gradient).mean();
  EXPECT_NEAR(two->entropy(padded, noise, gradient_padded).mean(), entropy, 1e-14);
  EXPECT_LT((gradient_padded.segment(2, n) - gradient.tail(n)).norm(), 1e-13);
  EXPECT_EQ(gradient_padded.tail(n).norm(), 0.0);
}

INSTANTIATE_TEST_SUITE_P(All, MixtureOf, testing::Values("full_rank", "mean_field"),
                         [](const auto& at) { return std::string(at.param); });

TEST(Mixture, OneComponentHasTheNormalsEntropy) {
  // Whitened to second moments the draws' mean of -log q is exact.
  const Index d = 3;
  const auto family = mixture(d, 1, "full_rank"), normal = full_rank(d);
  Vector lambda = 0.3 * normals(family->num_lambda(), 1, 0);
  Matrix noise(d + 1, 2 * d);
  noise << std::sqrt(3.0) * Matrix::Identity(d, d), -std::sqrt(3.0) * Matrix::Identity(d, d),
      Matrix::Zero(1, 2 * d);
  Vector gradient = Vector::Zero(lambda.size()), expected = Vector::Zero(normal->num_lambda());
  const double value = family->entropy(lambda, noise, gradient).mean();
  EXPECT_NEAR(value, normal->entropy(lambda.tail(lambda.size() - 1), noise, expected)(0), 1e-13);
  EXPECT_LT((gradient.tail(expected.size()) - expected).norm(), 1e-12);
  EXPECT_NEAR(gradient(0), 0.0, 1e-15);
}

TEST(Mixture, UnknownComponentIsNamed) {
  EXPECT_THROW(mixture(2, 3, "low_rank"), Error);
  EXPECT_THROW(make_family({.type = "mixture", .components = 0}, 2), Error);
}

}  // namespace
}  // namespace vfe
