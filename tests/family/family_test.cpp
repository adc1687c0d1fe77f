// The property tests of a family, written once and run for all of them. (The fifth, zero path gradient at
// q = p, needs the objective and stands in tests/objective/free_energy_test.cpp.)
#include "vfe/family/family.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

struct Case {
  std::string name;
  Index d;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.name << c.d;
}

Matrix normals(Index rows, Index cols, std::uint32_t which) {
  Matrix x(rows, cols);
  fill_normal(Address{.seed = 7, .purpose = Purpose::check, .step = which}, x);
  return x;
}

/// Central differences of a scalar function of a vector.
template <class Function>
Vector differences(const Function& f, Vector x, double h = 1e-5) {
  Vector gradient(x.size());
  for (Index i = 0; i < x.size(); ++i) {
    const double at = x(i);
    x(i) = at + h;
    const double above = f(x);
    x(i) = at - h;
    gradient(i) = (above - f(x)) / (2.0 * h);
    x(i) = at;
  }
  return gradient;
}

void expect_close(const Vector& found, const Vector& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  const double scale = 1.0 + expected.cwiseAbs().maxCoeff();
  EXPECT_LT((found - expected).cwiseAbs().maxCoeff(), tolerance * scale);
}

/// Mean and standard error of a sample.
std::pair<double, double> mean_and_error(const Vector& x) {
  const double mean = x.mean(), n = static_cast<double>(x.size());
  return {mean, std::sqrt((x.array() - mean).square().sum() / (n - 1.0) / n)};
}

class FamilyProperty : public testing::TestWithParam<Case> {
 protected:
  Index d() const { return GetParam().d; }

  Vector random_lambda(std::uint32_t which) const {
    Vector lambda = normals(family_->num_lambda(), 1, which);
    // Means; log sds; the rest small, for a random triangular factor is exponentially bad in d.
    const double rest = 0.7 / std::sqrt(static_cast<double>(d()));
    bool past_mean = false;
    Index after = -1;  // numbers since the last mean
    for (Index i = 0; i < lambda.size(); ++i) {
      past_mean = past_mean || family_->location(i) >= 0;
      after = family_->location(i) >= 0 ? -1 : after + 1;
      if (!past_mean) continue;
      lambda(i) *= after < 0 ? 2.0 : after < d() ? 0.5 : rest;
    }
    return lambda;
  }

  double entropy(const Vector& lambda, const Matrix& noise) const {
    Vector none;
    return family_->entropy(lambda, noise, none).mean();
  }

  /// A single component, its noise not bent.
  bool is_normal() const { return family_->affine() && family_->num_components() == 1; }

  Matrix draws(const Vector& lambda, Index count, std::uint32_t which) const {
    Matrix theta(d(), count);
    family_->transform(lambda, normals(family_->num_noise(), count, which), theta);
    return theta;
  }

  Vector log_density(const Vector& lambda, const Matrix& theta) const {
    Vector value(theta.cols());
    Matrix none(d(), 0);
    family_->log_density(lambda, theta, value, none);
    return value;
  }

  /// d theta / d noise: transforms are affine in the noise.
  Matrix jacobian(const Vector& lambda) const {
    const Index n = family_->num_noise();
    Matrix columns(d(), n);
    family_->transform(lambda, Matrix::Identity(n, n), columns);
    return columns.colwise() - family_->mean(lambda);
  }

  /// The normal log density by dense algebra.
  static Vector dense_log_density(const Vector& mean, const Matrix& covariance, const Matrix& theta) {
    const Eigen::LLT<Matrix> cholesky(covariance);
    const Matrix z = cholesky.matrixL().solve(theta.colwise() - mean);
    const double constant = -0.5 * static_cast<double>(mean.size()) * std::log(2.0 * std::numbers::pi) -
                            cholesky.matrixLLT().diagonal().array().log().sum();
    return (constant - 0.5 * z.colwise().squaredNorm().array()).transpose();
  }

  std::unique_ptr<Family> family_ = make_family(GetParam().name, GetParam().d, 3);
};

TEST_P(FamilyProperty, PullBackIsTheTransposedDerivative) {
  const Vector lambda = random_lambda(0);
  const Matrix noise = normals(family_->num_noise(), 4, 1), weight = normals(d(), 4, 2);
  const auto weighted = [&](const Vector& at) {
    Matrix theta(d(), 4);
    family_->transform(at, noise, theta);
    return theta.cwiseProduct(weight).sum();
  };
  const Vector before = normals(lambda.size(), 1, 3);
  Vector gradient = before;
  family_->pull_back(lambda, noise, weight, gradient);
  expect_close(gradient - before, differences(weighted, lambda), 1e-8);
}

TEST_P(FamilyProperty, EntropyIsTheMeanOfMinusLogDensity) {
  const Vector lambda = random_lambda(0);
  const auto [mean, error] = mean_and_error(-log_density(lambda, draws(lambda, 10000, 1)));
  EXPECT_NEAR(mean, entropy(lambda, normals(family_->num_noise(), 10000, 4)), 5.0 * error);

  const Matrix noise = normals(family_->num_noise(), 7, 5);
  const Vector before = normals(lambda.size(), 1, 3);
  Vector gradient = before;
  family_->entropy(lambda, noise, gradient);
  const auto at_noise = [&](const Vector& at) { return entropy(at, noise); };
  expect_close(gradient - before, differences(at_noise, lambda), 1e-8);
}

TEST_P(FamilyProperty, AveragesOverComponentsAreAveragesOverDraws) {
  const Vector lambda = random_lambda(0), weight = family_->weights(lambda);
  ASSERT_EQ(weight.size(), family_->num_components());
  EXPECT_NEAR(weight.sum(), 1.0, 1e-14);
  const Index n = 20000;
  const Matrix noise = normals(family_->num_noise(), n, 1);
  const auto summary = [](const Matrix& theta) { return Vector(theta.colwise().sum().array().tanh()); };
  Vector by_component = Vector::Zero(n);
  for (Index k = 0; k < weight.size(); ++k) {
    Matrix theta(d(), n);
    family_->transform_component(k, lambda, noise, theta);
    by_component += weight(k) * summary(theta);
  }
  const auto [mean, error] = mean_and_error(by_component);
  const auto [of_draws, error_of_draws] = mean_and_error(summary(draws(lambda, n, 2)));
  EXPECT_NEAR(mean, of_draws, 5.0 * std::hypot(error, error_of_draws));

  const Vector before = normals(lambda.size(), 1, 3), grad_weight = normals(weight.size(), 1, 4);
  Vector gradient = before;
  family_->pull_back_weights(lambda, grad_weight, gradient);
  const auto weighted = [&](const Vector& at) { return grad_weight.dot(family_->weights(at)); };
  expect_close(gradient - before, differences(weighted, lambda), 1e-8);
  const Matrix few = noise.leftCols(4), grad_theta = normals(d(), 4, 5);
  for (Index k = 0; k < weight.size(); ++k) {
    const auto component = [&](const Vector& at) {
      Matrix theta(d(), 4);
      family_->transform_component(k, at, few, theta);
      return theta.cwiseProduct(grad_theta).sum();
    };
    gradient = before;
    family_->pull_back_component(k, lambda, few, grad_theta, gradient);
    expect_close(gradient - before, differences(component, lambda), 1e-8);
  }
}

TEST_P(FamilyProperty, DensityIsThatOfTheDraws) {
  if (!is_normal()) GTEST_SKIP() << "the family's own test";
  const Vector lambda = random_lambda(0);
  const Matrix spread = jacobian(lambda), covariance = spread * spread.transpose();
  const Vector mean = family_->mean(lambda);
  // Importance sampling from a normal 1.1 times as wide: the density integrates to 1.
  const Matrix wide = (1.1 * spread * normals(spread.cols(), 20000, 1)).colwise() + mean;
  const Vector log_weight = log_density(lambda, wide) - dense_log_density(mean, 1.21 * covariance, wide);
  const auto [integral, error] = mean_and_error(log_weight.array().exp());
  EXPECT_NEAR(integral, 1.0, 4.0 * error);
  EXPECT_LT(error, 0.02);
  // And it is the normal density of the draws' own covariance.
  const Matrix theta = wide.leftCols(50);
  expect_close(log_density(lambda, theta), dense_log_density(mean, covariance, theta), 1e-11);
}

TEST_P(FamilyProperty, DensityHasItsGradient) {
  const Vector lambda = random_lambda(0);
  const Matrix theta = draws(lambda, 3, 1), before = normals(d(), 3, 4);
  Matrix gradient = before;
  Vector value(3);
  family_->log_density(lambda, theta, value, gradient);
  EXPECT_EQ(value, log_density(lambda, theta));
  for (Index s = 0; s < 3; ++s) {
    const auto at = [&](const Vector& x) { return log_density(lambda, x)(0); };
    expect_close(gradient.col(s) - before.col(s), differences(at, theta.col(s)), 1e-7);
  }
}

TEST_P(FamilyProperty, InitIsRecovered) {
  const Vector mean = 3.0 * normals(d(), 1, 0);
  const double scale = 0.3;
  const Vector lambda = family_->init(mean, scale);
  ASSERT_EQ(lambda.size(), family_->num_lambda());
  expect_close(family_->mean(lambda), mean, 1e-15);
  expect_close(family_->standard_deviation(lambda), Vector::Constant(d(), scale), 1e-14);
  const Index n = 20000;
  const Matrix z = (draws(lambda, n, 1).colwise() - mean) / scale;
  const double root = std::sqrt(static_cast<double>(n));
  EXPECT_LT(z.rowwise().mean().cwiseAbs().maxCoeff(), 4.5 / root);
  const Matrix covariance = z * z.transpose() / static_cast<double>(n);
  EXPECT_LT((covariance.diagonal().array() - 1.0).abs().maxCoeff(), 4.5 * std::numbers::sqrt2 / root);
  const Matrix off_diagonal = covariance - Matrix(covariance.diagonal().asDiagonal());
  EXPECT_LT(off_diagonal.cwiseAbs().maxCoeff(), 5.0 / root);
}

TEST_P(FamilyProperty, MomentsAreThoseOfTheDraws) {
  const Vector lambda = random_lambda(0);
  if (is_normal()) {
    const Matrix spread = jacobian(lambda);
    Matrix centre(d(), 1);
    family_->transform(lambda, Matrix::Zero(family_->num_noise(), 1), centre);
    EXPECT_EQ(family_->mean(lambda), centre);
    expect_close(family_->standard_deviation(lambda), spread.rowwise().norm(), 1e-13);
  } else {
    const Matrix theta = draws(lambda, 20000, 1);
    const Vector mean = family_->mean(lambda), sd = family_->standard_deviation(lambda);
    for (Index i = 0; i < d(); ++i) {
      EXPECT_NEAR(mean_and_error(theta.row(i)).first, mean(i), 0.1 * sd(i));
      const double observed = std::sqrt((theta.row(i).array() - mean(i)).square().mean());
      EXPECT_NEAR(observed / sd(i), 1.0, 0.2);
    }
  }
}

TEST_P(FamilyProperty, PushForwardMovesTheDensity) {
  const Vector lambda = random_lambda(0);
  const Matrix u = draws(lambda, 6, 1);
  std::vector<Affine> maps = {{normals(d(), 1, 2), (0.5 * normals(d(), 1, 3)).array().exp().matrix()},
                              {normals(d(), 1, 2), normals(d(), 1, 3)}};  // of either sign
  if (family_->dense()) {
    Matrix scale = normals(d(), d(), 4) / std::sqrt(static_cast<double>(d()));
    scale.diagonal() = normals(d(), 1, 5).array().exp();
    maps.push_back({normals(d(), 1, 2), scale});
    scale.diagonal() *= -1.0;
    maps.push_back({normals(d(), 1, 2), scale});
  }
  for (const Affine& map : maps) {
    const Vector moved = family_->push_forward(lambda, map);
    if (family_->affine()) expect_close(family_->mean(moved), map.apply(family_->mean(lambda)), 1e-13);
    expect_close(log_density(moved, map.apply(u)), log_density(lambda, u).array() - map.log_det(), 1e-8);
  }
}

TEST_P(FamilyProperty, ExtremeScalesGiveNoNaN) {
  Matrix noise = normals(family_->num_noise(), 3, 1);
  noise(0, 0) = 0.0;
  for (const double log_sd : {-1e4, -800.0, -300.0, 300.0, 800.0, 1e4}) {
    Vector lambda = random_lambda(0);
    Index first = 0;  // log sds follow means
    while (family_->location(first) < 0) ++first;
    lambda.segment(first + d(), d()).setConstant(log_sd);
    if (d() > 1) lambda(first + d()) = 0.0;  // one coordinate far from the others
    Matrix theta(d(), 3);
    family_->transform(lambda, noise, theta);
    EXPECT_FALSE(theta.array().isNaN().any()) << log_sd;
    Vector none, value(3);
    Matrix gradient = Matrix::Zero(d(), 3);
    EXPECT_FALSE(family_->entropy(lambda, noise, none).array().isNaN().any()) << log_sd;
    for (const Matrix& at : {theta, Matrix(Matrix::Constant(d(), 3, 1e300)), Matrix(Matrix::Zero(d(), 3))}) {
      family_->log_density(lambda, at, value, gradient);
      EXPECT_FALSE(value.array().isNaN().any()) << log_sd;
      EXPECT_FALSE(gradient.array().isNaN().any()) << log_sd;
    }
  }
}

TEST_P(FamilyProperty, ThetaThatIsNotFiniteHasNoDensity) {
  const Vector lambda = random_lambda(0);
  Matrix theta = draws(lambda, 3, 1), gradient = Matrix::Zero(d(), 3);
  theta(0, 0) = infinity;
  theta(d() - 1, 1) = std::numeric_limits<double>::quiet_NaN();
  Vector value(3);
  family_->log_density(lambda, theta, value, gradient);
  EXPECT_EQ(value(0), -infinity);
  EXPECT_EQ(value(1), -infinity);
  EXPECT_TRUE(std::isfinite(value(2)));
  EXPECT_EQ(gradient.leftCols(2).cwiseAbs().maxCoeff(), 0.0);
  EXPECT_GT(gradient.col(2).cwiseAbs().maxCoeff(), 0.0);
}

/// Whatever lambda an optimiser may come to.
TEST_P(FamilyProperty, NoLambdaGivesNaN) {
  if (d() == 5 || d() > 7) GTEST_SKIP() << "three dimensions are enough";
  const Matrix noise = normals(family_->num_noise(), 3, 1), grad_theta = normals(d(), 3, 2);
  const auto no_nan = [](const Matrix& x) { return !x.array().isNaN().any(); };
  for (std::uint32_t trial = 0; trial < 10000; ++trial) {
    const Address at{.seed = 3, .purpose = Purpose::check, .step = trial};
    Vector lambda(family_->num_lambda());
    fill_normal(at, lambda);
    lambda *= std::pow(10.0, 4.0 * uniform(at, 100000) - 1.0);  // scales from 0.1 to 1,000
    if (trial % 10 == 0) lambda(static_cast<Index>(trial / 10) % lambda.size()) *= 1e10;
    Matrix theta(d(), 3), gradient = Matrix::Zero(d(), 3);
    Vector value(3), none, grad_lambda = Vector::Zero(lambda.size());
    family_->transform(lambda, noise, theta);
    ASSERT_TRUE(no_nan(theta)) << trial;
    family_->log_density(lambda, theta, value, gradient);
    ASSERT_TRUE(no_nan(value) && no_nan(gradient)) << trial;
    family_->log_density(lambda, 3.0 * noise.topRows(d()), value, gradient);
    ASSERT_TRUE(no_nan(value) && no_nan(gradient)) << trial;
    ASSERT_TRUE(no_nan(family_->entropy(lambda, noise, none))) << trial;
    family_->pull_back(lambda, noise, grad_theta, grad_lambda);
    ASSERT_TRUE(no_nan(grad_lambda)) << trial;
    for (Index k = 0; k < family_->num_components(); ++k) {
      family_->transform_component(k, lambda, noise, theta);
      grad_lambda.setZero();
      family_->pull_back_component(k, lambda, noise, grad_theta, grad_lambda);
      ASSERT_TRUE(no_nan(theta) && no_nan(grad_lambda)) << trial;
    }
    grad_lambda.setZero();
    family_->entropy(lambda, noise, grad_lambda);
    ASSERT_TRUE(no_nan(grad_lambda)) << trial;
  }
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const FamilyKind& kind : family_kinds()) {
    for (const Index d : {1, 2, 5, 7, 40}) cases.push_back({kind.name, d});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(All, FamilyProperty, testing::ValuesIn(all_cases()),
                         [](const auto& at) { return at.param.name + std::to_string(at.param.d); });

TEST(Family, SizesAreThoseOfTheParameters) {
  EXPECT_EQ(make_family("mean_field", 6, 2)->num_lambda(), 12);
  EXPECT_EQ(make_family("low_rank", 6, 2)->num_lambda(), 24);
  EXPECT_EQ(make_family("low_rank", 6, 2)->num_noise(), 8);
  EXPECT_EQ(make_family("full_rank", 6, 2)->num_lambda(), 27);
  for (const FamilyKind& kind : family_kinds()) {
    const std::string& name = kind.name;
    EXPECT_EQ(make_family(name, 6, 2)->name(), name);
    EXPECT_EQ(make_family(name, 6, 2)->size(), 6);
  }
}

TEST(Family, RankAboveTheDimensionIsTheDimension) {
  EXPECT_EQ(make_family("low_rank", 2, 5)->num_noise(), 4);
}

TEST(Family, BadConfigIsNamed) {
  for (const auto& [name, rank] : {std::pair{"full-rank", 1}, std::pair{"low_rank", 0}}) {
    try {
      make_family(name, 3, rank);
      FAIL() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::config);
      EXPECT_NE(std::string(error.what()).find("[family]"), std::string::npos);
    }
  }
}

TEST(Family, DenseMapIsRefusedUnlessDense) {
  const Affine map{Vector::Zero(3), Matrix::Identity(3, 3)};
  for (const FamilyKind& kind : family_kinds()) {
    const std::string& name = kind.name;
    const auto family = make_family(name, 3, 1);
    const Vector lambda = family->init(Vector::Zero(3), 1.0);
    if (family->dense()) {
      EXPECT_EQ(family->push_forward(lambda, map), lambda);
      continue;
    }
    try {
      family->push_forward(lambda, map);
      FAIL() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::bug);
    }
  }
}

TEST(Family, FullRankLambdaIsMeanLogDiagonalLowerByColumns) {
  Vector lambda(9);
  lambda << 1, 2, 3, std::log(4.0), std::log(5.0), std::log(6.0), 7, 8, 9;
  Matrix theta(3, 3);
  full_rank(3)->transform(lambda, Matrix::Identity(3, 3), theta);
  Matrix expected(3, 3);
  expected << 4, 0, 0, 7, 5, 0, 8, 9, 6;
  expected.colwise() += Vector{{1, 2, 3}};
  EXPECT_LT((theta - expected).cwiseAbs().maxCoeff(), 1e-14);
}

TEST(Family, LowRankStartIsNoSaddle) {
  // The gradient of the free energy in the factor is even in it: at the start it must not vanish.
  const auto family = low_rank(5, 2);
  const Vector lambda = family->init(Vector::Zero(5), 1.0);
  Vector gradient = Vector::Zero(lambda.size());
  family->entropy(lambda, Matrix::Zero(7, 1), gradient);
  EXPECT_GT(gradient.tail(10).cwiseAbs().minCoeff(), 0.0);
  EXPECT_EQ(lambda, family->init(Vector::Zero(5), 1.0));
}

TEST(NormalMap, IsWhatTheFamilyDrawsWith) {
  for (const char* name : {"mean_field", "full_rank"}) {
    for (const Index d : {1, 2, 4}) {
      const auto family = make_family(name, d, 1);
      Vector lambda = family->init(Vector::LinSpaced(d, 1.0, 2.0), 0.7);
      lambda.tail(lambda.size() - d).array() += Vector::LinSpaced(lambda.size() - d, -0.5, 0.5).array();
      const Affine map = normal_map(lambda, d);
      Matrix noise(d, 3), theta(d, 3);
      fill_normal(Address{.seed = 1, .purpose = Purpose::check}, noise);
      family->transform(lambda, noise, theta);
      EXPECT_LT((map.apply(noise) - theta).cwiseAbs().maxCoeff(), 1e-14) << name << d;
      EXPECT_LT((normal_lambda(map) - lambda).cwiseAbs().maxCoeff(), 1e-14) << name << d;
    }
  }
  EXPECT_THROW(normal_map(Vector::Zero(7), 3), Error);
}

}  // namespace
}  // namespace vfe
