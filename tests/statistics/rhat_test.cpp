#include "vfe/statistics/rhat.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"
#include "vfe/statistics/distributions.hpp"

namespace vfe {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Matrix normals(Index rows, Index cols, std::uint32_t which = 0) {
  Matrix x(rows, cols);
  fill_normal({.seed = 5, .purpose = Purpose::check, .step = which}, x);
  return x;
}

TEST(Quantiles, NormalOnesAreThoseOfTheLiterature) {
  EXPECT_EQ(normal_quantile(0.5), 0.0);
  EXPECT_NEAR(normal_quantile(0.75), 0.6744897501960817, 1e-15);
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-14);
  EXPECT_NEAR(normal_quantile(1e-10), -6.361340902404056, 1e-13);
  for (const double z : {-8.0, -3.0, -1.3, 0.2, 1.1, 4.0}) {
    EXPECT_NEAR(normal_quantile(0.5 * std::erfc(-z / std::sqrt(2.0))), z, 1e-11) << z;
  }
}

TEST(Quantiles, ChiSquareOnesAgreeWithClosedFormsAndScipy) {
  for (const double above : {0.999, 0.3, 1e-3, 1e-9, 1e-200}) {
    EXPECT_NEAR(chi_square_exceeded(above, 2.0) / (-2.0 * std::log(above)), 1.0, 1e-11) << above;
  }
  const double z = normal_quantile(0.5 * 1e-4);
  EXPECT_NEAR(chi_square_exceeded(1e-4, 1.0), z * z, 1e-11);
  // scipy.stats.chi2.isf
  EXPECT_NEAR(chi_square_exceeded(0.01 / 52.0, 31.0), 66.89794469185333, 1e-10);
  EXPECT_NEAR(chi_square_exceeded(0.01 / 4000.0, 31.0), 80.8631846725832, 1e-10);
  EXPECT_NEAR(chi_square_exceeded(1e-12, 31.0), 121.91359005017611, 1e-10);
  EXPECT_NEAR(chi_square_exceeded(0.9, 31.0), 21.43356450031078, 1e-11);
  EXPECT_NEAR(chi_square_exceeded(0.5, 3.0), 2.3659738843753377, 1e-12);
}

TEST(Quantiles, StudentOnesAgreeWithClosedFormsAndScipy) {
  // Of one degree tan(pi (1/2 - p)), of two (1 - 2 p) / sqrt(2 p (1 - p)).
  for (const double above : {0.4, 0.01, 1e-5}) {
    EXPECT_NEAR(student_exceeded(above, 1) * std::tan(std::numbers::pi * above), 1.0, 1e-10) << above;
    const double two = (1.0 - 2.0 * above) / std::sqrt(2.0 * above * (1.0 - above));
    EXPECT_NEAR(student_exceeded(above, 2) / two, 1.0, 1e-10) << above;
  }
  // scipy.stats.t.isf
  EXPECT_NEAR(student_exceeded(0.025, 10), 2.228138852, 1e-9);
  EXPECT_NEAR(student_exceeded(0.3, 4), 0.5686490630497053, 1e-9);
  EXPECT_NEAR(student_exceeded(0.005 / 52.0, 31), 4.229456546901722, 1e-9);
  EXPECT_NEAR(student_exceeded(0.005 / 4000.0, 31), 5.7504737569266196, 1e-9);
  EXPECT_NEAR(student_exceeded(1e-9, 31), 8.344316303447016, 1e-6);
  EXPECT_NEAR(student_exceeded(1e-4, 1'000'000), -normal_quantile(1e-4), 1e-4);
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
