#include "vfe/objective/free_energy.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>

#include "infer/toys.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

Matrix normals(Index rows, Index cols, std::uint32_t which) {
  Matrix x(rows, cols);
  fill_normal(Address{.seed = 11, .purpose = Purpose::check, .step = which}, x);
  return x;
}

/// A density as a model, and the target over it.
struct Density : toys::Toy {
  Density(Index d, LogDensity function)
      : Toy(d, 1, [function = std::move(function)](Index, ConstVec theta, Vec grad) {
          return function(theta, grad);
        }) {}
};

/// Skewed, with light tails and coupled coordinates: sum of a_i'theta - exp(a_i'theta), and a normal.
std::unique_ptr<Density> skewed(Index d) {
  const Matrix a = 0.4 * normals(d, d, 90);
  return std::make_unique<Density>(d, [a](ConstVec theta, Vec grad) {
    const Vector eta = a * theta;
    grad += a.transpose() * (1.0 - eta.array().exp()).matrix() - 0.2 * theta;
    return (eta.array() - eta.array().exp()).sum() - 0.1 * theta.squaredNorm();
  });
}

struct Normal {
  Vector mean;
  Matrix factor;  // lower triangle; covariance = factor factor'
  double log_evidence;

  Matrix covariance() const { return factor * factor.transpose(); }
  double half_log_det() const { return factor.diagonal().array().log().sum(); }
  std::unique_ptr<Density> density() const {
    const double constant = log_evidence - half_log_det() -
                            0.5 * static_cast<double>(mean.size()) * std::log(2.0 * std::numbers::pi);
    return std::make_unique<Density>(mean.size(), [*this, constant](ConstVec theta, Vec grad) {
      const Vector z = factor.triangularView<Eigen::Lower>().solve(theta - mean);
      grad -= factor.triangularView<Eigen::Lower>().transpose().solve(z);
      return constant - 0.5 * z.squaredNorm();
    });
  }
};

Normal random_normal(Index d, std::uint32_t which) {
  Matrix factor = Matrix(normals(d, d, which).triangularView<Eigen::StrictlyLower>()) * 0.5;
  factor.diagonal() = (0.4 * normals(d, 1, which + 1)).array().exp();
  return {normals(d, 1, which + 2), factor, -12.5};
}

/// KL(q || p) of normals with dense covariances [nats].
double kullback_leibler(const Vector& mean, const Matrix& covariance, const Normal& p) {
  const Eigen::LLT<Matrix> q(covariance), other(p.covariance());
  const Vector difference = p.mean - mean;
  return 0.5 * (other.solve(covariance).trace() + difference.dot(other.solve(difference)) -
                static_cast<double>(mean.size())) +
         p.half_log_det() - q.matrixLLT().diagonal().array().log().sum();
}

class FreeEnergyOf : public testing::TestWithParam<std::string> {
 protected:
  static constexpr Index d_ = 4;

  Vector random_lambda(std::uint32_t which) const {
    Vector lambda = 0.3 * normals(family_->num_lambda(), 1, which);
    return lambda;
  }

  Matrix covariance(const Vector& lambda) const {
    const Index n = family_->num_noise();
    Matrix columns(d_, n);
    family_->transform(lambda, Matrix::Identity(n, n), columns);
    columns.colwise() -= family_->mean(lambda);
    return columns * columns.transpose();
  }

  /// A map that the family is closed under.
  Affine random_map(std::uint32_t which) const {
    Affine map{normals(d_, 1, which), (0.5 * normals(d_, 1, which + 1)).array().exp().matrix()};
    if (family_->dense()) {
      const Matrix lower = normals(d_, d_, which + 2).triangularView<Eigen::StrictlyLower>();
      map.scale = lower + Matrix(map.scale.col(0).asDiagonal());
    }
    return map;
  }

  bool is_normal() const { return family_->affine() && family_->num_components() == 1; }

  Affine identity() const { return {Vector::Zero(d_), Vector::Ones(d_)}; }

  std::unique_ptr<Family> family_ = make_family(GetParam(), d_, 2);
};

TEST_P(FreeEnergyOf, GradientIsTheDerivativeAtFixedNoise) {
  const auto density = skewed(d_);
  const Affine map{normals(d_, 1, 0), Matrix(normals(d_, d_, 1).triangularView<Eigen::Lower>())};
  const FreeEnergy closed(density->target, *family_, map, Gradient::closed_entropy);
  const Matrix noise = normals(family_->num_noise(), 7, 2);
  Vector lambda = random_lambda(3);
  const Estimate estimate = closed.estimate(lambda, noise);
  ASSERT_EQ(estimate.non_finite, 0);
  for (Index i = 0; i < lambda.size(); ++i) {
    const double at = lambda(i), h = 1e-5;
    lambda(i) = at + h;
    const double above = closed.estimate(lambda, noise).value;
    lambda(i) = at - h;
    const double below = closed.estimate(lambda, noise).value;
    lambda(i) = at;
    EXPECT_NEAR(estimate.grad(i), (above - below) / (2.0 * h), 1e-7 * (1.0 + estimate.grad.norm())) << i;
  }
}

TEST_P(FreeEnergyOf, KindsOfGradientAgreeOnWhitenedNoise) {
  if (!is_normal()) GTEST_SKIP() << "of normals";
  // The score of a normal is linear in the first two sample moments of the noise, which are exact there.
  const auto density = skewed(d_);
  const Affine map{normals(d_, 1, 0), Matrix(normals(d_, d_, 1).triangularView<Eigen::Lower>())};
  const Matrix noise = whitened_noise(family_->num_noise(), 32, 5);
  const Vector lambda = random_lambda(3);
  const Estimate closed =
      FreeEnergy(density->target, *family_, map, Gradient::closed_entropy).estimate(lambda, noise);
  const Estimate path = FreeEnergy(density->target, *family_, map, Gradient::path).estimate(lambda, noise);
  EXPECT_NEAR(closed.value, path.value, 1e-11 * std::abs(closed.value));
  EXPECT_LT((closed.grad - path.grad).norm(), 1e-11 * closed.grad.norm());
  EXPECT_EQ(closed.log_joint, path.log_joint);
}

TEST_P(FreeEnergyOf, KindsOfGradientAgreeInExpectation) {
  const auto density = skewed(d_);
  const Vector lambda = random_lambda(3);
  const FreeEnergy closed(density->target, *family_, identity(), Gradient::closed_entropy);
  const FreeEnergy path(density->target, *family_, identity(), Gradient::path);
  // Differences over independent batches have mean zero.
  const Index batches = 400;
  Matrix difference(lambda.size() + 1, batches);
  for (Index b = 0; b < batches; ++b) {
    const Matrix noise = normals(family_->num_noise(), 8, 1000 + static_cast<std::uint32_t>(b));
    const Estimate one = closed.estimate(lambda, noise), other = path.estimate(lambda, noise);
    difference.col(b) << one.grad - other.grad, one.value - other.value;
  }
  const Vector mean = difference.rowwise().mean();
  const Vector error =
      ((difference.colwise() - mean).rowwise().squaredNorm() / static_cast<double>(batches * (batches - 1)))
          .array()
          .sqrt();
  for (Index i = 0; i < mean.size(); ++i) EXPECT_LT(std::abs(mean(i)), 4.0 * error(i) + 1e-12) << i;
  EXPECT_GT(error.maxCoeff(), 1e-4);  // they do differ from batch to batch
}

TEST_P(FreeEnergyOf, NormalTargetGivesTheKullbackLeiblerDivergence) {
  if (!is_normal()) GTEST_SKIP() << "of normals";
  const Normal posterior = random_normal(d_, 20);
  const auto density = posterior.density();
  const Vector lambda = random_lambda(3);
  const double expected =
      kullback_leibler(family_->mean(lambda), covariance(lambda), posterior) - posterior.log_evidence;
  for (const Gradient gradient : {Gradient::closed_entropy, Gradient::path}) {
    const FreeEnergy objective(density->target, *family_, identity(), gradient);
    // Exact on whitened noise: the integrand is quadratic.
    EXPECT_NEAR(objective.estimate(lambda, whitened_noise(family_->num_noise(), 16, 1)).value, expected,
                1e-11);
    const Estimate plain = objective.estimate(lambda, normals(family_->num_noise(), 4000, 2));
    EXPECT_NEAR(plain.value, expected, 4.0 * plain.std_error);
  }
}

TEST_P(FreeEnergyOf, DoesNotDependOnTheMap) {
  const auto density = skewed(d_);
  const Vector lambda = random_lambda(3);
  const Affine map = random_map(30);
  const Vector moved = family_->push_forward(lambda, map);
  const Matrix noise = normals(family_->num_noise(), 6, 2);
  for (const Gradient gradient : {Gradient::closed_entropy, Gradient::path}) {
    const Estimate whitened = FreeEnergy(density->target, *family_, map, gradient).estimate(lambda, noise);
    const Estimate native =
        FreeEnergy(density->target, *family_, identity(), gradient).estimate(moved, noise);
    EXPECT_NEAR(whitened.value, native.value, 1e-10 * std::abs(native.value));
    EXPECT_NEAR(whitened.std_error, native.std_error, 1e-10 * native.std_error);
  }
}

TEST_P(FreeEnergyOf, PathGradientIsZeroWhereQIsThePosterior) {
  for (const Index d : {1, 2, 5, 40}) {
    const auto family = make_family(GetParam(), d, 2);
    Vector lambda = 0.3 * normals(family->num_lambda(), 1, 3);
    lambda.tail(lambda.size() - 2 * d) /= std::sqrt(static_cast<double>(d));
    const Affine map{normals(d, 1, 30), (0.5 * normals(d, 1, 31)).array().exp().matrix()};
    const Vector posterior = family->push_forward(lambda, map);
    const double log_evidence = 3.25;
    Density density(d, [&](ConstVec theta, Vec grad) {
      Vector value(1);
      Matrix gradient = Matrix::Zero(d, 1);
      family->log_density(posterior, theta, value, gradient);
      grad += gradient.col(0);
      return value(0) + log_evidence;
    });
    const FreeEnergy path(density.target, *family, map, Gradient::path);
    for (std::uint32_t which = 0; which < 5; ++which) {
      const Estimate estimate = path.estimate(lambda, normals(family->num_noise(), 6, 40 + which));
      EXPECT_LT(estimate.grad.cwiseAbs().maxCoeff(), 1e-11) << "d = " << d;
      EXPECT_NEAR(estimate.value, -log_evidence, 1e-11) << "d = " << d;
      EXPECT_LT(estimate.std_error, 1e-11) << "d = " << d;
    }
    // On any draws closed entropy has noise there, unless they are whitened.
    const FreeEnergy closed(density.target, *family, map, Gradient::closed_entropy);
    EXPECT_GT(closed.estimate(lambda, normals(family->num_noise(), 6, 40)).grad.norm(), 1e-3);
    if (!is_normal()) continue;
    const Matrix noise = whitened_noise(family->num_noise(), 2 * family->num_noise() + 8, 1);
    const Estimate estimate = closed.estimate(lambda, noise);
    EXPECT_LT(estimate.grad.cwiseAbs().maxCoeff(), 1e-10) << "d = " << d;
    EXPECT_NEAR(estimate.value, -log_evidence, 1e-10) << "d = " << d;
    // It is the minimum: any other lambda has a larger free energy.
    for (std::uint32_t which = 0; which < 5; ++which) {
      const Vector elsewhere = lambda + 0.1 * normals(lambda.size(), 1, 50 + which);
      EXPECT_GT(closed.estimate(elsewhere, noise).value, estimate.value);
    }
  }
}

TEST_P(FreeEnergyOf, StandardErrorIsThatOverSeeds) {
  const auto density = skewed(d_);
  const Vector lambda = random_lambda(3);
  const Index seeds = 600, half = 16;
  for (const Gradient gradient : {Gradient::closed_entropy, Gradient::path}) {
    const FreeEnergy objective(density->target, *family_, identity(), gradient);
    for (const bool antithetic : {false, true}) {
      Vector value(seeds), variance(seeds);
      for (Index seed = 0; seed < seeds; ++seed) {
        Matrix noise = normals(family_->num_noise(), 2 * half, 1000 + static_cast<std::uint32_t>(seed));
        if (antithetic) noise.rightCols(half) = -noise.leftCols(half);
        const Estimate estimate = objective.estimate(lambda, noise);
        value(seed) = estimate.value;
        variance(seed) = estimate.std_error * estimate.std_error;
      }
      const double observed = (value.array() - value.mean()).square().sum() / static_cast<double>(seeds - 1);
      // The ratio's own error is about sqrt((2 + excess kurtosis) / seeds).
      EXPECT_NEAR(observed / variance.mean(), 1.0, 0.25) << "antithetic: " << antithetic;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, FreeEnergyOf,
                         testing::Values("mean_field", "low_rank", "full_rank", "mixture", "flow",
                                         "coupling"),
                         [](const auto& at) { return at.param; });

TEST(FreeEnergy, DrawThatIsNotFiniteRollsBackAll) {
  // Outside the half space theta_0 < 1 the density is not a number, or zero.
  for (const double outside : {std::numeric_limits<double>::quiet_NaN(), -infinity}) {
    Density density(2, [&](ConstVec theta, Vec grad) {
      grad -= theta;
      return theta(0) < 1.0 ? -0.5 * theta.squaredNorm() : outside;
    });
    const auto family = mean_field(2);
    Matrix noise = Matrix::Zero(2, 4);
    noise(0, 1) = 2.0;
    noise(0, 3) = 3.0;
    for (const Gradient gradient : {Gradient::closed_entropy, Gradient::path}) {
      const FreeEnergy objective(density.target, *family, {Vector::Zero(2), Vector::Ones(2)}, gradient);
      const Estimate estimate = objective.estimate(Vector::Zero(4), noise);
      EXPECT_EQ(estimate.non_finite, 2);
      EXPECT_EQ(estimate.value, infinity);
      EXPECT_EQ(estimate.log_joint, -infinity);
      EXPECT_EQ(estimate.grad, Vector::Zero(4));
      EXPECT_EQ(objective.estimate(Vector::Zero(4), Matrix::Zero(2, 4)).non_finite, 0);
    }
  }
}

TEST(FreeEnergy, ExtremeLambdaIsInfiniteNotNaN) {
  const auto density = skewed(2);
  const Matrix noise = whitened_noise(4, 8, 1);
  for (const char* name : {"mean_field", "low_rank", "full_rank", "flow", "coupling"}) {
    const auto family = make_family(name, 2, 2);
    for (const double bad : {1e4, 400.0, std::numeric_limits<double>::quiet_NaN(), infinity}) {
      Vector lambda = family->init(Vector::Zero(2), 1.0);
      lambda(2) = bad;
      for (const Gradient gradient : {Gradient::closed_entropy, Gradient::path}) {
        const FreeEnergy objective(density->target, *family, {Vector::Zero(2), Vector::Ones(2)}, gradient);
        const Estimate estimate = objective.estimate(lambda, noise.topRows(family->num_noise()));
        EXPECT_EQ(estimate.value, infinity) << name << " " << bad;
        EXPECT_EQ(estimate.grad, Vector::Zero(lambda.size())) << name << " " << bad;
      }
    }
  }
}

TEST(FreeEnergy, StandardErrorNeedsTwoPairs) {
  const auto density = skewed(2);
  const auto family = mean_field(2);
  const FreeEnergy objective(density->target, *family, {Vector::Zero(2), Vector::Ones(2)}, Gradient::path);
  const Vector lambda = family->init(Vector::Zero(2), 1.0);
  for (const Index draws : {1, 2})
    EXPECT_EQ(objective.estimate(lambda, normals(2, draws, 1)).std_error, infinity);
  for (const Index draws : {3, 4})
    EXPECT_LT(objective.estimate(lambda, normals(2, draws, 1)).std_error, infinity);
}

TEST(FreeEnergy, SizesMustAgree) {
  const auto density = skewed(2);
  const auto family = mean_field(2), larger = mean_field(3);
  const Affine map{Vector::Zero(2), Vector::Ones(2)};
  EXPECT_THROW(FreeEnergy(density->target, *larger, map, Gradient::path), Error);
  EXPECT_THROW(FreeEnergy(density->target, *family, {Vector::Zero(3), Vector::Ones(3)}, Gradient::path),
               Error);
  EXPECT_THROW(FreeEnergy(density->target, *family, {Vector::Zero(2), Matrix::Ones(2, 3)}, Gradient::path),
               Error);
}

TEST(WhitenedNoise, MomentsAreExact) {
  for (const auto& [n, draws] : {std::pair<Index, Index>{1, 2}, {3, 6}, {5, 32}, {40, 160}, {300, 600}}) {
    const Matrix noise = whitened_noise(n, draws, 3);
    ASSERT_EQ(noise.rows(), n);
    ASSERT_EQ(noise.cols(), draws);
    EXPECT_EQ(noise.leftCols(draws / 2), -noise.rightCols(draws / 2));
    const Matrix covariance = noise * noise.transpose() / static_cast<double>(draws);
    EXPECT_LT((covariance - Matrix::Identity(n, n)).cwiseAbs().maxCoeff(), 1e-13) << n;
  }
}

TEST(WhitenedNoise, FewDrawsAreScaledByCoordinate) {
  const Matrix noise = whitened_noise(10, 8, 3);
  EXPECT_EQ(noise.leftCols(4), -noise.rightCols(4));
  EXPECT_LT(((noise.rowwise().squaredNorm() / 8.0).array() - 1.0).abs().maxCoeff(), 1e-14);
}

TEST(WhitenedNoise, IsAFunctionOfTheSeed) {
  EXPECT_EQ(whitened_noise(4, 16, 1), whitened_noise(4, 16, 1));
  EXPECT_NE(whitened_noise(4, 16, 1), whitened_noise(4, 16, 2));
}

TEST(WhitenedNoise, OddNumbersAreRefused) {
  EXPECT_THROW(whitened_noise(4, 7, 1), Error);
  EXPECT_THROW(whitened_noise(4, 0, 1), Error);
}

}  // namespace
}  // namespace vfe
