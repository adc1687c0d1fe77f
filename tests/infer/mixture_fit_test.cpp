#include "vfe/infer/mixture_fit.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/core/state.hpp"

namespace vfe {
namespace {

Address address(std::uint32_t step) {
  return {.seed = 15, .purpose = Purpose::check, .step = step};
}

Affine ball(Index d, double centre, double scale) {
  return {.shift = Vector::Constant(d, centre), .scale = scale * Matrix::Identity(d, d)};
}

Proposal two_modes(Index d, double nu) {
  Proposal p;
  p.add(0.7, Student{ball(d, -3.0, 1.0), nu});
  p.add(0.3, Student{ball(d, 4.0, 0.5), nu});
  return p;
}

TEST(MixtureFit, FindsTheComponentsThatMadeTheDraws) {
  const Proposal truth = two_modes(3, 5.0);
  const Index n = 8000;
  const Matrix theta = truth.draw(address(0), n), fresh = truth.draw(address(1), n);
  const MixtureFit fit = fit_mixture(theta, Vector::Zero(n), ball(3, 0.0, 3.0), {.components = 2});
  ASSERT_EQ(fit.mixture.num_components(), 2);
  const Index heavy = fit.mixture.weight(0) > 0.5 ? 0 : 1;
  const auto& first = std::get<Student>(fit.mixture.component(heavy));
  const auto& second = std::get<Student>(fit.mixture.component(1 - heavy));
  EXPECT_NEAR(fit.mixture.weight(heavy), 0.7, 0.01);
  EXPECT_LT((first.base.shift.array() + 3.0).abs().maxCoeff(), 0.06);
  EXPECT_LT((second.base.shift.array() - 4.0).abs().maxCoeff(), 0.06);
  EXPECT_LT((first.base.scale * first.base.scale.transpose() - Matrix::Identity(3, 3)).norm(), 0.15);
  EXPECT_EQ(first.nu, 5.0);
  EXPECT_LT((truth.log_density(fresh) - fit.mixture.log_density(fresh)).mean(), 0.01);
  EXPECT_NEAR(fit.log_density, fit.mixture.log_density(theta).mean(), 1e-9);
}

TEST(MixtureFit, WeightsCountAsDrawsWould) {
  const Proposal truth = two_modes(2, infinity);
  const Index n = 16000;
  Proposal wide;
  wide.add(1.0, Student{ball(2, 0.0, 4.0), 4.0});
  const Matrix theta = wide.draw(address(2), n);
  const Vector log_weight = truth.log_density(theta) - wide.log_density(theta);
  const MixtureFit fit = fit_mixture(theta, log_weight.array() - 500.0, ball(2, 0.0, 4.0));
  const Matrix fresh = fit.mixture.draw(address(3), n);
  const Vector weight =
      (truth.log_density(fresh) - fit.mixture.stratified(n).log_density(fresh)).array().exp();
  EXPECT_NEAR(weight.mean(), 1.0, 0.03);
  EXPECT_GT(weight.sum() * weight.sum() / weight.squaredNorm(), 0.75 * static_cast<double>(n));
}

TEST(MixtureFit, LikelihoodGrowsWithIterationsAndDependsOnTheAddressAlone) {
  const Proposal truth = two_modes(4, 5.0);
  const Matrix theta = truth.draw(address(4), 1000);
  const Vector none = Vector::Zero(1000);
  double before = -infinity;
  for (const Index iterations : {0, 1, 2, 5, 20}) {
    const MixtureFit fit = fit_mixture(theta, none, ball(4, 0.0, 1.0),
                                       {.components = 2, .max_iterations = iterations, .tolerance = 0.0});
    EXPECT_GE(fit.log_density, before - 1e-9) << iterations;
    before = fit.log_density;
  }
  const auto bits = [&](std::uint32_t step) {
    return hash(
        fit_mixture(theta, none, ball(4, 0.0, 1.0), {.max_iterations = 1, .step = step}).mixture.pack());
  };
  EXPECT_EQ(bits(0), bits(0));
  EXPECT_NE(bits(0), bits(1));
}

TEST(MixtureFit, DoesNotDependOnTheCoordinatesOfTheBase) {
  // But for the small additions that keep covariances definite.
  const Proposal truth = two_modes(2, 5.0);
  const Matrix theta = truth.draw(address(5), 3000);
  const Vector none = Vector::Zero(3000);
  const Affine skewed{.shift = Vector{{1.0, -2.0}}, .scale = Matrix{{1e3, 0.0}, {500.0, 1e2}}};
  const double plain = fit_mixture(theta, none, ball(2, 0.0, 1.0), {.components = 2}).log_density;
  EXPECT_NEAR(fit_mixture(theta, none, skewed, {.components = 2}).log_density, plain, 1e-3);
}

TEST(MixtureFit, OfFewOrStrangeDrawsCanStillBeDrawnFrom) {
  for (const Index n : {Index{1}, Index{2}, Index{6}, Index{50}}) {
    Matrix theta(3, n);
    fill_normal(address(6), theta);
    theta.row(1) = theta.row(0);
    if (n == 50) theta(2, 7) = 1e8;
    const MixtureFit fit = fit_mixture(theta, Vector::Zero(n), ball(3, 0.0, 1.0));
    ASSERT_GE(fit.mixture.num_components(), 1) << n;
    const Matrix fresh = fit.mixture.draw(address(7), 500);
    EXPECT_TRUE(fresh.allFinite()) << n;
    EXPECT_TRUE(fit.mixture.log_density(fresh).allFinite()) << n;
  }
  // All weight on one draw.
  Matrix theta(2, 100);
  fill_normal(address(8), theta);
  Vector log_weight = Vector::Constant(100, -infinity);
  log_weight(3) = 0.0;
  EXPECT_TRUE(fit_mixture(theta, log_weight, ball(2, 0.0, 1.0)).mixture.draw(address(9), 100).allFinite());
}

TEST(MixtureFit, RefusesDrawsWithoutWeight) {
  const auto fault = [](const Vector& log_weight, Index components) {
    try {
      fit_mixture(Matrix::Zero(2, 3), log_weight, ball(2, 0.0, 1.0), {.components = components});
    } catch (const Error& error) {
      return error.fault();
    }
    return Fault::usage;
  };
  EXPECT_EQ(fault(Vector::Constant(3, -infinity), 3), Fault::numeric);
  EXPECT_EQ(fault(Vector::Zero(2), 3), Fault::bug);
  EXPECT_EQ(fault(Vector::Zero(3), 0), Fault::bug);
}

}  // namespace
}  // namespace vfe
