#include "vfe/statistics/rhat.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

Matrix normals(Index rows, Index cols, std::uint32_t which = 0) {
  Matrix x(rows, cols);
  fill_normal({.seed = 5, .purpose = Purpose::check, .step = which}, x);
  return x;
}

TEST(NestedRhat, LimitsGrowWithTheQuantities) {
  EXPECT_NEAR(nested_rhat_limit(32, 26), 1.0213520276169843, 1e-12);
  EXPECT_NEAR(nested_rhat_limit(32, 200), 1.0234817579465705, 1e-12);
  EXPECT_NEAR(nested_rhat_limit(32, 2000), 1.0257532825016729, 1e-12);
}

TEST(NestedRhat, FollowsItsDefinition) {
  // Chain means 2, 3 | 6, 7, variances in chains 2, between chains of a superchain 1/2, between
  // superchains 8.
  const Matrix x{{1.0, 3.0}, {2.0, 4.0}, {5.0, 7.0}, {6.0, 8.0}};
  EXPECT_DOUBLE_EQ(nested_rhat(x, 2), std::sqrt(1.0 + 8.0 / 2.5));
  // Four superchains of a chain each: variance between 17/3, within 2.
  EXPECT_DOUBLE_EQ(nested_rhat(x, 4), std::sqrt(1.0 + 17.0 / 3.0 / 2.0));
  // A single iteration: chains alone vary within superchains.
  EXPECT_DOUBLE_EQ(nested_rhat(x.col(0), 2), std::sqrt(1.0 + 8.0 / 0.5));
}

TEST(NestedRhat, OfIndependentDrawsHasTheExpectationOfItsDefinition) {
  // B / W has mean about 1 / (draws of a superchain).
  double sum = 0.0;
  const int repeats = 50;
  for (int r = 0; r < repeats; ++r) {
    sum += std::pow(rank_nested_rhat(normals(64, 50, static_cast<std::uint32_t>(r)), 32), 2) - 1.0;
  }
  // The larger of two: between once and twice the expectation of one.
  EXPECT_GT(sum / repeats, 0.009);
  EXPECT_LT(sum / repeats, 0.015);
  EXPECT_LT(rank_nested_rhat(normals(64, 400), 32), 1.003);
}

TEST(NestedRhat, SeesSuperchainsInDifferentPlaces) {
  Matrix x = normals(64, 30);
  x.topRows(32).array() += 10.0;
  EXPECT_GT(nested_rhat(x, 32), 3.0);
  EXPECT_GT(rank_nested_rhat(x, 32), 1.5);
  // A single superchain that never came back.
  x = normals(64, 30);
  EXPECT_LT(rank_nested_rhat(x, 32), nested_rhat_limit(32, 1));
  x.topRows(2).array() += 5.0;
  EXPECT_GT(rank_nested_rhat(x, 32), nested_rhat_limit(32, 1));
}

TEST(NestedRhat, SeesSuperchainsOfDifferentScale) {
  Matrix x = normals(64, 100);
  x.topRows(32) *= 4.0;
  EXPECT_LT(rank_nested_rhat(normals(64, 100), 32), 1.01);
  EXPECT_GT(rank_nested_rhat(x, 32), 1.2);
}

TEST(NestedRhat, OfRanksNeedsNoMomentsAndIgnoresMonotoneMaps) {
  const Matrix z = normals(64, 40);
  const Matrix cauchy = z.array() / normals(64, 40, 1).array();
  EXPECT_LT(rank_nested_rhat(cauchy, 32), 1.015);
  // What is odd about its median keeps its folded ranks, too.
  Matrix symmetric(64, 80);
  symmetric << z, -z;
  EXPECT_NEAR(rank_nested_rhat(symmetric, 32), rank_nested_rhat(symmetric.array().cube(), 32), 1e-12);
}

TEST(NestedRhat, TiesShareTheirRank) {
  // Two values, equally many in every chain: nothing differs between superchains.
  Matrix x(4, 10);
  for (Index c = 0; c < 4; ++c) {
    for (Index t = 0; t < 10; ++t) x(c, t) = static_cast<double>((t + c) % 2);
  }
  EXPECT_EQ(rank_nested_rhat(x, 2), 1.0);
}

TEST(NestedRhat, DegenerateValues) {
  EXPECT_EQ(rank_nested_rhat(Matrix::Constant(4, 3, 2.0), 2), 1.0);
  Matrix stuck(4, 3);
  stuck << 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2;
  EXPECT_EQ(rank_nested_rhat(stuck, 2), infinity);
  Matrix x = normals(4, 10);
  x(2, 3) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(nested_rhat(x, 2), infinity);
  EXPECT_EQ(rank_nested_rhat(x, 2), infinity);
  EXPECT_THROW(nested_rhat(normals(4, 10), 1), Error);
  EXPECT_THROW(nested_rhat(normals(4, 10), 3), Error);
  EXPECT_THROW(nested_rhat(Matrix(4, 0), 2), Error);
}

TEST(Rhat, OfTwoHalvesIsThatOfTheBook) {
  // Means 1 and 2, mean variance 4, 10 numbers each: B = 10 / 2, W = 4.
  EXPECT_NEAR(rhat(Vector{{1.0, 2.0}}, 4.0, 0.9), std::sqrt(0.9 + 5.0 / (10.0 * 4.0)), 1e-15);
  EXPECT_EQ(rhat(Vector{{1.0, 1.0}}, 0.0), 1.0);
  EXPECT_EQ(rhat(Vector{{1.0, 2.0}}, 0.0), infinity);
}

}  // namespace
}  // namespace vfe
