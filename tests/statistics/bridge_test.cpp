#include "vfe/statistics/bridge.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

constexpr double log_evidence = 7.0;

Matrix normals(Index d, Index count, std::uint64_t seed, std::uint32_t which) {
  Matrix z(d, count);
  fill_normal({.seed = seed, .purpose = Purpose::check, .block = which}, z);
  return z;
}

/// Log weights of draws x: posterior N(shift, sd^2 I) times exp(7), q = N(0, I).
Vector log_weights(const Matrix& x, double shift, double sd) {
  const double d = static_cast<double>(x.rows());
  const Vector log_p =
      -0.5 * ((x.array() - shift) / sd).square().colwise().sum().transpose() - d * std::log(sd);
  const Vector log_q = -0.5 * x.array().square().colwise().sum().transpose();
  return (log_p - log_q).array() + log_evidence;
}

BridgeEstimate of_normals(Index d, Index count, double shift, double sd, std::uint64_t seed) {
  const Matrix q = normals(d, count, seed, 0), p = (sd * normals(d, count, seed, 1).array() + shift).matrix();
  return bridge(log_weights(q, shift, sd), log_weights(p, shift, sd), static_cast<double>(count));
}

TEST(Bridge, OfEqualDensitiesIsExact) {
  const BridgeEstimate found = of_normals(3, 100, 0.0, 1.0, 1);
  EXPECT_NEAR(found.log_evidence, log_evidence, 1e-10);
  EXPECT_NEAR(found.error, 0.0, 1e-10);
  EXPECT_TRUE(found.converged);
}

// The three-error interval of 500 repetitions: 0.27 % of normals fall outside, 3 and more of 500 in 15 % of
// cases, 8 and more in 1e-4. Errors themselves have the right size: the root mean square of their ratio is 1
// within 1/sqrt(2 500) = 3 %, four times that allowed.
TEST(Bridge, ErrorsAreHonest) {
  int outside = 0;
  double sum = 0.0;
  constexpr int repetitions = 500;
  for (std::uint64_t seed = 0; seed < repetitions; ++seed) {
    const BridgeEstimate found = of_normals(20, 400, 0.1, 1.15, seed);
    EXPECT_TRUE(found.converged);
    EXPECT_LT(found.lower, found.upper);
    const double z = (found.log_evidence - log_evidence) / found.error;
    sum += z * z;
    outside += std::abs(z) > 3.0;
  }
  EXPECT_LT(outside, 8);
  EXPECT_NEAR(std::sqrt(sum / repetitions), 1.0, 0.12);
}

TEST(Bridge, BetweenFarDensitiesSaysSo) {
  const BridgeEstimate near = of_normals(2, 500, 0.5, 1.0, 1), far = of_normals(2, 500, 2.5, 1.0, 1);
  EXPECT_GT(far.error, 3.0 * near.error);
  EXPECT_LT(far.lower, log_evidence);
  EXPECT_GT(far.upper, log_evidence);
}

TEST(Bridge, DrawsWithoutDensityCountAsSuch) {
  // q is twice as wide as the posterior, uniform on half of it: half of its draws have weight 0, the others
  // twice exp(7).
  Vector of_q = Vector::Constant(1000, log_evidence + std::log(2.0));
  of_q.head(500).setConstant(-std::numeric_limits<double>::infinity());
  const Vector of_p = Vector::Constant(800, log_evidence + std::log(2.0));
  const BridgeEstimate found = bridge(of_q, of_p, 800.0);
  EXPECT_NEAR(found.log_evidence, log_evidence, 1e-10);
  EXPECT_GT(found.error, 0.01);
}

TEST(Bridge, FewerEffectiveDrawsMeanALargerError) {
  const Matrix q = normals(5, 400, 1, 0), p = (1.2 * normals(5, 400, 1, 1).array()).matrix();
  const Vector of_q = log_weights(q, 0.0, 1.2), of_p = log_weights(p, 0.0, 1.2);
  EXPECT_GT(bridge(of_q, of_p, 20.0).error, bridge(of_q, of_p, 400.0).error);
  EXPECT_THROW(bridge(of_q, of_p, 500.0), Error);
  EXPECT_THROW(bridge(of_q, Vector(), 1.0), Error);
}

}  // namespace
}  // namespace vfe
