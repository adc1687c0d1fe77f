#include "vfe/statistics/mixing.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "vfe/core/random.hpp"
#include "vfe/statistics/rhat.hpp"

namespace vfe {
namespace {

constexpr Index superchains = 32, chains = 64;

Matrix normals(Index rows, Index cols) {
  Matrix x(rows, cols);
  fill_normal({.seed = 9, .purpose = Purpose::check}, x);
  return x;
}

TEST(Mixing, ErrorsOfIndependentDrawsAreThoseOfTheirNumber) {
  const Index n = chains * 100;
  const Mixing found = mixing(3.0 + (1e-3 * normals(1, n)).array(), superchains, chains);
  EXPECT_EQ(found.quantities, 1);
  // An sd estimated from 32 superchains: good to 1 in 8.
  EXPECT_NEAR(found.mean_error * std::sqrt(static_cast<double>(n)), 1.0, 0.4);
  EXPECT_NEAR(found.sd_error * std::sqrt(2.0 * static_cast<double>(n)), 1.0, 0.4);
  EXPECT_LT(found.rhat, nested_rhat_limit(superchains, 1));
}

TEST(Mixing, ErrorsCountWhatChainsRepeat) {
  // Every draw ten times in a row: errors of a tenth of the draws.
  const Matrix fresh = normals(1, chains * 20);
  Matrix repeated(1, fresh.cols() * 10);
  for (Index t = 0; t < 200; ++t)
    repeated.middleCols(t * chains, chains) = fresh.middleCols(t / 10 * chains, chains);
  const Mixing once = mixing(fresh, superchains, chains), ten = mixing(repeated, superchains, chains);
  EXPECT_NEAR(ten.mean_error, once.mean_error, 1e-12);
  EXPECT_NEAR(ten.sd_error, once.sd_error, 1e-12);
}

TEST(Mixing, CorrelationsOfNeighboursAreThoseOfAnAutoregression) {
  Matrix x = normals(2, chains * 100);
  for (Index s = chains; s < x.cols(); ++s)
    x(1, s) = 0.7 * x(1, s - chains) + std::sqrt(1.0 - 0.49) * x(1, s);
  const Mixing found = mixing(x, superchains, chains);
  EXPECT_EQ(found.lag_correlation_at, 1);
  EXPECT_NEAR(found.lag_correlation, 0.7, 0.05);
  EXPECT_LT(mixing(x.row(0), superchains, chains).lag_correlation, 0.05);
}

TEST(Mixing, NamesTheWorstQuantity) {
  Matrix x = normals(4, chains * 50);
  for (Index s = 0; s < x.cols(); ++s) {
    if (s % chains < 8) x(2, s) += 4.0;  // four superchains elsewhere
  }
  x.row(1).setConstant(7.0);
  const Mixing found = mixing(x, superchains, chains);
  EXPECT_EQ(found.quantities, 3);
  EXPECT_EQ(found.rhat_at, 2);
  EXPECT_EQ(found.mean_error_at, 2);
  EXPECT_GT(found.rhat, nested_rhat_limit(superchains, 3));
}

TEST(Mixing, AQuantityThatIsNotFiniteIsTheWorst) {
  Matrix x = normals(2, chains * 20);
  x(1, 17) = std::numeric_limits<double>::infinity();
  const Mixing found = mixing(x, superchains, chains);
  EXPECT_EQ(found.rhat_at, 1);
  EXPECT_TRUE(std::isinf(found.rhat) && std::isinf(found.mean_error) && std::isinf(found.sd_error));
}

}  // namespace
}  // namespace vfe
